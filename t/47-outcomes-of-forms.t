# SPDX-License-Identifier: Apache-2.0
# count= and clear= on login forms as there are: a CGI that answers 200 whatever was wrong, mod_auth_form, error
# documents, redirects inside the server; and answers that nobody waits for.
use RL::Test;
use RL::Stores;
use Socket qw(SOL_SOCKET SO_LINGER);

my %files = (
    # A form: 200 for a wrong password, 302 for the right one.
    'cgi-bin/form.cgi' => <<'END',
#!/bin/sh
case $(cat) in
*password=secret*) printf 'Status: 302 Found\nLocation: /welcome.html\nContent-Type: text/plain\n\nwelcome\n' ;;
*) printf 'Content-Type: text/plain\n\nwrong\n' ;;
esac
END
    # A page of the status in the query string, or of the one that it has anyway.
    'cgi-bin/page.cgi' => <<'END',
#!/bin/sh
[ -z "$QUERY_STRING" ] || printf 'Status: %s\n' "$QUERY_STRING"
printf 'Content-Type: text/plain\n\npage\n'
END
    # Tells its parent's pid, waits for a file, and answers with more than any buffer holds.
    'cgi-bin/wait.cgi' => <<'END',
#!/bin/sh
mkdir -p "$DOCUMENT_ROOT/../tmp/$QUERY_STRING"
cd "$DOCUMENT_ROOT/../tmp/$QUERY_STRING" || exit 1
echo $PPID >pid && mv pid started
while [ ! -e go ]; do sleep 0.02; done
printf 'Content-Type: text/plain\n\n'
head -c 5000000 /dev/zero
END
    'htdocs/login.html' => "the form\n", 'htdocs/welcome.html' => "welcome\n", 'htdocs/in/x' => "inside\n",
    'htdocs/late.lua' => "function handle(r)\n r.content_type = 'text/plain'\n r:puts(string.rep('x', 100000))\n r:flush()\n return 500\nend\n",
    'htdocs/di/index.cgi' => "#!/bin/sh\nprintf 'Status: 404\\nContent-Type: text/plain\\n\\nindex\\n'\n",
    'htdocs/rw/x' => '',
);

my $form = <<'END';
    AuthType form
    AuthName "test"
    AuthFormProvider file
    AuthUserFile "${ROOT}/conf/users"
    Session On
    SessionCookieName session path=/
END
my $lua = RL::Conf::has_module('lua');
my $rules = <<"END";
ScriptAliasMatch "^/form/" "\${CGIBIN}/form.cgi"
ScriptAliasMatch "^/page/" "\${CGIBIN}/page.cgi"
<Location /form/counted>
    RateLimit login 3/30d key=ip+form:username methods=POST "count=expr=%{REQUEST_STATUS} != 302" clear=302
</Location>
<Location /form/all>
    RateLimit login 3/30d key=ip+form:username methods=POST clear=302
</Location>
<Location /form/body>
    RateLimit login 3/30d methods=POST count=2xx clear=3xx
</Location>

<Location /login>
    SetHandler form-login-handler
$form
    AuthFormLoginSuccessLocation "/welcome.html"
    RateLimit login 3/30d key=form:httpd_username count=401 clear=302
</Location>
<Location /login-page>
    SetHandler form-login-handler
$form
    AuthFormLoginSuccessLocation "/welcome.html"
    AuthFormLoginRequiredLocation "/login.html"
    RateLimit login 3/30d "count=expr=%{resp:Location} =~ m#/login\\.html\$#" "clear=expr=%{resp:Location} =~ m#/welcome\\.html\$#"
</Location>
<Location /in>
$form
    Require valid-user
    ErrorDocument 401 /login.html
    RateLimit login 3/30d methods=POST key=form:httpd_username count=401 clear=2xx
</Location>

<Location /page/doc>
    Include conf/auth.conf
    ErrorDocument 401 /login.html
    RateLimit login 3/30d count=401 clear=200
</Location>
<Location /page/cgi>
    Include conf/auth.conf
    ErrorDocument 401 /page/
    RateLimit login 3/30d count=401 clear=200
</Location>
<Location /page/hides>
    Include conf/auth.conf
    ErrorDocument 401 /page/?200
    RateLimit shown  30/30d count=401
    RateLimit behind 10/30d "count=expr=%{env:REDIRECT_STATUS} == 401"
</Location>
ScriptAlias /local/ "\${CGIBIN}/"
<Location /local/redirect.cgi>
    RateLimit r 10/30d count=404
</Location>
<Location /di>
    RateLimit r 10/30d count=404
</Location>
<Directory "\${DOCROOT}/di">
    Options +ExecCGI
    AddHandler cgi-script .cgi
    DirectoryIndex index.cgi
</Directory>
<Location /rw>
    RateLimit r 10/30d count=404
</Location>
<Directory "\${DOCROOT}/rw">
    RewriteEngine On
    RewriteRule "^(\\d+)\$" "/page/?\$1" [PT]
</Directory>
<Location /proxied>
    RateLimit r 10/30d count=404
    ProxyPass http://127.0.0.1:\${PORT2}/page
</Location>
<Location /cgi-bin/wait.cgi>
    RateLimit aborted 9/30d count=404 clear=200 key=all group=waiting
</Location>
<Location /ok/waiting>
    RateLimit aborted 9/30d count=404 clear=200 key=all group=waiting action=observe
    Header always set X-Remaining %{RATELIMIT_REMAINING}e
</Location>
<Location /cgi-bin/page.cgi>
    RateLimit aborted 9/30d count=404 clear=200 key=all group=waiting
</Location>
END
$rules .= <<'END' if $lua;
LuaMapHandler /late ${DOCROOT}/late.lua
<Location /late>
    RateLimit seen   10/30d count=200
    RateLimit logged 20/30d count=500
</Location>
END
my @modules = (qw(auth_form request session session_cookie proxy proxy_http), $lua ? 'lua' : ());

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => \%files, modules => \@modules);
    my $see = sub { my ($method, $path, %o) = @_; return (logged($s, $method, $path, %o))[1] };
    my $post = sub { my ($n, $path, $body) = @_; return join ' ', map { $see->('POST', $path, body => $body)->{status} } 1 .. $n };
    my $get = sub { my ($n, $path, %o) = @_; return join ' ', map { $see->('GET', $path, %o)->{status} } 1 .. $n };
    my $left = sub { my $l = $see->('GET', @_); return "$l->{status} $l->{remaining}" };

    # ---- a CGI -------------------------------------------------------------------------------------------------
    for my $kind (qw(counted all)) {
        my ($wrong, $right) = map { "username=a&password=$_" } qw(guess secret);
        is $post->(8, "/form/$kind", $right), join(' ', (302) x 8), "$name: form $kind: eight right passwords are admitted";
        is $post->(2, "/form/$kind", $wrong), '200 200', "$name: form $kind: two wrong passwords are answered";
        is $post->(1, "/form/$kind", $right), '302', "$name: form $kind: after two wrong passwords the right one is admitted";
        is $post->(4, "/form/$kind", $wrong), '200 200 200 429', "$name: form $kind: a success has cleared; the fourth wrong password after it is denied";
        is $post->(1, "/form/$kind", $right), '429', "$name: form $kind: after three wrong passwords the right one is denied";
        is $post->(1, "/form/$kind", 'username=b&password=secret'), '302', "$name: form $kind: the right password of another account is admitted";
    }
    my %body = (body => 'username=p&password=guess');
    is_deeply histogram(parallel($s, 20, sub { ('POST', '/form/counted', %body) })), { 200 => 3, 429 => 17 }, "$name: of twenty guesses together three are admitted";
    is $post->(3, '/form/body', 'password=secret'), '302 302 302', "$name: count=2xx clear=3xx: successes are admitted";
    is $post->(4, '/form/body', 'password=guess'), '200 200 200 429', "$name: count=2xx clear=3xx: the fourth failure is denied";

    # ---- mod_auth_form -----------------------------------------------------------------------------------------
    my ($wrong, $right, $bob) = map { "httpd_username=$_" } 'alice&httpd_password=x', 'alice&httpd_password=secret', 'bob&httpd_password=hunter2';
    is $post->(5, '/login', $right), '302 302 302 302 302', "$name: form-login-handler: five right passwords are admitted";
    is $post->(2, '/login', $wrong), '401 401', "$name: form-login-handler: two wrong passwords are answered";
    is $post->(1, '/login', $right), '302', "$name: form-login-handler: after two wrong passwords the right one is admitted";
    is $post->(5, '/login', $wrong), '401 401 401 429 429', "$name: form-login-handler: a success has cleared; the fourth wrong password after it is denied";
    is $post->(1, '/login', $right), '429', "$name: form-login-handler: after three wrong passwords the right one is denied";
    is $post->(1, '/login', $bob),   '302', "$name: form-login-handler: the right password of another user is admitted";
    is $post->(5, '/login-page', $right), '302 302 302 302 302', "$name: told by Location: five right passwords are admitted";
    is $post->(2, '/login-page', $wrong), '302 302', "$name: told by Location: two wrong passwords are answered";
    is $post->(1, '/login-page', $right), '302', "$name: told by Location: after two wrong passwords the right one is admitted";
    is $post->(5, '/login-page', $wrong), '302 302 302 429 429', "$name: told by Location: a success has cleared; the fourth wrong password after it is denied";
    is $post->(5, '/in/x', $right), '200 200 200 200 200', "$name: inline: five right passwords are admitted" ;
    is $post->(2, '/in/x', $wrong), '401 401', "$name: inline: two wrong passwords are answered with a page";
    is $post->(1, '/in/x', $right), '200', "$name: inline: after two wrong passwords the right one is admitted";
    is $post->(5, '/in/x', $wrong), '401 401 401 429 429', "$name: inline: a success has cleared; the fourth wrong password after it is denied";
    is $get->(4, '/in/x'), '401 401 401 401', "$name: inline: a GET of the form is no try";

    # ---- error documents and redirects -------------------------------------------------------------------------
    my @wrong = (auth => 'alice:x');
    my @right = (auth => 'alice:secret');
    for my $kind (qw(doc cgi)) {
        is $get->(5, "/page/$kind", @right), '200 200 200 200 200', "$name: error document, $kind: five right passwords are admitted";
        is $get->(2, "/page/$kind", @wrong), '401 401', "$name: error document, $kind: two wrong passwords are answered";
        is $get->(1, "/page/$kind", @right), '200', "$name: error document, $kind: after two wrong passwords the right one is admitted";
        is $get->(4, "/page/$kind", @wrong), '401 401 401 429', "$name: error document, $kind: a success has cleared; the fourth wrong password after it is denied";
    }
    is $get->(3, '/page/hides', @wrong), '200 200 200', "$name: an error document that says 200 is the answer to a wrong password";
    my $line = $see->('GET', '/page/hides', @wrong);
    is "$line->{rule} $line->{remaining}", 'behind 6', "$name: an error document that says 200: count= sees 200, and in REDIRECT_STATUS the 401";
    is $left->('/local/redirect.cgi?/page/?404'), '404 9', "$name: a redirect inside the server that ends in a 404";
    is $left->('/local/redirect.cgi?/ok/'), '200 8', "$name: a redirect inside the server has counted by the 404 it ended in";
    is $left->('/local/redirect.cgi?/ok/'), '200 8', "$name: a redirect inside the server that ended in a 200 has not counted";
    is join(' ', map { $left->('/di/') } 1, 2), '404 9 404 8', "$name: a DirectoryIndex program counts by its own status";
    is join(' ', map { $left->("/rw/$_") } 404, 200, 200), '404 9 200 8 200 8', "$name: a rewrite to a program counts by the program's status";
    my $proxied = sub {    # has two lines in the log
        my ($status) = @_;
        my $mark = $s->access_mark;
        request($s, 'GET', "/proxied/?$status");
        my ($l) = grep { $_->{uri} eq '/proxied/' } $s->access($mark, 2);
        return "$l->{status} $l->{remaining}";
    };
    is join(' ', map { $proxied->($_) } 404, 200, 200), '404 9 200 8 200 8', "$name: a proxied answer counts by its status";
    SKIP: {
        skip 'mod_lua is not here', 2 if !$lua;
        is request($s, 'GET', '/late')->status, 200, "$name: a handler that fails after its header was sent is a 200 to the client";
        $line = $see->('GET', '/late');
        is "$line->{status} $line->{rule} $line->{remaining}", '500 seen 8', "$name: a handler that fails after its header was sent: the status that the client saw counts";
    }

    # ---- answered to nobody ----------------------------------------------------------------------------------------
    my $units = sub { return 9 - request($s, 'GET', '/ok/waiting/none')->header('X-Remaining') };
    my $waiting = sub {
        my ($id) = @_;
        my $c = connection($s);
        $c->send_request('GET', "/cgi-bin/wait.cgi?$id", headers => [ 'X-Test-Id' => $id ]);
        await(10, sub { -e $s->root . "/tmp/$id/started" }) or die "the script did not start\n";
        return $c;
    };
    mkdir $s->root . '/tmp';
    chmod 0777, $s->root . '/tmp';
    my $from = $s->access_mark;
    my $c = $waiting->('reset');
    setsockopt $c->{sock}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    $c->close;
    $s->write('tmp/reset/go', '');
    ok await(10, sub { grep { $_->{id} eq 'reset' } $s->access($from) }), "$name: a request whose connection was reset is over";
    $from = $s->access_mark;
    is $see->('GET', '/cgi-bin/page.cgi?404')->{remaining}, 8, "$name: a request whose connection was reset goes by its outcome: it has cleared";
    is $see->('GET', '/cgi-bin/page.cgi?404')->{remaining}, 7, "$name: requests after one that was reset are counted";
    $c = $waiting->('read');
    is $see->('GET', '/cgi-bin/page.cgi?404')->{remaining}, 5, "$name: a request that is in flight is charged";
    $s->write('tmp/read/go', '');
    is length $c->read_response->body, 5_000_000, "$name: a request that is in flight is answered to its end";
    $c->close;
    ok await(10, sub { grep { $_->{id} eq 'read' } $s->access($from) }), "$name: a request that was answered to its end is over";
    is $see->('GET', '/cgi-bin/page.cgi?404')->{remaining}, 8, "$name: a request that was answered to its end has cleared";
}

# A child that is killed: what it had charged stays, and it isn't given back.
if (RL::Conf::has_mpm('prefork')) {
    for (stores()) {
        my ($name, $store) = @$_;
        my $s = httpd($store . <<'END', mpm => 'prefork', workers => 4, files => { 'cgi-bin/wait.cgi' => $files{'cgi-bin/wait.cgi'} });
<LocationMatch "^/(cgi-bin/wait.cgi|ok)">
    RateLimit r 5/30d count=404 key=all
</LocationMatch>
END
        mkdir $s->root . '/tmp';
        chmod 0777, $s->root . '/tmp';
        my $c = connection($s);
        $c->send_request('GET', '/cgi-bin/wait.cgi?dies');
        ok await(10, sub { -e $s->root . '/tmp/dies/started' }), "$name: a child with a request in flight";
        my ($pid) = slurp($s->root . '/tmp/dies/started') =~ /(\d+)/;
        ok scalar(grep { $_ == $pid } $s->children), "$name: the request in flight is in a child of ours";
        kill KILL => $pid;
        ok await(10, sub { !grep { $_ == $pid } $s->children }), "$name: the child with the request in flight is killed";
        $s->write('tmp/dies/go', '');
        $c->close;
        is +(logged($s, 'GET', '/ok'))[1]{remaining}, 3, "$name: a request whose child was killed stays charged";
        is +(logged($s, 'GET', '/ok'))[1]{remaining}, 3, "$name: the next request, which does not count, was given back";
    }
}

finish allow => qr/exit signal Killed|AH00161|AH0180[0-9]/;
