# SPDX-License-Identifier: Apache-2.0
# What README.md, the manual and the examples advise holds against programs that read more than the form that is meant.
use RL::Test;
use RL::Fpm;

# An example, as it stands there, but for rates that are too short to count in.
sub example {
    my ($file, $like, %rates) = @_;
    my ($text) = grep { /$like/ } slurp($file) =~ /^ *```apache\n(.*?)^ *```/msg;
    $text // die "$file has no example like $like\n";
    $text =~ s/\Q$_\E/$rates{$_}/g or die "$file: no rate $_\n" for sort keys %rates;
    return $text;
}

# ---- a login form: fields from wherever a program can take them ----------------------------------------------
# Like CGI.pm, Rack, Plack and Java together; and CGI.pm itself.
my $lenient = <<'END';
#!/usr/bin/perl
read STDIN, my $body, 9999;
my ($user) = "$ENV{QUERY_STRING}&$body" =~ /(?:^|&)username=([^&]*)/;
print "Content-Type: text/plain\n\n", defined $user ? "tries $user\n" : "the form\n";
END
my $cgi_pm = eval { require CGI; 1 } ? <<'END' : $lenient;
#!/usr/bin/perl
use CGI;
my $user = CGI->new->param('username');
print "Content-Type: text/plain\n\n", defined $user ? "tries $user\n" : "the form\n";
END
my @ways = (
    [ 'POST' ], [ 'PUT' ], [ 'PATCH' ], [ 'DELETE' ], [ 'GET' ], [ 'HEAD' ], [ 'post' ], [ 'SEARCH' ], map({ [ $_, 1 ] } qw(GET HEAD DELETE POST PUT PATCH OPTIONS post X)),
);
my $address = 0;
sub from { $address++; return (from => '10.0.' . int($address / 250) . '.' . ($address % 250)) }

my %advice = (
    'README.md'                      => example('README.md', qr/account/, map { $_ => $_ =~ s/m$/d/r } '10/m'),
    'docs/security.md'               => example('docs/security.md', qr/account 30.*<If/s),
    'conf/examples/login-form.conf'  => slurp('conf/examples/login-form.conf') =~ s{(300|10|60)/[mh]}{900/d}gr,
);
for my $source (sort keys %advice) { for my $script ([ lenient => $lenient ], [ 'CGI.pm' => $cgi_pm ]) {
    my $name = "$source, $script->[0]";
    my $s = httpd("RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1\n" . ($advice{$source} =~ s{30/h}{30/d}gr), files => { 'cgi-bin/login.cgi' => $script->[1] });
    my $url = '/cgi-bin/login.cgi';
    my @honest = map { status($s, $url, method => 'POST', body => "username=user$_&password=x", from()) } 1 .. 40;
    is "@honest", join(' ', (200) x 40), "$name: forty people sign in";
    is join(' ', map { status($s, $url, from()) } 1 .. 40), join(' ', (200) x 40), "$name: and look at the form before";
    my $tries = 0;
    for my $way (@ways) {
        my ($method, $query) = @$way;
        for (1 .. 35) {
            my $r = request($s, $method, $url . ($query ? '?username=admin&password=x' : ''), ($query ? () : (body => 'username=admin&password=x')), from());
            $tries++ if $r->body =~ /tries admin/ || ($method eq 'HEAD' && $r->status == 200);
        }
    }
    is $tries, 30, "$name: thirty tries against one account, by whatever method, from wherever it takes the fields";
} }

my $s = httpd("RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1\n<Location \"/cgi-bin/login.cgi\">\n" . example('docs/security.md', qr/account-url/, '30/h' => '30/d') . '</Location>',
    files => { 'cgi-bin/login.cgi' => $lenient });
is join(' ', map { status($s, '/cgi-bin/login.cgi?return=/shop', method => 'POST', body => "username=user$_", from()) } 1 .. 40), join(' ', (200) x 40),
    'a URL that does not name the account: everybody signs in';
my $tries = grep { status($s, '/cgi-bin/login.cgi?username=admin&return=/shop', method => 'POST', from()) == 200 } 1 .. 40;
is $tries, 30, 'one that does: thirty tries';
for my $doubt ('username=a&username=admin', 'username[]=a&username=admin') {
    $tries += grep { status($s, "/cgi-bin/login.cgi?$doubt&return=/shop", method => 'POST', from()) == 200 } 1 .. 40;
}
is $tries, 60, 'and thirty more of those that are in doubt, together';

# ---- clear= and names that are folded into one ---------------------------------------------------------------
$s = httpd("ScriptAliasMatch \"^/login\" \"\${CGIBIN}/answer.cgi\"\n" . example('docs/security.md', qr/fold=off/, '5/15m' => '5/30d', '30/h' => '30/30d'),
    files => { 'cgi-bin/answer.cgi' => <<'END' });
#!/bin/sh
case $(cat) in
*password=secret*) printf 'Status: 302 Found\nLocation: /\nContent-Type: text/plain\n\nwelcome\n' ;;
*) printf 'Status: 401 Unauthorized\nContent-Type: text/plain\n\nwrong\n' ;;
esac
END
my $attempt = sub { my ($user, $password) = @_; return (logged($s, 'POST', '/login', body => "username=$user&password=$password"))[0]->status };
is join(' ', map { $attempt->('admin', 'guess') } 1 .. 6), '401 401 401 401 401 429', 'five guesses at admin';
is $attempt->('%C3%A0dmin', 'secret'), 302, 'the owner of another name that is folded with it signs in';
is $attempt->('admin', 'guess'), 429, 'and has not cleared the guesses';
my $passed = 5 + grep { $_ == 401 } map { my $name = sprintf '%sDMIN%s', $_ % 2 ? 'a' : 'A', '+' x $_; $attempt->($name, 'guess'), $attempt->('%C3%A0dmin', 'secret') } 1 .. 40;
is $passed, 30, 'thirty guesses at all spellings together';

# ---- mod_auth_form: where an outcome leads -------------------------------------------------------------------
$s = httpd(<<'END' . example('docs/outcomes.md', qr/welcome/, '5/15m' => '5/30d'), modules => [qw(auth_form request session session_cookie)]);
ErrorLogFormat "%M"
<Location "/dologin">
    SetHandler form-login-handler
    AuthFormProvider file
    AuthUserFile conf/users
    AuthType form
    AuthName x
    Session On
    SessionCookieName session path=/
    AuthFormLoginRequiredLocation "/login.html?%{QUERY_STRING}"
    AuthFormLoginSuccessLocation "/welcome.html"
</Location>
END
my $sign_in = sub {
    my ($query, $password) = @_;
    my $r = request($s, 'POST', "/dologin$query", body => "httpd_username=alice&httpd_password=$password");
    return $r->status . ' ' . ($r->header('Location') // '') =~ s{^https?://[^/]+}{}r;
};
is join(', ', map { $sign_in->('', 'secret') } 1 .. 7), join(', ', ('302 /welcome.html') x 7), 'the right password costs nothing';
is join(', ', map { $sign_in->('?/welcome.html', 'wrong') } 1 .. 6), join(', ', ('302 /login.html?/welcome.html') x 5, '429 '), 'a wrong one counts, wherever the client says it comes from';
is $sign_in->('?referer=/welcome.html', 'secret'), '429 ', 'and keeps counting';

# ---- files that are not counted: scripts with such names are -------------------------------------------------
for my $source ('README.md', 'docs/rules.md', 'docs/reference.md', 'conf/examples/shared-hosting.conf') {
    my ($pattern) = slurp($source) =~ m{("unless=%\{REQUEST_FILENAME\} =~ .*?")} or die "$source: no unless=\n";
    my $t = httpd(<<"END", modules => [qw(proxy proxy_fcgi)], files => { 'htdocs/php/index.php' => '<?php echo "page\n";', 'htdocs/php/x.css' => "css\n" });
<Location "/">
    RateLimit pages 3/30d $pattern key=query:k
</Location>
ProxyPassMatch "^/php/(index\\.php(/.*)?)\$" "unix:\${ROOT}/run/fpm.sock|fcgi://localhost\${DOCROOT}/php/\$1"
<Directory "\${DOCROOT}/handled">
    SetHandler "proxy:unix:\${ROOT}/run/fpm.sock|fcgi://localhost/"
</Directory>
Alias "/handled/" "\${DOCROOT}/php/"
END
    RL::Fpm->start($t);
    is statuses($t, 6, '/php/x.css?k=1'), '200 200 200 200 200 200', "$source: files are not counted";
    is statuses($t, 4, '/php/index.php/x.css?k=2'), '200 200 200 429', "$source: a script behind ProxyPassMatch is";
    is statuses($t, 4, '/cgi-bin/env.cgi/x.css?k=3'), '200 200 200 429', "$source: a script of this server is";
}

# ---- path parameters of servlet containers -------------------------------------------------------------------
$s = httpd(example('docs/rules.md', qr{/app}, '10/m' => '3/30d'));
my @paths = ('/app/login;x=1', '/app;v=2/login', '/app/login/;jsessionid=1', '/app/login', '/app/login;x', '/app;/login;/', '/app/%6Cogin%3Bx');
is join(' ', map { status($s, $_, method => 'POST', body => 'a=b') } @paths), '404 404 404 429 429 429 429', 'path parameters make no other login of it';
is status($s, $_, method => 'POST', body => 'a=b'), 404, "$_ is something else" for '/app/loginx', '/appx/login', '/app/login.html';

finish allow => qr/AH01617|AH01630|AH01797|AH01276|client denied|proxy_fcgi/;
