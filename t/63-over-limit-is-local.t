# SPDX-License-Identifier: Apache-2.0
# A key that is over its limit is answered from this server's memory: no round trip, but for one look a second whether
# the store still knows. Below it a request costs one addition for each rule.
use RL::Test;
use RL::FaultyMemcached;
use Time::HiRes qw(time);

my $f = RL::FaultyMemcached->start;
my $conf = <<"END";
RateLimitStore memcached @{[ $f->address ]} lease=off compare=off timeout=2s
RateLimitSecret fleet
<Location /ok/five>
    RateLimit five 5/30d
</Location>
<Location /ok/two-rules>
    RateLimit a 100/30d
    RateLimit b 100/30d key=path
</Location>
<Location /ok/zero>
    RateLimit zero 0/30d
</Location>
END
my $s = httpd($conf);

# A command's count, without the reads that come once a second.
sub writes { my %c = %{ $f->count }; return join ' ', map { "$_:$c{$_}" } grep { !/get|version/ } sort keys %c }

$f->reset_count;
is status($s, '/ok/two-rules'), 200, 'two rules: the first request is admitted';
is writes(), 'add:2 incr:2', 'two rules: the first request makes two counters';
$f->reset_count;
status($s, '/ok/two-rules') for 1 .. 10;
is writes(), 'incr:20', 'two rules: each further request takes one addition for each';
$f->reset_count;
status($s, '/ok') for 1 .. 10;
status($s, '/ok/zero') for 1 .. 10;
is $f->commands, 0, 'no round trip for locations without rules, nor for a rule of COUNT 0';

is statuses($s, 6, '/ok/five'), '200 200 200 200 200 429', '5/30d: five are admitted';
$f->reset_count;
my $t = time;
my $h = histogram(map { parallel($s, 40, '/ok/five') } 1 .. 25);
is_deeply $h, { 429 => 1000 }, 'a thousand requests over the limit are denied';
my $seconds = time - $t;
is writes(), '', 'a thousand denied requests write nothing to the store';
cmp_ok $f->commands, '<=', 2 * (1 + $seconds),    # the counter, and if the key is exempt
     'a thousand denied requests read from the store once a second' or diag explain $f->count;

my $second = httpd($conf);
$f->reset_count;
is status($second, '/ok/five'), 429, 'a server that has not heard of the key denies';
like writes(), qr/\Adecr:1 incr:1\z/, 'a server that has not heard of the key asks once, and gives back';
$f->reset_count;
parallel($second, 40, '/ok/five');
is writes(), '', 'a server that has heard of the key asks no more';

# A counter that the store has lost is made anew while its key is denied.
$f->forget;
my $end = time + 2.5;
await(3, sub { status($s, '/ok/five'); %{ $f->keys } || time > $end });
is scalar %{ $f->keys }, 1, 'a lost counter is made anew while its key is denied';
my $third = httpd($conf);
is status($third, '/ok/five'), 429, 'a new server denies what was counted in the lost counter';

finish;
