# SPDX-License-Identifier: Apache-2.0
# What an administrator does by hand: a POST to the status page looks a key up, clears it, or exempts it for a while, by
# tag or by values, on all servers of a fleet; and nobody else can.
use RL::Test;
use RL::Memcached;
use RL::Status;
use JSON::PP ();

sub encoded { my ($v) = @_; $v =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ge; return $v }

# POSTs fields, in pairs, to the status page; the response.
sub post {
    my ($s, $fields, %o) = @_;
    my @pairs;
    for (my $i = 0; $i < @$fields; $i += 2) { push @pairs, encoded($fields->[$i]) . '=' . encoded($fields->[ $i + 1 ]) }
    my @type = ('Content-Type' => 'application/x-www-form-urlencoded');
    return request($s, 'POST', '/rl' . ($o{query} // '?format=json'), body => join('&', @pairs), headers => [ @type, @{ $o{headers} // [] } ], $o{auth} ? (auth => $o{auth}) : ());
}

sub token { my ($s, %o) = @_; return JSON::PP::decode_json(request($s, 'GET', '/rl?format=json', %o)->body)->{token} }

# Does something with the page's token; (status, what JSON says).
sub deed {
    my ($s, @fields) = @_;
    my $r = post($s, [ token => token($s), @fields ]);
    return ($r->status, JSON::PP::decode_json($r->body));
}

sub series { my ($s, $n, $path, @o) = @_; return join ' ', map { status($s, $path, @o) } 1 .. $n }

my $rules = statuspage() . <<'END';
<Location "/ok/login">
    RateLimit login 2/30d key=ip+query:who penalty=1d,double=4d
</Location>
<Location "/ok/bucket">
    RateLimit bucket 2/30d algorithm=token-bucket key=query:who
</Location>
<Location "/ok/sliding">
    RateLimit sliding 2/30d algorithm=sliding-window key=header:X-Who
</Location>
<Location "/ok/first">
    RateLimit first 2/30d window=first key=query:who
</Location>
<Location "/ok/net">
    RateLimitIPv4Prefix 16
    RateLimit net 2/30d key=ip
</Location>
<Location "/ok/plan">
    SetEnvIf Request_URI "plan/(\d+)-(\w+)" PLAN=$1/$2
    RateLimit plan "expr=%{env:PLAN}" key=query:who
</Location>
<Location "/ok/stacked">
    RateLimit each 2/30d key=query:who
    RateLimit all 4/30d key=all
</Location>
<Location "/ok/observed">
    RateLimit observed 2/30d key=query:who action=observe
</Location>
END

$rules .= <<'END';
<Location "/ok/host">
    RateLimit host 2/30d key=host
</Location>
<Location "/ok/slots">
    RateLimit slots 0/concurrent key=ip
</Location>
END
my $m = RL::Memcached->start;
my $shared = 'RateLimitStore memcached ' . $m->address . " timeout=2s\nRateLimitSecret 0123456789abcdef0123456789abcdef\n";
for ([ shm => '' ], [ memcached => $shared ]) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules);

    # ---- clear -----------------------------------------------------------------------------------------------------
    is series($s, 4, '/ok/login?who=Admin'), '200 200 429 429', "$name: somebody is limited";
    my ($status, $j) = deed($s, action => 'show', rule => 'login', key => 'ip=127.0.0.1', key => 'query:who=aDMIN');
    is $status, 200, "$name: show, by values, in any order and letters";
    is_deeply [ @{ $j->{keys}[0] }{qw(rule used limit exempt)} ], [ 'login', 2, 2, 0 ], "$name: show tells what is used";
    cmp_ok $j->{keys}[0]{penalty}, '>', 80_000, "$name: show tells the penalty";
    my $tag = $j->{keys}[0]{tag};
    is +(logged($s, 'GET', '/ok/login?who=admin'))[1]{key}, $tag, "$name: the key is that of the request";
    ($status, $j) = deed($s, action => 'clear', rule => 'login', key => 'query:who=admin', key => 'ip=127.0.0.1');
    is $j->{text}, '1 key cleared.', "$name: clear";
    is_deeply [ @{ $j->{keys}[0] }{qw(used penalty)} ], [ 0, 0 ], "$name: clear lifts the penalty, too";
    is series($s, 3, '/ok/login?who=admin'), '200 200 429', "$name: somebody is free, and counted anew";
    ($status, $j) = deed($s, action => 'clear', tag => $tag);
    is series($s, 3, '/ok/login?who=admin'), '200 200 429', "$name: clear, by the tag";
    like $j->{keys}[0]{since}, qr/\A1\d{9}\z/, "$name: since when it was denied";
    for my $kind (qw(bucket sliding first)) {
        my @o = (headers => [ 'X-Who' => 'Me' ]);
        my $part = $kind eq 'sliding' ? 'header:X-Who=Me' : 'query:who=me';
        is series($s, 3, "/ok/$kind?who=me", @o), '200 200 429', "$name: $kind: limited";
        is +(deed($s, action => 'clear', rule => $kind, key => $part))[0], 200, "$name: $kind: clear";
        is series($s, 3, "/ok/$kind?who=me", @o), '200 200 429', "$name: $kind: counted anew";
    }
    is series($s, 3, '/ok/net'), '200 200 429', "$name: a network is limited";
    is +(deed($s, action => 'clear', rule => 'net', key => 'ip=127.0.99.99'))[0], 200, "$name: clear, by another address of it";
    is series($s, 1, '/ok/net'), '200', "$name: the network is free: its width is that of the section";
    is series($s, 4, '/ok/plan/3-30d?who=x'), '200 200 200 429', "$name: a computed rate is exceeded";
    is series($s, 2, '/ok/plan/1-29d?who=x'), '200 429', "$name: another is exceeded";
    is scalar(@{ (deed($s, action => 'clear', rule => 'plan', key => 'query:who=x'))[1]{keys} }), 2, "$name: clear finds the key at both rates";
    is series($s, 1, '/ok/plan/3-30d?who=x') . ' ' . series($s, 1, '/ok/plan/1-29d?who=x'), '200 200', "$name: both are free";
    is +(deed($s, action => 'clear', rule => 'all'))[0], 200, "$name: key=all takes no value";
    for my $host ('One.Test', 'one.test:8080', 'one.test.') {
        my @o = (headers => [ Host => 'one.test' ]);
        is series($s, 3, '/ok/host', @o), '200 200 429', "$name: a host is limited";
        deed($s, action => 'clear', rule => 'host', key => "host=$host");
        is series($s, 1, '/ok/host', @o), '200', "$name: clear, by $host";
        deed($s, action => 'clear', rule => 'host', key => 'host=one.test');
    }
    ($status, $j) = deed($s, action => 'clear', rule => 'slots', key => 'ip=127.0.0.1');
    is $status, 400, "$name: slots can't be cleared";
    like $j->{text}, qr/can't be cleared/, "$name: and the answer doesn't say that they were";
    deed($s, action => 'exempt', rule => 'slots', key => 'ip=127.0.0.1', for => '1h');
    is series($s, 1, '/ok/slots'), '200', "$name: a key is exempted from a rule of slots";

    # ---- exempt ----------------------------------------------------------------------------------------------------
    ($status, $j) = deed($s, action => 'exempt', rule => 'login', key => 'ip=127.0.0.1', key => 'query:who=admin', for => '1h');
    is $j->{text}, '1 key exempted for 1h.', "$name: exempt";
    cmp_ok $j->{keys}[0]{exempt}, '>', 3590, "$name: exempt tells for how long";
    is series($s, 4, '/ok/login?who=admin'), '200 200 200 200', "$name: an exempt key is let in, whatever it has used";
    is series($s, 3, '/ok/login?who=other'), '200 200 429', "$name: another isn't";
    ($status, $j) = deed($s, action => 'exempt', tag => $tag, for => '0');
    is $j->{text}, '1 key no longer exempt.', "$name: an exemption is ended";
    is series($s, 1, '/ok/login?who=admin'), '429', "$name: the limit holds again";
    is series($s, 2, '/ok/stacked?who=me'), '200 200', "$name: two rules";
    deed($s, action => 'exempt', rule => 'each', key => 'query:who=me', for => '1d');
    is series($s, 4, '/ok/stacked?who=me'), '200 200 429 429', "$name: an exemption from one rule is none from another";
    is series($s, 3, '/ok/observed?who=me'), '200 200 200', "$name: a rule that observes";
    deed($s, action => 'exempt', rule => 'observed', key => 'query:who=me', for => '1d');
    is +(logged($s, 'GET', '/ok/observed?who=me'))[1]{status}, 200, "$name: an exempt key isn't observed either";

    # ---- what is logged -----------------------------------------------------------------------------------------
    my @lines = grep { /status page/ } $s->log_lines(0);
    like $lines[0], qr/:notice\].*\[client 127\.0\.0\.1:\d+\] ratelimit: status page: somebody cleared rule login, key $tag\s*\z/, "$name: who cleared what is logged";
    ok +(grep { /somebody exempted rule login, key $tag, for 3600 s/ } @lines), "$name: and who was exempted for how long";
    ok !(grep { /admin/i } @lines), "$name: but no value";
    $s->stop;
}

# ---- a fleet ----------------------------------------------------------------------------------------------------
my @fleet = map { httpd($shared . $rules) } 1 .. 2;
# All children of a server, since each may know something else.
my $everywhere = sub {
    my ($path, $want) = @_;
    return await(10, sub { !grep { status($_, $path) != $want } (@fleet) x 4 });
};
is series($fleet[0], 3, '/ok/login?who=fleet'), '200 200 429', 'a fleet: somebody is limited on one server';
ok $everywhere->('/ok/login?who=fleet', 429), 'a fleet: on all servers';
is +(deed($fleet[1], action => 'show', rule => 'login', key => 'ip=127.0.0.1', key => 'query:who=fleet'))[1]{keys}[0]{used}, 2, 'a fleet: the other server finds him';
is +(deed($fleet[1], action => 'exempt', rule => 'login', key => 'ip=127.0.0.1', key => 'query:who=fleet', for => '1h'))[0], 200, 'a fleet: he is exempted there';
ok $everywhere->('/ok/login?who=fleet', 200), 'a fleet: he is let in everywhere';
deed($fleet[0], action => 'exempt', rule => 'login', key => 'ip=127.0.0.1', key => 'query:who=fleet', for => '0');
ok $everywhere->('/ok/login?who=fleet', 429), 'a fleet: the exemption is ended everywhere';
deed($fleet[1], action => 'clear', rule => 'login', key => 'ip=127.0.0.1', key => 'query:who=fleet');
ok await(10, sub { status($fleet[0], '/ok/login?who=fleet') == 200 }), 'a fleet: he is cleared, penalty included';
is series($fleet[0], 1, '/ok/slots'), '429', 'a fleet: a rule of slots';
deed($fleet[1], action => 'exempt', rule => 'slots', key => 'ip=127.0.0.1', for => '1h');
ok $everywhere->('/ok/slots', 200), 'a fleet: an exemption from it holds on all servers';
deed($fleet[1], action => 'exempt', rule => 'slots', key => 'ip=127.0.0.1', for => '0');
ok $everywhere->('/ok/slots', 429), 'a fleet: until it is ended';
$_->stop for @fleet;

# ---- leases ---------------------------------------------------------------------------------------------------
my $leased = statuspage() . "<Location \"/ok\">\n    RateLimit busy 500/30d key=all\n</Location>\n";
@fleet = map { httpd($shared . $leased) } 1 .. 2;
my $busy = sub { my ($n) = @_; my %h; $h{ status($fleet[ $_ % 2 ], '/ok') }++ for 1 .. $n; return \%h };
is_deeply $busy->(700), { 200 => 500, 429 => 200 }, 'leases: a busy key is used up on two servers';
deed($fleet[0], action => 'clear', rule => 'busy');
ok await(10, sub { status($fleet[1], '/ok') == 200 }), 'leases: it is cleared on both';
my $more = $busy->(700);
cmp_ok $more->{200} // 0, '<', 500, 'leases: and counted anew';
cmp_ok $more->{200} // 0, '>=', 480, 'leases: with a whole limit, but for what was asked meanwhile';
$_->stop for @fleet;

# ---- who may, and what is refused --------------------------------------------------------------------------------
my $s = httpd(statuspage() . <<'END');
<Location "/ok/a">
    RateLimit a 2/30d key=ip
</Location>
<Location "/ok/h">
    RateLimit b 2/30d key=ip
</Location>
<Location "/ok/slots">
    RateLimit slots 0/concurrent key=ip
</Location>
<VirtualHost *:${PORT2}>
    ServerName two.test
    <Location "/ok/h">
        RateLimit b 2/30d key=ip
    </Location>
</VirtualHost>
END
my @a = (action => 'clear', rule => 'a', key => 'ip=127.0.0.1');
my $token = token($s);
like $token, qr/\A[0-9a-f]{40}\z/, 'a token';
my $host = '127.0.0.1:' . $s->port;
my $refused = sub { my ($headers, @token) = @_; return post($s, [ @token ? @token : (token => $token), @a ], headers => $headers)->status };
is $refused->([]), 200, 'a program that has the token';
is $refused->([ Host => $host, Origin => "http://$host" ]), 200, 'a page of this site';
is $refused->([ Host => $host, Origin => "https://$host" ]), 200, 'a page of this site, behind a proxy that takes TLS off';
is $refused->([ Host => $host, Origin => 'http://evil.test' ]), 403, 'a page of another site';
is $refused->([ Host => $host, Origin => "http://$host.evil.test" ]), 403, 'one whose name begins like ours';
is $refused->([ Host => $host, Origin => "http://evil.test\@$host" ]), 403, 'one with a user name';
is $refused->([ Host => $host, Origin => 'null' ]), 403, 'a page from nowhere';
is $refused->([ Host => $host, Referer => 'http://evil.test/page' ]), 403, 'a page of another site, by its Referer';
is $refused->([ Host => $host, Referer => "http://$host/rl" ]), 200, 'a page of this site, by its Referer';
is $refused->([ 'Sec-Fetch-Site' => 'cross-site' ]), 403, 'a page of another site, by Sec-Fetch-Site';
is $refused->([ 'Sec-Fetch-Site' => 'same-site' ]), 403, 'a page of a neighbour';
is $refused->([ Host => $host, 'Sec-Fetch-Site' => 'same-origin', Origin => "http://$host" ]), 200, 'a page of this site, by both';
is $refused->([], rule => 'a'), 403, 'without a token';
for my $i (0, 7, 8, 20, 39) {
    my $other = $token;
    substr $other, $i, 1, substr($other, $i, 1) eq '0' ? '1' : '0';
    is $refused->([], token => $other), 403, "a token that differs in its character $i";
}
is $refused->([], token => '00000001' . substr $token, 8), 403, 'a token that is over';
is $refused->([], token => $token . '0'), 403, 'a longer one';

sub refusal { my ($what, $status, $like, @fields) = @_; my ($got, $j) = deed($s, @fields); is $got, $status, "$what: $status"; like $j->{text}, $like, "$what: the reason"; ok !$j->{done}, "$what: nothing is done" }
refusal 'no action', 400, qr/show, clear or exempt/, rule => 'a';
refusal 'an unknown action', 400, qr/show, clear or exempt/, action => 'destroy', rule => 'a';
refusal 'no key', 400, qr/which key/, action => 'clear';
refusal 'an unknown rule', 404, qr/no rule nonesuch/, action => 'clear', rule => 'nonesuch';
refusal 'an unknown tag', 404, qr/No key of this tag/, action => 'clear', tag => '0123456789ab';
refusal 'no tag', 400, qr/twelve hex digits/, action => 'clear', tag => 'xyz';
refusal 'no address', 400, qr/no IP address/, action => 'clear', rule => 'a', key => 'ip=localhost';
refusal 'a value too few', 400, qr/key of rule a is ip: give a value/, action => 'clear', rule => 'a';
refusal 'a value too many', 400, qr/more values/, action => 'clear', rule => 'a', key => 'ip=127.0.0.1', key => 'user=x';
refusal 'two virtual hosts', 409, qr/such as \S+ and \S+: say which/, action => 'clear', rule => 'b', key => 'ip=127.0.0.1';
refusal 'a virtual host that has no such rule', 400, qr/no rule of this name/, action => 'clear', rule => 'b', vhost => 'three.test', key => 'ip=127.0.0.1';
refusal 'an exemption without an end', 400, qr/for how long/, action => 'exempt', rule => 'a', key => 'ip=127.0.0.1';
refusal 'an exemption of a year', 400, qr/for=365d: /, action => 'exempt', rule => 'a', key => 'ip=127.0.0.1', for => '365d';
is +(deed($s, action => 'clear', rule => 'b', vhost => 'two.test', key => 'ip=127.0.0.1'))[0], 200, 'the virtual host is named';
is post($s, [ token => $token, @a, map { (x => $_) } 1 .. 100 ])->status, 413, 'too many fields';
is post($s, [ token => $token, @a, x => 'x' x 10_000 ])->status, 413, 'too long a form';
is +(deed($s, @a, key => "user=\0"))[0], 400, 'a NUL in a field';
status($s, '/ok/slots'), status($s, '/ok/a');
my $own = request($s, 'GET', '/rl')->body;
like $own, qr/aria-label="Clear: key \w+ of a"/, 'the page has a button that clears a key';
like $own, qr/aria-label="Exempt[^"]*: key \w+ of slots"/, 'one that exempts a key of slots';
unlike $own, qr/aria-label="Clear: key \w+ of slots"/, 'and none that clears slots';
my $page = post($s, [ token => $token, @a ], query => '');
is $page->header('Content-Type'), 'text/html; charset=utf-8', 'the answer to a form of the page is the page';
is $page->header('Cache-Control'), 'no-store', 'which is not stored';

# ---- many virtual hosts ------------------------------------------------------------------------------------------
my $many = httpd(statuspage() . "<Location \"/ok\">\n    RateLimit each 2/30d key=ip\n</Location>\n" . join '', map { "<VirtualHost *:\${PORT}>\n    ServerName h$_.test\n</VirtualHost>\n" } 1 .. 100);
my @hosts = map { [ headers => [ Host => "h$_.test" ] ] } 1, 50, 99, 100;
series($many, 3, '/ok', @$_) for @hosts;
deed($many, action => 'clear', rule => 'each', key => 'ip=127.0.0.1');
is join(' ', map { status($many, '/ok', @$_) } @hosts), '200 200 200 200', 'clear goes for all of a hundred virtual hosts';
$many->stop;

# ---- some look, others act: as the manual has it -------------------------------------------------------------------
my $shared_page = httpd(<<'END');
<Location "/rl">
    SetHandler ratelimit-status
    AuthType Basic
    AuthName "test"
    AuthBasicProvider file
    AuthUserFile "${ROOT}/conf/users"
    <RequireAny>
        Require user alice
        <RequireAll>
            Require method GET
            Require valid-user
        </RequireAll>
    </RequireAny>
</Location>
<Location "/ok">
    RateLimit a 2/30d key=ip
</Location>
END
my %alice = (auth => 'alice:secret');
my %bob   = (auth => 'bob:hunter2');
is request($shared_page, 'GET', '/rl')->status, 401, 'strangers may not look';
is request($shared_page, 'GET', '/rl', %bob)->status, 200, 'bob may look';
is post($shared_page, [ token => token($shared_page, %bob), @a ], %bob)->status, 401, 'but not act';
is post($shared_page, [ token => token($shared_page, %bob), @a ], %alice)->status, 403, "bob's token is no good for alice";
is post($shared_page, [ token => token($shared_page, %alice), @a ], %alice)->status, 200, 'alice may act';
$shared_page->stop;

# ---- a tenant's rule -------------------------------------------------------------------------------------------
my $t = httpd(statuspage() . "<Directory \"\${DOCROOT}/t\">\n    AllowOverride All\n</Directory>\n", files => { 'htdocs/t/.htaccess' => "RateLimit mine 2/30d key=query:who+ip penalty=1h\n", 'htdocs/t/x' => 'x' });
is series($t, 3, '/t/x?who=me'), '200 200 429', "a tenant's rule";
my ($tag) = (logged($t, 'GET', '/t/x?who=me'))[1]{key};
my @lines = grep { /denied, key $tag/ } $t->log_lines(0);
ok @lines && !(grep { /one address/ } @lines), "a tenant's rule: no line that has visitors shut out of other sites";
is +(deed($t, action => 'clear', tag => $tag))[1]{keys}[0]{rule}, '.htaccess', "a tenant's rule: cleared by the tag";
is series($t, 3, '/t/x?who=me'), '200 200 429', "a tenant's rule: counted anew";
$t->stop;
$s->stop;

finish;
