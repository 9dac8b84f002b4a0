# SPDX-License-Identifier: Apache-2.0
# However many requests come together, on whatever MPM: exactly the limit is admitted.
use RL::Test;

for my $mpm (grep { RL::Conf::has_mpm($_) } qw(event worker prefork)) {
    my $s = httpd(<<'END', mpm => $mpm);
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
END
    for my $round (1 .. 4) {
        is_deeply histogram(parallel($s, 50, "/ok/ten/$round")), { 200 => 10, 429 => 40 }, "$mpm: exactly 10 of 50 at once are admitted, round $round";
    }
    is_deeply histogram(parallel($s, 50, '/ok/stacked')), { 200 => 7, 429 => 43 }, "$mpm: two rules: exactly what the tighter one allows";
    is status($s, '/ok/stacked'), 429, "$mpm: two rules: the key stays full";

    # Ten callers of five each under thirty in all: never more than either, and what a denied request may have held
    # for a moment is there again afterwards.
    my (%of, $total);
    my @r = parallel($s, 60, sub { ('GET', '/ok/mixed?u=' . $_[0] % 10) });
    for my $i (0 .. $#r) {
        next if $r[$i]->status != 200;
        $of{ $i % 10 }++;
        $total++;
    }
    cmp_ok $total, '<=', 30, "$mpm: key=all beside a narrower key: never more than all may have";
    ok !(grep { $_ > 5 } values %of), "$mpm: key=all beside a narrower key: none gets more than each may have" or diag explain \%of;
    my $later = 0;
    status($s, "/ok/mixed?u=new$_") == 200 and $later++ for 1 .. 32;
    is $total + $later, 30, "$mpm: key=all beside a narrower key: denied requests left nothing charged" or diag "$total at once, $later later";
}

finish;
