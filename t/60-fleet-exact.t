# SPDX-License-Identifier: Apache-2.0
# Several httpds share a limit through memcached and admit exactly what it says, however many clients come together.
use RL::Test;
use RL::Memcached;

my $m     = RL::Memcached->start;
my $store = 'RateLimitStore memcached ' . $m->address . " lease=off timeout=2s\nRateLimitSecret fleet\n";
my $rules = <<'END';
<LocationMatch "^/ok/hundred/">
    RateLimit hundred 100/30d key=path
</LocationMatch>
<LocationMatch "^/ok/ten/">
    RateLimit ten 10/30d key=path
</LocationMatch>
<Location /ok/stacked>
    RateLimit tight 7/30d
    RateLimit wide 10/30d key=path
</Location>
<Location /ok/mixed>
    RateLimit everyone 30/30d key=all
    RateLimit each 5/30d key=query:u
</Location>
<Location /ok/other>
    RateLimit narrow 5/30d key=query:u
    RateLimit wide 20/30d key=all
</Location>
END

# n requests in flight together, spread over servers; `what` is a path or a sub from 0..n-1 to one.
sub together {
    my ($servers, $n, $what) = @_;
    my @conns = map { connection($servers->[ $_ % @$servers ]) } 0 .. $n - 1;
    $conns[$_]->send_request('GET', ref $what ? $what->($_) : $what, keepalive => 0) for 0 .. $#conns;
    return map { $_->read_response } @conns;
}

for my $mpm (grep { RL::Conf::has_mpm($_) } qw(event prefork)) {
    my @fleet = map { httpd($store . $rules, mpm => $mpm, workers => $mpm eq "prefork" ? 50 : 24) } 1 .. 3;
    for my $round (1 .. 3) {
        my @r = map { together(\@fleet, 60, "/ok/hundred/$mpm$round") } 1 .. 4;
        is_deeply histogram(@r), { 200 => 100, 429 => 140 }, "$mpm: three httpds, 60 at a time: exactly 100, round $round";
    }
    is_deeply [ map { status($_, "/ok/hundred/${mpm}1") } @fleet ], [ (429) x 3 ], "$mpm: three httpds: a key that is full on one is full on all";

    for my $round (1 .. 3) {
        is_deeply histogram(parallel($fleet[0], 50, "/ok/ten/$mpm$round")), { 200 => 10, 429 => 40 },
            "$mpm: one httpd, 50 at a time: exactly 10, round $round";
    }
    if ($mpm eq 'event') {
        # All or nothing: never more than either rule allows, and denied requests leave nothing charged on any server.
        is_deeply histogram(together(\@fleet, 60, '/ok/stacked')), { 200 => 7, 429 => 53 }, 'three httpds, two rules: exactly what the tighter one allows';
        my (%of, $total);
        my @r = together(\@fleet, 60, sub { '/ok/mixed?u=' . $_[0] % 10 });
        for my $i (grep { $r[$_]->status == 200 } 0 .. $#r) { $of{ $i % 10 }++; $total++ }
        cmp_ok $total, '<=', 30, 'three httpds, key=all beside a narrower key: never more than all may have';
        ok !(grep { $_ > 5 } values %of), 'three httpds, key=all beside a narrower key: none gets more than each may have' or diag explain \%of;
        my $later = 0;
        status($fleet[ $_ % 3 ], "/ok/mixed?u=new$_") == 200 and $later++ for 1 .. 33;
        is $total + $later, 30, 'three httpds: denied requests left nothing charged' or diag "$total at once, $later later";

        is histogram(map { request($fleet[ $_ % 3 ], 'GET', '/ok/other?u=a') } 1 .. 60)->{200}, 5, 'three httpds: one caller stops at its own limit';
        is histogram(map { request($fleet[ $_ % 3 ], 'GET', "/ok/other?u=b$_") } 1 .. 60)->{200}, 15,
            'three httpds: what one caller was denied is there for others';
    }
    $_->stop for @fleet;
    no_unexpected_log($_, allow => qr/AH00161/) for @fleet;    # all of prefork's children are busy
}

finish;
