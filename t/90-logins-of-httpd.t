# SPDX-License-Identifier: Apache-2.0
# auth-failed and auth-ok: what httpd's own authentication says of the credentials, settled as soon as it is known.
use RL::Test;
use RL::H2;
use RL::Stores;
use Digest::MD5 qw(md5_hex);
use MIME::Base64 ();

my $rules = <<'END';
Protocols h2c http/1.1
<Location /ok/count>
    Include conf/auth.conf
    RateLimit login 3/30d key=header:X-K count=auth-failed
</Location>
<Location /ok/clear>
    Include conf/auth.conf
    RateLimit login 3/30d key=header:X-K count=auth-failed clear=auth-ok
</Location>
<Location /ok/five>
    Include conf/auth.conf
    RateLimit login 5/30d count=auth-failed clear=auth-ok
</Location>
<Location /cgi-bin/wait.cgi>
    Include conf/auth.conf
    RateLimit login 2/30d key=all count=auth-failed
</Location>
<Location /cgi-bin/wait.cgi/open>
    Require all granted
</Location>
<Location /ok/account>
    Include conf/auth.conf
    RateLimit login 3/30d key=claimed-user count=auth-failed clear=auth-ok
</Location>
<Location /ok/account/open>
    Require all granted
</Location>
<Location /ok/other>
    AuthType Basic
    AuthName test
    AuthBasicProvider file
    AuthUserFile "${ROOT}/conf/users"
    Require user nobody
    RateLimit login 3/30d key=header:X-K count=auth-failed clear=auth-ok
</Location>
<Location /ok/forbidden>
    AuthType Basic
    AuthName test
    AuthBasicProvider file
    AuthUserFile "${ROOT}/conf/users"
    AuthzSendForbiddenOnFailure On
    Require user nobody
    RateLimit login 3/30d key=header:X-K count=auth-ok
</Location>
<Location /ok/mixed>
    Include conf/auth.conf
    RateLimit login 3/30d key=header:X-K count=AUTH-FAILED,404 clear=Auth-OK
</Location>
<Location /ok/broken>
    Include conf/auth.conf
    AuthUserFile "${ROOT}/conf/no-such-users"
    RateLimit login 3/30d key=header:X-K count=auth-failed
</Location>
<Location /ok/nameless>
    AuthType Basic
    AuthUserFile "${ROOT}/conf/users"
    Require valid-user
    RateLimit login 3/30d key=header:X-K count=auth-failed
</Location>
<Location /ok/any>
    Include conf/auth.conf
    Order allow,deny
    Allow from env=IN
    Satisfy Any
    RateLimit login 3/30d key=header:X-K count=auth-failed clear=auth-ok
</Location>
SetEnvIf Request_URI "/in$" IN
<Location /ok/require-any>
    AuthType Basic
    AuthName test
    AuthBasicProvider file
    AuthUserFile "${ROOT}/conf/users"
    <RequireAny>
        Require env IN
        Require valid-user
    </RequireAny>
    RateLimit login 3/30d key=header:X-K count=auth-failed clear=auth-ok
</Location>
<Location /ok/fake>
    AuthBasicFake alice wrong
    RateLimit login 3/30d key=header:X-K count=auth-failed
</Location>
<Location /ok/typed>
    Include conf/auth.conf
    AuthType "%{req:X-Type}"
    RateLimit login 3/30d key=header:X-K count=auth-failed
</Location>
<Location /ok/page>
    Include conf/auth.conf
    ErrorDocument 401 /ok/page/sorry
    RateLimit login 3/30d key=header:X-K count=auth-failed
</Location>
<Location /ok/digest>
    AuthType Digest
    AuthName digest
    AuthDigestProvider file
    AuthUserFile "${ROOT}/conf/digest"
    Require valid-user
    RateLimit login 3/30d key=header:X-K count=auth-failed
</Location>
<Location /ok/form>
    AuthType form
    AuthName form
    AuthFormProvider file
    AuthUserFile "${ROOT}/conf/users"
    AuthFormMethod method
    Session On
    SessionCookieName session path=/
    Require valid-user
    RateLimit login 3/30d key=header:X-K count=auth-failed clear=auth-ok
</Location>
<Location /ok/formto>
    AuthType form
    AuthName form
    AuthFormProvider file
    AuthFormLoginRequiredLocation "/login"
    AuthUserFile "${ROOT}/conf/users"
    Session On
    SessionCookieName session path=/
    Require valid-user
    RateLimit login 3/30d key=header:X-K count=auth-failed
</Location>
<Location /dologin>
    SetHandler form-login-handler
    AuthType form
    AuthName form
    AuthFormProvider file
    AuthUserFile "${ROOT}/conf/users"
    Session On
    SessionCookieName session path=/
    RateLimit login 3/30d key=header:X-K count=auth-failed
</Location>
<Location /ok/twins>
    Include conf/auth.conf
    RateLimit one 3/30d key=header:X-K group=twins count=auth-failed
    RateLimit two 3/30d key=header:X-K group=twins count=auth-failed,auth-ok
</Location>
<Location /ok/beside>
    Include conf/auth.conf
    RateLimit login 3/30d key=header:X-K count=auth-failed
    RateLimit users 2/30d key=user
</Location>
<Location /ok/watch>
    Include conf/auth.conf
    RateLimit login 2/30d key=header:X-K count=auth-failed clear=auth-ok action=observe
</Location>
<Location /ok/penalty>
    Include conf/auth.conf
    RateLimit login 2/30d key=header:X-K count=auth-failed clear=auth-ok penalty=1h
</Location>
<Directory "${DOCROOT}/pub">
    Options +Indexes
    AllowOverride AuthConfig
    RateLimit login 3/30d key=header:X-K count=auth-failed
    RewriteEngine On
    RewriteRule "^short$" "/pub/private/x"
</Directory>
<Directory "${DOCROOT}/index">
    DirectoryIndex page.html
    RateLimit login 3/30d key=header:X-K count=auth-failed
    <Files page.html>
        Include conf/auth.conf
    </Files>
</Directory>
END

my $proxy = <<'END';
<VirtualHost 127.0.0.1:${PORT2}>
    ProxyRequests On
    <Proxy "*">
        Include conf/auth.conf
        RateLimit login 3/30d key=header:X-K count=auth-failed
    </Proxy>
</VirtualHost>
END

my %files = (
    'conf/digest' => 'alice:digest:' . md5_hex('alice:digest:secret') . "\n",
    'htdocs/pub/private/.htaccess' => "Include conf/auth.conf\n", 'htdocs/pub/private/x' => 'x',
    (map { ("htdocs/pub/p$_/.htaccess" => '', "htdocs/pub/p$_/x" => 'x') } 1 .. 5),
    'htdocs/index/page.html' => 'page',
    'cgi-bin/wait.cgi' => <<'CGI',
#!/bin/sh
cd "$DOCUMENT_ROOT/../tmp" && mkdir "started$QUERY_STRING" || exit 1
while [ ! -e go ]; do sleep 0.02; done
printf 'Content-Type: text/plain\n\nhere\n'
CGI
);
my $users = 'AuthType Basic
AuthName test
AuthBasicProvider file
AuthUserFile ROOT/conf/users
Require valid-user
';
my @wrong = (auth => 'alice:wrong');
my @right = (auth => 'alice:secret');
my $n = 0;

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules . $proxy, files => \%files, modules => [qw(auth_digest auth_form session session_cookie request proxy proxy_http)]);
    mkdir "$s->{root}/tmp" or die;
    chmod 0777, "$s->{root}/tmp";
    for my $dir ('private', map { "p$_" } 1 .. 5) {
        open my $fh, '>', "$s->{root}/htdocs/pub/$dir/.htaccess" or die;
        print $fh $users =~ s/ROOT/$s->{root}/r;
        close $fh;
    }
    my ($key, $method) = ('', 'GET');
    my $fresh = sub { $key = 'k' . ++$n };
    my $see = sub { my ($path, %o) = @_; return (logged($s, delete $o{method} // $method, $path, %o, headers => [ 'X-K' => $key, @{ $o{headers} // [] } ])) };
    my $try = sub { my ($r, $line) = $see->(@_); return $r->status . ' ' . ($line->{remaining} // '-') };
    my $series = sub { my ($path, @tries) = @_; return join ', ', map { $try->($path, @$_) } @tries };
    my @none = ();

    # ---- what counts -----------------------------------------------------------------------------------------------
    $fresh->();
    is $series->('/ok/count', (\@right) x 5), join(', ', ('200 3') x 5), "$name: the right password doesn't count, and nothing is held in the end";
    is $series->('/ok/count', (\@none) x 5), join(', ', ('401 3') x 5), "$name: a request without a password neither";
    is $series->('/ok/count', \@wrong, \@right, \@wrong, \@none, \@wrong), '401 2, 200 2, 401 1, 401 1, 401 0', "$name: a wrong one does";
    is $series->('/ok/count', \@wrong, \@right, \@none), '429 0, 429 0, 429 0', "$name: then all are denied";
    $fresh->();
    is $series->('/ok/count', [ auth => 'nobody:x' ], [ headers => [ Authorization => 'Bearer x' ] ], [ headers => [ Authorization => 'Basic !' ] ]), '401 2, 401 1, 401 0',
        "$name: an unknown user, another scheme, and what can't be read count";
    $fresh->();
    is $series->('/ok/count', [ headers => [ Authorization => '' ] ]), '401 3', "$name: an empty field is no password";
    $fresh->();
    is $series->('/ok/clear', \@wrong, \@wrong, \@right, \@wrong, \@wrong, \@wrong, \@right), '401 2, 401 1, 200 3, 401 2, 401 1, 401 0, 429 0', "$name: clear=auth-ok: the right password clears";
    $fresh->();
    is $series->('/ok/clear', \@wrong, \@none, \@wrong), '401 2, 401 2, 401 1', "$name: clear=auth-ok: a request without one doesn't";
    my $from = $s->log_mark;
    is_deeply histogram(parallel($s, 30, '/ok/five', @wrong)), { 401 => 5, 429 => 25 }, "$name: of thirty guesses together five are admitted";
    is scalar(grep { /AH01617/ } $s->log_lines($from)), 5, "$name: and five passwords checked";

    # ---- when it is settled ----------------------------------------------------------------------------------------
    my @waiting;
    for my $i (1 .. 4) {
        push @waiting, connection($s);
        $waiting[-1]->send_request('GET', "/cgi-bin/wait.cgi?$i", keepalive => 0, @right);
        await(20, sub { -d "$s->{root}/tmp/started$i" }) or last;
    }
    is scalar(@waiting), 4, "$name: four requests with the right password are answered at the same time under 2/30d";
    push @waiting, my $open = connection($s);
    $open->send_request('GET', '/cgi-bin/wait.cgi/open?5', keepalive => 0);
    ok await(20, sub { -d "$s->{root}/tmp/started5" }), "$name: beside them one that needs none";
    open my $go, '>', "$s->{root}/tmp/go" or die;
    is join(' ', map { $_->read_response->status } @waiting), '200 200 200 200 200', "$name: all are answered";

    # ---- accepted, but not let in -----------------------------------------------------------------------------------
    $fresh->();
    is $series->('/ok/other', \@wrong, \@wrong, \@right, \@wrong), '401 2, 401 1, 401 3, 401 2', "$name: who isn't let in has shown a right password";
    $fresh->();
    is $series->('/ok/forbidden', \@wrong, \@right), '401 3, 403 2', "$name: a 403 of authorization is no refusal; count=auth-ok counts";

    # ---- nothing to say ---------------------------------------------------------------------------------------------
    for my $place (qw(broken nameless)) {
        $fresh->();
        is $series->("/ok/$place", \@wrong, \@right), '500 3, 500 3', "$name: $place: a failure of the server's says nothing";
    }
    $fresh->();
    is $series->('/ok/any', \@wrong, \@right, \@wrong), '401 2, 200 3, 401 2', "$name: Satisfy Any: the password decides";
    is $series->('/ok/any/in', \@wrong, \@right, \@none), '200 2, 200 2, 200 2', "$name: Satisfy Any: who is let in without is asked for none";
    $fresh->();
    is $series->('/ok/require-any', \@wrong, \@right, \@wrong), '401 2, 200 3, 401 2', "$name: RequireAny: the password decides";
    is $series->('/ok/require-any/in', \@wrong, \@right, \@none), '200 2, 200 2, 200 2', "$name: RequireAny: who is let in without is asked for none";
    $fresh->();
    is $series->('/ok/fake', \@none, \@wrong), '200 3, 200 3', "$name: AuthBasicFake is no authentication";
    $fresh->();
    is $series->('/ok/typed', [ @wrong, headers => [ 'X-Type' => 'Basic' ] ], [ @wrong, headers => [ 'X-Type' => 'Else' ] ]), '401 2, 500 2', "$name: AuthType as an expression";

    # ---- other lists, other rules ------------------------------------------------------------------------------------
    $fresh->();
    is $series->('/ok/mixed', \@wrong, \@wrong, \@right, \@wrong), '401 2, 401 1, 200 3, 401 2', "$name: in a list with statuses";
    $fresh->();
    is $series->('/ok/twins', \@wrong, \@right, \@wrong, \@none), '401 2, 200 1, 401 0, 429 0', "$name: two rules on one counter: charged if it counts for one";
    $fresh->();
    is $series->('/ok/beside', \@right, \@right), '200 1, 200 0', "$name: beside a rule of the user: the user's is the closest";
    is(($see->('/ok/beside', @right))[0]->status, 429, "$name: beside a rule of the user: which denies");
    is $series->('/ok/beside', \@wrong, [ auth => 'bob:hunter2' ]), '401 2, 200 1', "$name: beside a rule of the user: a denial has not counted";
    $fresh->();
    is join(' ', map { ($see->('/ok/watch', @$_))[1]{state} } (\@wrong) x 4, \@right, \@wrong), 'allowed allowed observed observed observed allowed', "$name: action=observe";
    $fresh->();
    is $series->('/ok/penalty', (\@right) x 4, \@wrong, \@wrong), join(', ', ('200 2') x 4, '401 1', '401 0'), "$name: penalty=: right passwords begin none";
    is $series->('/ok/penalty', \@right), '429 0', "$name: penalty=: what is over the limit does";

    # ---- whose counter ----------------------------------------------------------------------------------------------
    is $series->('/ok/account', \@wrong, \@wrong, [ auth => 'bob:hunter2' ], \@wrong), '401 2, 401 1, 200 3, 401 0', "$name: claimed-user: another's success doesn't clear";
    is $series->('/ok/account', [ auth => 'bob:x' ], [ auth => 'bob:hunter2' ], [ auth => 'bob:x' ]), '401 2, 200 3, 401 2', "$name: claimed-user: one's own does";
    is $series->('/ok/account/open', [ auth => 'bob:hunter2' ]), '200 2', "$name: claimed-user: not where no password is checked";

    # ---- redirects, error documents, look-ups ------------------------------------------------------------------------
    $fresh->();
    is $series->('/ok/page', \@wrong, \@right, \@wrong), '401 2, 200 2, 401 1', "$name: an error document behind the same password counts once";
    $fresh->();
    is $series->('/pub/short', (\@wrong) x 2, \@right, \@none, \@wrong, \@right), '401 2, 401 1, 200 1, 401 1, 401 0, 429 0', "$name: where a rewrite leads, the password is a try";
    $fresh->();
    is $series->('/index/', \@wrong, \@right, \@none, (\@wrong) x 2, \@right), '401 2, 200 2, 401 2, 401 1, 401 0, 429 0', "$name: where DirectoryIndex leads, too";
    $fresh->();
    my ($list) = $see->('/pub/', @right);
    is scalar(() = $list->body =~ /href="p\d/g), 5, "$name: an index of directories that need a password lists them for who has it";
    is $try->('/pub/', @right), '200 3', "$name: and costs nothing";
    ($list) = $see->('/pub/', @wrong);
    is scalar(() = $list->body =~ /href="p\d/g), 0, "$name: and not for who guesses";
    is $try->('/pub/', @right), '200 2', "$name: who is one try by it";

    # ---- Digest ------------------------------------------------------------------------------------------------------
    my $digest = sub {
        my ($password, %o) = @_;
        my $nonce = $o{nonce} // ((request($s, 'GET', '/ok/digest', headers => [ 'X-K' => 'nonce' ])->header('WWW-Authenticate')) =~ /nonce="([^"]*)"/)[0];
        my $ha1 = md5_hex("alice:digest:$password");
        my $response = md5_hex(join ':', $ha1, $nonce, '00000001', 'c', 'auth', md5_hex('GET:/ok/digest'));
        return [ headers => [ Authorization => qq(Digest username="alice", realm="digest", nonce="$nonce", uri="/ok/digest", qop=auth, nc=00000001, cnonce="c", response="$response") . ($o{more} // '') ] ];
    };
    my $old = 'AAAAAAAAAAA=' . 'a' x 40;    # not of this server, as if it had been restarted since
    $fresh->();
    is $series->('/ok/digest', \@none, $digest->('secret')), '401 3, 200 3', "$name: Digest: the right password doesn't count";
    is $series->('/ok/digest', $digest->('wrong'), \@wrong), '401 2, 401 1', "$name: Digest: a wrong one does, and so does a Basic one";
    my ($stale) = $see->('/ok/digest', @{ $digest->('secret', nonce => $old) });
    like $stale->header('WWW-Authenticate'), qr/stale=true/, "$name: Digest: an old nonce";
    is $try->('/ok/digest'), '401 1', "$name: Digest: is no refusal";
    is $series->('/ok/digest', $digest->('wrong', nonce => $old, more => ', opaque="7"')), '401 0', "$name: Digest: with a wrong password it is";

    # ---- mod_auth_form -----------------------------------------------------------------------------------------------
    my $session = sub { my ($user, $pw) = @_; return [ headers => [ Cookie => "session=form-user=$user&form-pw=$pw" ] ] };
    $fresh->();
    is $series->('/ok/form', \@none, \@wrong, $session->('alice', 'secret'), $session->('alice', 'wrong'), $session->('x', 'y')), '401 3, 401 3, 200 3, 401 2, 401 1', "$name: mod_auth_form: a session's password";
    is $series->('/ok/form', $session->('bob', 'hunter2')), '200 3', "$name: mod_auth_form: a right one clears";
    my $post = sub { return [ method => 'POST', body => "httpd_username=alice&httpd_password=$_[0]" ] };
    is $series->('/ok/form', $post->('x'), $post->('y')), '401 2, 401 1', "$name: mod_auth_form: a form posted to the page";
    is(($see->('/ok/form', @{ $post->('secret') }))[1]{remaining}, 3, "$name: mod_auth_form: with the right password");
    $fresh->();
    is $series->('/ok/formto', \@none, $session->('alice', 'wrong'), $session->('alice', 'secret')), '302 3, 302 2, 200 2', "$name: mod_auth_form: a redirect to the login";
    $fresh->();
    is $series->('/dologin', $post->('x'), $post->('secret'), $post->('y')), '401 3, 200 3, 401 3', "$name: mod_auth_form: what its login handler says is no such outcome";

    # ---- proxies, HTTP/2 ---------------------------------------------------------------------------------------------
    my $via = sub {
        my ($password) = @_;
        my $from = $s->access_mark;
        my $c = connection($s, port => $s->{ports}[1]);
        my @h = ('X-K' => $key, defined $password ? ('Proxy-Authorization' => 'Basic ' . MIME::Base64::encode_base64("alice:$password", '')) : ());
        my $r = $c->request('GET', 'http://127.0.0.1:' . $s->port . '/ok', keepalive => 0, headers => \@h);
        await(10, sub { grep { $_->{remaining} ne '-' } $s->access($from) });
        return $r->status . ' ' . (grep { $_->{remaining} ne '-' } $s->access($from))[0]{remaining};
    };
    $fresh->();
    is join(', ', map { $via->($_) } undef, 'wrong', 'secret', 'x', 'y', 'secret'), '407 3, 407 2, 200 2, 407 1, 407 0, 429 0', "$name: a forward proxy's passwords";

    $fresh->();
    my $stream = sub {
        my ($auth) = @_;
        my $from = $s->access_mark;
        my $h2 = RL::H2->new(port => $s->port);
        my $id = $h2->headers('GET', '/ok/count', 'x-k' => $key, authorization => 'Basic ' . MIME::Base64::encode_base64($auth, ''));
        my $status = ($h2->finished($id, 10) // ['-'])->[0];
        $h2->logged($s, $from, qr{ uri=/ok/count });
        return $status;
    };
    is join(' ', map { $stream->($_) } ('alice:secret') x 5, ('alice:x') x 3, 'alice:secret'), '200 200 200 200 200 401 401 401 429', "$name: over HTTP/2 alike";
    $s->stop;
}

config_error "RateLimit r 5/15m $_\n", 'RateLimit', /(count|clear)=auth/ ? "$1=" : '', $_, qr/after authentication/
    for 'key=user count=auth-failed', 'key=user-or-ip clear=auth-ok', 'count=auth-failed "when=%{REMOTE_USER} == \'x\'"';

finish;
