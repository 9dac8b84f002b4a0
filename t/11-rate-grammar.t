# SPDX-License-Identifier: Apache-2.0
# RATE: every unit and spelling means the period it says. Rules of one group and the same rate share a counter, so
# a list of spellings of one period is one counter; were one of them read as another period, it would admit more.
use RL::Test;

my %same = (
    second => [ '1s', 's', 'S', 'sec', '1sec', 'second', 'SECOND', '1seconds', 'seconds', 'secs', '1' ],
    minute => [ 'm', '1m', 'M', 'min', 'Min', 'mins', 'minute', 'minutes', 'MINUTES', '1min', '60', '60s', '60seconds' ],
    hour   => [ 'h', '1h', 'H', 'hr', 'hrs', 'Hr', 'hour', 'hours', '60m', '3600', '3600s', '60min' ],
    day    => [ 'd', '1d', 'D', 'day', 'days', '24h', '1440m', '86400', '24hours' ],
    month  => [ '30d', '720h', '43200m', '2592000', '2592000s', '30days' ],
    five   => [ '5m', '300', '300s', '5min', '5minutes', '5M' ],
);
config_ok("RateLimit r 7/$_\n", "RateLimit r 7/$_") for map { @$_ } @same{ sort keys %same };
config_ok("RateLimit r $_\n", "RateLimit r $_") for qw(0/s 1/s 4294967295/d 5/10m 1000/d 100/300 none);
config_ok("RateLimit r 5/m\nRateLimit " . ('n' x 32) . " 5/m\nRateLimit a-b_9 5/m\nRateLimit A 5/m\n", 'rule names of 1 to 32 letters, digits, - and _');

# What is left of a short period can end between two requests; those are shared over a whole hour at least.
my $conf = '';
for my $period (qw(hour day month)) {
    my $i = 0;
    $conf .= "<Location /ok/$period/" . $i++ . ">\nRateLimit r 2/$_ group=$period\n</Location>\n" for @{ $same{$period} };
}
my $s = httpd($conf . <<'END');
<Location /ok/zero>
    RateLimit r 0/m
</Location>
<Location /ok/none>
    RateLimit r none
</Location>
<Location /ok/huge>
    RateLimit r 4294967295/30d
</Location>
END

for my $period (qw(hour day month)) {
    my $n = @{ $same{$period} };
    is join(' ', map { status($s, "/ok/$period/$_") } 0 .. $n - 1), join(' ', (200) x 2, (429) x ($n - 2)),
        "all spellings of a $period share one counter";
}

is statuses($s, 3, '/ok/zero'), '429 429 429', '0/m denies every request';
is statuses($s, 20, '/ok/none'), join(' ', (200) x 20), 'RATE none denies nothing';
my (undef, $line) = logged($s, 'GET', '/ok/none');
is $line->{rule}, '-', 'RATE none has no RATELIMIT_RULE';
(undef, $line) = logged($s, 'GET', '/ok/huge');
is "$line->{limit} $line->{remaining}", '4294967295 4294967294', '4294967295/30d: limit and remaining are exact';

# Periods below an hour: the time left, never more than the period.
my @short = ([ '9/s', 1 ], [ '9/5s', 5 ], [ '9/m', 60 ], [ '9/2min', 120 ], [ '9/5m', 300 ], [ '9/90', 90 ]);
my $t = httpd(join '', map { "<Location /ok/$_>\nRateLimit r $short[$_][0] key=query:k\n</Location>\n" } 0 .. $#short);
for my $i (0 .. $#short) {
    my @reset = map { my (undef, $l) = logged($t, 'GET', "/ok/$i?k=$_"); $l->{reset} } 1 .. 12;
    my ($rate, $max) = @{ $short[$i] };
    ok !(grep { $_ < 0 || $_ > $max } @reset), "$rate: resets within $max s" or diag "@reset";
    next if $max == 1;
    ok +(grep { $_ > $max / 6 } @reset), "$rate: not all of twelve keys reset soon" or diag "@reset";
}

finish;
