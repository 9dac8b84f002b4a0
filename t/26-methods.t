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

is methods('/ok/unsafe', qw(GET HEAD OPTIONS GET)), '200 200 200 200', 'UNSAFE: reading is not limited';
is methods('/ok/unsafe', qw(POST PUT)), '200 405', 'UNSAFE: two unsafe ones are admitted';
is methods('/ok/unsafe', qw(POST PUT PATCH DELETE)), '429 429 429 429', 'UNSAFE: all four share and are denied';
is methods('/ok/unsafe', 'GET'), 200, 'UNSAFE: reading goes on';

is methods('/ok/get', qw(POST OPTIONS POST)), '200 200 200', 'GET: others are not counted';
is methods('/ok/get', qw(GET HEAD GET HEAD)), '200 200 429 429', 'GET covers HEAD';
is methods('/ok/get', 'POST'), 200, 'nor denied';
is methods('/ok/list', qw(OPTIONS POST HEAD GET POST OPTIONS)), '200 200 200 429 429 200', 'a list, in any letter case';
is methods('/ok/all', qw(GET HEAD POST OPTIONS BREW PROPFIND)) =~ /429/ ? 1 : 0, 0, 'ALL: whatever the method';
is methods('/ok/all', qw(GET PROPFIND OPTIONS BREW)), '429 429 429 429', 'ALL: all are counted';
methods('/ok/default', qw(GET HEAD POST OPTIONS BREW PROPFIND));
is methods('/ok/default', qw(GET PROPFIND OPTIONS BREW)), '429 429 429 429', 'ALL is the default';
is methods('/ok/brew', qw(BREW BREW GET)), '501 501 200', 'a method httpd does not know';
is methods('/ok/brew', qw(BREW GET)), '429 200', 'can be limited alone';
is methods('/ok/case', qw(post Post POST post GET)), '501 501 429 429 200', 'post is POST to a script, and here';
is methods('/ok/key', qw(GET HEAD GET post POST pOST)), '200 200 429 501 200 429', 'key=method: neither HEAD nor letter case is another key';
is methods('/ok/get-and-post', qw(POST POST GET GET POST GET GET GET)), '200 429 200 200 429 200 200 429', 'one rule each';

finish allow => qr/AH00135/;    # invalid method
