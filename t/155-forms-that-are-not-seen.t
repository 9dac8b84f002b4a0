# SPDX-License-Identifier: Apache-2.0
# Programs may see nothing of a form that is sent in chunks, without content-length over HTTP/2, or by a method that isn't
# exactly POST. Such a form counts for the name in it, but what comes of it is nobody's success: nobody gets a known browser's
# cookie for a name that the program hasn't read, or clears its counter.
use RL::Test;
use RL::Body;
use RL::Fpm;

my $FORM = 'application/x-www-form-urlencoded';

# Signs in who has the right password, and renews the session of who is signed in and sends no name, as WordPress does.
my %files = ('cgi-bin/login.cgi' => <<'CGI', 'htdocs/php/login.php' => <<'PHP');
#!/usr/bin/perl
my $body = substr do { local $/; <STDIN> // '' }, 0, $ENV{CONTENT_LENGTH} // 0;
my ($user, $password) = map { "&$body" =~ /&$_=([^&]*)/ ? $1 : '' } qw(user password);
my $in = $user eq '' && $password eq '' ? ($ENV{HTTP_COOKIE} // '') =~ /session=guest/ : $user eq 'guest' && $password eq 'mine';
print "Content-Type: text/plain\n", $in ? "Set-Cookie: session=guest\n" : '', "\nname '$user'\n";
CGI
<?php
header('Content-Type: text/plain');
$user = $_POST['user'] ?? '';
$password = $_POST['password'] ?? '';
if ($user === '' && $password === '' ? ($_COOKIE['session'] ?? '') === 'guest' : $user === 'guest' && $password === 'mine') setcookie('session', 'guest');
echo "name '$user'\n";
PHP
my $s = httpd(<<'END', files => \%files, modules => [qw(proxy proxy_fcgi)]);
Protocols h2c http/1.1
ScriptAlias /cgi "${CGIBIN}/login.cgi"
ScriptAlias /clear "${CGIBIN}/login.cgi"
ScriptAlias /front "${CGIBIN}/env.cgi"
<FilesMatch "\.php$">
    SetHandler "proxy:unix:${ROOT}/run/fpm.sock|fcgi://localhost/"
</FilesMatch>
<Location /cgi>
    RateLimit account 5/30d key=form:user absent=skip clear=set-cookie:session known=30d
</Location>
<Location /php/login.php>
    RateLimit account 5/30d key=form:user absent=skip clear=set-cookie:session known=30d
</Location>
<LocationMatch "^/(cgi|php/login\.php)/all">
    RateLimit account 50/30d key=form:user absent=skip clear=set-cookie:session known=30d
</LocationMatch>
<Location /clear>
    RateLimit account 3/30d methods=POST key=form:user absent=skip clear=set-cookie:session
</Location>
<Location /front>
    RateLimit account 2/30d methods=POST key=form:user absent=skip missing=deny
</Location>
END
RL::Fpm->start($s, php => { enable_post_data_reading => 'on' });

sub post { my ($path, $body, %o) = @_; return (logged($s, delete $o{method} // 'POST', $path, type => $FORM, body => $body, %o))[0] }
sub known { my ($r) = @_; return grep { /\Aratelimit-known=/ } $r->header('Set-Cookie') }
my @signed_in = (headers => [ Cookie => 'session=guest' ]);
my $long = 'user=admin&j=' . 'j' x 40_000;
my @unseen = ([ 'in chunks', 'user=admin', chunked => 3 ], [ 'long, in chunks', $long, chunked => 4000 ], [ 'by post', 'user=admin', method => 'post' ],
    [ 'by PUT', 'user=admin', method => 'PUT' ], [ 'by GET', 'user=admin', method => 'GET' ]);

for my $path ('/cgi', '/php/login.php') {
    is scalar(known(post($path, 'user=guest&password=mine'))), 1, "$path: a success makes the browser known";
    for my $how (@unseen) {
        my ($name, $body, @o) = @$how;
        is scalar(known(post("$path/all", $body, @signed_in, @o))), 0, "$path: $name: there is no known browser of a name that wasn't read";
    }
    like post("$path/all", $long =~ s/admin/other/r, @signed_in, chunked => 4000)->body, qr/name ''/, "$path: of a long form in chunks the program sees nothing";
    my $tried = grep { $_ != 429 } map {
        my (undef, $body, @o) = @{ $unseen[ $_ % 3 ] };
        post($path, $body, @signed_in, @o) if $_ % 4 == 0;
        post($path, "user=admin&password=guess$_")->status;
    } 1 .. 20;
    is $tried, 4, "$path: of twenty guesses four are tried: forms that the program didn't see, sent between them, clear nothing, and count";
    is join(' ', map { post($path, 'user=chunk', chunked => 5)->status } 1 .. 6), '200 200 200 200 200 429', "$path: in chunks: counts for its name";
    is post($path, 'user=chunk')->status, 429, "$path: which is the same name as in a form with a length";
    is post($path, 'other=a', chunked => 3)->status, 200, "$path: in chunks: a field that is not there is certainly absent";
}

# Without known=, clear= alone.
is join(' ', map { ((map { post('/clear', "user=a&password=$_")->status } 1, 2), post('/clear', 'user=a', @signed_in, chunked => 3)->status) } 1 .. 2), '200 200 200 429 429 429',
    'clear= without known= clears nothing either';

my $h2 = sub { my ($body, @options) = @_; return h2_status(port => $s->port, path => '/front', type => $FORM, body => $body, options => \@options) };
is join(' ', map { $h2->('user=a', @$_) } ['--no-content-length'], [], []), '200 200 429', 'HTTP/2 without a length: counts for its name';
is $h2->('other=a', '--no-content-length'), 200, 'HTTP/2 without one: a field that is not there is certainly absent';

finish;
