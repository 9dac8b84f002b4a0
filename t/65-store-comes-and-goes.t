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
sub conf { my ($m) = @_; return 'RateLimitStore memcached ' . $m->address . " lease=off timeout=1s\nRateLimitSecret fleet\n$rules" }
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
ok $s->wait_log(0, qr/ratelimit.*memcached \Q$address\E.*does not answer/), 'httpd starts, and its log says that the store does not answer';
is statuses($s, 7, '/ok/five/absent'), '200 200 200 200 200 429 429', 'its own counters go on';
my $from = $s->log_mark;
$m->again;
ok recovered($s, $m), 'the store comes, and is used';
ok scalar $s->wait_log($from, qr/memcached \Q$address\E works again/), 'which the log says';
is status($s, '/ok/five/absent'), 429, 'who was over the limit stays so';
my $other = httpd(conf($m));
ok $other->wait_log(0, qr/memcached \Q$address\E, which answers/), 'another httpd starts, and says that the store answers';
ok settled($s, '/ok/five/absent', 5), 'the store learns of what was granted without it';
is status($other, '/ok/five/absent'), 429, 'and so does the fleet';

# ---- killed, and back, empty --------------------------------------------------------------------------------
is admitted($s, '/ok/twenty/killed', 12), 12, 'some of a limit';
is admitted($s, '/ok/five/over', 7), 5, 'and all of another';
$from = $s->log_mark;
$m->kill;
is admitted($s, '/ok/twenty/killed', 4), 4, 'killed: the count goes on';
is admitted($s, '/ok/five/over', 3), 0, 'and nobody is let in who was over the limit';
is admitted($s, '/ok/five/new', 7), 5, 'nor more than the limit of new ones';
my @said = $s->wait_log($from, qr/memcached \Q$address\E does not answer/);
is scalar @said, 1, 'the log says so once';
like $said[0], qr/Check that it runs/, 'and what to do';
$m->again;
ok recovered($s, $m) && recovered($other, $m), 'back, empty';
is admitted($s, '/ok/five/over', 3), 0, 'who was over the limit stays so';
is admitted($s, '/ok/twenty/killed', 8), 4, 'the rest of a limit, not all of it';
ok settled($s, '/ok/twenty/killed', 20), 'the store learns of all of it';
is status($other, '/ok/twenty/killed'), 429, 'also on another server';

# ---- flushed ------------------------------------------------------------------------------------------------
is admitted($s, '/ok/twenty/flushed', 15), 15, 'some of a limit';
is $m->flush, 'OK', 'flush_all';
is admitted($s, '/ok/five/over', 3), 0, 'who was over the limit stays so';
is admitted($s, '/ok/twenty/flushed', 10), 5, 'the rest of a limit';
is status($other, '/ok/twenty/flushed'), 429, 'also on another server';
admitted($s, '/ok/twenty/raised', 15);
$m->flush;
is status($other, '/ok/twenty/raised'), 200, 'another server, which never heard of the key, makes the counter anew from nothing';
is admitted($s, '/ok/twenty/raised', 10), 4, 'who knew it raises it';
is status($other, '/ok/twenty/raised'), 429, 'for all';

# ---- many restarts under load -------------------------------------------------------------------------------
my $in = 0;
for (1 .. 4) {
    $in += admitted($s, '/ok/twenty/restarts', 4);
    $m->restart;
    $in += admitted($s, '/ok/twenty/restarts', 2);
}
is $in, 20, 'restarts in the middle of a window';

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
    is all_counted($strict, $store, '/ok/many/0'), '40 answered, 40 counted', "$where: connections of many threads";
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
    ok await(30, sub { $kicks->stat('idle_kicks') > 0 && $kicks->stat('curr_connections') <= 3 }), 'memcached closes idle connections';
    is all_counted($strict, $kicks, '/ok/many/6'), '40 answered, 40 counted', '... which costs no request';
    $strict->stop;
}

# ---- eviction -----------------------------------------------------------------------------------------------
# 200,000 new keys in a memcached of 4 MB: a counter that is in use, at its limit or not, is there afterwards.
my $small = RL::Memcached->start(args => [ '-m', 4 ]);
my $hot   = httpd(conf($small));
is admitted($hot, '/ok/five/hot', 6), 5, 'a counter at its limit';
is admitted($hot, '/ok/twenty/hot', 10), 10, 'and one that is not';
my %before = map { $_ => $small->value($_) } keys %{ $small->keys };
my $granted = 10;
for (1 .. 10) {
    $small->flood(20_000, 100);
    status($hot, '/ok/five/hot');
    $granted += status($hot, '/ok/twenty/hot') == 200;
    my $end = Time::HiRes::time() + 1.1;
    await(2, sub { Time::HiRes::time() > $end }) if $_ % 3 == 0;
}
cmp_ok $small->stat('evictions'), '>', 50_000, 'a flood that evicts';
is $granted, 20, 'the counter goes on';
is status($hot, '/ok/twenty/hot'), 429, 'to its limit';
is status($hot, '/ok/five/hot'), 429, 'and the one at its limit stays there';
my $third = httpd(conf($small));
is status($third, '/ok/twenty/hot'), 429, 'a server that never saw the key hears of it from the store';

finish allow => qr/memcached \S+ does not answer/;
