# SPDX-License-Identifier: Apache-2.0
# Several servers, IPv6 and unix sockets, few connections, names that can't be resolved, restarts of httpd.
use RL::Test;
use RL::Memcached;
use RL::FaultyMemcached;
use Socket ();

my $rules = <<'END';
<LocationMatch "^/ok/ten/">
    RateLimit ten 10/30d key=path
</LocationMatch>
<LocationMatch "^/ok/many/">
    RateLimit many 100000/30d key=path
</LocationMatch>
END
sub fleet { my ($n, $store, %o) = @_; return map { httpd("RateLimitStore memcached $store lease=off compare=off timeout=2s\nRateLimitSecret fleet\n$rules", %o) } 1 .. $n }
sub over { my ($path, $n, @s) = @_; return scalar grep { status($s[ $_ % @s ], $path) == 200 } 1 .. $n }

# ---- consistent hashing -----------------------------------------------------------------------------------------
my @m = map { RL::Memcached->start } 1 .. 2;
my @s = fleet(2, join ' ', map { $_->address } @m);
my %on;    # path => which of the two
for my $n (1 .. 24) {
    my @before = map { $_->stat('curr_items') } @m;
    over("/ok/ten/$n", 6, @s);
    ($on{"/ok/ten/$n"}) = grep { $m[$_]->stat('curr_items') > $before[$_] } 0, 1;
}
my @first  = grep { $on{$_} == 0 } sort keys %on;
my @second = grep { $on{$_} == 1 } sort keys %on;
cmp_ok scalar @first,  '>=', 3, 'two memcacheds: some keys are on the first' or diag explain \%on;
cmp_ok scalar @second, '>=', 3, 'two memcacheds: some keys are on the second';
$m[1]->kill;
is over($first[0], 10, @s), 4, 'one of two memcacheds dies: a key of the other counts on for the fleet';
my $own = over($second[0], 30, @s);
cmp_ok $own, '>=', 4,  'one of two memcacheds dies: a key of it gets what is left, at least';
cmp_ok $own, '<=', 9, 'one of two memcacheds dies: a key of it is counted by each httpd from what it knew' or diag $own;
is over($second[0], 6, @s), 0, 'one of two memcacheds dies: a key of it is denied at last';
is $m[0]->stat('curr_items'), scalar @first, 'one of two memcacheds dies: its keys do not move to the other';
$m[1]->again;

# Until every child of a server counts in each memcached: the counter of a fresh key appears there. Which of them a key
# is on is a matter of chance, so it may take some.
my $fresh = 0;
sub counts_there {
    my ($s) = @_;
    for my $store (@m) {
        await_each_child($s, 20, sub {
            my ($c) = @_;
            my $before = $store->stat('curr_items');
            $c->request('GET', '/ok/many/back' . ++$fresh);
            return $store->stat('curr_items') > $before;
        }) or return 0;
    }
    return 1;
}
ok counts_there($s[0]) && counts_there($s[1]), 'one of two memcacheds is back: every child counts in both';
is over($first[1], 10, @s), 4, 'one of two memcacheds is back: a key of the other gets what is left';
is over($second[0], 6, @s), 0, 'one of two memcacheds is back: a key of it that was over its limit is denied';

# ---- graceful and hard restarts of httpd --------------------------------------------------------------------------
for my $how (qw(graceful reload)) {
    is over("/ok/ten/$how", 6, @s), 6, "before $how: six of ten are admitted";
    $s[0]->$how;
    is over("/ok/ten/$how", 12, @s), 4, "after $how: the last four of ten are admitted";
    is over($first[0], 6, @s), 0, "after $how: a key that was over its limit is denied";
}
$_->stop for @s;

# ---- addresses ----------------------------------------------------------------------------------------------------
my $v6 = eval { RL::Memcached->start(listen => '::1') };
SKIP: {
    skip 'no IPv6 here', 2 if !$v6;
    @s = fleet(2, $v6->address);
    is over('/ok/ten/v6', 20, @s), 10, 'a memcached at ::1: two httpds have one limit';
    is scalar %{ $v6->keys }, 1, 'a memcached at ::1: counted there';
    $_->stop for @s;
}
my $unix = RL::Memcached->start(unix => 1);
@s = fleet(2, $unix->address . ' connections=2');
is histogram(map { parallel($s[ $_ % 2 ], 30, '/ok/ten/unix') } 1 .. 2)->{200}, 10, 'a memcached at a unix socket: two httpds have one limit';
is scalar %{ $unix->keys }, 1, 'a memcached at a unix socket: counted there';
$_->stop for @s;
@s = fleet(2, join ' ', $unix->address, 'localhost:' . $m[0]{port}, 'timeout=2s');
over("/ok/many/mixed$_", 1, @s) for 1 .. 30;
cmp_ok scalar %{ $unix->keys }, '>', 3, 'a unix socket and TCP together: some keys are at the unix socket' or diag explain $unix->keys;
$_->stop for @s;

# ---- few connections ----------------------------------------------------------------------------------------------
my $f = RL::FaultyMemcached->start;
@s = fleet(1, $f->address . ' connections=1 timeout=2s');
$f->mode('delay', 5);
is histogram(parallel($s[0], 50, '/ok/ten/one'))->{200}, 10, 'connections=1: fifty requests at once get exactly the limit';
$f->mode('hang');
my @r = parallel($s[0], 10, '/ok/many/x');
is histogram(@r)->{200}, 10, 'connections=1, a store that hangs: all are served';
my @took = sort { $a <=> $b } map { $_->total } @r;
cmp_ok $took[5],  '<', 2.5, 'connections=1, a store that hangs: the usual request takes one time-out, waiting for its turn included' or diag "@took";
cmp_ok $took[-1], '<', 3.5, 'connections=1, a store that hangs: no request takes two time-outs' or diag "@took";
$_->stop for @s;

# ---- names ----------------------------------------------------------------------------------------------------------
my ($lost) = fleet(1, 'no-such-host.invalid ' . $m[0]->address);
ok $lost->wait_log(0, qr/no-such-host\.invalid: the name can't be resolved/), 'a name that can\'t be resolved: the log says so';
my $keys = %{ $m[0]->keys };
is over("/ok/ten/lost$_", 12, $lost), 10, "a name that can't be resolved: key $_ gets exactly its limit" for 1 .. 8;
cmp_ok scalar %{ $m[0]->keys }, '>', $keys, 'a name that can\'t be resolved: the other server has some keys';
cmp_ok scalar %{ $m[0]->keys }, '<', $keys + 8, 'a name that can\'t be resolved: the other server does not have all keys';
no_unexpected_log($lost, allow => qr/can't be resolved|memcached \S+ does not answer/);
$lost->stop;

finish;
