# SPDX-License-Identifier: Apache-2.0
# penalty=: a key that goes over its limit stays denied, longer than its window lasts.
use RL::Test;
use RL::Stores;

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . <<'END');
<LocationMatch "^/ok/short/">
    RateLimit r 2/s key=path+query:k penalty=1h
</LocationMatch>
<Location /ok/long>
    RateLimit r 2/30d penalty=1m
</Location>
<Location /ok/sliding>
    RateLimit r 2/1s algorithm=sliding-window penalty=1h
</Location>
<Location /ok/bucket>
    RateLimit r 2/s algorithm=token-bucket penalty=1h
</Location>
<Location /ok/fixed>
    RateLimit r 1/s penalty=1h key=query:k
</Location>
<Location /ok/extended>
    RateLimit r 1/s penalty=1h,extend key=query:k
</Location>
<Location /ok/over>
    RateLimit r 2/s penalty=1s
</Location>
<Location /ok/watched>
    RateLimit r 1/s penalty=1h action=observe
</Location>
<Location /ok/lifted>
    RateLimit r 2/30d penalty=1h action=observe "clear=expr=%{QUERY_STRING} == 'clear'" "count=expr=%{QUERY_STRING} != 'clear'"
</Location>
<Location /ok/told>
    RateLimit told 1/s penalty=1h
</Location>
<Location /ok/told-on>
    RateLimit told-on 1/s penalty=1h,extend
</Location>
<Location /ok/told-watched>
    RateLimit told-watched 1/s penalty=1h action=observe
</Location>
<Location /ok/free>
    RateLimit r 2/30d penalty=1h cost=0
</Location>
END

    # The first denial of a path: windows of a second may end in between.
    my $overrun = sub {
        my ($path) = @_;
        my $r;
        await(10, sub { ($r) = grep { $_->status != 200 } parallel($s, 4, $path); $r });
        return $r;
    };
    for my $kind (qw(short/a sliding bucket)) {
        my $r = $overrun->("/ok/$kind");
        is $r->status, 429, "$name: $kind: denied when it is over its limit";
        cmp_ok abs($r->header('Retry-After') - 3600), '<=', 2, "$name: $kind: Retry-After is the penalty's hour";
        my $end = Time::HiRes::time() + 2.3;
        my $n = 0;
        await(5, sub { $n += status($s, "/ok/$kind") == 200; Time::HiRes::time() > $end });
        is $n, 0, "$name: $kind: still denied when its windows are over";
    }
    is status($s, '/ok/short/a?k=2'), 200, "$name: another key has no penalty";
    my (undef, $line) = logged($s, 'GET', '/ok/short/a');
    is "$line->{state} $line->{rule}", 'denied r', "$name: RATELIMIT_STATUS and RATELIMIT_RULE under a penalty";
    cmp_ok $line->{retry}, '>', 3000, "$name: RATELIMIT_RETRY_AFTER is the penalty's";
    cmp_ok $line->{reset}, '>=', $line->{retry}, "$name: RATELIMIT_RESET is not before the penalty ends";

    is statuses($s, 4, '/ok/long'), '200 200 429 429', "$name: a penalty shorter than the window: denied when over the limit";
    cmp_ok request($s, 'GET', '/ok/long')->header('Retry-After'), '>', 60, "$name: a penalty shorter than the window does not shorten the wait";
    is statuses($s, 4, '/ok/free'), '200 200 200 200', "$name: what costs nothing is never over the limit";

    my $mark = $s->log_mark;
    my $end = Time::HiRes::time() + 3.3;
    my $n = 0;    # a key's first denial has a line, the tenth, the hundredth: as many as n has digits
    await(10, sub { status($s, "/ok/told$_") for '', '-on', '-watched'; $n++; Time::HiRes::time() > $end });
    my $told = sub { my ($rule) = @_; return scalar grep { /rule $rule,/ } $s->log_lines($mark) };
    my $digits = sub { my ($lines, $name) = @_; ok $lines == length $n || $lines == length($n - 10), $name or diag "$lines lines, $n requests" };
    $digits->($told->('told'), "$name: a penalty has a line in the log for the first, tenth ... denial");
    cmp_ok $told->('told-on'), '<=', 1 + length $n, "$name: a penalty that is extended has one more at most";
    $digits->($told->('told-watched'), "$name: so has a penalty that is observed");

    $overrun->("/ok/$_?k=1") for qw(fixed extended);
    ok await(10, sub { request($s, 'GET', '/ok/fixed?k=1')->header('Retry-After') <= 3597 }), "$name: without extend the wait gets shorter";
    cmp_ok request($s, 'GET', '/ok/extended?k=1')->header('Retry-After'), '>=', 3599, "$name: with extend each denial starts the penalty anew";

    $overrun->('/ok/over');
    ok await(10, sub { status($s, '/ok/over') == 200 }), "$name: after a penalty of a second the key is admitted";

    my $seen = sub { my ($q) = @_; return (logged($s, 'GET', $q))[1] };
    ok await(10, sub { $seen->('/ok/watched')->{state} eq 'observed' }), "$name: action=observe: over its limit it is observed";
    my $until = Time::HiRes::time() + 1.5;
    my %state;
    await(5, sub { $state{ $seen->('/ok/watched')->{state} }++; Time::HiRes::time() > $until });
    is_deeply [ keys %state ], ['observed'], "$name: action=observe: under a penalty it is observed when the window is over";
    is join(' ', map { $seen->('/ok/lifted')->{state} } 1 .. 4), 'allowed allowed observed observed', "$name: clear=: over its limit before";
    $seen->('/ok/lifted?clear');
    is join(' ', map { $seen->('/ok/lifted')->{state} } 1 .. 3), 'allowed allowed observed', "$name: clear= lifts the penalty";
}

finish;
