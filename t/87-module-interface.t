# What other C modules may do (mod_ratelimit_cache.h), through the module of t/module: check, charge, refund, read and
# clear counters by name and values, and have a say in denials.
use RL::Test;
use RL::Memcached;
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
    # ---- check, charge, refund, read, clear ------------------------------------------------------------------------
    my $q = '&v=alice';
    is said('read', 'dear', $q), 'ok 0', "$name: nothing used yet";
    is said('check', 'dear', $q), 'ok 0', "$name: a check charges nothing";
    my $first = call('charge', 'dear', $q);
    is "$first->{result} $first->{count} $first->{remaining} $first->{limit} $first->{fits}", 'ok 3 7 10 1', "$name: a charge of the rule's cost";
    ok $first->{reset} > 0 && $first->{retry_after} == 0, "$name: with its times";
    like $first->{key}, qr/\A[0-9a-f]{12}\z/, "$name: and the key's tag";
    my $second = call('charge', 'dear', "$q&cost=6");
    is "$second->{result} $second->{count}", 'ok 9', "$name: another cost";
    is said('check', 'dear', "$q&cost=1"), 'ok 9', "$name: one more would fit";
    my $no = call('check', 'dear', "$q&cost=2");
    is "$no->{result} $no->{count} $no->{fits}", 'over 9 0', "$name: two would not";
    ok $no->{retry_after} > 0, "$name: and it says for how long";
    my $over = call('charge', 'dear', $q);
    is "$over->{result} $over->{count} $over->{remaining}", 'over 9 1', "$name: nor does the rule's cost: nothing is charged";
    like $over->{receipt}, qr/\A0+\z/, "$name: and there is no receipt";
    is said('read', 'dear', $q), 'ok 9', "$name: reading is no matter of fitting";
    is call('read', 'dear', $q)->{fits}, 0, "$name: but tells of it";
    is said('read', 'dear', '&v=bob'), 'ok 0', "$name: another key";
    is said('refund', 'dear', "&receipt=$second->{receipt}"), 'ok 0', "$name: a refund";
    is said('read', 'dear', $q), 'ok 3', "$name: gives back what the charge took";
    is said('refund', 'dear', '&receipt=' . $over->{receipt}), 'ok 0', "$name: a void receipt gives back nothing";
    is said('read', 'dear', $q), 'ok 3', "$name: really";
    is said('refund', 'dear', "&receipt=$_"), 'bad call 0', "$name: a receipt that isn't one"
        for substr($first->{receipt}, 0, 64), 'ff' x 128, substr($first->{receipt}, 0, 100) . ('7f' x 78);
    is said('clear', 'dear', $q), 'ok 0', "$name: cleared";
    is said('read', 'dear', $q), 'ok 0', "$name: all gone";
    is said('charge', 'dear', "$q&cost=10"), 'ok 10', "$name: so that all of it fits";
    is said('charge', 'dear', "$q&cost=1"), 'over 10', "$name: nor a unit more";
    is said('charge', 'dear', "$q&cost=0"), 'ok 10', "$name: what costs nothing fits";
    is said('charge', 'dear', "$q&cost=11"), 'over 10', "$name: what never fits doesn't";

    for my $rule (qw(bucket slide)) {
        my $limit = $rule eq 'bucket' ? 4 : 5;
        my $a = call('charge', $rule, "&v=x&cost=3");
        is "$a->{result} $a->{count} $a->{limit}", "ok 3 $limit", "$name: $rule: charged";
        is said('check', $rule, '&v=x&cost=3'), 'over 3', "$name: $rule: checked";
        is said('refund', $rule, "&receipt=$a->{receipt}"), 'ok 0', "$name: $rule: given back";
        is said('charge', $rule, "&v=x&cost=$limit"), "ok $limit", "$name: $rule: so that all of it fits";
        is said('clear', $rule, '&v=x'), 'ok 0', "$name: $rule: cleared";
        is said('read', $rule, '&v=x'), 'ok 0', "$name: $rule: and free";
    }
    is join(' ', map { said('charge', 'held', '&v=x') } 1 .. 2), 'ok 1 ok 2', "$name: a penalty: up to the limit";
    is said('check', 'held', '&v=x'), 'over 2', "$name: a check beyond";
    is said('charge', 'held', '&v=x'), 'over 2', "$name: a charge beyond";
    cmp_ok call('check', 'held', '&v=x&cost=0')->{retry_after}, '>=', 3599, "$name: begins it";
    is said('clear', 'held', '&v=x'), 'ok 0', "$name: which is cleared";
    is said('charge', 'held', '&v=x'), 'ok 1', "$name: as well";

    # ---- values ----------------------------------------------------------------------------------------------------
    is said('charge', 'form', '&v=alice&v=192.0.2.1'), 'ok 1', "$name: values in the order of key=";
    is said('charge', 'swap', '&v=192.0.2.1&v=alice'), 'ok 2', "$name: which is each rule's own, and no other counter";
    is call('charge', 'form', '&v=192.0.2.1&v=alice')->{result}, 'bad value', "$name: the other way round the address is none";
    is said('charge', 'form', '&v=%20ALICE&v=::ffff:192.0.2.1'), 'ok 3', "$name: folded; an IPv4-mapped address";
    is said('charge', 'form', '&v=%EF%BC%A1lice&v=192.0.2.1'), 'ok 4', "$name: a full-width letter";
    is said('charge', 'form', '&v=alice&v=2001:db8::1'), 'ok 1', "$name: IPv6";
    is said('charge', 'form', '&v=alice&v=2001:db8:0:ffff::2%25eth0'), 'ok 2', "$name: cut to the location's prefix; a zone";
    is said('charge', 'form', '&v=alice&v=2001:db8:1::1'), 'ok 1', "$name: another network";
    is said('charge', 'net', "&v=192.0.2.$_"), "ok $_", "$name: cut to the part's prefix: .$_" for 1 .. 3;
    is said('charge', 'exact', "&v=$_"), 'ok 1', "$name: fold=off: $_" for qw(a A);
    is said('charge', 'either', '&v=alice'), 'ok 1', "$name: user-or-ip: a user";
    is said('charge', 'either', '&v=ip:192.0.2.1'), 'ok 1', "$name: an address";
    is said('charge', 'either', '&v=192.0.2.1'), 'ok 1', "$name: a user who is called like one";
    is said('charge', 'either', '&v=ip:::ffff:192.0.2.1'), 'ok 2', "$name: the address again";
    is call('charge', 'either', '&v=ip:x')->{result}, 'bad value', "$name: no address";
    is call('charge', 'net', "&v=$_")->{result}, 'bad value', "$name: nor is '$_'"
        for '1.2.3', '1.2.3.4.5', '1.2.3.4/24', 'x' x 500, '::1::', '%25', '[::1]';
    is said('charge', 'verb', '&v=GET&v=/a&v=h'),  'ok 1', "$name: method, path and host";
    is said('charge', 'verb', '&v=head&v=/a&v=h'), 'ok 2', "$name: HEAD is GET";
    is said('charge', 'verb', '&v=foo&v=/a&v=h'),  'ok 1', "$name: a method nobody knows";
    is said('charge', 'verb', '&v=FOO&v=/a&v=h'),  'ok 2', "$name: in any letter case";
    is said('charge', 'all', '&v=anything'), 'ok 1', "$name: key=all";
    is said('charge', 'all', '&none'), 'ok 2', "$name: takes anything";
    is said('charge', 'all', ''), 'ok 3', "$name: or the request's own values";

    is said('charge', 'net', '&none'), 'ok 1', "$name: no value: the shared counter";
    is said('charge', 'net', '&v='), 'ok 2', "$name: an empty one is none";
    is said('charge', 'exact', "&v=$_"), 'ok ' . ($_ eq '%20' ? 1 : 2), "$name: nor is white space" for '%20', '';
    is call('charge', 'skip', '&none')->{result}, 'not counted', "$name: missing=skip";
    is said('charge', 'deny', '&none'), 'over 0', "$name: missing=deny";
    is said('check', 'deny', '&v='), 'over 0', "$name: in a check too";
    is call('charge', 'user', '&none')->{result}, 'not counted', "$name: nobody is no user";
    is said('charge', 'user', '&v=Alice'), 'ok 1', "$name: a user";
    is call('charge', 'user', '')->{result}, 'not counted', "$name: of a request without one";

    # ---- a request's own values, computed rates ------------------------------------------------------------------------
    is said('charge', 'exact', '&v=own'), 'ok 1', "$name: a value";
    is said('charge', 'dear', '&q=own&cost=1', path => '/api'), 'ok 1', "$name: which the request has itself";
    is said('read', 'dear', '&v=own'), 'ok 1', "$name: is the same counter";
    is said('charge', 'dear', '&cost=1', path => '/api'), 'ok 1', "$name: no value of the request's own";
    is call('clear', 'dear', '', path => '/api')->{result}, 'not counted', "$name: is no counter of its own to clear";
    is said('read', 'dear', '&none'), 'ok 1', "$name: it stays";
    is said('clear', 'dear', '&none'), 'ok 0', "$name: unless it is named";
    my $rate = sub { my ($rate, $cost) = @_; return (headers => [ 'X-Rate' => $rate, 'X-Cost' => $cost ]) };
    is said('charge', 'calc', '&v=', $rate->('5/d', 2)), 'ok 2', "$name: the request's rate and cost";
    is call('charge', 'calc', '&v=', $rate->('5/d', 4))->{result}, 'over', "$name: decide";
    is call('charge', 'calc', '&v=', $rate->('', 4))->{result}, 'not counted', "$name: an empty rate counts nothing";
    is call('charge', 'free', '&v=1.2.3.4')->{result}, 'not counted', "$name: nor does none";
    is call('charge', 'shut', '&v=')->{result}, 'over', "$name: COUNT 0";

    # ---- mistakes --------------------------------------------------------------------------------------------------------
    is call($_, 'nobody', '&v=x')->{result}, 'no rule', "$name: $_: a rule that isn't there" for qw(read check charge clear);
    is call($_, 'form', '&v=x')->{result}, 'bad call', "$name: $_: too few values" for qw(read check charge clear);
    is call($_, 'form', '&v=x' x 3)->{result}, 'bad call', "$name: $_: too many" for qw(read check charge clear);
    is call('charge', 'dear', "&v=x&cost=$_")->{result}, 'bad call', "$name: a cost of $_" for -2, 4294967296;
    is call('charge', 'dear', "&v=x&cost=4294967295")->{result}, 'over', "$name: the largest cost";
    is call('nonsense', 'dear')->{result}, 'ok', "$name: nonsense is refused";

    # ---- elsewhere ---------------------------------------------------------------------------------------------------------
    is said('charge', 'seen', '&v=x'), 'ok 1', "$name: a rule that observes";
    my $seen = call('charge', 'seen', '&v=x');
    is "$seen->{result} $seen->{count} $seen->{fits} $seen->{observed}", 'ok 1 0 1', "$name: lets pass, and charges nothing";
    like $seen->{receipt}, qr/\A0+\z/, "$name: no receipt";
    is said('charge', 'shut', '&v=', path => '/api/watch'), 'ok 0', "$name: RateLimitEngine Observe";
    is call('read', 'all', '', path => '/api/off')->{result}, 'not counted', "$name: RateLimitEngine Off";
    is call('charge', 'login', '&v=alice')->{result}, 'no rule', "$name: a rule of another location";
    is said('charge', 'login', '&v=alice&at=/ok/login'), 'ok 1', "$name: on behalf of it";
    is statuses($s, 3, '/ok/login?user=alice'), '200 200 429', "$name: counts with its requests";
    is said('read', 'login', '&v=ALICE&at=/ok/login'), 'ok 3', "$name: and the other way round";
    is said('clear', 'login', '&v=alice&at=/ok/login'), 'ok 0', "$name: cleared";
    limit_is $s, 3, '/ok/login?user=alice', "$name: it is open again";
    is said('read', 'by-ip', '&v=127.0.0.1&at=/ok/login'), 'ok 5', "$name: another rule, by address";

    my @together = map { $json->decode($_->body)->{result} } parallel($s, 30, '/api?op=charge&rule=dear&v=crowd&cost=2');
    is scalar(grep { $_ eq 'ok' } @together), 5, "$name: thirty charges together: exactly what fits";

    my $from = $s->log_mark;
    my $r = request($s, 'GET', '/ok/login?user=eve', headers => [ 'X-Everywhere' => 'login' ]);
    is $r->status, 200, "$name: a read in every phase";
    my ($line) = $s->wait_log($from, qr/example: everywhere/);
    like $line, qr/everywhere: no rule 0, .*, ok 0, ok 1(?:, ok 1)+\z/, "$name: says what is known then";
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
    is $r->status . " $l->{state} $n", '429 denied 1', "$name: no opinion";
    my ($tag) = $asked[0] =~ /rule one, 1\/30d, status 429, 0 of 1 left, reset \d+, retry \d+, key ([0-9a-f]{12}), failed 0/;
    is $tag, $l->{key}, "$name: the hook is told the rule, its numbers and the key" or diag @asked;
    my ($retry) = $asked[0] =~ /retry (\d+)/;
    is $retry, $r->header('Retry-After'), "$name: and the same time as the client";
    is status($s, $path, headers => [ 'X-Opinion' => $_ ]), 429, "$name: what makes no sense is none: $_" for qw(200 302 399 600 7 -3 -99);

    ($r, $l, $n) = opinion($path, 'veto');
    is $r->status . " $l->{state} $l->{rule} $n", '200 observed one 1', "$name: a veto";
    is scalar(() = $r->header('Retry-After')), 0, "$name: leaves nothing of the denial";
    is status($s, $path), 429, "$name: for this request only";
    ($r) = opinion($path, 503);
    is $r->status, 503, "$name: another status";
    ok $r->header('Retry-After') > 1, "$name: with Retry-After";
    ($r) = opinion($path, 418);
    is $r->status, 418, "$name: one that httpd has no name for";
    ($r) = opinion($fresh->('/ok/named'), 404);
    is $r->status, 404, "$name: instead of the rule's own";
    ($r) = opinion($fresh->('/ok/doc'), 503);
    is $r->status . ' ' . $r->body, '503 closed', "$name: ErrorDocument is the status's";
    ($r) = opinion($path, 'headers');
    is join(' ', $r->status, map { $r->header($_) // '-' } qw(X-Denied Retry-After Cache-Control)), '429 denied 77 no-store', "$name: headers of the module stand";
    ($r) = opinion($path, 'look');
    is $r->header('X-Use'), 'ok 1/1 same key', "$name: the hook may ask for a counter itself";

    for my $where (qw(handled named-handler)) {
        my $own = $where eq 'handled' ? "ok\n" : qr/"result": "bad call"/;
        $path = $fresh->("/ok/$where");
        ($r) = opinion($path, 503);
        is $r->status, 503, "$name: $where: another status";
        like $r->body, ref $own ? $own : qr/\A\Q$own\E\z/, "$name: $where: for the deny handler";
        ($r) = opinion($path, 'done');
        is $r->status . ' ' . $r->body, "429 Not so fast: one allows 1/30d.\n", "$name: $where: instead of it";
        ($r) = opinion($path, 'veto');
        is $r->status . ' ' . $r->body, "200 ok\n", "$name: $where: not at all";
    }

    # ---- stacked rules ----
    $path = $fresh->('/ok/two');
    ($r, $l, $n) = opinion($path, 'veto:short');
    is $r->status . " $l->{rule} $n", '429 long 1', "$name: two deny, the longer wait stands";
    ($r, $l, $n) = opinion($path, 'veto:long');
    is $r->status . " $l->{rule} $n", '429 short 2', "$name: or, when that is vetoed, the other";
    ($r) = opinion($path, 'veto:long', headers => [ Accept => 'application/json' ]);
    is join(' ', @{ $json->decode($r->body)->{'violated-policies'} }), 'short', "$name: which alone is violated";
    ($r, $l, $n) = opinion($path, 'veto');
    is $r->status . " $l->{state} $n", '200 observed 2', "$name: or none";
    is said('read', 'wide', "&v=$k&at=/ok/two"), 'ok 2', "$name: then the third is charged, and only then";
    is said('read', $_, "&v=$k&at=/ok/two"), 'ok 1', "$name: and $_ is not" for qw(short long);
    opinion($path, 'veto') for 1 .. 7;
    ($r, $l, $n) = opinion($path, 'veto:short,long');
    is $r->status . " $l->{rule}", '429 wide', "$name: until it denies, too";

    # ---- later phases, redirects ----
    $path = $fresh->('/ok/late');
    ($r, $l, $n) = opinion($path, 'veto', auth => 'alice:secret');
    is $r->status . " $l->{state} $n", '200 observed 2', "$name: before and after authentication, each rule once";
    ($r, $l, $n) = opinion($path, 'veto', auth => 'alice:wrong');
    is $r->status . " $n", '401 1', "$name: a veto is no password";
    ($r, $l, $n) = opinion($path, 'veto:early', auth => 'alice:secret');
    is $r->status . " $l->{rule} $n", '429 late 2', "$name: the later rule denies";
    for my $word (qw(done 503)) {
        ($r, $l, $n) = opinion($fresh->('/ok/any'), $word);
        is $r->status . " $n", ($word eq 'done' ? 429 : 503) . ' 1', "$name: Satisfy Any: $word";
    }
    ($r, $l, $n) = opinion($fresh->('/ok/any'), 'veto', auth => 'alice:secret');
    is $r->status . " $n", '200 1', "$name: Satisfy Any: veto";
    status($s, '/dir/', headers => [ 'X-K' => $name ]);
    ($r, $l, $n) = opinion('/dir/', 'veto', headers => [ 'X-K' => $name ]);
    is $r->status . ' ' . $r->body . " $n", '200 index 1', "$name: a directory index is asked about once";
    ($r, $l, $n) = opinion('/dir/', 'done', headers => [ 'X-K' => $name ]);
    is $r->status . " $n", '429 1', "$name: or answered";

    # ---- who is not asked ----
    for my $where (qw(seen exempt)) {
        ($r, $l, $n) = opinion($fresh->("/ok/$where"), 'done');
        is $r->status . " $n", '200 0', "$name: $where: not asked";
    }
    ($r, $l, $n) = opinion('/ok/one?k=new', 'done');
    is $r->status . " $n", '200 0', "$name: nor about who is served";

    # ---- penalties and outcomes ----
    $path = $fresh->('/ok/held');
    ($r) = opinion($path, 'veto') for 1 .. 2;
    is $r->status, 200, "$name: a veto against a penalty";

    # ---- a response of the module's own ----
    $path = $fresh->('/ok/one');
    ($r, $l) = opinion($path, 'done');
    is $r->status . ' ' . $r->body, "429 Not so fast: one allows 1/30d.\n", "$name: the module's own answer";
    is $l->{state}, 'denied', "$name: is a denial in the access log";
    ok $r->header('Retry-After') > 1, "$name: with its own headers";
    my $c = connection($s);
    for (1 .. 3) {
        $r = $c->request('GET', $path, headers => [ 'X-Opinion' => 'done' ]);
        is $r->status, 429, "$name: and again on this connection";
    }
    ok !$c->closed, "$name: which is kept";
    $r = $c->request('HEAD', $path, headers => [ 'X-Opinion' => 'done' ]);
    is $r->status . $r->body, 429, "$name: HEAD";
    $r = $c->request('GET', '/ok/one?k=next' . $k, headers => [ 'X-Opinion' => 'done' ]);
    is $r->status, 200, "$name: has no body";

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
        is $r->status . ' ' . $r->body, "429 Not so fast: one allows 1/30d.\n", "$name: answered with $what unread";
        cmp_ok $took, '<', 1.5, "$name: at once";
        is $r->header('Connection'), 'close', "$name: says that the connection ends";
        ok $c->closed(3), "$name: and ends it";
        ok !(grep { $_->{uri} eq '/ok/never' } $s->access($mark)), "$name: the body is no request";
    }
    $c = connection($s);
    $r = $c->request('POST', $post, body => 'a=b', headers => [ 'X-Opinion' => 'veto' ]);
    like $r->body, qr/^BODY_BYTES=3$/m, "$name: after a veto the body is there";
    isnt $r->header('Connection') // '', 'close', "$name: and the connection is kept";
    $r = $c->request('GET', $path);
    is $r->status, 429, "$name: for the next request";
    my $h2 = RL::H2->new(port => $s->port);
    my $id = $h2->headers('POST', $post, 'x-opinion' => 'done', 'content-length' => 100);
    my $stream = $h2->finished($id, 5) // [ 0, '' ];
    is $stream->[1], "Not so fast: one allows 1/30d.\n", "$name: HTTP/2: the module's own answer, the body unread";
    request($s, 'POST', '/ok/form', body => "user=$k");
    $c = connection($s);
    $r = $c->request('POST', '/ok/form', body => "user=$k", headers => [ 'X-Opinion' => 'done' ]);
    is $r->status, 429, "$name: a body that was read for a rule";
    ok !$c->closed, "$name: is no reason to end the connection";
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
is said($on->(0, 'charge', 'dear', '&v=a&cost=4')), 'ok 4', 'a charge on one server';
is said($on->(1, 'read', 'dear', '&v=a')), 'ok 4', 'is seen on the other';
my $there = call($on->(1, 'charge', 'dear', '&v=a&cost=6'));
is said($on->(0, 'check', 'dear', '&v=a&cost=1')), 'over 10', 'and back';
is said($on->(0, 'refund', 'dear', "&receipt=$there->{receipt}")), 'ok 0', 'a receipt of the one can be refunded on the other';
is said($on->($_, 'read', 'dear', '&v=a')), 'ok 4', "which both see ($_)" for 0, 1;
is said($on->(0, 'charge', 'login', '&v=u&cost=3&at=/ok/login')), 'ok 3', 'a limit used up on one';
is status($fleet[1], '/ok/login?user=u'), 429, 'denies on the other';
is said($on->(0, 'clear', 'login', '&v=u&at=/ok/login')), 'ok 0', 'cleared there';
is status($fleet[0], '/ok/login?user=u'), 200, 'it is open there';
ok await(8, sub { status($fleet[1], '/ok/login?user=u') == 200 }), 'and soon on the other';
$s = $fleet[0];
status($s, '/ok/login?user=u') for 1 .. 3;
my ($asked) = opinion('/ok/login?user=u', 'look');
is $asked->status . ' ' . $asked->header('X-Use'), '429 ok 3/3 same key', 'where there is one connection, the hook gets it for its own question';

# ---- no store -----------------------------------------------------------------------------------------------------------------
my %without = map { $_ => httpd($fleet->($_) . $load . $rules) } qw(allow deny);
for my $how (qw(allow deny)) { $s = $without{$how}; is said('charge', 'dear', '&v=before&cost=1'), 'ok ' . ($how eq 'allow' ? 1 : 2), "$how: the store answers" }
$m->kill;
$s = $fleet[0];
is said('charge', 'dear', '&v=gone&cost=4'), 'ok 4', 'on-error=local: goes on with its own count';
my $local = call('read', 'dear', '&v=gone');
is "$local->{result} $local->{count} $local->{store_failed}", 'ok 4 1', 'and says so';
is call('clear', 'dear', '&v=gone')->{result}, 'no store', 'what is cleared here alone is told';
is said('read', 'dear', '&v=gone'), 'ok 0', 'and is cleared here';
for my $how (qw(allow deny)) {
    $s = $without{$how};
    for my $op (qw(charge check read)) {
        my $a = call($op, 'dear', '&v=gone');
        is "$a->{result} $a->{fits} $a->{store_failed}", 'no store ' . ($how eq 'allow' ? 1 : 0) . ' 1', "on-error=$how: $op";
    }
    like call('charge', 'dear', '&v=gone')->{receipt}, qr/\A0+\z/, "on-error=$how: no receipt";
}
my ($r, $l, $n, @asked) = do { $s = $without{deny}; opinion('/ok/login?user=x', undef) };
is $r->status . " $l->{state}", '503 error', 'a denial because the store fails';
like $asked[0], qr/status 503.*failed 1/, 'is asked about as well';
($r, $l) = opinion('/ok/login?user=x', 'veto');
is $r->status . " $l->{state}", '200 error', 'and can be vetoed';

# ---- load order -----------------------------------------------------------------------------------------------------------------
my $ours = 'LoadModule ratelimit_cache_module "' . RL::Conf::module() . "\"\n";
for ([ 'before ours', $load . $ours ], [ 'after ours', $ours . $load ]) {
    my ($when, $loads) = @$_;
    $s = httpd($loads . $rules, rl => 0);
    for my $round ('', ' after a reload') {
        my $count = $round ? 2 : 1;
        is said('charge', 'dear', '&v=x&cost=1'), "ok $count", "loaded $when$round: functions";
        status($s, '/ok/login?user=x') for 1 .. 3;
        is((opinion('/ok/login?user=x', 'veto'))[0]->status, 200, "loaded $when$round: the hook");
        $s->reload if !$round;
    }
}
$s = httpd($load . "<Location /api>\nSetHandler ratelimit-example\n</Location>\n", rl => 0);
is status($s, '/api?op=charge&rule=x&v=y'), 503, 'without ours the other module has no functions, and says so';
is status($s, '/ok', headers => [ 'X-Everywhere' => 'x', 'X-Opinion' => 'done' ]), 200, 'and everything else works';

# ---- installing ----------------------------------------------------------------------------------------------------------------
my $dest = $s->root . '/dest';
my $said = `build/install.sh apxs '$dest' '@{[ RL::Conf::module() ]}' 2>&1`;
my $include = `apxs -q INCLUDEDIR`;
chomp $include;
ok -e "$dest$include/mod_ratelimit_cache.h", "the header is installed beside httpd's" or diag $said;
$s->write('one.c', "#include <mod_ratelimit_cache.h>\nint x;\n");
my $flags = "-Wall -Wextra -Werror -isystem $include " . `apr-1-config --includes --cppflags`;
$flags =~ s/\s+/ /g;
for my $cc (grep { my $c = (split)[0]; grep { -x "$_/$c" } split /:/, $ENV{PATH} } 'cc -std=gnu11', 'c++ -x c++') {
    is system("$cc $flags -I'$dest$include' -c -o /dev/null '" . $s->root . "/one.c'"), 0, "and is complete by itself: $cc";
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
is join(' ', map { status($s, $_, @alice) } ('/ok/api/export') x 3), '200 200 429', '... and does what it says';
is status($s, '/ok/api/x', @alice, headers => [ 'X-Paid' => 1 ]), 200, '... both of it';

finish allow => qr/memcached \S+ does not answer|ratelimit: |AH01617/;
