# SPDX-License-Identifier: Apache-2.0
# What other C modules may do (mod_ratelimit_cache.h), through the module of t/module: check, charge, refund, read and
# clear counters by name and values, and have a say in denials.
use RL::Test;
use RL::Memcached;
use RL::Status;
use RL::Stores;
use RL::H2;
use Cwd ();
use JSON::PP ();

my $example = RL::Conf::module() =~ m{\A(.*)/} && "$1/t/mod_ratelimit_example.so";
$example = 'out/t/mod_ratelimit_example.so' if !-e $example;
BAIL_OUT("no $example: run make example first") if !-e $example;
$example = Cwd::abs_path($example);
my $load = "LoadModule ratelimit_example_module \"$example\"\n";

my $rules = <<'END';
<Location /api>
    SetHandler ratelimit-example
    RateLimitIPv6Prefix 48
    RateLimit form   5/30d key=form:username+ip methods=TRACK group=form
    RateLimit swap   5/30d key=ip+form:username methods=TRACK group=form
    RateLimit net    5/30d key=ip/24 methods=TRACK
    RateLimit either 5/30d key=user-or-ip methods=TRACK
    RateLimit user   5/30d key=user methods=TRACK
    RateLimit exact  5/30d key=query:q fold=off methods=TRACK
    RateLimit skip   5/30d key=form:f missing=skip methods=TRACK
    RateLimit deny   5/30d key=form:f missing=deny methods=TRACK
    RateLimit gone   5/30d key=form:f missing=deny absent=skip methods=TRACK
    RateLimit all    5/30d key=all methods=TRACK
    RateLimit verb   5/30d key=method+path+host methods=TRACK
    RateLimit dear   10/30d key=query:q cost=3 methods=TRACK
    RateLimit calc   expr=%{HTTP:X-Rate} key=all cost=expr=%{HTTP:X-Cost} methods=TRACK
    RateLimit free   none methods=TRACK
    RateLimit seen   1/30d key=query:q action=observe methods=TRACK
    RateLimit bucket 1/30d key=query:q algorithm=token-bucket burst=4 methods=TRACK
    RateLimit slide  5/30d key=query:q algorithm=sliding-window methods=TRACK
    RateLimit held   2/30d key=query:q penalty=1h methods=TRACK
    RateLimit shut   0/30d key=all methods=TRACK
    RateLimit words  2/30d key=query:q distinct=query:w methods=TRACK
</Location>
<Location /api/off>
    RateLimitEngine Off
</Location>
<Location /api/watch>
    RateLimitEngine Observe
</Location>
<Location /ok/login>
    RateLimit login 3/30d key=query:user
    RateLimit by-ip 100/30d
</Location>
END

my $json = JSON::PP->new;
my ($s, $name);

# Calls one function: its answer as a hash.
sub call {
    my ($op, $rule, $query, %o) = @_;
    my $r = request($s, 'GET', ($o{path} // '/api') . "?op=$op&rule=$rule" . ($query // ''), %o);
    return $r->status == 200 ? $json->decode($r->body) : { result => $r->status, count => '' };
}
sub said { my $a = call(@_); return "$a->{result} $a->{count}" }

sub functions {
    # ---- distinct=: the values of the key, then the one that is counted -----------------------------------------------
    is join(' ', map { call('charge', 'words', "&v=key&v=$_")->{result} } qw(a b a c)), 'ok ok ok over', "$name: distinct=: two values are charged, each once";
    is call('check', 'words', "&v=key&v=$_->[0]")->{result}, $_->[1], "$name: distinct=: check: $_->[0]" for [qw(a ok)], [qw(c over)];
    is call('charge', 'words', '&v=key')->{result}, 'bad call', "$name: distinct=: its value must be given";
    my @held = map { call('charge', 'words', "&v=other&v=$_") } qw(a a b);
    is said('refund', 'words', "&receipt=$held[0]{receipt}"), 'ok 0', "$name: distinct=: a refund is ok";
    is call('charge', 'words', '&v=other&v=c')->{result}, 'over', "$name: distinct=: one of two gives nothing back";
    said('refund', 'words', "&receipt=$held[1]{receipt}");
    is call('charge', 'words', '&v=other&v=c')->{result}, 'ok', "$name: distinct=: the last one gives the value back";
    is call('clear', 'words', '&v=key&v=x')->{result}, 'ok', "$name: distinct=: clear is ok";
    is join(' ', map { call('charge', 'words', "&v=key&v=$_")->{result} } qw(d e a)), 'ok ok over', "$name: distinct=: after clear no value is free";

    # ---- check, charge, refund, read, clear ------------------------------------------------------------------------
    my $q = '&v=alice';
    is said('read', 'dear', $q), 'ok 0', "$name: read: nothing is used at first";
    is said('check', 'dear', $q), 'ok 0', "$name: check: charges nothing";
    my $first = call('charge', 'dear', $q);
    is "$first->{result} $first->{count} $first->{remaining} $first->{limit} $first->{fits}", 'ok 3 7 10 1', "$name: charge: takes the rule's cost";
    ok $first->{reset} > 0 && $first->{retry_after} == 0, "$name: charge: tells the reset, and no wait";
    like $first->{key}, qr/\A[0-9a-f]{12}\z/, "$name: charge: tells the key's tag";
    my $second = call('charge', 'dear', "$q&cost=6");
    is "$second->{result} $second->{count}", 'ok 9', "$name: charge: takes another cost that is given";
    is said('check', 'dear', "$q&cost=1"), 'ok 9', "$name: check: one more unit would fit";
    my $no = call('check', 'dear', "$q&cost=2");
    is "$no->{result} $no->{count} $no->{fits}", 'over 9 0', "$name: check: two more units would not fit";
    ok $no->{retry_after} > 0, "$name: check: what would not fit has a wait";
    my $over = call('charge', 'dear', $q);
    is "$over->{result} $over->{count} $over->{remaining}", 'over 9 1', "$name: charge: what does not fit is over, and nothing is charged";
    like $over->{receipt}, qr/\A0+\z/, "$name: charge: what does not fit has a void receipt";
    is said('read', 'dear', $q), 'ok 9', "$name: read: is ok when the rule's cost would not fit";
    is call('read', 'dear', $q)->{fits}, 0, "$name: read: tells that the rule's cost would not fit";
    is said('read', 'dear', '&v=bob'), 'ok 0', "$name: read: another key has its own counter";
    is said('refund', 'dear', "&receipt=$second->{receipt}"), 'ok 0', "$name: refund: is ok";
    is said('read', 'dear', $q), 'ok 3', "$name: refund: gives back what the charge took";
    is said('refund', 'dear', '&receipt=' . $over->{receipt}), 'ok 0', "$name: refund: a void receipt is ok";
    is said('read', 'dear', $q), 'ok 3', "$name: refund: a void receipt gives back nothing";
    is said('refund', 'dear', "&receipt=$_"), 'bad call 0', "$name: refund: a receipt that is none is a bad call"
        for substr($first->{receipt}, 0, 64), 'ff' x 128, substr($first->{receipt}, 0, 100) . ('7f' x 78);
    is said('clear', 'dear', $q), 'ok 0', "$name: clear: is ok";
    is said('read', 'dear', $q), 'ok 0', "$name: clear: nothing is used afterwards";
    is said('charge', 'dear', "$q&cost=10"), 'ok 10', "$name: clear: all units fit afterwards";
    is said('charge', 'dear', "$q&cost=1"), 'over 10', "$name: charge: not a unit more than the limit";
    is said('charge', 'dear', "$q&cost=0"), 'ok 10', "$name: charge: a cost of 0 fits when it is full";
    is said('charge', 'dear', "$q&cost=11"), 'over 10', "$name: charge: a cost above the limit does not fit";

    for my $rule (qw(bucket slide)) {
        my $limit = $rule eq 'bucket' ? 4 : 5;
        my $a = call('charge', $rule, "&v=x&cost=3");
        is "$a->{result} $a->{count} $a->{limit}", "ok 3 $limit", "$name: $rule: charge takes the cost";
        is said('check', $rule, '&v=x&cost=3'), 'over 3', "$name: $rule: check tells that it would not fit";
        is said('refund', $rule, "&receipt=$a->{receipt}"), 'ok 0', "$name: $rule: refund is ok";
        is said('charge', $rule, "&v=x&cost=$limit"), "ok $limit", "$name: $rule: all units fit after the refund";
        is said('clear', $rule, '&v=x'), 'ok 0', "$name: $rule: clear is ok";
        is said('read', $rule, '&v=x'), 'ok 0', "$name: $rule: nothing is used after the clear";
    }
    is join(' ', map { said('charge', 'held', '&v=x') } 1 .. 2), 'ok 1 ok 2', "$name: penalty: charges up to the limit";
    is said('check', 'held', '&v=x'), 'over 2', "$name: penalty: a check beyond the limit is over";
    is said('charge', 'held', '&v=x'), 'over 2', "$name: penalty: a charge beyond the limit is over";
    cmp_ok call('check', 'held', '&v=x&cost=0')->{retry_after}, '>=', 3599, "$name: penalty: the charge beyond the limit has begun it";
    is said('clear', 'held', '&v=x'), 'ok 0', "$name: penalty: clear is ok";
    is said('charge', 'held', '&v=x'), 'ok 1', "$name: penalty: the clear has lifted it";

    # ---- values ----------------------------------------------------------------------------------------------------
    is said('charge', 'form', '&v=alice&v=192.0.2.1'), 'ok 1', "$name: values are given in the order of key=";
    is said('charge', 'swap', '&v=192.0.2.1&v=alice'), 'ok 2', "$name: two rules of a group with another order of key= share a counter";
    is call('charge', 'form', '&v=192.0.2.1&v=alice')->{result}, 'bad value', "$name: values in the wrong order: a name is no address";
    is said('charge', 'form', '&v=%20ALICE&v=::ffff:192.0.2.1'), 'ok 3', "$name: a value is folded, an IPv4-mapped address is IPv4";
    is said('charge', 'form', '&v=%EF%BC%A1lice&v=192.0.2.1'), 'ok 4', "$name: a value with a full-width letter is folded";
    is said('charge', 'form', '&v=alice&v=2001:db8::1'), 'ok 1', "$name: an IPv6 address is another key";
    is said('charge', 'form', '&v=alice&v=2001:db8:0:ffff::2%25eth0'), 'ok 2', "$name: an IPv6 address is cut to the location's prefix, its zone ignored";
    is said('charge', 'form', '&v=alice&v=2001:db8:1::1'), 'ok 1', "$name: an IPv6 address of another network is another key";
    is said('charge', 'net', "&v=192.0.2.$_"), "ok $_", "$name: key=ip/24: 192.0.2.$_ is of one key" for 1 .. 3;
    is said('charge', 'exact', "&v=$_"), 'ok 1', "$name: fold=off: $_ is a key of its own" for qw(a A);
    is said('charge', 'either', '&v=alice'), 'ok 1', "$name: user-or-ip: a user is a key";
    is said('charge', 'either', '&v=ip:192.0.2.1'), 'ok 1', "$name: user-or-ip: an address, given as ip:, is another";
    is said('charge', 'either', '&v=192.0.2.1'), 'ok 1', "$name: user-or-ip: a user who is called like an address is another";
    is said('charge', 'either', '&v=ip:::ffff:192.0.2.1'), 'ok 2', "$name: user-or-ip: an IPv4-mapped address is the address";
    is call('charge', 'either', '&v=ip:x')->{result}, 'bad value', "$name: user-or-ip: ip: without an address is a bad value";
    is call('charge', 'net', "&v=$_")->{result}, 'bad value', "$name: key=ip: '$_' is a bad value"
        for '1.2.3', '1.2.3.4.5', '1.2.3.4/24', 'x' x 500, '::1::', '%25', '[::1]';
    is said('charge', 'verb', '&v=GET&v=/a&v=h'),  'ok 1', "$name: method+path+host: GET";
    is said('charge', 'verb', '&v=head&v=/a&v=h'), 'ok 2', "$name: method+path+host: head is the key of GET";
    is said('charge', 'verb', '&v=foo&v=/a&v=h'),  'ok 1', "$name: method+path+host: a method nobody knows is another key";
    is said('charge', 'verb', '&v=FOO&v=/a&v=h'),  'ok 2', "$name: method+path+host: a method nobody knows in another letter case is the same key";
    is said('charge', 'all', '&v=anything'), 'ok 1', "$name: key=all: any value is the key";
    is said('charge', 'all', '&none'), 'ok 2', "$name: key=all: no value is the key";
    is said('charge', 'all', ''), 'ok 3', "$name: key=all: the request's own values are the key";

    is said('charge', 'net', '&none'), 'ok 1', "$name: missing=share: no value is charged to the shared counter";
    is said('charge', 'net', '&v='), 'ok 2', "$name: missing=share: an empty value is none";
    is said('charge', 'exact', "&v=$_"), 'ok ' . ($_ eq '%20' ? 1 : 2), "$name: missing=share: white space is no value" for '%20', '';
    is call('charge', 'skip', '&none')->{result}, 'not counted', "$name: missing=skip: no value is not counted";
    is said('charge', 'deny', '&none'), 'over 0', "$name: missing=deny: no value is over";
    is call('charge', 'gone', '')->{result}, 'not counted', "$name: absent=skip: a request without a body is not counted";
    is said('charge', 'gone', '&none'), 'over 0', "$name: a value that is not given goes by missing=, not by absent=";
    is said('check', 'deny', '&v='), 'over 0', "$name: missing=deny: an empty value in a check is over";
    is call('charge', 'user', '&none')->{result}, 'not counted', "$name: key=user: no value is not counted";
    is said('charge', 'user', '&v=Alice'), 'ok 1', "$name: key=user: a value is counted";
    is call('charge', 'user', '')->{result}, 'not counted', "$name: key=user: of a request without a user it is not counted";

    # ---- a request's own values, computed rates ------------------------------------------------------------------------
    is said('charge', 'exact', '&v=own'), 'ok 1', "$name: a value that is given is counted";
    is said('charge', 'dear', '&q=own&cost=1', path => '/api'), 'ok 1', "$name: the request's own value is counted";
    is said('read', 'dear', '&v=own'), 'ok 1', "$name: the request's own value and one that is given are one key";
    is said('charge', 'dear', '&cost=1', path => '/api'), 'ok 1', "$name: a request without a value is counted";
    is call('clear', 'dear', '', path => '/api')->{result}, 'not counted', "$name: a request without a value can't clear the counter of all that have none";
    is said('read', 'dear', '&none'), 'ok 1', "$name: the counter of requests without a value stays";
    is said('clear', 'dear', '&none'), 'ok 0', "$name: no value, given by name, is cleared";
    my $rate = sub { my ($rate, $cost) = @_; return (headers => [ 'X-Rate' => $rate, 'X-Cost' => $cost ]) };
    is said('charge', 'calc', '&v=', $rate->('5/d', 2)), 'ok 2', "$name: computed rate and cost: the request's are charged";
    is call('charge', 'calc', '&v=', $rate->('5/d', 4))->{result}, 'over', "$name: computed rate and cost: the request's do not fit";
    is call('charge', 'calc', '&v=', $rate->('', 4))->{result}, 'not counted', "$name: computed rate: an empty one is not counted";
    is call('charge', 'free', '&v=1.2.3.4')->{result}, 'not counted', "$name: RATE none is not counted";
    is call('charge', 'shut', '&v=')->{result}, 'over', "$name: COUNT 0 is over";

    # ---- mistakes --------------------------------------------------------------------------------------------------------
    is call($_, 'nobody', '&v=x')->{result}, 'no rule', "$name: $_: a rule that is not there is told" for qw(read check charge clear);
    is call($_, 'form', '&v=x')->{result}, 'bad call', "$name: $_: too few values are a bad call" for qw(read check charge clear);
    is call($_, 'form', '&v=x' x 3)->{result}, 'bad call', "$name: $_: too many values are a bad call" for qw(read check charge clear);
    is call('charge', 'dear', "&v=x&cost=$_")->{result}, 'bad call', "$name: charge: a cost of $_ is a bad call" for -2, 4294967296;
    is call('charge', 'dear', "&v=x&cost=4294967295")->{result}, 'over', "$name: charge: the largest cost does not fit";
    is call('nonsense', 'dear')->{result}, 'ok', "$name: calls that make no sense are refused";

    # ---- elsewhere ---------------------------------------------------------------------------------------------------------
    is said('charge', 'seen', '&v=x'), 'ok 1', "$name: action=observe: a charge that fits";
    my $seen = call('charge', 'seen', '&v=x');
    is "$seen->{result} $seen->{count} $seen->{fits} $seen->{observed}", 'ok 1 0 1', "$name: action=observe: a charge that does not fit is ok, and nothing is charged";
    like $seen->{receipt}, qr/\A0+\z/, "$name: action=observe: what was not charged has a void receipt";
    is said('charge', 'shut', '&v=', path => '/api/watch'), 'ok 0', "$name: RateLimitEngine Observe: a charge that does not fit is ok";
    is call('read', 'all', '', path => '/api/off')->{result}, 'not counted', "$name: RateLimitEngine Off: nothing is counted";
    is call('charge', 'login', '&v=alice')->{result}, 'no rule', "$name: a rule of another location is not found";
    is said('charge', 'login', '&v=alice&at=/ok/login'), 'ok 1', "$name: a rule of another location is charged when that is named";
    is statuses($s, 3, '/ok/login?user=alice'), '200 200 429', "$name: a charge for another location counts with its requests";
    is said('read', 'login', '&v=ALICE&at=/ok/login'), 'ok 3', "$name: requests of another location count in a read for it";
    is said('clear', 'login', '&v=alice&at=/ok/login'), 'ok 0', "$name: clear for another location is ok";
    limit_is $s, 3, '/ok/login?user=alice', "$name: after a clear for another location its requests are admitted";
    is said('read', 'by-ip', '&v=127.0.0.1&at=/ok/login'), 'ok 5', "$name: another rule of another location has counted its requests";

    my @together = map { $json->decode($_->body)->{result} } parallel($s, 30, '/api?op=charge&rule=dear&v=crowd&cost=2');
    is scalar(grep { $_ eq 'ok' } @together), 5, "$name: of thirty charges at once exactly what fits is charged";

    my $from = $s->log_mark;
    my $r = request($s, 'GET', '/ok/login?user=eve', headers => [ 'X-Everywhere' => 'login' ]);
    is $r->status, 200, "$name: a request with a read in every phase is served";
    my ($line) = $s->wait_log($from, qr/example: everywhere/);
    like $line, qr/everywhere: no rule 0, .*, ok 0, ok 1(?:, ok 1)+\z/, "$name: a read in every phase says what is known then";
    return;
}

for (stores_to_test()) {
    ($name, my $store) = @$_;
    $s = httpd($store . $load . $rules);
    functions();
}

# shm and memcached, unless others are asked for.
sub stores_to_test {
    local $ENV{RL_STORES} = $ENV{RL_STORES} // 'shm memcached';
    return stores();
}

# ---- the hook ------------------------------------------------------------------------------------------------------------
my $hooked = <<'END';
<Location /ok/one>
    RateLimit one 1/30d key=query:k
</Location>
<Location /ok/named>
    RateLimit one 1/30d key=query:k status=503
</Location>
<Location /ok/two>
    RateLimit short 1/1d  key=query:k
    RateLimit long  1/30d key=query:k
    RateLimit wide  9/30d key=query:k
</Location>
<Location /ok/late>
    Include conf/auth.conf
    RateLimit early 1/30d key=query:k
    RateLimit late  1/30d key=user+query:k
</Location>
<Location /ok/any>
    Include conf/auth.conf
    Require all denied
    Satisfy Any
    RateLimit one 1/30d key=query:k
</Location>
<Location /ok/seen>
    RateLimit one 1/30d key=query:k action=observe
</Location>
<Location /ok/exempt>
    RateLimitExempt 127.0.0.1
    RateLimit one 0/30d
</Location>
<Location /ok/doc>
    ErrorDocument 503 "closed"
    RateLimit one 1/30d key=query:k
</Location>
<Location /ok/held>
    RateLimit one 1/30d key=query:k penalty=1h
</Location>
<Location /ok/form>
    RateLimit one 1/30d key=form:user
</Location>
<Location /ok/handled>
    RateLimitDenyHandler /ok/denied
    RateLimit one 1/30d key=query:k
</Location>
<Location /ok/named-handler>
    RateLimitDenyHandler ratelimit-example
    RateLimit one 1/30d key=query:k
</Location>
<Location /cgi-bin>
    RateLimit one 1/30d key=query:k
</Location>
<Directory "${DOCROOT}/dir">
    RateLimit one 1/30d key=header:X-K
</Directory>
END

my %files = ('htdocs/dir/index.html' => 'index');

sub opinion {
    my ($path, $word, %o) = @_;
    push @{ $o{headers} }, 'X-Opinion' => $word if defined $word;
    my $from = $s->log_mark;
    my ($r, $l) = logged($s, delete $o{method} // 'GET', $path, %o);
    my @asked = grep { /example: rule / } $s->log_lines($from);
    return ($r, $l, scalar @asked, @asked);
}

sub hook {
    my $k = 0;
    my $fresh = sub { my ($path) = @_; $path .= '?k=' . ++$k; status($s, $path, $path =~ /late/ ? (auth => 'alice:secret') : ()); return $path };
    my ($path, $r, $l, $n, @asked);

    $path = $fresh->('/ok/one');
    ($r, $l, $n, @asked) = opinion($path, undef);
    is $r->status . " $l->{state} $n", '429 denied 1', "$name: hook without an opinion: denied, and asked once";
    my ($tag) = $asked[0] =~ /rule one, 1\/30d, status 429, 0 of 1 left, reset \d+, retry \d+, key ([0-9a-f]{12}), failed 0/;
    is $tag, $l->{key}, "$name: hook: is told the rule, its numbers and the key" or diag @asked;
    my ($retry) = $asked[0] =~ /retry (\d+)/;
    is $retry, $r->header('Retry-After'), "$name: hook: is told the same wait as the client";
    is status($s, $path, headers => [ 'X-Opinion' => $_ ]), 429, "$name: hook: an opinion of $_ makes no sense, and is none" for qw(200 302 399 600 7 -3 -99);

    ($r, $l, $n) = opinion($path, 'veto');
    is $r->status . " $l->{state} $l->{rule} $n", '200 observed one 1', "$name: hook: a veto serves, and is logged as observed";
    is scalar(() = $r->header('Retry-After')), 0, "$name: hook: a veto leaves no Retry-After";
    is status($s, $path), 429, "$name: hook: a veto is for one request only";
    ($r) = opinion($path, 503);
    is $r->status, 503, "$name: hook: another status is answered";
    ok $r->header('Retry-After') > 1, "$name: hook: another status has Retry-After";
    ($r) = opinion($path, 418);
    is $r->status, 418, "$name: hook: a status that httpd has no name for is answered";
    ($r) = opinion($fresh->('/ok/named'), 404);
    is $r->status, 404, "$name: hook: another status prevails over status=";
    ($r) = opinion($fresh->('/ok/doc'), 503);
    is $r->status . ' ' . $r->body, '503 closed', "$name: hook: another status has its own ErrorDocument";
    ($r) = opinion($path, 'headers');
    is join(' ', $r->status, map { $r->header($_) // '-' } qw(X-Denied Retry-After Cache-Control)), '429 denied 77 no-store', "$name: hook: header fields of the module stand";
    ($r) = opinion($path, 'look');
    is $r->header('X-Use'), 'ok 1/1 same key', "$name: hook: may read the counter of the same key itself";

    for my $where (qw(handled named-handler)) {
        my $own = $where eq 'handled' ? "ok\n" : qr/"result": "bad call"/;
        $path = $fresh->("/ok/$where");
        ($r) = opinion($path, 503);
        is $r->status, 503, "$name: hook, $where: another status is answered";
        like $r->body, ref $own ? $own : qr/\A\Q$own\E\z/, "$name: hook, $where: another status is the deny handler's to answer";
        ($r) = opinion($path, 'done');
        is $r->status . ' ' . $r->body, "429 Not so fast: one allows 1/30d.\n", "$name: hook, $where: an answer of the module's own replaces the deny handler";
        ($r) = opinion($path, 'veto');
        is $r->status . ' ' . $r->body, "200 ok\n", "$name: hook, $where: a veto keeps the deny handler out";
    }

    # ---- stacked rules ----
    $path = $fresh->('/ok/two');
    ($r, $l, $n) = opinion($path, 'veto:short');
    is $r->status . " $l->{rule} $n", '429 long 1', "$name: hook, two rules deny: a veto against one, the longer wait stands";
    ($r, $l, $n) = opinion($path, 'veto:long');
    is $r->status . " $l->{rule} $n", '429 short 2', "$name: hook, two rules deny: a veto against the longer wait, the other stands";
    ($r) = opinion($path, 'veto:long', headers => [ Accept => 'application/json' ]);
    is join(' ', @{ $json->decode($r->body)->{'violated-policies'} }), 'short', "$name: hook, two rules deny: only the one without a veto is in violated-policies";
    ($r, $l, $n) = opinion($path, 'veto');
    is $r->status . " $l->{state} $n", '200 observed 2', "$name: hook, two rules deny: a veto against both, served";
    is said('read', 'wide', "&v=$k&at=/ok/two"), 'ok 2', "$name: hook, two rules deny: a third is charged only when both are vetoed";
    is said('read', $_, "&v=$k&at=/ok/two"), 'ok 1', "$name: hook, two rules deny: $_ is not charged when it is vetoed" for qw(short long);
    opinion($path, 'veto') for 1 .. 7;
    ($r, $l, $n) = opinion($path, 'veto:short,long');
    is $r->status . " $l->{rule}", '429 wide', "$name: hook, two rules vetoed: the third denies at its limit";

    # ---- later phases, redirects ----
    $path = $fresh->('/ok/late');
    ($r, $l, $n) = opinion($path, 'veto', auth => 'alice:secret');
    is $r->status . " $l->{state} $n", '200 observed 2', "$name: hook: is asked before and after authentication, once for each rule";
    ($r, $l, $n) = opinion($path, 'veto', auth => 'alice:wrong');
    is $r->status . " $n", '401 1', "$name: hook: a veto is no password";
    ($r, $l, $n) = opinion($path, 'veto:early', auth => 'alice:secret');
    is $r->status . " $l->{rule} $n", '429 late 2', "$name: hook: a veto against the rule before authentication, the one after it denies";
    for my $word (qw(done 503)) {
        ($r, $l, $n) = opinion($fresh->('/ok/any'), $word);
        is $r->status . " $n", ($word eq 'done' ? 429 : 503) . ' 1', "$name: hook, Satisfy Any: an opinion of $word is answered";
    }
    ($r, $l, $n) = opinion($fresh->('/ok/any'), 'veto', auth => 'alice:secret');
    is $r->status . " $n", '200 1', "$name: hook, Satisfy Any: a veto is served";
    status($s, '/dir/', headers => [ 'X-K' => $name ]);
    ($r, $l, $n) = opinion('/dir/', 'veto', headers => [ 'X-K' => $name ]);
    is $r->status . ' ' . $r->body . " $n", '200 index 1', "$name: hook: is asked about a directory index once, and a veto is served";
    ($r, $l, $n) = opinion('/dir/', 'done', headers => [ 'X-K' => $name ]);
    is $r->status . " $n", '429 1', "$name: hook: is asked about a directory index once, and answers itself";

    # ---- who is not asked ----
    for my $where (qw(seen exempt)) {
        ($r, $l, $n) = opinion($fresh->("/ok/$where"), 'done');
        is $r->status . " $n", '200 0', "$name: hook: is not asked when the request is $where";
    }
    ($r, $l, $n) = opinion('/ok/one?k=new', 'done');
    is $r->status . " $n", '200 0', "$name: hook: is not asked about what is admitted";

    # ---- penalties and outcomes ----
    $path = $fresh->('/ok/held');
    ($r) = opinion($path, 'veto') for 1 .. 2;
    is $r->status, 200, "$name: hook: a veto against a penalty is served";

    # ---- a response of the module's own ----
    $path = $fresh->('/ok/one');
    ($r, $l) = opinion($path, 'done');
    is $r->status . ' ' . $r->body, "429 Not so fast: one allows 1/30d.\n", "$name: own answer: comes with the status of the denial";
    is $l->{state}, 'denied', "$name: own answer: is a denial in the access log";
    ok $r->header('Retry-After') > 1, "$name: own answer: has Retry-After";
    my $c = connection($s);
    for (1 .. 3) {
        $r = $c->request('GET', $path, headers => [ 'X-Opinion' => 'done' ]);
        is $r->status, 429, "$name: own answer: request $_ on one connection";
    }
    ok !$c->closed, "$name: own answer: the connection is kept";
    $r = $c->request('HEAD', $path, headers => [ 'X-Opinion' => 'done' ]);
    is $r->status . $r->body, 429, "$name: own answer: HEAD has the status, and no body";
    $r = $c->request('GET', '/ok/one?k=next' . $k, headers => [ 'X-Opinion' => 'done' ]);
    is $r->status, 200, "$name: own answer: the request after a HEAD on the connection is served";

    (my $post = $fresh->('/cgi-bin/env.cgi'));
    my $inner = "GET /ok/never HTTP/1.1\r\nHost: x\r\n\r\n";
    for my $how ([ 'a whole body', body => $inner ], [ 'a chunked one', body => $inner, chunked => 1 ], [ 'a large one', body => 'x' x 300_000 ],
        [ 'one that never comes', length => 100, no_body => 1 ], [ 'one that waits for a 100', expect => 1, body => 'x' x 10 ]) {
        my ($what, @body) = @$how;
        my $mark = $s->access_mark;
        my $took = least(1.5, sub {
            $c = connection($s);
            $r = $c->request('POST', $post, @body, headers => [ 'X-Opinion' => 'done' ]);
            return $r->total // 99;
        });
        is $r->status . ' ' . $r->body, "429 Not so fast: one allows 1/30d.\n", "$name: own answer: comes with $what unread";
        cmp_ok $took, '<', 1.5, "$name: own answer: does not wait for $what";
        is $r->header('Connection'), 'close', "$name: own answer: says that the connection ends, $what unread";
        ok $c->closed(3), "$name: own answer: the connection ends, $what unread";
        ok !(grep { $_->{uri} eq '/ok/never' } $s->access($mark)), "$name: own answer: $what is not taken for a request";
    }
    $c = connection($s);
    $r = $c->request('POST', $post, body => 'a=b', headers => [ 'X-Opinion' => 'veto' ]);
    like $r->body, qr/^BODY_BYTES=3$/m, "$name: a veto: the body reaches the handler";
    isnt $r->header('Connection') // '', 'close', "$name: a veto: the connection is kept";
    $r = $c->request('GET', $path);
    is $r->status, 429, "$name: a veto: the next request on the connection is denied";
    my $h2 = RL::H2->new(port => $s->port);
    my $id = $h2->headers('POST', $post, 'x-opinion' => 'done', 'content-length' => 100);
    my $stream = $h2->finished($id) // [ 0, '' ];
    is $stream->[1], "Not so fast: one allows 1/30d.\n", "$name: own answer, HTTP/2: comes with the body unread";
    request($s, 'POST', '/ok/form', body => "user=$k");
    $c = connection($s);
    $r = $c->request('POST', '/ok/form', body => "user=$k", headers => [ 'X-Opinion' => 'done' ]);
    is $r->status, 429, "$name: own answer: a form that was read for a rule is denied";
    ok !$c->closed, "$name: own answer: the connection is kept after a form that was read for a rule";
    return;
}

for (stores_to_test()) {
    ($name, my $store) = @$_;
    $s = httpd("Protocols h2c http/1.1\n" . $store . $load . "<Location /api>\nSetHandler ratelimit-example\n</Location>\n" . $hooked, files => \%files);
    hook();
}

# ---- a fleet -----------------------------------------------------------------------------------------------------------------
my $m = RL::Memcached->start;
my $fleet = sub { my ($on_error) = @_; 'RateLimitStore memcached ' . $m->address . " lease=off timeout=2s connections=1\nRateLimitSecret fleet\nRateLimitOnError $on_error\n" };
my @fleet = map { httpd($fleet->('local') . $load . $rules) } 1 .. 2;
my $on = sub { my $i = shift; $s = $fleet[$i]; return @_ };
is said($on->(0, 'charge', 'dear', '&v=a&cost=4')), 'ok 4', 'a fleet: a charge on one server';
is said($on->(1, 'read', 'dear', '&v=a')), 'ok 4', 'a charge on one server is seen on the other';
my $there = call($on->(1, 'charge', 'dear', '&v=a&cost=6'));
is said($on->(0, 'check', 'dear', '&v=a&cost=1')), 'over 10', 'a charge on the other is seen on the one';
is said($on->(0, 'refund', 'dear', "&receipt=$there->{receipt}")), 'ok 0', 'a fleet: a receipt of one can be refunded on the other';
is said($on->($_, 'read', 'dear', '&v=a')), 'ok 4', "a fleet: server $_ sees the refund of the other's receipt" for 0, 1;
is said($on->(0, 'charge', 'login', '&v=u&cost=3&at=/ok/login')), 'ok 3', 'a fleet: a limit is used up on one server';
is status($fleet[1], '/ok/login?user=u'), 429, 'a fleet: a limit that is used up on one server denies on the other';
is said($on->(0, 'clear', 'login', '&v=u&at=/ok/login')), 'ok 0', 'a fleet: a clear on one server is ok';
is status($fleet[0], '/ok/login?user=u'), 200, 'a fleet: after a clear its server admits';
ok await(8, sub { status($fleet[1], '/ok/login?user=u') == 200 }), 'a fleet: after a clear on one server the other admits soon';
$s = $fleet[0];
status($s, '/ok/login?user=u') for 1 .. 3;
my ($asked) = opinion('/ok/login?user=u', 'look');
is $asked->status . ' ' . $asked->header('X-Use'), '429 ok 3/3 same key', 'connections=1: the hook gets the connection for its own question';

# ---- no store -----------------------------------------------------------------------------------------------------------------
my %without = map { $_ => httpd($fleet->($_) . $load . $rules) } qw(allow deny);
for my $how (qw(allow deny)) { $s = $without{$how}; is said('charge', 'dear', '&v=before&cost=1'), 'ok ' . ($how eq 'allow' ? 1 : 2), "on-error=$how: a charge while the store answers" }
$m->kill;
$s = $fleet[0];
is said('charge', 'dear', '&v=gone&cost=4'), 'ok 4', 'no store, on-error=local: a charge is counted here';
my $local = call('read', 'dear', '&v=gone');
is "$local->{result} $local->{count} $local->{store_failed}", 'ok 4 1', 'no store, on-error=local: a read tells that the store failed';
is call('clear', 'dear', '&v=gone')->{result}, 'no store', 'no store, on-error=local: a clear tells that the store did not hear of it';
is said('read', 'dear', '&v=gone'), 'ok 0', 'no store, on-error=local: a clear has cleared here';
for my $how (qw(allow deny)) {
    $s = $without{$how};
    for my $op (qw(charge check read)) {
        my $a = call($op, 'dear', '&v=gone');
        is "$a->{result} $a->{fits} $a->{store_failed}", 'no store ' . ($how eq 'allow' ? 1 : 0) . ' 1', "no store, on-error=$how: $op tells so";
    }
    like call('charge', 'dear', '&v=gone')->{receipt}, qr/\A0+\z/, "no store, on-error=$how: a charge has a void receipt";
}
my ($r, $l, $n, @asked) = do { $s = $without{deny}; opinion('/ok/login?user=x', undef) };
is $r->status . " $l->{state}", '503 error', 'no store, on-error=deny: a 503';
like $asked[0], qr/status 503.*failed 1/, 'no store, on-error=deny: the hook is asked about the 503';
($r, $l) = opinion('/ok/login?user=x', 'veto');
is $r->status . " $l->{state}", '200 error', 'no store, on-error=deny: a veto against the 503 is served';

# ---- load order -----------------------------------------------------------------------------------------------------------------
my $ours = 'LoadModule ratelimit_cache_module "' . RL::Conf::module() . "\"\n";
for ([ 'before ours', $load . $ours ], [ 'after ours', $ours . $load ]) {
    my ($when, $loads) = @$_;
    $s = httpd($loads . $rules, rl => 0);
    for my $round ('', ' after a reload') {
        my $count = $round ? 2 : 1;
        is said('charge', 'dear', '&v=x&cost=1'), "ok $count", "loaded $when$round: the functions are there";
        status($s, '/ok/login?user=x') for 1 .. 3;
        is((opinion('/ok/login?user=x', 'veto'))[0]->status, 200, "loaded $when$round: the hook is called");
        $s->reload if !$round;
    }
}
$s = httpd($load . "<Location /api>\nSetHandler ratelimit-example\n</Location>\n", rl => 0);
is status($s, '/api?op=charge&rule=x&v=y'), 503, 'without our module the other one has no functions, and says so';
is status($s, '/ok', headers => [ 'X-Everywhere' => 'x', 'X-Opinion' => 'done' ]), 200, 'without our module the other one serves everything else';

# ---- installing ----------------------------------------------------------------------------------------------------------------
my $dest = $s->root . '/dest';
my $said = `sh build/install.sh install apxs '$dest' '@{[ RL::Conf::module() ]}' 2>&1`;
my $include = `apxs -q INCLUDEDIR`;
chomp $include;
ok -e "$dest$include/mod_ratelimit_cache.h", "the header is installed beside httpd's" or diag $said;
$s->write('one.c', "#include <mod_ratelimit_cache.h>\nint x;\n");
my $flags = "-Wall -Wextra -Werror -isystem $include " . `apr-1-config --includes --cppflags`;
$flags =~ s/\s+/ /g;
for my $cc (grep { my $c = (split)[0]; grep { -x "$_/$c" } split /:/, $ENV{PATH} } 'cc -std=gnu11', 'c++ -x c++') {
    is system("$cc $flags -I'$dest$include' -c -o /dev/null '" . $s->root . "/one.c'"), 0, "the installed header is complete by itself: $cc";
}

my ($paid) = RL::Test::slurp('docs/modules.md') =~ /^```c\n(.*?)^```/ms;
my $root = $s->root;
$s->write('mod_paid.c', $paid);
my $built = `cd '$root' && apxs -I"$dest$include" -c mod_paid.c 2>&1`;
ok -e "$root/.libs/mod_paid.so", "the manual's example compiles with apxs" or diag $built;
$s->stop;
$s = httpd("$ours LoadModule paid_module $root/.libs/mod_paid.so\n" . <<'END', rl => 0);
SetEnvIf X-Paid 1 PAID
<Location /ok/api>
    Include conf/auth.conf
    RateLimit api 20/30d key=user
</Location>
END
my @alice = (auth => 'alice:secret');
is join(' ', map { status($s, $_, @alice) } ('/ok/api/export') x 3), '200 200 429', "the README's example charges as it says";
is status($s, '/ok/api/x', @alice, headers => [ 'X-Paid' => 1 ]), 200, "the README's example vetoes as it says";

# ---- statistics ----------------------------------------------------------------------------------------------
$s = httpd($load . statuspage() . $rules);
call('charge', 'exact', '&v=statistics') for 1 .. 7;
call('check', 'exact', '&v=statistics');
call('charge', 'seen', '&v=statistics') for 1 .. 2;
call('clear', 'exact', '&v=statistics');
is told($s, 'exact'), 'allowed=5 denied=2 cleared=1', 'figures of a rule have what modules charge and clear';
is told($s, 'seen'), 'allowed=1 observed=1', 'figures of a rule that observes, too';

finish allow => qr/memcached \S+ does not answer|ratelimit: |AH01617/;
