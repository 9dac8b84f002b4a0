# SPDX-License-Identifier: Apache-2.0
# lease=on, as it is by default: a busy key asks memcached seldom, several httpds still admit exactly the limit, and what
# was reserved and isn't needed is given back.
use RL::Test;
use RL::Memcached;

my $m     = RL::Memcached->start;
my $store = 'RateLimitStore memcached ' . $m->address . " compare=off timeout=2s\nRateLimitSecret fleet\n";
my $rules = <<'END';
<LocationMatch "^/ok/thousands/">
    RateLimit thousands 3000/30d key=path
</LocationMatch>
<LocationMatch "^/ok/stacked/">
    RateLimit burst 3000/30d key=path
    RateLimit day 200000/30d key=path
</LocationMatch>
<LocationMatch "^/ok/sliding/">
    RateLimit sliding 3000/30d key=path algorithm=sliding-window
</LocationMatch>
<LocationMatch "^/ok/bucket/">
    RateLimit bucket 3600/h key=path algorithm=token-bucket burst=3000
</LocationMatch>
<LocationMatch "^/ok/failed/">
    RateLimit failed 3000/30d key=path count=401
</LocationMatch>
<LocationMatch "^/ok/ten/">
    RateLimit ten 10/30d key=path
</LocationMatch>
END

# Sends requests one after the other over a few connections until n are answered, or one is denied by each server;
# returns how many were admitted.
sub hammer {
    my ($servers, $n, $path) = @_;
    my @c = map { connection($_) } @$servers;
    my ($admitted, $i, %full) = (0, 0);
    while ($i < $n && keys %full < @c) {
        my $which = $i++ % @c;
        my $r     = $c[$which]->request('GET', $path);
        if    ($r->status == 200) { $admitted++ }
        elsif ($r->status == 429) { $full{$which} = 1 }
        else                      { $c[$which] = connection($servers->[$which]) }
    }
    return $admitted;
}

sub round_trips {
    my $sum = 0;
    $sum += $m->stat($_) for qw(cmd_get incr_hits incr_misses decr_hits decr_misses cmd_set);
    return $sum;
}

# What a new counter's number says is used.
my %seen;
sub counted {
    my @new = grep { !$seen{$_} } keys %{ $m->keys };
    return join ' ', map { (($m->value($_) // 0) & 0xffffff) - 65536 } @new;
}
sub forget_counters { $seen{$_} = 1 for keys %{ $m->keys } }

sub counted_is {
    my ($n, $name) = @_;
    my $last = '';
    ok await(10, sub { $last = counted(); $last eq $n }), $name or diag "counted $last of $n";
    forget_counters();
}

for my $mpm (grep { RL::Conf::has_mpm($_) } qw(event prefork)) {
    my @fleet = map { httpd($store . $rules, mpm => $mpm, workers => 8) } 1 .. 2;

    # ---- round trips, and exactness -----------------------------------------------------------------------------
    for my $kind (qw(thousands stacked sliding bucket)) {
        my ($before, $began) = (round_trips(), time);
        my $in    = hammer(\@fleet, 10_000, "/ok/$kind/$mpm");
        my $drops = $kind eq 'bucket' ? time - $began + 1 : 0; # that came meanwhile
        # What a bucket has leased drains while a busy machine keeps its children from running.
        my $drained = $kind eq 'bucket' ? 50 : 0;
        cmp_ok $in, '>=', 3000 - $drained, "$mpm: two httpds, $kind: all 3000 units are granted";
        cmp_ok $in, '<=', 3000 + $drops, "$mpm: two httpds, $kind: no more than 3000";
        my $share = (round_trips() - $before) / 3000;
        cmp_ok $share, '<', $kind eq 'stacked' ? 0.2 : 0.15, "$mpm: two httpds, $kind: with few round trips for a request" or diag $share;
        is_deeply [ map { status($_, "/ok/$kind/$mpm") } @fleet ], [ 429, 429 ], "$mpm: two httpds, $kind: a key that is full on one is full on the other"
            if !$drops;
    }
    is hammer(\@fleet, 40, "/ok/ten/$mpm"), 10, "$mpm: two httpds: a limit of ten grants exactly ten";
    my $before = round_trips();
    is hammer([ $fleet[0] ], 2000, "/ok/failed/$mpm"), 2000, "$mpm: count=401: requests that do not count are all admitted";
    cmp_ok round_trips() - $before, '<', 300, "$mpm: count=401: with few round trips for a request";
    forget_counters();

    # ---- what isn't needed is given back ------------------------------------------------------------------------
    is hammer([ $fleet[0] ], 700, "/ok/thousands/idle-$mpm"), 700, "$mpm: a key that will be idle: 700 are admitted";
    counted_is(700, "$mpm: a key that is idle: what was leased and not used is given back");
    is hammer([ $fleet[0] ], 700, "/ok/thousands/graceful-$mpm"), 700, "$mpm: a key before a graceful restart: 700 are admitted";
    $fleet[0]->graceful;
    is hammer([ $fleet[0] ], 300, "/ok/thousands/graceful-$mpm"), 300, "$mpm: a key after a graceful restart: 300 more are admitted";
    counted_is(1000, "$mpm: a graceful restart: what was leased and not used is given back");
    is hammer([ $fleet[1] ], 700, "/ok/thousands/stop-$mpm"), 700, "$mpm: a key before its server is stopped: 700 are admitted";
    $fleet[1]->stop;
    counted_is(700, "$mpm: a server is stopped: what was leased and not used is given back");
    $fleet[1]->start;

    # ---- children that are killed ---------------------------------------------------------------------------------
    my $in = 0;
    for (1 .. 4) {
        $in += hammer(\@fleet, 400, "/ok/thousands/killed-$mpm");
        my @children = $fleet[0]->children;
        kill 'KILL', $children[0];
    }
    $in += hammer(\@fleet, 10_000, "/ok/thousands/killed-$mpm");
    cmp_ok $in, '<=', 3000, "$mpm: children killed: never more than the limit";
    cmp_ok $in, '>=', 2900, "$mpm: children killed: hardly less than the limit" or diag $in;
    forget_counters();
    $_->stop for @fleet;
}

finish;
