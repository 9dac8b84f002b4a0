# SPDX-License-Identifier: Apache-2.0
# algorithm=sliding-window: COUNT at once, and then no second COUNT behind the edge of a window.
use RL::Test;
use RL::Stores;

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . <<'END');
<LocationMatch "^/ok/three">
    RateLimit r 3/30d algorithm=sliding-window key=path
</LocationMatch>
<Location /ok/parallel>
    RateLimit r 10/30d algorithm=sliding-window
</Location>
<Location /ok/zero>
    RateLimit r 0/30d algorithm=sliding-window
</Location>
<Location /ok/edge>
    RateLimit r 2/3s algorithm=sliding-window
</Location>
<Location /ok/fixed>
    RateLimit r 2/3s
</Location>
<Location /ok/kinds>
    RateLimit slides 4/30d algorithm=sliding-window group=g
    RateLimit jumps 4/30d group=g
</Location>
<Location /ok/slides>
    RateLimit slides 4/30d algorithm=sliding-window group=g
</Location>
END

    limit_is $s, 3, '/ok/three', "$name: 3/30d";
    limit_is $s, 3, '/ok/three/b', "$name: 3/30d, another key";
    limit_is $s, 0, '/ok/zero', "$name: 0/30d";
    is_deeply histogram(parallel($s, 40, '/ok/parallel')), { 200 => 10, 429 => 30 }, "$name: exactly ten of forty in flight";
    my ($r, $line) = logged($s, 'GET', '/ok/three');
    is "$line->{state} $line->{limit} $line->{remaining}", 'denied 3 0', "$name: RATELIMIT_ of a denial: state, limit, remaining";
    is $line->{retry}, $r->header('Retry-After'), "$name: RATELIMIT_RETRY_AFTER is Retry-After";
    # The first of three units has left after a third of a period, counted from the end of the window they are in.
    cmp_ok $line->{retry}, '>=', 86400 * 10 - 1, "$name: 3/30d, full: the wait lasts until one of three units has left the period";
    cmp_ok $line->{retry}, '<=', 86400 * 40 + 1, "$name: 3/30d, full: the wait is no longer than that";
    is statuses($s, 2, '/ok/kinds'), '200 200', "$name: rules of two algorithms in a group admit";
    (undef, $line) = logged($s, 'GET', '/ok/slides');
    is $line->{remaining}, 1, "$name: rules of two algorithms in a group have a counter each";

    # Behind the edge a fixed window would admit two at once. Here it is one, until half a period later.
    is statuses($s, 2, '/ok/edge'), '200 200', "$name: 2/3s admits two";
    $r = request($s, 'GET', '/ok/edge');
    is $r->status, 429, "$name: 2/3s denies the third";
    cmp_ok $r->header('Retry-After'), '<=', 5, "$name: 2/3s: Retry-After is at most one and a half periods";
    my $waited = Time::HiRes::time() + $r->header('Retry-After');
    my ($asked, $late) = (0, 0);    # when the last one was sent, and how many were denied after the wait
    ok await(8, sub {
        $asked = Time::HiRes::time();
        my $in = status($s, '/ok/edge') == 200;
        $late++ if !$in && $asked > $waited;
        return $in;
    }), "$name: 2/3s admits again";
    is $late, 0, "$name: 2/3s denies nothing that is sent after Retry-After is over";
    SKIP: {    # half a period later there is room for one more
        my $statuses = statuses($s, 2, '/ok/edge');
        skip 'the machine took too long', 1 if Time::HiRes::time() > $asked + 1;
        is $statuses, '429 429', "$name: 2/3s admits one after the edge of a window, not two";
    }
    status($s, '/ok/fixed') for 1 .. 3;
    ok await(8, sub { status($s, '/ok/fixed') == 200 }), "$name: a fixed window of 2/3s ends";
    is statuses($s, 2, '/ok/fixed'), '200 429', "$name: a fixed window of 2/3s admits two after its edge";
}

# A change of COUNT keeps what was counted; one of the algorithm or the period doesn't.
my $s = httpd("<Location /ok>\nRateLimit r 5/30d algorithm=sliding-window\n</Location>\n");
my $left = sub { return (logged($s, 'GET', '/ok'))[1]{remaining} };
is $left->(), 4, 'a change of the rule: four of five are left before';
for my $change ([ '7/30d algorithm=sliding-window', 5, 'a higher COUNT' ], [ '7/29d algorithm=sliding-window', 6, 'another period' ],
    [ '7/29d', 6, 'another algorithm' ], [ '7/30d algorithm=sliding-window', 4, 'back again' ])
{
    my ($rule, $want, $name) = @$change;
    $s->set_conf("<Location /ok>\nRateLimit r $rule\n</Location>\n");
    $s->graceful;
    is $left->(), $want, "a change of the rule: $name: $want are left";
}

finish;
