# SPDX-License-Identifier: Apache-2.0
# algorithm=token-bucket: burst= at once, then COUNT a period, evenly.
use RL::Test;
use RL::Stores;

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . <<'END');
<Location /ok/plain>
    RateLimit r 3/30d algorithm=token-bucket
</Location>
<Location /ok/burst>
    RateLimit r 2/30d algorithm=token-bucket burst=5
</Location>
<Location /ok/narrow>
    RateLimit r 100/30d algorithm=token-bucket burst=1
</Location>
<Location /ok/initial>
    RateLimit r 2/30d algorithm=token-bucket burst=5 initial=2
</Location>
<Location /ok/new>
    RateLimit r 1/s algorithm=token-bucket burst=2 initial=0
</Location>
<Location /ok/none>
    RateLimit r 5/s algorithm=token-bucket burst=0
</Location>
<Location /ok/zero>
    RateLimit r 0/s algorithm=token-bucket burst=5
</Location>
<Location /ok/refill>
    RateLimit r 1/4s algorithm=token-bucket burst=3
</Location>
<Location /ok/parallel>
    RateLimit r 1/30d algorithm=token-bucket burst=10
</Location>
<Location /ok/hour>
    RateLimit r 1/h algorithm=token-bucket burst=2
</Location>
<Location /ok/dear>
    RateLimit r 1/30d algorithm=token-bucket burst=5 cost=2
</Location>
<Location /ok/impossible>
    RateLimit r 9/h algorithm=token-bucket burst=5 cost=6
</Location>
<Location /ok/closer>
    RateLimit window 100/30d
    RateLimit bucket 1000/30d algorithm=token-bucket burst=20
</Location>
END

    limit_is $s, 3, '/ok/plain',   "$name: without burst= the bucket holds COUNT";
    limit_is $s, 5, '/ok/burst',   "$name: burst=5 above COUNT";
    limit_is $s, 1, '/ok/narrow',  "$name: burst=1 below COUNT";
    limit_is $s, 2, '/ok/initial', "$name: initial=2 of burst=5";
    limit_is $s, 0, '/ok/none',    "$name: burst=0";
    limit_is $s, 0, '/ok/zero',    "$name: COUNT 0 with burst=5";
    limit_is $s, 2, '/ok/dear',    "$name: cost=2 of burst=5";
    limit_is $s, 0, '/ok/impossible', "$name: cost=6 of burst=5";
    is_deeply histogram(parallel($s, 40, '/ok/parallel')), { 200 => 10, 429 => 30 }, "$name: exactly ten of forty in flight";

    my (undef, $line) = logged($s, 'GET', '/ok/burst');
    is "$line->{state} $line->{limit} $line->{remaining}", 'denied 5 0', "$name: RATELIMIT_LIMIT is the size of the bucket";
    (undef, $line) = logged($s, 'GET', '/ok/hour');
    is "$line->{limit} $line->{remaining}", '2 1', "$name: 1/h burst=2: one token is left of two";
    cmp_ok abs($line->{reset} - 3600), '<=', 2, "$name: 1/h burst=2, one left: full in an hour";
    (undef, $line) = logged($s, 'GET', '/ok/hour') for 1, 2;
    cmp_ok abs($line->{reset} - 7200), '<=', 2, "$name: 1/h burst=2, empty: full in two hours";
    cmp_ok abs($line->{retry} - 3600), '<=', 2, "$name: 1/h burst=2, empty: the wait is an hour";
    (undef, $line) = logged($s, 'GET', '/ok/closer');
    is $line->{rule}, 'bucket', "$name: 19 of 20 is closer to the limit than 99 of 100";

    my $r = request($s, 'GET', '/ok/new');
    is $r->status . ' ' . $r->header('Retry-After'), '429 1', "$name: a new bucket with initial=0 denies for a second";
    ok await(5, sub { status($s, '/ok/new') == 200 }), "$name: a new bucket with initial=0 fills, though its first request was denied";

    is statuses($s, 4, '/ok/refill'), '200 200 200 429', "$name: burst=3 admits three";
    ok await(20, sub { status($s, "/ok/refill") == 200 }), "$name: an empty bucket admits when a token has come";
    is status($s, '/ok/refill'), 429, "$name: an empty bucket gets one token, not all three";
}

# A bucket of another size or rate is another bucket; the same one is there after a reload.
my $rule = sub { return "<Location /ok>\nRateLimit r $_[0]\n</Location>\n" };
my $s = httpd($rule->('5/30d algorithm=token-bucket'));
my $left = sub { return (logged($s, 'GET', '/ok'))[1]{remaining} };
is $left->(), 4, 'a change of the rule: four of five are left before';
for my $change ([ '5/30d algorithm=token-bucket', 3, 'the same' ], [ '5/30d algorithm=token-bucket burst=5', 2, 'the default, written down' ],
    [ '5/30d algorithm=token-bucket burst=9', 8, 'another size' ], [ '6/30d algorithm=token-bucket burst=9', 8, 'another COUNT' ],
    [ '6/29d algorithm=token-bucket burst=9', 8, 'another period' ], [ '6/29d algorithm=token-bucket burst=9 initial=0', 7, 'initial= is for new ones' ])
{
    my ($text, $want, $name) = @$change;
    $s->set_conf($rule->($text));
    $s->graceful;
    is $left->(), $want, "a change of the rule: $name: $want are left";
}

finish;
