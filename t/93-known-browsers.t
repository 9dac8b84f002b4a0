# SPDX-License-Identifier: Apache-2.0
# known=: a browser that has logged in to an account is counted apart, so that strangers who use up the account's limit
# don't lock its owner out; and nobody gets more guesses by it.
use RL::Test;
use RL::Stores;
use MIME::Base64 qw(decode_base64 encode_base64);

# Accounts are told apart to the byte, as far as this program knows: 302 for the right password, 200 for a wrong one.
my %files = ('cgi-bin/form.cgi' => <<'END');
#!/bin/sh
[ "$REQUEST_METHOD" = POST ] && input=$(cat) || input=$QUERY_STRING
case $input in
*user=admin*password=secret*|*user=Admin*password=secret*|*user=%C3%A0dm%C3%AFn*password=hers*|*user=mallory*password=hers*|*user=u[0-9]*password=secret*)
    printf 'Status: 302 Found\nLocation: /welcome.html\nSet-Cookie: session=1; Path=/\nSet-Cookie: lang=en\nContent-Type: text/plain\n\nwelcome\n' ;;
*)  printf 'Content-Type: text/plain\n\nwrong\n' ;;
esac
END
my $how   = 'key=form:user count=200 clear=302';
my $rules = <<"END";
ScriptAliasMatch "^/form/" "\${CGIBIN}/form.cgi"
<Location /form/one>
    RateLimit account 3/30d $how known=30d
</Location>
<Location /form/plain>
    RateLimit account 3/30d $how
</Location>
<Location /form/two>
    RateLimit account 6/30d $how known=1d
    RateLimit here 3/30d key=ip+form:user count=200 clear=302 known=1d
</Location>
<Location /form/short>
    RateLimit account 3/30d $how known=1s
</Location>
<Location /form/begin>
    RateLimit account 3/30d $how group=g known=1d
</Location>
<Location /form/go-on>
    RateLimit account 3/30d $how group=g known=30d
</Location>
<Location /form/other-rate>
    RateLimit account 2/29d $how group=g known=1d
</Location>
<Location /form/penalty>
    RateLimit account 3/30d $how known=1d penalty=1d
</Location>
<Location /form/observed>
    RateLimit account 3/30d $how known=1d action=observe
</Location>
<Location /form/traced>
    RateLimit account 3/30d $how known=1d
    LogLevel ratelimit_cache:debug
</Location>
<Location /form/beside>
    RateLimit all 100/30d key=form:user
    RateLimit account 3/30d $how known=1d
    RateLimit failures 100/30d $how
</Location>
<Location /form/computed>
    RateLimit account "expr=%{reqenv:COUNT}/30d" $how known=1d
    SetEnvIf X-Count "(.+)" COUNT=\$1
</Location>
<Location /form/session>
    RateLimit account 3/30d key=form:user count=200 clear=set-cookie:sess* known=1d
</Location>
<Location /form/welcome>
    RateLimit account 3/30d key=form:user count=200 clear=location:/welcome* known=1d
</Location>
<Location /form/any-cookie>
    RateLimit account 3/30d key=form:user count=200 clear=302 known=1d
    RateLimit cookies 3/30d key=form:user count=set-cookie:ratelimit-*
</Location>
<Location /ok/auth>
    Include conf/auth.conf
    RateLimit account 3/30d key=claimed-user count=auth-failed clear=auth-ok known=1d
</Location>
<Location /ok/basic>
    Include conf/auth.conf
    RateLimit account 3/30d key=claimed-user count=401 clear=2xx,3xx known=1d
</Location>
<Location /ok/basic/public>
    Require all granted
</Location>
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
END

sub cookies { my ($r) = @_; return map { /\Aratelimit-known=([^;]*)/ ? $1 : () } $r->header('Set-Cookie') }

# One try, with a cookie or without one; the response, once the outcome has been settled.
sub try {
    my ($s, $path, $user, $password, $cookie, %o) = @_;
    my @cookie = defined $cookie ? (Cookie => $cookie =~ /=/ ? $cookie : "ratelimit-known=$cookie") : ();
    return (logged($s, 'POST', $path, body => "user=$user&password=$password", %o, headers => [ @{ $o{headers} // [] }, @cookie ]))[0];
}
sub tries { my ($n, @try) = @_; return join ' ', map { try(@try)->status } 1 .. $n }

# Logs in and gives the cookie's value.
sub log_in {
    my ($s, $path, $user, $password, $cookie, %o) = @_;
    my $r = try($s, $path, $user, $password // 'secret', $cookie, %o);
    return (cookies($r))[0] // 'none with ' . $r->status;
}

# Uses up the limit of strangers.
sub lock_out { my ($s, $path, $user, %o) = @_; try($s, $path, $user, 'guess', undef, %o) for 1 .. 3; return try($s, $path, $user, 'guess', undef, %o)->status }

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => \%files, modules => ['remoteip']);

    # ---- the owner isn't locked out -----------------------------------------------------------------------------------
    my $r = try($s, '/form/one', 'admin', 'wrong');
    is scalar cookies($r), 0, "$name: a wrong password gives no cookie";
    $r = try($s, '/form/one', 'admin', 'secret');
    my ($cookie) = my @given = cookies($r);
    is scalar @given, 1, "$name: a success gives one" or diag $r->as_string;
    like join("\n", $r->header('Set-Cookie')), qr{^ratelimit-known=[A-Za-z0-9+/]{40}; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax$}m, "$name: with its attributes";
    is join(' ', map { /\A(\w+)=/ } $r->header('Set-Cookie')), 'session lang', "$name: and the application's cookies are all there";
    is join(', ', $r->header('Cache-Control')), 'private', "$name: caches that people share don't keep the answer";
    is lock_out($s, '/form/one', 'admin'), 429, "$name: strangers use up the limit";
    is try($s, '/form/one', 'admin', 'secret')->status, 429, "$name: a stranger is locked out, also with the right password";
    is tries(2, $s, '/form/one', 'admin', 'wrong', $cookie), '200 200', "$name: a known browser may mistype";
    $r = try($s, '/form/one', 'admin', 'secret', $cookie);
    is $r->status, 302, "$name: and then log in";
    is scalar cookies($r), 0, "$name: a fresh entry isn't renewed";
    is scalar $r->header('Cache-Control'), undef, "$name: an answer without a cookie is left alone";
    is try($s, '/form/one', 'admin', 'secret')->status, 429, "$name: its success clears nothing of what strangers have used up";
    is tries(5, $s, '/form/one', 'admin', 'guess', $cookie), '200 200 200 429 429', "$name: a known browser has the same limit";
    is try($s, '/form/one', 'admin', 'secret', $cookie)->status, 429, "$name: over which the right password is denied, too";

    # ---- what is worth nothing ----------------------------------------------------------------------------------------
    $cookie = log_in($s, '/form/two', 'admin');
    is length $cookie, 80, "$name: two rules, two entries";
    lock_out($s, '/form/two', 'admin');
    lock_out($s, '/form/two', 'admin', from => '192.0.2.2');
    my %worthless = (
        'cut short'             => substr($cookie, 0, 39),
        'with another nonce'    => join('', map { ($_ eq 'A' ? 'B' : 'A') . substr $_, 1 } unpack '(A40)*', $cookie),
        'under another name'    => "ratelimit-knowm=$cookie",
        'behind junk'           => ".$cookie",
        'empty'                 => '',
        'that lasts longer'     => join('', map { my $e = decode_base64($_); substr($e, 12, 1) = "\x7f"; encode_base64($e, '') } unpack '(A40)*', $cookie),
    );
    for my $what (sort keys %worthless) {
        is try($s, '/form/two', 'admin', 'guess', $worthless{$what})->status, 429, "$name: a cookie $what is a stranger's";
    }
    is try($s, '/form/two', 'admin', 'guess', $cookie)->status, 200, "$name: the cookie itself is a known browser's";
    is try($s, '/form/two', 'admin', 'guess', "a=b; ratelimit-known=junk; ratelimit-known=$cookie; c=d")->status, 200, "$name: also beside another one of the name";
    is try($s, '/form/two', 'admin', 'guess', 'x=' . 'y' x 7000 . "; ratelimit-known=$cookie")->status, 200, "$name: and at the end of a long field";
    is try($s, '/form/two', 'admin', 'guess', 'ratelimit-known=' . 'A' x 7600 . "; ratelimit-known=$cookie")->status, 429, "$name: behind too many entries it isn't read";
    is try($s, '/form/one', 'u1', 'guess', $cookie)->status, 200, "$name: another account is another matter";

    # ---- whose account it is ------------------------------------------------------------------------------------------
    my $evil = log_in($s, '/form/one', 'mallory', 'hers');
    is try($s, '/form/one', 'admin', 'guess', $evil)->status, 429, "$name: a guesser's own account is worth nothing for another";
    is try($s, '/form/one', '%C3%A0dm%C3%AFn', 'hers')->status, 429, "$name: a name that folds to admin's is counted with it";
    my $alike = log_in($s, '/form/begin', '%C3%A0dm%C3%AFn', 'hers');
    like $alike, qr{\A[\w+/]{40}\z}, "$name: and its owner gets a cookie";
    lock_out($s, '/form/begin', 'admin');
    is try($s, '/form/begin', 'admin', 'guess', $alike)->status, 429, "$name: which is worth nothing for admin, who is spelled otherwise";
    is try($s, '/form/begin', 'Admin', 'guess', $alike)->status, 429, "$name: nor for Admin";
    is try($s, '/form/begin', '%C3%A0dm%C3%AFn', 'hers', $alike)->status, 302, "$name: but lets its owner in";

    $alike = log_in($s, '/form/beside', '%C3%A0dm%C3%AFn', 'hers');
    lock_out($s, '/form/beside', 'admin');
    is try($s, '/form/beside', 'admin', 'guess', $alike)->status, 429, "$name: beside rules of the same key it is worth as little";
    is try($s, '/form/beside', '%C3%A0dm%C3%AFn', 'hers', $alike)->status, 302, "$name: and as much";

    # ---- renewal ------------------------------------------------------------------------------------------------------
    my $first = log_in($s, '/form/begin', 'mallory', 'hers');
    is tries(2, $s, '/form/begin', 'mallory', 'guess', $first), '200 200', "$name: two of three tries are used up";
    is try($s, '/form/begin', 'mallory', 'guess', $first)->status, 200, "$name: and the third";
    is try($s, '/form/go-on', 'mallory', 'guess', $first)->status, 429, "$name: rules of one group count a known browser together";
    is try($s, '/form/other-rate', 'mallory', 'hers', $first)->status, 302, "$name: a known browser stays known at another rate";
    my $second = log_in($s, '/form/go-on', 'u1', 'secret', log_in($s, '/form/begin', 'u1'));
    is length $second, 40, "$name: an entry that has less than half of its time left is renewed in its place";
    my $old = log_in($s, '/form/begin', 'u2');
    my $new = log_in($s, '/form/go-on', 'u2', 'secret', $old);
    is substr(decode_base64($new), 0, 8), substr(decode_base64($old), 0, 8), "$name: with the nonce that it had";
    isnt $new, $old, "$name: and another time";
    is tries(4, $s, '/form/begin', 'u2', 'guess', $old), '200 200 200 429', "$name: so that the old entry";
    is try($s, '/form/begin', 'u2', 'guess', $new)->status, 429, "$name: and the new one are one browser";
    my $brief = log_in($s, '/form/short', 'admin');
    lock_out($s, '/form/short', 'admin');
    ok await(20, sub { try($s, '/form/short', 'admin', 'guess', $brief)->status == 429 }), "$name: an entry expires";

    # ---- several accounts in one browser ------------------------------------------------------------------------------
    my $many = 'none';
    $many = log_in($s, '/form/one', "u$_", 'secret', $many) for 1 .. 9;
    is length $many, 8 * 40, "$name: a browser has eight accounts at most";
    lock_out($s, '/form/one', "u$_") for 1, 2, 9;
    is join(' ', map { try($s, '/form/one', $_, 'guess', $many)->status } qw(u9 u2 u1)), '200 200 429', "$name: and the oldest goes";

    # ---- several rules ------------------------------------------------------------------------------------------------
    $cookie = log_in($s, '/form/two', 'mallory', 'hers');
    lock_out($s, '/form/two', 'mallory');
    is try($s, '/form/two', 'mallory', 'hers', $cookie)->status, 302, "$name: two rules know the browser";
    is try($s, '/form/two', 'mallory', 'hers', $cookie, from => '192.0.2.9')->status, 302, "$name: at another address one of them does";
    lock_out($s, '/form/two', 'mallory', from => '192.0.2.10');
    is try($s, '/form/two', 'mallory', 'hers', $cookie, from => '192.0.2.10')->status, 429, "$name: where strangers have used up the other's limit it is a stranger";

    # ---- other words --------------------------------------------------------------------------------------------------
    $cookie = log_in($s, '/form/penalty', 'admin');
    is lock_out($s, '/form/penalty', 'admin'), 429, "$name: strangers have a penalty";
    is try($s, '/form/penalty', 'admin', 'secret', $cookie)->status, 302, "$name: a known browser has none";
    is tries(4, $s, '/form/penalty', 'admin', 'guess', $cookie), '200 200 200 429', "$name: until it earns its own";
    $cookie = log_in($s, '/form/observed', 'admin');
    lock_out($s, '/form/observed', 'admin');
    my @state = map { my (undef, $line) = logged($s, 'POST', '/form/observed', body => 'user=admin&password=guess', headers => [ Cookie => "ratelimit-known=$_" ]); $line } '', $cookie;
    is join(' ', map { $_->{state} } @state), 'observed allowed', "$name: under observation, too, a known browser is counted apart";
    isnt $state[0]{key}, $state[1]{key}, "$name: and has a tag of its own";
    $cookie = log_in($s, '/form/computed', 'admin', 'secret', undef, headers => [ 'X-Count' => 3 ]);
    lock_out($s, '/form/computed', 'admin', headers => [ 'X-Count' => 4 ]);
    is try($s, '/form/computed', 'admin', 'secret', $cookie, headers => [ 'X-Count' => 4 ])->status, 302, "$name: a browser that was known at one computed rate is known at another";

    # ---- doubt, and proofs --------------------------------------------------------------------------------------------
    for my $body ('user=admin&user=mallory', 'user=%20', 'name=admin', 'user=admin&user[]=x') {
        my ($doubtful) = logged($s, 'POST', '/form/one', body => "$body&user=admin&password=secret");
        is scalar cookies($doubtful), 0, "$name: $body: a key in doubt gives no cookie";
    }
    my @basic = (auth => 'alice:secret');
    ($r) = logged($s, 'GET', '/ok/basic', @basic);
    ($cookie) = cookies($r);
    like $cookie // '', qr{\A[\w+/]{40}\z}, "$name: Basic: the right password gives a cookie";
    is scalar(map { cookies($_) } map { (logged($s, 'GET', $_, auth => 'bob:anything'))[0] } '/ok/basic', '/ok/basic/public'), 0, "$name: Basic: a page that asks for none gives no cookie";
    is join(' ', map { (logged($s, 'GET', '/ok/basic', auth => 'alice:guess'))[0]->status } 1 .. 4), '401 401 401 429', "$name: Basic: strangers use up the limit";
    is +(logged($s, 'GET', '/ok/basic', @basic, headers => [ Cookie => "ratelimit-known=$cookie" ]))[0]->status, 200, "$name: Basic: the owner's browser is let in";
    is +(logged($s, 'GET', '/ok/basic', auth => 'bob:hunter2', headers => [ Cookie => "ratelimit-known=$cookie" ]))[0]->status, 200, "$name: Basic: and so is somebody else with it";
    is join(' ', map { (logged($s, 'GET', '/ok/basic', auth => 'alice:guess', headers => [ Cookie => "ratelimit-known=$cookie" ]))[0]->status } 1 .. 4), '401 401 401 429', "$name: Basic: no more guesses than the limit";

    # ---- what the log tells ---------------------------------------------------------------------------------------------
    $cookie = log_in($s, '/form/traced', 'admin');
    my $from = $s->log_mark;
    try($s, '/form/traced', 'admin', 'guess', $_) for undef, $cookie;
    is scalar(grep { /rule account, key \w+: limit 3\/30d, cost 1, (stranger|known browser): charged/ } $s->wait_log($from, qr/cost 1, (?:stranger|known)/, 2)), 2, "$name: LogLevel debug tells a known browser from a stranger";

    # ---- other outcomes -----------------------------------------------------------------------------------------------
    for my $path ('/form/session', '/form/welcome') {
        like log_in($s, $path, 'admin'), qr{\A[\w+/]{40}\z}, "$name: $path: a success gives a cookie";
        is scalar cookies(try($s, $path, 'admin', 'guess')), 0, "$name: $path: and a wrong password none";
    }
    is join(' ', map { try($s, '/form/any-cookie', 'admin', 'secret')->status } 1 .. 4), '302 302 302 302', "$name: the module's own cookie is no outcome";
    ($cookie) = cookies((logged($s, 'GET', '/ok/auth', @basic))[0]);
    like $cookie // '', qr{\A[\w+/]{40}\z}, "$name: auth-ok gives a cookie";
    is scalar(cookies((logged($s, 'GET', '/ok/auth', @basic, headers => [ Cookie => "ratelimit-known=$cookie" ]))[0])), 0, "$name: once";
    is join(' ', map { (logged($s, 'GET', '/ok/auth', auth => 'alice:guess'))[0]->status } 1 .. 4), '401 401 401 429', "$name: auth-failed: strangers use up the limit";
    is +(logged($s, 'GET', '/ok/auth', @basic, headers => [ Cookie => "ratelimit-known=$cookie" ]))[0]->status, 200, "$name: auth-failed: the owner's browser is let in";
    is scalar(cookies((logged($s, 'GET', '/ok/auth', auth => 'bob:guess'))[0])), 0, "$name: auth-failed gives none";

    # ---- in parallel --------------------------------------------------------------------------------------------------
    $cookie = log_in($s, '/form/one', 'mallory', 'hers');
    my $h = histogram(parallel($s, 20, sub { ('POST', '/form/one', body => 'user=mallory&password=guess', headers => [ Cookie => "ratelimit-known=$cookie" ]) }));
    is "@$h{200, 429}", '3 17', "$name: parallel guesses with one cookie: exactly the limit is admitted";
}

# ---- whoever makes the answer ------------------------------------------------------------------------------------------

$files{'cgi-bin/answer.cgi'} = <<'END';
#!/bin/sh
printf '%b\nContent-Type: text/plain\n\n' "$(printf '%s' "$QUERY_STRING" | sed 's/.*answer=//; s/+/ /g')"
END
$files{'htdocs/tenant/.htaccess'} = "RateLimit account 3/30d key=query:user count=200 clear=304 known=1d\nErrorDocument 404 /missing.html\n";
$files{'htdocs/tenant/index.html'} = "tenant\n";
$files{'htdocs/missing.html'} = "missing\n";
my $answer = "methods=GET key=query:user clear=204,302,304,403,404 known=1d";
my $conf = <<"END";
$rules
Protocols h2c http/1.1
ScriptAliasMatch "^/(answer|backend)" "\${CGIBIN}/answer.cgi"
<Location /answer>
    RateLimit account 3/30d $answer
</Location>
<Location /proxied>
    RateLimit account 3/30d $answer
    ProxyPass "http://127.0.0.1:\${PORT2}/backend" flushpackets=on
    RateLimitHeaders standard
</Location>
<Location /welcome.html>
    RateLimit account 3/30d $answer
</Location>
<Location /ok/file>
    RateLimit account 3/30d $answer
</Location>
<Location /ok/on>
    RateLimit account 3/30d $answer
    SetEnv HTTPS on
</Location>
<Location /ok/document>
    RateLimit account 3/30d $answer
    ErrorDocument 403 /cgi-bin/env.cgi
    Require all denied
</Location>
<Location /ok/refused>
    RateLimit account 3/30d $answer
    Require all denied
</Location>
<Location /ok/rewritten>
    RateLimit account 3/30d key=header:X-User clear=2xx known=1d
    RewriteEngine On
    RewriteRule .* /cgi-bin/env.cgi [L]
</Location>
<Directory "\${DOCROOT}/tenant">
    AllowOverride Limit FileInfo
</Directory>
<VirtualHost 127.0.0.1:\${PORT2}>
    ServerName https://tls.example:443
    DocumentRoot "\${DOCROOT}"
    <Location /ok/file>
        RateLimit account 3/30d $answer
    </Location>
</VirtualHost>
END
my $s = httpd($conf, files => \%files, modules => [qw(remoteip proxy proxy_http rewrite http2)]);
sub get { my ($path, %o) = @_; return (logged($s, 'GET', $path, %o))[0] }
sub has_cookie { my ($r, $name) = @_; return is(scalar cookies($r), 1, $name) || diag $r->as_string }

has_cookie(get('/answer?user=a&answer=Status:+204'), 'a CGI program');
my $r = get('/answer?user=b&answer=Status:+204\nSet-Cookie:+a=b\nCache-Control:+no-store');
has_cookie($r, 'one that forbids caching');
is join(', ', $r->header('Cache-Control')), 'no-store', '... which says enough';
$r = get('/answer?user=c&answer=Status:+204\nCache-Control:+public,+max-age=60');
is join('; ', $r->header('Cache-Control')), 'public, max-age=60, private', 'where it allows caching, private is added';
$r = get('/proxied?user=a&answer=Status:+302\nSet-Cookie:+a=b\nSet-Cookie:+ratelimit-known=app\nLocation:+/x');
is join(' ', map { /\A([\w-]+=\w{1,3})/ } grep { !/Max-Age=86400/ } $r->header('Set-Cookie')), 'a=b ratelimit-known=app', 'a backend: its own cookies are all there';
is scalar(grep { /\Aratelimit-known=.*Max-Age=86400; Path=/ } $r->header('Set-Cookie')), 1, '... and the module\'s' or diag $r->as_string;
like scalar $r->header('RateLimit-Policy'), qr/account/, '... beside response fields';
has_cookie(get('/welcome.html?user=a'), 'an error page of httpd\'s own, for a success');
$r = get('/ok/file');
$r = get('/ok/file?user=a', headers => [ 'If-None-Match' => scalar $r->header('ETag') ]);
is $r->status, 304, 'an unchanged file';
has_cookie($r, '... whose 304 has the cookie');
is scalar(cookies(get('/ok/file?user=b'))), 0, 'an outcome that doesn\'t clear gives none';
$r = get('/ok/on?user=a', headers => [ 'If-None-Match' => '*' ]);
like +(grep { /known/ } $r->header('Set-Cookie'))[0], qr/; SameSite=Lax; Secure\z/, 'HTTPS=on in the environment: Secure';
has_cookie(get('/ok/refused?user=a'), 'a refusal, where that is a success');
$r = get('/ok/document?user=a');
is $r->status, 403, 'an ErrorDocument';
has_cookie($r, '... has the cookie');
has_cookie(get('/ok/rewritten', headers => [ 'X-User' => 'a' ]), 'an internal redirect');
$r = get('/ok/file?user=z', host => 'tls.example', port => $s->port2, headers => [ 'If-None-Match' => '*' ]);
like +(grep { /known/ } $r->header('Set-Cookie'))[0], qr/; Secure\z/, 'a virtual host of scheme https: Secure';
my ($tls) = cookies($r);
$r = get('/ok/file?user=z', headers => [ 'If-None-Match' => '*', Cookie => "ratelimit-known=$tls" ]);
has_cookie($r, 'another virtual host has accounts of its own');
is length +(cookies($r))[0], 80, '... in the same cookie';
$r = get('/tenant/index.html?user=t', headers => [ 'If-None-Match' => '*' ]);
has_cookie($r, 'a rule in an .htaccess');
my ($tenant) = cookies($r);
is scalar(cookies(get('/tenant/index.html?user=t', headers => [ 'If-None-Match' => '*', Cookie => "ratelimit-known=$tenant" ]))), 0, '... knows the browser by it';
has_cookie(get('/ok/file?user=t', headers => [ 'If-None-Match' => '*', Cookie => "ratelimit-known=$tenant" ]), '... which is worth nothing to the server\'s rules');

SKIP: {
    my ($nghttp) = grep { -x } map { "$_/nghttp" } split /:/, $ENV{PATH};
    skip 'nghttp (package nghttp2-client) is not here', 2 if !$nghttp;
    for my $upgrade ('', '-u') {
        my $out = `$nghttp -v $upgrade 'http://127.0.0.1:@{[ $s->port ]}/answer?user=h2$upgrade&answer=Status:+204' 2>&1`;
        like $out, qr/set-cookie: ratelimit-known=[\w+\/]{40};/, "HTTP/2 $upgrade";
    }
}

# ---- fleets and restarts -----------------------------------------------------------------------------------------------

my $cookie = log_in($s, '/form/one', 'admin');
lock_out($s, '/form/one', 'admin');
$s->reload;
is try($s, '/form/one', 'admin', 'secret', $cookie)->status, 302, 'without RateLimitSecret a browser is known after a reload';
$s->set_conf("RateLimitSecret another\n$conf");
$s->reload;
is try($s, '/form/one', 'admin', 'secret', $cookie)->status, 302, 'another secret makes it a stranger';
isnt log_in($s, '/form/one', 'admin', 'secret', $cookie), $cookie, '... who gets another cookie';

for my $secret ("RateLimitSecret fleet\n", '') {
    my $store = 'RateLimitStore memcached ' . RL::Memcached->start->address . " timeout=2s\n$secret";
    my @fleet = map { httpd($store . $rules, files => \%files, modules => ['remoteip']) } 1 .. 2;
    my $known = log_in($fleet[0], '/form/one', 'admin');
    lock_out($fleet[0], '/form/one', 'admin');
    my $statuses = join ' ', map { try($fleet[$_], '/form/one', 'admin', 'guess', $known)->status } 0, 1, 1, 0, 1;
    is $statuses, $secret ? '200 200 200 429 429' : '200 429 429 200 429',
        $secret ? 'a fleet knows a browser together' : 'without a secret that is the fleet\'s own, each server knows those that it has met itself';
    next if !$secret;
    $fleet[0]->stop;
    $fleet[0]->start;
    is log_in($fleet[0], '/form/one', 'admin', 'secret', $known), 'none with 429', '... also after a restart';
}

# ---- directives --------------------------------------------------------------------------------------------------------

config_ok("RateLimit r 5/m key=$_ clear=302 known=30d\n") for 'expr:%{env:U}', qw(form:user claimed-user user query:u header:X-U cookie:u env:U ip+form:user+path);
config_ok("RateLimit r 5/m known=90 clear=302 key=form:user\n", 'known= before what it needs');
config_error("RateLimit r 5/m $_ known=1d\n", 'RateLimit', 'known=1d', undef, qr/account/) for 'clear=302', 'key=ip clear=302', 'key=user-or-ip clear=302', 'key=path+host+method clear=302', 'key=all clear=all';
config_error("RateLimit r 5/m key=form:user known=1d\n", 'RateLimit', 'known=1d', undef, qr/clear=/);
config_error("RateLimit r 5/m key=form:user clear=302 known=$_\n", 'RateLimit', "known=$_") for '31d', '0', '1.5h', 'on', 'forever', '1d,extend';
finish;
