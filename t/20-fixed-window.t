# A fixed window admits its count, then denies until it ends; denied requests do not keep it closed.
use RL::Test;
use Time::HiRes qw(time sleep);

my $s = httpd(<<'END');
<Location /ok/hour>
    RateLimit hourly 3/h
</Location>
<Location /ok/second>
    RateLimit fast 3/s
</Location>
<Location /ok/two>
    RateLimit two 2/2s
</Location>
END

limit_is $s, 3, '/ok/hour', 'three an hour';
is status($s, '/ok'), 200, 'elsewhere nothing is limited';

# Hammered for four seconds: bursts of exactly three, a second apart. The first and the last may be cut off.
my (@bursts, $denied);
my $end = time + 4.3;
while ((my $now = time) < $end) {
    my $status = status($s, '/ok/second');
    if    ($status == 429)        { $denied = 1 }
    elsif ($denied || !@bursts)   { push @bursts, [ $now, 1 ]; $denied = 0 }
    else                          { $bursts[-1][1]++ }
    sleep 0.01;
}
my @whole = @bursts[ 1 .. $#bursts - 1 ];
cmp_ok scalar @whole, '>=', 2, 'windows go by while it is hammered' or diag explain \@bursts;
is_deeply [ map { $_->[1] } @whole ], [ (3) x @whole ], 'each window admits exactly three' or diag explain \@bursts;
my @apart = map { $whole[$_][0] - $whole[ $_ - 1 ][0] } 1 .. $#whole;
ok !(grep { abs($_ - 1) > 0.2 } @apart), 'a second apart' or diag "@apart";

# Retry-After: a retry then succeeds, and a period is the longest wait.
my ($r, $t0);
for (1 .. 20) {
    $t0 = time;
    $r = request($s, 'GET', '/ok/two');
    last if $r->status == 429;
}
is $r->status, 429, 'full';
my $wait = $r->header('Retry-After');
like $wait, qr/\A[12]\z/, 'Retry-After is in whole seconds, within the period';
sleep $t0 + $wait - time if $t0 + $wait > time;
is status($s, '/ok/two'), 200, 'a retry at that time succeeds';

finish;
