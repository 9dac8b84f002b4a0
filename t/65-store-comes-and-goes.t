# SPDX-License-Identifier: Apache-2.0
# memcached is absent, comes, is killed, comes back empty, is flushed, evicts: httpd serves, and nobody who was over the
# limit gets in again.
use RL::Test;
use RL::Memcached;

my $rules = <<'END';
<LocationMatch "^/ok/five/">
    RateLimit five 5/30d key=path
</LocationMatch>
<LocationMatch "^/ok/twenty/">
    RateLimit twenty 20/30d key=path
</LocationMatch>
END

my $m = RL::Memcached->start;
sub conf { my ($m) = @_; return 'RateLimitStore memcached ' . $m->address . " lease=off compare=off timeout=1s\nRateLimitSecret fleet\n$rules" }
sub admitted { my ($s, $path, $n) = @_; return scalar grep { status($s, $path) == 200 } 1 .. $n }

# Until every child counts in the store again: the counter of a fresh key appears there.
my $fresh = 0;
sub recovered {
    my ($s, $m) = @_;
    return await_each_child($s, 20, sub {
        my ($c) = @_;
        my $before = $m->stat('curr_items') // return 0;
        $c->request('GET', '/ok/five/fresh' . ++$fresh);
        return $m->stat('curr_items') > $before;
    });
}

# Whether one of the store's counters says that so many units are used, once this server, which has granted some without
# the store, has told it: a denial that is a second old makes it look there.
sub settled {
    my ($s, $path, $n) = @_;
    return await(20, sub { status($s, $path); grep { used($m, $_) == $n } keys %{ $m->keys } });
}

sub used { my ($m, $key) = @_; return (($m->value($key) // 0) & 0xffffff) - 65536 }

# ---- absent at start ----------------------------------------------------------------------------------------
$m->kill;
my $s = httpd(conf($m));
my $address = $m->address;
ok $s->wait_log(0, qr/ratelimit.*memcached \Q$address\E.*does not answer/), 'absent at start: httpd starts, and its log says that the store does not answer';
is statuses($s, 7, '/ok/five/absent'), '200 200 200 200 200 429 429', 'absent at start: httpd counts by itself';
my $from = $s->log_mark;
$m->again;
ok recovered($s, $m), 'the store comes: every child counts there';
ok scalar $s->wait_log($from, qr/memcached \Q$address\E works again/), 'the store comes: the log says that it works again';
is status($s, '/ok/five/absent'), 429, 'the store comes: a key that was over its limit is denied';
my $other = httpd(conf($m));
ok $other->wait_log(0, qr/memcached \Q$address\E, which answers/), 'the store is there: another httpd starts, and its log says that it answers';
ok settled($s, '/ok/five/absent', 5), 'the store comes: it learns of what was granted without it';
is status($other, '/ok/five/absent'), 429, 'the store comes: another httpd denies what was used up without it';

# ---- killed, and back, empty --------------------------------------------------------------------------------
is admitted($s, '/ok/twenty/killed', 12), 12, 'before the kill: twelve of twenty are admitted';
is admitted($s, '/ok/five/over', 7), 5, 'before the kill: all of five are admitted';
$from = $s->log_mark;
$m->kill;
is admitted($s, '/ok/twenty/killed', 4), 4, 'killed: four more of twenty are admitted';
is admitted($s, '/ok/five/over', 3), 0, 'killed: a key that was over its limit is denied';
is admitted($s, '/ok/five/new', 7), 5, 'killed: a new key gets its limit, and no more';
my @said = $s->wait_log($from, qr/memcached \Q$address\E does not answer/);
is scalar @said, 1, 'killed: the log says once that the store fails';
like $said[0], qr/Check that it runs/, 'killed: the log says what to do';
$m->again;
ok recovered($s, $m) && recovered($other, $m), 'back and empty: every child of two httpds counts there';
is admitted($s, '/ok/five/over', 3), 0, 'back and empty: a key that was over its limit is denied';
is admitted($s, '/ok/twenty/killed', 8), 4, 'back and empty: the last four of twenty are admitted, not all';
ok settled($s, '/ok/twenty/killed', 20), 'back and empty: the store learns of all twenty';
is status($other, '/ok/twenty/killed'), 429, 'back and empty: another httpd denies what is used up';

# ---- flushed ------------------------------------------------------------------------------------------------
is admitted($s, '/ok/twenty/flushed', 15), 15, 'before the flush: fifteen of twenty are admitted';
is $m->flush, 'OK', 'memcached is flushed';
is admitted($s, '/ok/five/over', 3), 0, 'flushed: a key that was over its limit is denied';
is admitted($s, '/ok/twenty/flushed', 10), 5, 'flushed: the last five of twenty are admitted';
is status($other, '/ok/twenty/flushed'), 429, 'flushed: another httpd denies what is used up';
admitted($s, '/ok/twenty/raised', 15);
$m->flush;
is status($other, '/ok/twenty/raised'), 200, 'flushed: another httpd, which never heard of the key, makes the counter anew';
is admitted($s, '/ok/twenty/raised', 10), 4, 'flushed: the httpd that knew the key raises that counter to what was used';
is status($other, '/ok/twenty/raised'), 429, 'flushed: another httpd denies by the raised counter';

# ---- many restarts under load -------------------------------------------------------------------------------
my $in = 0;
for (1 .. 4) {
    $in += admitted($s, '/ok/twenty/restarts', 4);
    $m->restart;
    $in += admitted($s, '/ok/twenty/restarts', 2);
}
is $in, 20, 'four restarts of memcached in the middle of a window: exactly the limit';

# ---- restarted, or idle, between requests ----------------------------------------------------------------------
# No request is lost to a connection that the server closed meanwhile.
sub all_counted {
    my ($strict, $store, $path) = @_;
    my %before = %{ $store->keys };
    my $h = histogram(parallel($strict, 40, $path));
    my ($key) = grep { !exists $before{$_} } keys %{ $store->keys };
    return ($h->{200} // 0) . ' answered, ' . (defined $key ? used($store, $key) : 0) . ' counted';
}
for my $unix (0, 1) {
    my $store  = RL::Memcached->start(unix => $unix);
    my $where  = $unix ? 'unix socket' : 'TCP';
    my $strict = httpd(conf($store) =~ s/timeout=1s/timeout=5s/r . "<LocationMatch \"^/ok/many/\">\n    RateLimitOnError deny\n    RateLimit many 100000/30d key=path\n</LocationMatch>\n");
    is all_counted($strict, $store, '/ok/many/0'), '40 answered, 40 counted', "$where: forty requests at once are all counted";
    for my $n (1 .. 3) {
        $store->restart;
        is all_counted($strict, $store, "/ok/many/$n"), '40 answered, 40 counted', "$where: a restart costs no request ($n)";
    }
    $strict->stop;
    next if $unix;
    my $kicks = RL::Memcached->start(args => [ '-o', 'idle_timeout=1' ]);
    $strict->set_conf($strict->{conf} =~ s/\Q@{[ $store->address ]}\E/$kicks->address/er);
    $strict->start;
    all_counted($strict, $kicks, '/ok/many/5');
    ok await(30, sub { $kicks->stat('idle_kicks') > 0 && $kicks->stat('curr_connections') <= 3 }), 'memcached has closed the connections that were idle';
    is all_counted($strict, $kicks, '/ok/many/6'), '40 answered, 40 counted', 'connections that memcached has closed cost no request';
    $strict->stop;
}

# ---- eviction -----------------------------------------------------------------------------------------------
# 200,000 new keys in a memcached of 4 MB: a counter that is in use, at its limit or not, is there afterwards.
my $small = RL::Memcached->start(args => [ '-m', 4 ]);
my $hot   = httpd(conf($small));
is admitted($hot, '/ok/five/hot', 6), 5, 'before the eviction: all of five are admitted';
is admitted($hot, '/ok/twenty/hot', 10), 10, 'before the eviction: ten of twenty are admitted';
my %before = map { $_ => $small->value($_) } keys %{ $small->keys };
my $granted = 10;
for (1 .. 10) {
    $small->flood(20_000, 100);
    status($hot, '/ok/five/hot');
    $granted += status($hot, '/ok/twenty/hot') == 200;
    my $end = Time::HiRes::time() + 1.1;
    await(2, sub { Time::HiRes::time() > $end }) if $_ % 3 == 0;
}
cmp_ok $small->stat('evictions'), '>', 50_000, 'new keys have evicted old ones';
is $granted, 20, 'evicted: a counter in use grants its limit';
is status($hot, '/ok/twenty/hot'), 429, 'evicted: a counter in use denies at its limit';
is status($hot, '/ok/five/hot'), 429, 'evicted: a key that was at its limit is denied';
my $third = httpd(conf($small));
is status($third, '/ok/twenty/hot'), 429, 'evicted: an httpd that never saw the key denies it, by the store';

finish allow => qr/memcached \S+ does not answer/;
