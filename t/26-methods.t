# SPDX-License-Identifier: Apache-2.0
# methods=: other requests are neither checked nor counted.
use RL::Test;

my $s = httpd(<<'END');
<Location /ok/unsafe>
    RateLimit r 2/30d methods=UNSAFE
</Location>
<Location /ok/get>
    RateLimit r 2/30d methods=get
</Location>
<Location /ok/list>
    RateLimit r 2/30d methods=Post,gEt
</Location>
<Location /ok/all>
    RateLimit r 6/30d methods=all
</Location>
<Location /ok/default>
    RateLimit r 6/30d
</Location>
<Location /ok/brew>
    RateLimit r 2/30d methods=brew
</Location>
<Location /ok/case>
    RateLimit r 2/30d methods=POST
</Location>
<Location /ok/key>
    RateLimit r 2/30d key=method
</Location>
<Location /ok/get-and-post>
    RateLimit reads 4/30d methods=GET
    RateLimit writes 1/30d methods=POST
</Location>
END

# The statuses of these methods in this order; 405 is what a plain file answers when nothing denies.
sub methods { my ($path, @m) = @_; return join ' ', map { status($s, $path, method => $_) } @m }

is methods('/ok/unsafe', qw(GET HEAD OPTIONS GET)), '200 200 200 200', 'methods=UNSAFE: GET, HEAD and OPTIONS are not limited';
is methods('/ok/unsafe', qw(POST PUT)), '200 405', 'methods=UNSAFE: POST and PUT are admitted';
is methods('/ok/unsafe', qw(POST PUT PATCH DELETE)), '429 429 429 429', 'methods=UNSAFE: POST, PUT, PATCH and DELETE share a counter';
is methods('/ok/unsafe', 'GET'), 200, 'methods=UNSAFE: GET is not denied when it is full';

is methods('/ok/get', qw(POST OPTIONS POST)), '200 200 200', 'methods=get: POST and OPTIONS are not counted';
is methods('/ok/get', qw(GET HEAD GET HEAD)), '200 200 429 429', 'methods=get covers HEAD';
is methods('/ok/get', 'POST'), 200, 'methods=get: POST is not denied when it is full';
is methods('/ok/list', qw(OPTIONS POST HEAD GET POST OPTIONS)), '200 200 200 429 429 200', 'methods=Post,gEt: a list in any letter case';
is methods('/ok/all', qw(GET HEAD POST OPTIONS BREW PROPFIND)) =~ /429/ ? 1 : 0, 0, 'methods=all: six methods are admitted';
is methods('/ok/all', qw(GET PROPFIND OPTIONS BREW)), '429 429 429 429', 'methods=all: every method is counted';
methods('/ok/default', qw(GET HEAD POST OPTIONS BREW PROPFIND));
is methods('/ok/default', qw(GET PROPFIND OPTIONS BREW)), '429 429 429 429', 'without methods= every method is counted';
is methods('/ok/brew', qw(BREW BREW GET)), '501 501 200', 'methods=brew: a method that httpd does not know is admitted';
is methods('/ok/brew', qw(BREW GET)), '429 200', 'methods=brew: a method that httpd does not know is counted alone';
is methods('/ok/case', qw(post Post POST post GET)), '501 501 429 429 200', 'methods=POST: post is POST, as it is to a script';
is methods('/ok/key', qw(GET HEAD GET post POST pOST)), '200 200 429 501 200 429', 'key=method: neither HEAD nor letter case is another key';
is methods('/ok/get-and-post', qw(POST POST GET GET POST GET GET GET)), '200 429 200 200 429 200 200 429', 'two rules of one location, each for its method';

finish allow => qr/AH00135/;    # invalid method
