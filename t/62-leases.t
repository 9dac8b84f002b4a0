# SPDX-License-Identifier: Apache-2.0
# lease=on, as it is by default: a busy key asks memcached seldom, several httpds still admit exactly the limit, and what
# was reserved and isn't needed is given back.
use RL::Test;
use RL::Memcached;

my $m     = RL::Memcached->start;
my $store = 'RateLimitStore memcached ' . $m->address . " timeout=2s\nRateLimitSecret fleet\n";
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
        cmp_ok $in, '>=', 3000,          "$mpm: two httpds, $kind: all of 3000";
        cmp_ok $in, '<=', 3000 + $drops, "$mpm: $kind: and no more";
        my $share = (round_trips() - $before) / 3000;
        cmp_ok $share, '<', $kind eq 'stacked' ? 0.2 : 0.15, "$mpm: $kind: with few round trips" or diag $share;
        is_deeply [ map { status($_, "/ok/$kind/$mpm") } @fleet ], [ 429, 429 ], "$mpm: $kind: and all of them stay full"
            if !$drops;
    }
    is hammer(\@fleet, 40, "/ok/ten/$mpm"), 10, "$mpm: a small limit";
    my $before = round_trips();
    is hammer([ $fleet[0] ], 2000, "/ok/failed/$mpm"), 2000, "$mpm: what counts only when it fails";
    cmp_ok round_trips() - $before, '<', 300, "$mpm: asks seldom as well";
    forget_counters();

    # ---- what isn't needed is given back ------------------------------------------------------------------------
    is hammer([ $fleet[0] ], 700, "/ok/thousands/idle-$mpm"), 700, "$mpm: a busy key";
    counted_is(700, "$mpm: that goes idle: the rest is given back");
    is hammer([ $fleet[0] ], 700, "/ok/thousands/graceful-$mpm"), 700, "$mpm: a busy key";
    $fleet[0]->graceful;
    is hammer([ $fleet[0] ], 300, "/ok/thousands/graceful-$mpm"), 300, "$mpm: goes on over a graceful restart";
    counted_is(1000, "$mpm: and nothing is left behind");
    is hammer([ $fleet[1] ], 700, "/ok/thousands/stop-$mpm"), 700, "$mpm: a busy key";
    $fleet[1]->stop;
    counted_is(700, "$mpm: whose server is stopped");
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
    cmp_ok $in, '>=', 2900, "$mpm: and hardly less" or diag $in;
    forget_counters();
    $_->stop for @fleet;
}

finish;
