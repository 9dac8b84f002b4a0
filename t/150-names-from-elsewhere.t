# SPDX-License-Identifier: Apache-2.0
# Where else an application may find the name of the account: under a name with a mark on it, behind one more decoding, in a
# cookie, under another spelling of the URL. What the module makes of it, and what the manual advises.
use RL::Test;
use RL::H2;
use IO::Socket::IP;

my $URLENCODED = 'application/x-www-form-urlencoded';

# An example of the manual, as it stands there, but for rates that are too short to count in.
sub example {
    my ($file, $like) = @_;
    my ($text) = grep { /$like/ } slurp($file) =~ /^ *```apache\n(.*?)^ *```/msg;
    return ($text // die "$file has no example like $like\n") =~ s{/[mh]\b}{/30d}gr;
}

# ---- names with marks, values that are decoded once more ------------------------------------------------------
my $s = httpd(<<'END');
ScriptAliasMatch "^/(?:count|skip)" "${CGIBIN}/env.cgi"
<Location /count>
    RateLimit r 1000/30d key=form:user missing=deny
</Location>
<Location /skip>
    RateLimit r 0/30d key=form:user absent=skip missing=deny
</Location>
END
sub post { my ($path, $body, @more) = @_; return status($s, $path, method => 'POST', body => $body, type => $URLENCODED, @more) }

# Zope reads user:string as user, Spring !user if there is no user.
for my $twin ('user:string', 'user:utf8:ustring', 'user%3Alist', '!user', '%21user', '$user', 'user*', 'user(0)', 'user%2B', '@USER', "user'", 'user%253Ax') {
    is post('/count', "user=fresh&$twin=admin"), 429, "$twin beside the field casts doubt on it";
    is post('/skip',  "$twin=admin"), 429, "$twin without the field: it isn't certain that the field is not there";
}
for my $other ('user-name', 'user_name', 'my_user', 'f:user', 'f!user', 'users:x', 'use:r') {
    is post('/count', "user=fresh&$other=x"), 200, "$other beside the field is another";
    is post('/skip',  "$other=x"), 200, "$other without the field: it is not there";
}
is post('/count', "user=$_"), 429, "a name with $_ is in doubt" for '%25u0061dmin', 'adm%25U0069n', '%26%2397dmin', '%26%23x61dmin';
is post('/count', "user=$_"), 200, "a name with $_ is one" for '50%25u', 'AT%26T', '%25u00', 'r%26%23d', 'a%2Bb%40c.org', 'CORP%5Cu1234567';

# ---- a body in another way ------------------------------------------------------------------------------------
for my $header ([ 'Content_Type' => 'text/plain' ], [ 'X-HTTP-Method-Override' => 'GET' ], [ 'X-Content-Type' => 'text/plain' ]) {
    is post('/skip', 'user=admin', headers => $header), 429, "$header->[0]: the field is seen all the same";
}
is post('/skip', 'user=admin', method => $_), 429, "$_: the field is seen" for qw(GET PUT PATCH DELETE PROPFIND FOO);
is post('/count', "\xff\xfeu\0s\0e\0r\0=\0a\0"), 429, 'UTF-16 is in doubt';
is post('/count', 'user=a', type => "$URLENCODED; charset=$_"), 429, "charset=$_ is in doubt" for qw(utf-7 utf-16 ibm037 iso-2022-jp), '"utf-8 "';

# ---- cookies, and names with a model in front -----------------------------------------------------------------
$s = httpd("ScriptAliasMatch \"^/login\" \"\${CGIBIN}/env.cgi\"\n<Location /login>\n" . example('docs/security.md', qr/name-in-cookie/) . "</Location>\n");
is post('/login', 'username=a&password=x'), 200, 'an honest login';
is post('/login', 'username=a', headers => [ Cookie => 'session=1; lang=de; user=x; username_hint=a' ]), 200, 'with other cookies';
is post('/login', 'username=a', headers => [ Cookie => $_ ]), 403, "Cookie: $_: refused"
    for 'username=admin', 'a=b; username=admin', 'a=b;username=', 'username[]=admin', '%75sername=admin', 'USERNAME=admin', 'username=a; username=b', 'a=b, username=admin';
is post('/login', "username=a&$_=admin"), 403, "$_: refused" for 'model.username', 'Model.UserName', 'model[username]', '%6dodel.username';

# ---- another spelling of the URL ------------------------------------------------------------------------------
$s = httpd(example('docs/rules.md', qr/\(\?i\)/) =~ s{10/30d}{0/30d}r);
is status($s, $_, method => 'POST'), 429, "$_ is the login to somebody" for qw(/login /LOGIN /Login/ /login/x /login.json /login;x=1 /%6Cogin /login%2Exml //login /x/../login);
is status($s, $_, method => 'POST'), 404, "$_ is something else" for qw(/loginx /x/login /log.in);

# ---- a body that breaks off behind what was looked at -----------------------------------------------------------
# The program has begun by then, but nobody learns what it made of the try.
my $tried = '#!/bin/sh
body=$(cat)
printf "Status: 401 Wrong\\r\\nContent-Type: text/plain\\r\\n\\r\\n"
echo wrong';
$s = httpd(<<'END', files => { 'cgi-bin/login.cgi' => $tried });
<Location /cgi-bin/login.cgi>
    RateLimitFormLimit 1K
    RateLimit r 30/30d key=form:user count=401
</Location>
END
my $begun = 'user=admin&password=guess&pad=' . 'x' x 3000;
for my $way ([ 'Content-Length: 9000', $begun ], [ 'Transfer-Encoding: chunked', sprintf("%x\r\n%s\r\n", length $begun, $begun) ], [ 'Transfer-Encoding: chunked', sprintf("%x\r\n%s\r\nzz\r\n", length $begun, $begun) ]) {
    my ($header, $body) = @$way;
    my $c = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $s->port) or die;
    print {$c} "POST /cgi-bin/login.cgi HTTP/1.1\r\nHost: a\r\nContent-Type: $URLENCODED\r\n$header\r\n\r\n$body";
    shutdown $c, 1;
    like join('', <$c>), qr/\AHTTP\S+ 400 (?!.*wrong)/s, "$header, and it breaks off: 400, not what the program says";
}

# ---- many requests on one connection --------------------------------------------------------------------------
$s = httpd("Protocols h2c http/1.1\nScriptAliasMatch \"^/login\" \"\${CGIBIN}/env.cgi\"\n<Location /login>\n    RateLimit r 3/30d key=form:user\n</Location>\n");
my $h2 = RL::H2->new(port => $s->port);
my @ids = map { $h2->headers('POST', '/login', 'content-type' => $URLENCODED) } 1 .. 8;
$h2->data($_, 'user=ad', 0) for reverse @ids;
$h2->data($_, 'min', 1) for @ids;
my @statuses = map { ($h2->finished($_) // [0])->[0] } @ids;
is scalar(grep { $_ == 200 } @statuses), 3, 'HTTP/2: eight bodies in alternating frames: three are admitted' or diag "@statuses";
is post('/login', 'user=ADMIN'), 429, 'HTTP/1.1 counts with them';

finish allow => qr/AH01270|AH01590/;
