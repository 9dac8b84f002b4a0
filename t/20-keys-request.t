# SPDX-License-Identifier: Apache-2.0
# Keys from the request: query, header, cookie, env, host, path, method, all, expr; missing= and values that differ.
use RL::Test;

my $s = httpd(<<'END');
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
SetEnvIf X-Tenant "(.+)" TENANT=$1
<Location /ok/query>
    RateLimit r 2/30d key=query:user
</Location>
<Location /ok/queries>
    RateLimit r 2/30d key=query:user
    RateLimit s 900/30d key=query:other+query:more
</Location>
<Location /ok/query-else>
    RateLimit r 2/30d key=query:user missing=skip
</Location>
<Location /ok/query-deny>
    RateLimit r 2/30d key=query:user missing=deny
</Location>
<Location /ok/query-skip>
    RateLimit r 2/30d key=query:user missing=skip
</Location>
<Location /ok/query-ip>
    RateLimit r 2/30d key=ip+query:user
</Location>
<Location /ok/header>
    RateLimit r 2/30d key=header:X-Api-Key
</Location>
<Location /ok/cookie>
    RateLimit r 2/30d key=cookie:sid
</Location>
<Location /ok/env>
    RateLimit r 2/30d key=env:TENANT missing=skip
</Location>
<Location /ok/host>
    RateLimit r 2/30d key=host
</Location>
<Location /ok/path>
    RateLimit r 2/30d key=path
</Location>
<Location /ok/method>
    RateLimit r 2/30d key=method
</Location>
<Location /ok/all>
    RateLimit r 2/30d key=all
</Location>
<Location /ok/expr>
    RateLimit r 2/30d "key=expr:%{HTTP:X-A}/%{HTTP:X-B}"
</Location>
<Location /ok/expr-plus>
    RateLimit r 2/30d "key=expr:%{HTTP:X-A}+query:b"
</Location>
<Location /ok/expr-inner-plus>
    RateLimit r 2/30d "key=expr:a%{escape:x+y}%{HTTP:X-A}" missing=deny
</Location>
END

# Fills `path` with the first request, then tells for each other whether it shares that counter. A request is a
# query string, or a list of options.
sub shares {
    my ($path, $what, $first, @others) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $go = sub { my ($q) = @_; ref $q ? status($s, $path, @$q) : status($s, "$path?$q") };
    is join(' ', map { $go->($first) } 1 .. 3), '200 200 429', "key=$what: two requests fill it";
    while (my ($q, $shared) = splice @others, 0, 2) {
        my $name = ref $q ? join ' ', map { ref $_ ? "[@$_]" : $_ } @$q : $q;
        is $go->($q), $shared ? 429 : 200, "key=$what: '$name' " . ($shared ? 'is the same key' : 'is another key');
    }
}
sub h { return [ headers => [@_] ] }

shares '/ok/query', 'query', 'user=ann', 'user=bob' => 0, 'x=1&user=ann&y=2' => 1, 'us%65r=ann' => 1, 'user=a%6En' => 1,
    '%75ser=%61nn' => 1, 'user=ann+' => 1, 'user=ann&user=ann' => 1;
# Other names are other fields; a value that applications would not all read alike is none.
shares '/ok/query-else', 'query', 'user=ann', 'User=ann' => 0, 'xuser=ann' => 0, 'x=user=ann' => 0, 'x=ann' => 0,
    'user=ann;x=1' => 0, 'user=ann%00' => 0, 'user=ann&user=bob' => 0, 'user=ann%zz' => 0;
shares $_, "$_, without a value", 'nothing=here', '' => 1, 'user=' => 1, 'user' => 1, 'user=+%20' => 1,
    'user=one&user=two' => 1, 'user=two&x=1&user=one' => 1, 'user=three' => 0 for '/ok/query', '/ok/queries';
shares $_, "$_, a space", 'user=a+b', 'user=a%20b' => 1, 'user=a%2Bb' => 0, 'user=ab' => 0 for '/ok/query', '/ok/queries';
shares $_, "$_, a malformed escape elsewhere", 'user=50%25', 'q=50%&user=50%25' => 1, 'user=50%25&q=%zz' => 1, 'user=50' => 0 for '/ok/query', '/ok/queries';
is join(' ', map { status($s, "/ok/query-deny?$_") } 'user=50%', 'user=%m1x', 'user=%zz', '%zzuser=x&user=y', 'user=y&%u0075ser=x'),
    join(' ', (429) x 5), 'query: a malformed escape in the value or in a name makes it no value';
is join(' ', map { status($s, "/ok/query-deny?$_") } 'user=a%FF', 'user=a&user[]=b', 'user=a&+User=b', '_charset_=x&user=a', 'user=a' . '&' x 1000),
    join(' ', (429) x 5), 'query: bytes that are no text, a twin, _charset_ or a thousand fields make it no value';
shares $_, "$_, a raw = belongs to the value", 'user=aGk=', 'user=aGk%3D' => 1, 'user=aGk' => 0 for '/ok/query', '/ok/queries';
is status($s, "/ok/query-deny?user=$_"), 200, "key=query: $_, as base64 is padded" for 'aGk=', 'aGlqYQ==', 'a%3Db';
is status($s, "/ok/query-deny?user=$_"), 429, "key=query: $_ is no value: programs that split at each = read less" for 'ann=1', 'ann==', 'ann===', 'a=bc', 'a=b=', '====', '=', 'a==b', 'annabell=';
is join(' ', map { status($s, "/ok/query?$_") } 'user=%u0061nn', 'user=x;user=y', 'user=ann%00'), '429 429 429',
    'key=query: %u, a semicolon or a NUL is no value, since applications differ';

is statuses($s, 2, '/ok/query-deny'), '429 429', 'missing=deny: no value is denied';
is status($s, '/ok/query-deny?user=one&user=two'), 429, 'missing=deny: two values are none, and denied';
my $r = request($s, 'GET', '/ok/query-deny');
cmp_ok $r->header('Retry-After'), '>=', 1, 'missing=deny: the denial has a Retry-After';
limit_is $s, 2, '/ok/query-deny?user=x', 'missing=deny: with a value it counts';
is statuses($s, 5, '/ok/query-skip'), '200 200 200 200 200', 'missing=skip: no value is not limited';
limit_is $s, 2, '/ok/query-skip?user=x', 'missing=skip: with a value it counts';
limit_is $s, 2, '/ok/query-ip', 'missing=share: what has no value is limited together', from => '192.0.2.1';
limit_is $s, 2, '/ok/query-ip', 'missing=share: the other parts still tell apart', from => '192.0.2.2';

shares '/ok/header', 'header', h('X-Api-Key' => 'k1'), h('x-api-key' => 'k1') => 1, h('X-Api-Key' => 'k2') => 0,
    h('X-Api-Key' => 'K1') => 0;
shares '/ok/header', 'header, without it', [], h('X-Api-Key' => '') => 1, h('X-Api-Key' => '  ') => 1, h('X-Api-Key' => '-') => 0;

shares '/ok/cookie', 'cookie', h(Cookie => 'sid=1'), h(Cookie => 'a=b; sid=1; c=d') => 1, h(Cookie => 'sid=2') => 0,
    h(Cookie => 'a=b;sid=1') => 1;
shares '/ok/cookie', 'cookie, without it', [], h(Cookie => 'xsid=1') => 1, h(Cookie => 'a=sid=1') => 1, h(Cookie => 'SID=1') => 1,
    h(Cookie => 'sid=') => 1, h(Cookie => 'sid=3; sid=4') => 1, h(Cookie => 'sid=3; sid=3') => 0;
shares '/ok/env', 'env', h('X-Tenant' => 't1'), h('X-Tenant' => 't2') => 0;
is statuses($s, 4, '/ok/env'), '200 200 200 200', 'key=env: unset with missing=skip is not limited';

shares '/ok/host', 'host', [ host => 'a.test' ], [ host => 'A.TEST' ] => 1, [ host => 'a.test:8080' ] => 1, [ host => 'b.test' ] => 0;
limit_is $s, 2, '/ok/path/1', 'key=path: one path';
limit_is $s, 2, '/ok/path/2', 'key=path: another path';
is status($s, '/ok/path/1?q'), 429, 'key=path: the query is no part of it';
limit_is $s, 2, '/ok/method', 'key=method: GET';
is status($s, '/ok/method', method => 'HEAD'), 429, 'key=method: HEAD counts as GET';
is status($s, '/ok/method', method => 'OPTIONS'), 200, 'key=method: OPTIONS is another key';
is statuses($s, 2, '/ok/all', from => '192.0.2.1'), '200 200', 'key=all: two requests are admitted';
is status($s, '/ok/all', from => '192.0.2.2'), 429, 'key=all: another address is of the same key';
shares '/ok/expr', 'expr', h('X-A' => 1, 'X-B' => 2), h('X-A' => 1, 'X-B' => 2) => 1, h('X-A' => 2, 'X-B' => 1) => 0;

is join(' ', map { status($s, '/ok/expr-plus?b=1', headers => [ 'X-A' => 'x' ]) } 1 .. 3), '200 200 429', 'key=expr+query: two requests fill it';
is status($s, '/ok/expr-plus?b=2', headers => [ 'X-A' => 'x' ]), 200, 'key=expr+query: another query value is another key';
is status($s, '/ok/expr-plus?b=1', headers => [ 'X-A' => 'y' ]), 200, 'key=expr+query: another value of the expression is another key';
is status($s, '/ok/expr-inner-plus', headers => [ 'X-A' => 'x' ]), 200, 'key=expr: a + inside of %{...} is the expression\'s';

$r = request($s, 'GET', '/ok/expr', headers => [ 'X-A' => 7 ]);
ok !(grep { /X-A/i } $r->header('Vary')), 'key=expr with a header: no Vary in the answer';

finish;
