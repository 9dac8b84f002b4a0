# SPDX-License-Identifier: Apache-2.0
# What a denied client gets: status, Retry-After, Cache-Control, a body; and at once, whatever it still has to send.
use RL::Test;
use Time::HiRes qw(time);

my $s = httpd(<<'END');
<Location /ok/plain>
    RateLimit r 1/d
</Location>
<Location /ok/zero>
    RateLimit r 0/d
</Location>
<Location /cgi-bin>
    RateLimit r 0/d
</Location>
<Location /ok/403>
    RateLimit r 0/d status=403
</Location>
<Location /ok/503>
    RateLimit r 0/d status=503
</Location>
<Location /ok/420>
    RateLimit r 0/d status=420
</Location>
<Location /ok/499>
    RateLimit r 0/d status=499
</Location>
<Location /ok/599>
    RateLimit r 0/d status=599
</Location>
<Location /ok/418>
    RateLimitDenyStatus 418
    RateLimit r 0/d
</Location>
<Location /ok/418/own>
    RateLimit r 0/d status=430
</Location>
<Location /ok/418/back>
    RateLimitDenyStatus 429
</Location>
<Location /ok/text>
    RateLimit r 0/d
    ErrorDocument 429 "come back later"
</Location>
<Location /ok/cgi>
    RateLimit named 2/d
    ErrorDocument 429 /denied/denied.cgi
</Location>
<Location /ok/limited-page>
    RateLimit r 0/d
    ErrorDocument 429 /ok/limited-page/sorry
</Location>
<Location /ok/external>
    RateLimit r 0/d
    ErrorDocument 429 http://elsewhere.test/sorry
</Location>
ScriptAlias /denied/ "${CGIBIN}/"
END

# ---- headers and body ---------------------------------------------------------------------------------------
is status($s, '/ok/plain'), 200, 'the first request is admitted';
my $r = request($s, 'GET', '/ok/plain');
is $r->status, 429, 'the second request is denied';
is $r->reason, 'Too Many Requests', 'a denial has its reason phrase';
like $r->header('Retry-After'), qr/\A[1-9][0-9]*\z/, 'a denial has Retry-After in seconds';
cmp_ok $r->header('Retry-After'), '<=', 86_400, 'Retry-After lies within the period';
is scalar(my @n = $r->header('Retry-After')), 1, 'a denial has Retry-After once';
like $r->header('Cache-Control'), qr/\bno-store\b/, 'a denial has Cache-Control: no-store';
is scalar(@n = $r->header('Cache-Control')), 1, 'a denial has Cache-Control once';
like $r->header('Content-Type'), qr{\Atext/plain\b}, 'without Accept a denial is plain text';
like $r->body, qr/\S/, 'a denial has a body';
ok !defined request($s, 'GET', '/ok')->header('Retry-After'), 'no Retry-After on what is served';
ok !defined request($s, 'GET', '/ok')->header('Cache-Control'), 'no Cache-Control on what is served';

my ($retry) = map { my (undef, $l) = logged($s, 'GET', '/ok/plain'); $l } 1;
is $retry->{state}, 'denied', 'RATELIMIT_STATUS of a denial';
cmp_ok abs($retry->{retry} - $r->header('Retry-After')), '<=', 1, 'RATELIMIT_RETRY_AFTER is the header\'s';

$r = request($s, 'HEAD', '/ok/zero');
is $r->status, 429, 'HEAD is denied';
is $r->body, '', 'a denial of HEAD has no body';
like $r->header('Retry-After'), qr/\A[1-9][0-9]*\z/, 'a denial of HEAD has Retry-After';

# ---- statuses -----------------------------------------------------------------------------------------------
for my $code (qw(403 503 420 499 599 418)) {
    $r = request($s, 'GET', "/ok/$code");
    is $r->status, $code, "status=$code is answered";
    like $r->line, qr{\AHTTP/1\.1 $code}, "status=$code has a well-formed status line";
    like $r->header('Retry-After') // '', qr/\A[1-9][0-9]*\z/, "status=$code has Retry-After";
    like $r->header('Cache-Control') // '', qr/no-store/, "status=$code has Cache-Control: no-store";
    like $r->body, qr/\S/, "status=$code has a body";
    unlike $r->body, qr/misconfiguration|Internal Server Error/i, "status=$code does not speak of another error";
}
my (undef, $line) = logged($s, 'GET', '/ok/599');
is $line->{status}, 599, 'status=599 is in the access log';
is status($s, '/ok/418/own'), 430, 'status= prevails over RateLimitDenyStatus';
is status($s, '/ok/418/back'), 429, 'RateLimitDenyStatus 429 in an inner section';

# ---- ErrorDocument ------------------------------------------------------------------------------------------
$r = request($s, 'GET', '/ok/text');
is $r->status . " " . $r->body, '429 come back later', 'ErrorDocument with a text is the body';
like $r->header('Retry-After') // '', qr/\A[1-9]/, 'ErrorDocument with a text keeps Retry-After';
like $r->header('Cache-Control') // '', qr/no-store/, 'ErrorDocument with a text keeps no-store';

status($s, '/ok/cgi') for 1, 2;
($r, $line) = logged($s, 'GET', '/ok/cgi');
is $r->status, 429, 'ErrorDocument that is a CGI: the status is the denial\'s';
like $r->body, qr/sorry from a CGI/, 'ErrorDocument that is a CGI is the body';
like $r->header('Retry-After') // '', qr/\A[1-9]/, 'ErrorDocument that is a CGI keeps Retry-After';
like $r->header('Cache-Control') // '', qr/no-store/, 'ErrorDocument that is a CGI keeps no-store';
my $env = $r->env;
is $env->{REDIRECT_RATELIMIT_STATUS}, 'denied', 'ErrorDocument that is a CGI sees REDIRECT_RATELIMIT_STATUS';
is $env->{REDIRECT_RATELIMIT_RULE}, 'named', 'ErrorDocument that is a CGI sees REDIRECT_RATELIMIT_RULE';
is $env->{REDIRECT_RATELIMIT_LIMIT}, 2, 'ErrorDocument that is a CGI sees REDIRECT_RATELIMIT_LIMIT';
is $env->{REDIRECT_RATELIMIT_REMAINING}, 0, 'ErrorDocument that is a CGI sees REDIRECT_RATELIMIT_REMAINING';
is $env->{REDIRECT_RATELIMIT_RETRY_AFTER}, $r->header('Retry-After'), 'ErrorDocument that is a CGI sees REDIRECT_RATELIMIT_RETRY_AFTER';
like $env->{REDIRECT_RATELIMIT_KEY}, qr/\A[0-9a-f]{12}\z/, 'ErrorDocument that is a CGI sees REDIRECT_RATELIMIT_KEY';
is $env->{"RATELIMIT_$_"}, $env->{"REDIRECT_RATELIMIT_$_"}, "ErrorDocument that is a CGI sees RATELIMIT_$_ as well"
    for qw(STATUS RULE LIMIT REMAINING RESET RETRY_AFTER KEY);
is "$line->{state} $line->{rule} $line->{status}", 'denied named 429', 'ErrorDocument that is a CGI: the access log has the denial';

$r = request($s, 'GET', '/ok/limited-page');
is $r->status . ' ' . $r->body, "429 ok\n", 'ErrorDocument that stands under the rule itself is the body';
$r = request($s, 'GET', '/ok/external');
is $r->status . ' ' . ($r->header('Location') // ''), '302 http://elsewhere.test/sorry', 'ErrorDocument elsewhere is a redirect';

# ---- connections and bodies ---------------------------------------------------------------------------------
my $c = connection($s);
is $c->request('GET', '/ok/zero')->status, 429, 'a request on a kept connection is denied';
is $c->request('GET', '/ok')->status, 200, 'a connection is kept after a denial';
is $c->request('HEAD', '/ok/zero')->status, 429, 'HEAD on a kept connection is denied';
is $c->request('GET', '/ok')->status, 200, 'a connection is kept after a denied HEAD';
$c->close;

# A body that dribbles in, or never comes: the answer does not wait for it.
for my $how (
    [ 'dripped',              pieces => [ ('x' x 200) x 100 ], delay => 0.02 ],
    [ 'dripped in chunks',    pieces => [ ('x' x 200) x 100 ], delay => 0.02, chunked => 1 ],
    [ 'announced, not sent',  length => 20_000, no_body => 1 ],
    [ 'half sent',            body => 'x' x 1000, length => 20_000 ],
    [ 'chunked, not ended',   headers => [ 'Transfer-Encoding' => 'chunked' ], no_body => 1 ],
) {
    my ($name, %o) = @$how;
    my (@status, @total, @open);
    my $ttfb = least(0.7, sub {
        $c = connection($s);
        $r = $c->request('POST', '/cgi-bin/env.cgi', %o);
        push @status, $r->status if $r->status != 429;
        push @total, $r->total;
        push @open, 1 if !$c->closed(4);
        $c->close;
        return $r->ttfb // 99;
    });
    is "@status", '', "a body $name: the request is denied";
    cmp_ok $ttfb, '<', 0.7, "a body $name: the denial comes at once";
    cmp_ok +(sort { $a <=> $b } @total)[0], '<', 1.5, "a body $name: the whole answer comes soon";
    ok !@open, "a body $name: the connection is closed, nothing of it is taken for a request";
}

# All of it is there: answered, and nothing of it taken for a request.
my $evil = "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n";
$c = connection($s);
$r = $c->request('POST', '/cgi-bin/env.cgi', body => $evil);
is $r->status, 429, 'a request whose whole body is there is denied';
ok !$c->readable(0.3) || $c->closed, 'the body of a denied request is not taken for a request';
$c->close;

my $ttfb = least(0.7, sub {
    $r = request($s, 'POST', '/cgi-bin/env.cgi', body => 'x' x 50, expect => 1);
    return $r->ttfb;
});
is $r->status, 429, 'Expect: 100-continue: denied';
ok !$r->got_100, 'Expect: 100-continue: denied without a 100 before';
cmp_ok $ttfb, '<', 0.7, 'Expect: 100-continue: denied at once';

finish;
