# SPDX-License-Identifier: Apache-2.0
# action=challenge: over the limit a browser gets a page with a button, and after one press its pass; everybody else is
# denied as usual. A pass is worth nothing elsewhere, later, or changed; the button leads to no other site.
use RL::Test;
use RL::Stores;
use RL::Memcached;
use Digest::SHA qw(sha256_base64);

my $html  = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
my $when  = q{"when=%{env:RATELIMIT_PASS} != 'good'"};
my $ip    = "RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1\n";
my $rules = $ip . <<"END";
<Location /ok/strangers>
    RateLimit strangers 0/d key=all action=challenge $when
</Location>
<Location /cgi-bin/env.cgi>
    RateLimit env 1/d key=all action=challenge $when
</Location>
<Location /ok/some>
    RateLimit some 2/d key=all action=challenge $when
</Location>
<Location /ok/each>
    RateLimit each 2/d key=pass missing=skip action=challenge
</Location>
<Location /ok/door>
    RateLimit door 1/d key=pass missing=deny action=challenge
</Location>
<Location /ok/both>
    RateLimit challenge 0/d key=all action=challenge
    RateLimit deny 0/d key=all
</Location>
<Location /ok/observed>
    RateLimit observed 0/d key=all action=challenge
    RateLimitEngine Observe
</Location>
<Location /ok/handler>
    RateLimit handler 0/d key=all action=challenge
    RateLimitDenyHandler /cgi-bin/denied.cgi
</Location>
<Location /ok/document>
    RateLimit document 0/d key=all action=challenge
    ErrorDocument 429 /cgi-bin/env.cgi
</Location>
<Location /ok/exempt>
    RateLimit exempt 0/d key=all action=challenge
    RateLimitExempt "expr=%{env:RATELIMIT_PASS} == 'good'"
</Location>
<Location /ok/fields>
    RateLimit fields 0/d key=all action=challenge status=503
    RateLimitHeaders standard
</Location>
<Location /ok/slots>
    RateLimit slots 0/concurrent key=all action=challenge $when
</Location>
<Location /ok/auth>
    Include conf/auth.conf
    RateLimit auth 0/d key=all action=challenge $when
</Location>
END

# ---- a browser, as far as it matters here -----------------------------------------------------------------------------

sub ask { my ($s, $path, %o) = @_; return request($s, delete $o{method} // 'GET', $path, %o, headers => [ Accept => delete $o{accept} // $html, cookie(\%o), @{ $o{headers} // [] } ]) }
sub cookie { my ($o) = @_; my $c = delete $o->{cookie}; return defined $c ? (Cookie => "a=b; ratelimit-pass=$c; c=d") : () }
sub token { my ($r) = @_; return $r->body =~ /<input type="hidden" name="token" value="([\w-]+)">/ ? $1 : undef }
sub is_challenge { my ($r, $name) = @_; local $Test::Builder::Level = $Test::Builder::Level + 1; return ok($r->status == 429 && defined token($r), $name) || diag($r->as_string) }
sub press { my ($s, $token, %o) = @_; return request($s, 'POST', delete $o{path} // '/.ratelimit/pass', body => "token=$token", %o, headers => [ cookie(\%o), @{ $o{headers} // [] } ]) }
sub passes { my ($r) = @_; return map { /\Aratelimit-pass=([^;]*)/ ? $1 : () } $r->header('Set-Cookie') }

# Asks, presses, and gives the pass.
sub pass_for {
    my ($s, $path, %o) = @_;
    my $r = press($s, token(ask($s, $path, %o)) // 'none', %o);
    return (passes($r))[0] // 'none with ' . $r->status;
}

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules);

    # ---- who is challenged --------------------------------------------------------------------------------------------
    my $page = ask($s, '/ok/strangers?a=b&c=%2F');
    is_challenge($page, "$name: a browser gets a page with a button");
    is $page->header('Cache-Control'), 'no-store', "$name: that nobody keeps";
    is join(', ', sort map { split /, */ } $page->header('Vary')), 'Accept, Cookie', "$name: as it depends on both";
    like $page->header('Retry-After'), qr/\A[1-9]\d*\z/, "$name: with Retry-After";
    like $page->header('Content-Type'), qr{\Atext/html}, "$name: it is HTML";
    my ($style) = $page->body =~ m{<style>(.*?)</style>}s;
    my $sum = sha256_base64($style);
    $sum .= '=' while length($sum) % 4;
    is $page->header('Content-Security-Policy'), "default-src 'none'; style-src 'sha256-$sum'; base-uri 'none'; frame-ancestors 'self'", "$name: its style, and nothing else, is allowed";
    unlike $page->body, qr/<(?:script|img|meta http-equiv)|\son\w+=|http:/i, "$name: no script, no refresh, nothing from elsewhere";
    like $page->body, qr{<html lang="en">.*<title>[^<]+</title>.*<main>.*<form method="post" action="/\.ratelimit/pass">.*<button type="submit"}s, "$name: it has what a screen reader needs";
    cmp_ok length $page->body, '<', 3000, "$name: and is small";

    my $head = ask($s, '/ok/strangers', method => 'HEAD');
    is join(' ', $head->status, defined $head->header('Content-Security-Policy') ? 'challenged' : 'denied', length $head->body), '429 challenged 0', "$name: HEAD, without a body";
    for my $other ([ 'POST', $html ], [ 'PUT', $html ], [ 'GET', '*/*' ], [ 'GET', 'application/json' ], [ 'GET', 'image/avif,image/webp,*/*' ],
        [ 'GET', 'application/rss+xml, text/xml' ])
    {
        my $r = ask($s, '/ok/strangers', method => $other->[0], accept => $other->[1]);
        is join(' ', $r->status, token($r) // 'denied', $r->header('Content-Security-Policy') // 'as usual'), '429 denied as usual', "$name: not $other->[0] with $other->[1]";
    }
    is request($s, 'GET', '/ok/strangers')->body =~ /token|button/ ? 'challenged' : 'denied', 'denied', "$name: nor who says nothing about what it accepts";
    is ask($s, '/ok/both')->body =~ /token/ ? 'challenged' : 'denied', 'denied', "$name: where another rule denies too, a pass is of no use";
    is ask($s, '/ok/observed')->status, 200, "$name: who is only observed isn't challenged";
    is_challenge(ask($s, '/ok/strangers', headers => [ Range => 'bytes=0-9', 'If-None-Match' => '*', 'If-Modified-Since' => 'Thu, 01 Jan 2099 00:00:00 GMT' ]), "$name: a conditional request for a part is");
    is join(' ', map { my $r = ask($s, '/ok/some'); defined token($r) ? 'challenged' : $r->status } 1 .. 4), '200 200 challenged challenged', "$name: not before the limit";
    is_challenge(ask($s, '/ok/slots'), "$name: where no slot is free, too");
    my $fields = ask($s, '/ok/fields');
    is join(' ', $fields->status, defined token($fields) ? 'challenged' : 'denied'), '503 challenged', "$name: status= holds";
    like $fields->header('RateLimit'), qr/\A"fields";r=0;t=\d+\z/, "$name: and so does RateLimitHeaders";

    # ---- the button ---------------------------------------------------------------------------------------------------
    my $r = press($s, token($page));
    is $r->status, 303, "$name: the button sends back" or diag $r->as_string;
    is $r->header('Location'), '/ok/strangers?a=b&c=%2F', "$name: to where one was";
    like $r->header('Set-Cookie'), qr/\Aratelimit-pass=[\w-]{44}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax\z/, "$name: with a pass";
    is $r->header('Cache-Control'), 'no-store', "$name: that no cache keeps";
    my ($pass) = passes($r);
    is ask($s, '/ok/strangers', cookie => $pass)->status, 200, "$name: and there it is good";
    is ask($s, '/ok/strangers', cookie => $pass, method => 'POST')->status, 200, "$name: for every method";
    is ask($s, '/ok/strangers', cookie => $pass, accept => '*/*')->status, 200, "$name: and for what the page brings with it";
    is ask($s, '/ok/slots', cookie => $pass)->status, 200, "$name: where slots are, too";
    is ask($s, '/ok/exempt', cookie => $pass)->status, 200, "$name: an exemption can go by it";
    is ask($s, '/ok/exempt')->status, 429, "$name: who has none isn't exempt";
    is_challenge(ask($s, '/ok/strangers'), "$name: without cookies the page comes again");
    is ask($s, '/ok/auth', cookie => $pass)->status, 401, "$name: a pass is no password";
    my $auth = ask($s, '/ok/auth');
    is press($s, token($auth))->status, 303, "$name: the button works where a password is asked for";

    # ---- what a pass is worth -----------------------------------------------------------------------------------------
    is ask($s, '/ok/strangers', cookie => "x; ratelimit-pass=$pass")->status, 200, "$name: one good pass among bad ones will do";
    is ask($s, '/ok/strangers', cookie => 'x; ' . join('; ', map { 'ratelimit-pass=' . 'x' x 44 } 1 .. 62) . "; ratelimit-pass=$pass")->status, 200, "$name: and among as many as a neighbour's domain may plant";
    my @changed = grep { my $c = $pass; substr($c, $_, 1, substr($c, $_, 1) eq 'A' ? 'B' : 'A'); ask($s, '/ok/strangers', cookie => $c)->status != 429 } 0 .. 43;
    is "@changed", '', "$name: not with any character changed";
    is ask($s, '/ok/strangers', cookie => $_)->status, 429, "$name: nor is '$_' a pass" for '', 'good', "${pass}A", substr($pass, 0, 43), "=$pass";
    is ask($s, '/ok/strangers', cookie => $pass, from => '127.0.1.1')->status, 429, "$name: nor from another network";
    is ask($s, '/ok/strangers', cookie => $pass, from => '127.0.0.77')->status, 200, "$name: but from another address of its /24";
    my $six = pass_for($s, '/ok/strangers', from => '2001:db8:1:2::3');
    is join(' ', map { ask($s, '/ok/strangers', cookie => $six, from => $_)->status } '2001:db8:1:ffff::1', '2001:db8:2::1', '::ffff:192.0.2.1'), '200 429 429', "$name: of IPv6 from its /48";
    my $env = sub { return ask($s, '/cgi-bin/env.cgi', @_)->env->{RATELIMIT_PASS} // 'unset' };
    is $env->(cookie => $pass), 'good', "$name: RATELIMIT_PASS: good";
    is $env->(), 'none', "$name: RATELIMIT_PASS: none";
    is $env->(cookie => "x$pass"), 'unset', "$name: over the limit no program runs";

    # ---- key=pass -----------------------------------------------------------------------------------------------------
    my $second = pass_for($s, '/ok/strangers');
    isnt $second, $pass, "$name: no two passes are alike";
    is join(' ', map { ask($s, '/ok/each', cookie => $pass)->status } 1 .. 3), '200 200 429', "$name: key=pass counts each pass";
    is join(' ', map { ask($s, '/ok/each', cookie => $second)->status } 1 .. 3), '200 200 429', "$name: by itself";
    is join(' ', map { ask($s, '/ok/each')->status } 1 .. 3), '200 200 200', "$name: who has none has no value";
    is join(' ', map { ask($s, '/ok/each', cookie => 'bad')->status } 1 .. 3), '200 200 200', "$name: nor who has a bad one";
    is_challenge(ask($s, '/ok/door'), "$name: missing=deny lets nobody in without a pass");
    is join(' ', map { ask($s, '/ok/door', cookie => $pass)->status } 1 .. 2), '200 429', "$name: and then so often";

    # ---- false tokens -------------------------------------------------------------------------------------------------
    my $token = token(ask($s, '/ok/strangers'));
    for my $false ('', 'x', $pass, substr($token, 0, -1), $token . 'A', ($token =~ /\AA/ ? 'B' : 'A') . substr($token, 1), scalar reverse($token), "$token&token=x", "$token&token[]=x", "%0d%0a") {
        my $r = press($s, $false);
        is join(' ', $r->status, passes($r), $r->header('Location') // ()), '403', "$name: no pass for '" . substr($false, 0, 12) . "...'";
    }
    my $elsewhere = press($s, $token, from => '192.0.2.9');
    is join(' ', $elsewhere->status, passes($elsewhere)), '403', "$name: nor to another network";
    like $elsewhere->body, qr{<a href="/">}, "$name: but a link to the site";
    is press($s, $token, headers => [ 'Content-Type' => 'text/plain' ])->status, 403, "$name: nor for what no form sends";
    is request($s, 'POST', '/.ratelimit/pass', body => 'a=' . 'b' x 5000 . "&token=$token")->status, 403, "$name: nor for a long body";
    my $big = request($s, 'POST', '/.ratelimit/pass', length => 1_000_000, no_body => 1, type => 'text/plain', headers => [ 'Content-Type' => 'text/plain' ]);
    is $big->status, 403, "$name: which isn't waited for";
    is join(' ', map { status($s, '/.ratelimit/pass', method => $_) } qw(GET HEAD PUT DELETE)), '405 405 405 405', "$name: nothing but POST";
    is press($s, $token)->status, 303, "$name: the right one is still good";

    # ---- where it leads -----------------------------------------------------------------------------------------------
    for my $to ([ '/ok/strangers/%0d%0aSet-Cookie:x' ], [ '/ok/strangers?x=//evil.example/' ], [ '/ok/strangers/..%5c' ], [ '/ok/strangers?"><script>' ],
        [ '//ok/strangers', '/ok/strangers' ], [ "/ok/strangers?\\evil", '/ok/strangers?%5Cevil' ], [ '/ok/strangers?' . 'x' x 2034 ], [ '/ok/strangers?' . 'x' x 2035, '/' ], [ "/ok/strangers?\xc3\xa4", '/ok/strangers?%C3%A4' ])
    {
        my ($path, $location) = @$to;
        my $page = ask($s, $path);
        my $r = press($s, token($page) // 'none');
        is join(' ', $r->status, $r->header('Location') // $page->status), '303 ' . ($location // $path), "$name: back to " . substr($path, 0, 40);
    }
    my $absolute = request($s, 'GET', 'http://127.0.0.1:' . $s->port . '/ok/strangers?a', headers => [ Accept => $html ]);
    is press($s, token($absolute) // 'none')->header('Location'), '/ok/strangers?a', "$name: a request in absolute form leads back, too";

    # ---- others draw the page -----------------------------------------------------------------------------------------
    for my $kind (qw(handler document)) {
        my $told = ask($s, "/ok/$kind?x")->env;
        is $told->{RATELIMIT_CHALLENGE_PATH}, '/.ratelimit/pass', "$name: a deny $kind is told where to post";
        is press($s, $told->{RATELIMIT_CHALLENGE} // 'none')->header('Location'), "/ok/$kind?x", "$name: a deny $kind is told what";
        ok !exists ask($s, "/ok/$kind", accept => '*/*')->env->{RATELIMIT_CHALLENGE}, "$name: a deny $kind, unless the client is just denied";
    }

    # ---- the log ------------------------------------------------------------------------------------------------------
    my @said = grep { /rule strangers/ } $s->log_lines(0);
    like $said[0], qr/: denied, key [0-9a-f]{12}, retry after \d+ s, challenged$/, "$name: the log says that it was challenged";
    my @lines = map { "$_->{status} $_->{state}" } $s->access(0, 1);
    ok scalar(grep { $_ eq '429 denied' } @lines), "$name: the access log says denied";
    unlike join('', $s->log_lines(0)), qr/\Q$pass\E|\Q$token\E/, "$name: no pass or token is in the log";
}

# ---- virtual hosts, settings ----------------------------------------------------------------------------------------
my $s = httpd($ip . <<"END", files => { 'htdocs/at/index.html' => "at\n", 'htdocs/at/.htaccess' => "RateLimit t 0/d key=all action=challenge\n" });
<VirtualHost 127.0.0.1:\${PORT}>
    ServerName one.test
    RateLimitPass life=1s bind=none issue=none path=/go
    <Location /ok>
        RateLimit r 0/d key=all action=challenge $when
    </Location>
    <Directory "\${DOCROOT}/at">
        AllowOverride Limit
    </Directory>
</VirtualHost>
<VirtualHost 127.0.0.1:\${PORT2}>
    ServerName one.test
    RateLimitPass bind=none
    <Location /ok>
        RateLimit r 0/d key=all action=challenge $when
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:\${PORT}>
    ServerName two.test
    RateLimitPass bind=ip/32 issue=3/d
    RewriteEngine On
    RewriteRule ^ /ok/rewritten
    SetEnvIf X-Forwarded-Proto https HTTPS=on
    <Location />
        RateLimit r 0/d key=all action=challenge $when
    </Location>
    RateLimitHeaders standard
</VirtualHost>
<VirtualHost 127.0.0.1:\${PORT}>
    ServerName three.test
    <Directory "\${DOCROOT}/at">
        AllowOverride Limit
    </Directory>
    <Location /ok>
        RateLimit r 0/d key=all
    </Location>
</VirtualHost>
END
my %one = (host => 'one.test', path => '/go');
my $r = press($s, token(ask($s, '/ok/x', %one)), %one);
my ($pass) = passes($r);
like $r->header('Set-Cookie'), qr/; Max-Age=1;/, 'life=';
is ask($s, '/ok/x', host => 'one.test', from => '198.51.100.1', cookie => $pass)->status, 200, 'bind=none: from any network';
is ask($s, '/ok/x', host => 'one.test', port => $s->port2, cookie => $pass)->status, 200, 'a pass is good on all ports of a virtual host';
is ask($s, '/x', host => 'two.test', cookie => $pass)->status, 429, 'and on no other one';
ok await(20, sub { ask($s, '/ok/x', host => 'one.test', cookie => $pass)->status == 429 }), 'after its life it is worth nothing';
is ask($s, '/ok/x', host => 'one.test', port => $s->port2, cookie => $pass)->status, 200, 'how long that is, the server says, not the pass';
is join(' ', map { scalar passes(press($s, token(ask($s, '/ok/x', %one)), %one)) } 1 .. 25), join(' ', (1) x 25), 'issue=none has no limit';

my %two = (host => 'two.test');
my $page = ask($s, '/some/where', %two);
is press($s, token($page), %two)->header('Location'), '/some/where', 'a site that rewrites everything';
$r = press($s, token($page), %two, headers => [ 'X-Forwarded-Proto' => 'https' ]);
like $r->header('Set-Cookie'), qr/; Secure\z/, 'HTTPS=on: the cookie is for encrypted connections';
is ask($s, '/x', %two, cookie => (passes($r))[0], from => '127.0.0.77')->status, 429, 'bind=ip/32';
is press($s, token($page), %two)->status, 303, 'issue=3/d: the third';
$r = press($s, token($page), %two);
is join(' ', $r->status, passes($r)), '429', 'and no fourth';
like $r->header('Retry-After'), qr/\A[1-9]\d*\z/, 'with Retry-After';
like $r->body, qr{try again in .*<a href="/some/where">}s, 'and a link';
is press($s, token(ask($s, '/x', %two, from => '127.0.0.9')), %two, from => '127.0.0.9')->status, 303, 'another network has its own';
is press($s, token(ask($s, '/x', %two, from => '127.0.0.9')), %two, from => '127.0.0.10')->status, 403, 'and its own tokens';

is_challenge(ask($s, '/at/', host => 'one.test'), 'an .htaccess may challenge where the virtual host has passes');
$r = ask($s, '/at/', host => 'three.test');
is join(' ', $r->status, token($r) // 'denied'), '429 denied', 'elsewhere its rule denies';
is status($s, '/.ratelimit/pass', host => 'three.test'), 404, 'where nothing has to do with passes the path is the site\'s own';

# ---- whatever httpd makes of a request ----------------------------------------------------------------------------------
my $limit = "RateLimit r 0/d key=all action=challenge $when";
$s = httpd($ip . <<"END", modules => [qw(proxy proxy_http)], files => {
<VirtualHost 127.0.0.1:\${PORT}>
    ServerName front.test
    ProxyPass / http://127.0.0.1:\${PORT2}/
    <Location />
        $limit
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:\${PORT2}>
    ServerName back.test
</VirtualHost>
<VirtualHost 127.0.0.1:\${PORT}>
    ServerName app.test
    RateLimitLog warn keys
    <Directory "\${DOCROOT}/app">
        FallbackResource /app/index.html
        $limit
    </Directory>
    <Directory "\${DOCROOT}/dir">
        RateLimit r 0/d key=pass missing=skip action=challenge
    </Directory>
    <Directory "\${DOCROOT}/page">
        Options +Includes
        SetHandler server-parsed
    </Directory>
    <Location /cgi-bin/env.cgi>
        $limit
    </Location>
    <Directory "\${DOCROOT}/tenant">
        AllowOverride All
        $limit
    </Directory>
</VirtualHost>
END
    'htdocs/app/index.html' => "app\n", 'htdocs/dir/index.html' => "dir\n", 'htdocs/page/index.html' => qq(page <!--#include virtual="/cgi-bin/env.cgi" -->\n),
    'htdocs/tenant/index.html' => "tenant\n", 'htdocs/tenant/.htaccess' => "SetEnv RATELIMIT_PASS good\nSetEnvIf Request_URI . RATELIMIT_PASS=good\n",
});
my %front = (host => 'front.test');
$page = ask($s, '/ok/x?y', %front);
is_challenge($page, 'in front of a backend');
$r = press($s, token($page), %front);
is join(' ', $r->status, $r->header('Location')), '303 /ok/x?y', 'the button, though everything is passed on';
is ask($s, '/ok/x?y', %front, cookie => (passes($r))[0])->status, 200, 'and the backend answers';
my %app = (host => 'app.test');
is press($s, token(ask($s, '/app/some/where?x', %app)), %app)->header('Location'), '/app/some/where?x', 'behind FallbackResource: back to what was asked for';
($pass) = passes(press($s, token(ask($s, '/app/', %app)), %app));
is press($s, token(ask($s, '/dir/', %app, cookie => $pass)) // 'none', %app)->header('Location'), '/dir/', 'behind DirectoryIndex';
like join('', $s->log_lines(0)), qr/rule r, limit 0\/d: denied, key [0-9a-f]{12} \(pass=[0-9a-f]{20}\), retry after/, 'RateLimitLog keys tells the number of a pass, nothing of its seal';
my $included = ask($s, '/page/', %app);
is join(' ', $included->status, $included->body =~ /(token|button|\[an error)/), '200 [an error', 'what a page includes is denied, not challenged';
is ask($s, '/page/', %app, cookie => $pass)->body =~ /RATELIMIT_PASS=good/ ? 'good' : 'none', 'good', 'and goes by the pass of who asks for the page';
is_challenge(ask($s, '/tenant/', %app), 'an .htaccess can\'t make up a pass');

# ---- a store that doesn't answer -------------------------------------------------------------------------------------
my $gone = 'RateLimitStore memcached 127.0.0.1:1 timeout=50ms';
for ([ local => '303 429' ], [ allow => '303 303' ], [ deny => '503 503' ]) {
    my ($on_error, $want) = @$_;
    my $s = httpd("$gone\nRateLimitSecret a-secret-of-some-length\nRateLimitPass issue=1/d\nRateLimitOnError $on_error\n<Location /ok>\nRateLimit r 0/d key=all action=challenge on-error=local $when\n</Location>\n");
    my $token = token(ask($s, '/ok/x'));
    is join(' ', map { press($s, $token)->status } 1, 2), $want, "without memcached, RateLimitOnError $on_error: what is given out";
    is_challenge(ask($s, '/ok/x'), 'and the page is there all the same');
}

# ---- a fleet ----------------------------------------------------------------------------------------------------------
my $memcached = RL::Memcached->start->address;
my ($here, $there, $alien) = map { httpd("RateLimitStore memcached $memcached timeout=2s\nRateLimitSecret $_\nRateLimitPass issue=2/d\n" . $rules) } qw(same same other);
$pass = pass_for($here, '/ok/strangers');
is ask($there, '/ok/strangers', cookie => $pass)->status, 200, 'a pass is good on all servers of a fleet';
is ask($alien, '/ok/strangers', cookie => $pass)->status, 429, 'and under another secret nowhere';
is press($alien, token(ask($here, '/ok/strangers')))->status, 403, 'nor is a token';
my $token = token(ask($here, '/ok/strangers'));
is join(' ', map { press($_, $token)->status } $there, $here, $there), '303 429 429', 'a fleet counts together what it gives out';

# ---- HTTP/2, and a reload ------------------------------------------------------------------------------------------
$s = httpd("Protocols h2c http/1.1\n" . $rules);
$page = join '', `curl -s --http2-prior-knowledge -H 'Accept: $html' http://127.0.0.1:@{[ $s->port ]}/ok/strangers?x`;
($token) = $page =~ /name="token" value="([\w-]+)"/;
like `curl -si --http2-prior-knowledge -d token=$token http://127.0.0.1:@{[ $s->port ]}/.ratelimit/pass`, qr{\AHTTP/2 303.*^location: /ok/strangers\?x}ms, 'the button over HTTP/2';
$pass = pass_for($s, '/ok/strangers');
$s->graceful;
is ask($s, '/ok/strangers', cookie => $pass)->status, 200, 'a pass outlives a reload, without a RateLimitSecret too';

# ---- configuration errors ---------------------------------------------------------------------------------------------
config_error("RateLimitPass $_->[0]\n", 'RateLimitPass', $_->[0], "RateLimitPass $_->[0]", $_->[1]) for (
    [ 'life=0s',         qr/"life=0s": / ],
    [ 'life=31d',        qr/"life=31d": / ],
    [ 'life=long',       qr/"life=long": / ],
    [ 'bind=ip/33',      qr/the IPv4 prefix must be an integer from 0 to 32/ ],
    [ 'bind=ip/24/129',  qr/the IPv6 prefix must be an integer from 0 to 128/ ],
    [ 'bind=ip/24/48/2', qr/the IPv6 prefix must be/ ],
    [ 'bind=ip/',        qr/the IPv4 prefix must be/ ],
    [ 'bind=user',       qr/must be ip, ip\/BITS, ip\/BITS\/BITS or none/ ],
    [ 'path=pass',       qr/must be a URL path that begins with \// ],
    [ 'path=',           qr/must be a URL path that begins with \// ],
    [ 'path=//evil/x',   qr/must name something below \// ],
    [ 'path=/',          qr/must name something below \// ],
    [ 'path=/a/../b',    qr/must name something below \// ],
    [ 'path=/a?b',       qr/must have letters, digits and/ ],
    [ 'path=/a%20b',     qr/must have letters, digits and/ ],
    [ 'path=/a/..',      qr/must name something below \// ],
    [ 'path=/.',         qr/must name something below \// ],
    [ 'issue=20',        qr/"issue=20": / ],
    [ 'issue=9/concurrent', qr/passes aren't issued at the same time/ ],
    [ 'issue=9000000/h', qr/the count must be at most 8000000/ ],
    [ 'for=1d',          qr/not an option; one of life, bind, path, issue/ ],
);
config_error('RateLimitPass life=1d life=1d', 'RateLimitPass', 'life=1d', 'an option twice', qr/given twice/);
config_error('RateLimit r 5/m action=captcha', 'RateLimit', 'action=captcha', 'an unknown action', qr/must be deny, observe or challenge/);
for (["RateLimit r 5/m action=challenge", 1], ["RateLimit r 5/m key=all+pass action=challenge", 0], ["RateLimit r 5/m action=challenge $when", 0],
    ["RateLimit r 5/m action=challenge\nRateLimitExempt \"expr=%{env:RATELIMIT_PASS} == 'good'\"", 0])
{
    my ($rc, $out) = configtest("$_->[0]\n");
    is scalar(() = $out =~ /warning: RateLimit r: "action=challenge": whoever has pressed the button/g), $_->[1], ($_->[1] ? 'warned of: ' : 'not warned of: ') . $_->[0];
}
like((configtest("RateLimitPass\nRateLimitExempt env=RATELIMIT_PASS\n"))[1], qr/warning: RateLimitExempt: "env=RATELIMIT_PASS": the variable is there for everybody/, 'warned of: an exemption of everybody');
config_ok("RateLimitPass $_\n", "RateLimitPass $_") for '', 'life=30d', 'bind=NONE', 'bind=ip', 'bind=ip/0/0', 'path=/a/b.c', 'issue=0/d', 'issue=none';

finish allow => qr/unable to include|memcached 127\.0\.0\.1:1/;
