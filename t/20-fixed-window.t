# A fixed window admits its count, then denies until it ends; denied requests do not keep it closed.
use RL::Test;
use Time::HiRes qw(time sleep);

my $s = httpd(<<'END');
<Location /ok/hour>
    RateLimit hourly 3/30d
</Location>
<Location /ok/second>
    RateLimit fast 3/s
</Location>
<Location /ok/two>
    RateLimit two 2/2s key=query:k
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

# Retry-After of many keys, whose windows end at all times: never too early, and not a second too late.
my @wait;
for my $k (1 .. 25) {
    my $path = "/ok/two?k=$k";
    my ($r, $before);
    for (1 .. 4) {    # more than two, should the window end in between
        $before = time;
        $r = request($s, 'GET', $path);
        last if $r->status == 429;
    }
    is $r->status, 429, "key $k: full" if $r->status != 429;
    my $after = $r->header('Retry-After');
    push @wait, { path => $path, after => $after, at => $before + $after - 1.1, want => 429 } if $after > 1;
    push @wait, { path => $path, after => $after, at => time + $after, want => 200 };
}
ok !(grep { $_->{after} !~ /\A[12]\z/ } @wait), 'Retry-After is in whole seconds, within the period'
    or diag join ' ', map { $_->{after} } @wait;
my @wrong;
for my $w (sort { $a->{at} <=> $b->{at} } @wait) {
    sleep $w->{at} - time if $w->{at} > time;
    my $status = status($s, $w->{path});
    push @wrong, "$w->{path}: $status, not $w->{want}" if $status != $w->{want} && time < $w->{at} + 0.1;
}
is_deeply \@wrong, [], 'a retry at that time succeeds, and more than a second before it does not';

finish;
