# SPDX-License-Identifier: Apache-2.0
# However many rules a request has, it waits for memcached once: what they add and read goes there together, to several
# servers at the same time. Counted by a server that sees each command, and whether it wants an answer.
use RL::Test;
use RL::FaultyMemcached;
use RL::Memcached;
use Time::HiRes qw(sleep time);

my %RULES = (
    one     => ['100/30d'],
    two     => [ ('100/30d') x 2 ],
    four    => [ ('100/30d') x 4 ],
    sliding => [ ('100/30d algorithm=sliding-window') x 2 ],
    first   => [ ('100/30d window=first') x 2 ],
    penalty => [ '100/30d penalty=1h', '100/30d' ],
    mixed   => [ '100/30d', '100/30d algorithm=sliding-window penalty=1h', '100/30d window=first' ],
    bucket  => [ ('100/30d algorithm=token-bucket burst=90') x 2 ],
    tight   => [ '100/30d', '3/30d' ],
    outcome => [ ('100/30d count=404') x 3 ],
    spread  => [ ('1000/30d') x 6 ],
    clear   => [ '100/30d clear=200', '100/30d clear=200 algorithm=sliding-window', '100/30d clear=200 penalty=1h' ],
    form    => [ ('100/30d') x 2, '1/30d key=form:x' ],
);

sub conf {
    my ($options, @stores) = @_;
    my $conf = 'RateLimitStore memcached ' . join(' ', map { $_->address } @stores) . " lease=off compare=off timeout=3s $options\nRateLimitSecret fleet\n";
    for my $path (sort keys %RULES) {
        my $n = 0;
        $conf .= "<Location /ok/$path>\n" . join('', map { "RateLimit $path-" . ++$n . " $_" . (/key=/ ? '' : ' key=query:k') . "\n" } @{ $RULES{$path} }) . "</Location>\n";
    }
    return $conf;
}

# ---- round trips ----------------------------------------------------------------------------------------------------
my $f = RL::FaultyMemcached->start;
my $s = httpd(conf('', $f));

# The round trips of each of some requests; and the commands of the last.
sub trips {
    my ($path, $key, $requests) = @_;
    my @trips;
    for (1 .. $requests) {
        $f->reset_count;
        is status($s, "/ok/$path?k=$key"), 200, "$path: admitted";
        push @trips, $f->trips;
    }
    return "@trips";
}

# A key of which nothing was read in this second; the reads that keep it from being evicted are due.
sub wait_for_next_second { sleep 1.01 - (time - int time); return }

# The commands of the second of two requests, with what follows the answer: all of it, once so many commands have come that read.
sub commands {
    my ($path, $reads) = @_;
    for (1 .. 2) {
        $f->reset_count;
        status($s, $path);
        await(20, sub { ($f->count->{gets} // 0) >= $reads });
    }
    return $f->count;
}

for my $path (qw(one two four sliding penalty)) {
    is trips($path, 'a', 3), '1 1 1', "$path: one round trip a request, from the first";
}
trips($_, 'a', 1) for qw(first mixed bucket);
is trips('first', 'a', 2), '1 1', 'first: one round trip once the window has begun';
is trips('mixed', 'a', 2), '1 1', 'mixed: one round trip';
is trips('bucket', 'a', 2), '1 1', 'bucket: one round trip while tokens are in use';
wait_for_next_second();
for my $path (qw(one two four sliding penalty first mixed)) {
    is trips($path, 'a', 1), '1', "$path: one round trip for a key that has to be read, too";
}

$f->reset_count;
status($s, "/ok/four?k=a");
is_deeply $f->count, { incr => 4, gets => 1 }, 'four rules: four additions and one command that reads' or diag explain $f->count;

is_deeply commands('/ok/outcome?k=a', 2), { incr => 3, decr => 3, gets => 2 }, 'three rules whose outcome does not count: one round trip gives all back' or diag explain $f->count;

my %form = (method => 'POST', headers => [ 'Content-Type' => 'application/x-www-form-urlencoded' ], body => 'x=1');
status($s, '/ok/form?k=a', %form);
$f->reset_count;
is status($s, '/ok/form?k=a', %form), 429, 'a rule denies that is decided later than two others';
is_deeply $f->count, { incr => 2, decr => 2, gets => 2 }, 'one round trip gives back what both were charged' or diag explain $f->count;

is_deeply commands('/ok/clear?k=a', 2), { incr => 3, set => 4, gets => 2 }, 'three rules that a success clears: one round trip clears all' or diag explain $f->count;

# ---- what was added for nothing --------------------------------------------------------------------------------------
sub values_of { return join ' ', sort map { ($_ & 0xffffff) - 65_536 } grep { $_ >> 48 } values %{ $f->values } }

$f->forget;
my $second = httpd(conf('', $f));
status($second, '/ok/tight?k=b') for 1 .. 2;
status($s, '/ok/tight?k=b');
is values_of(), '3 3', 'two rules: both are charged by both servers';
$f->reset_count;
is status($second, '/ok/tight?k=b'), 429, 'two rules: one is over its limit, which this server does not know yet';
is values_of(), '3 3', 'two rules: what was added for the other is taken off again';
$f->reset_count;
is status($second, '/ok/tight?k=b'), 429, 'two rules: denied again';
cmp_ok $f->trips, '<=', 2 + 2, 'two rules: denied again in few round trips';    # and two after the answer
is values_of(), '3 3', 'two rules: what is in use stays the same';

# ---- a counter that was lost -------------------------------------------------------------------------------------------
$f->forget;
is status($s, '/ok/tight?k=c'), 200, 'a new key';
is status($s, '/ok/tight?k=c'), 200, 'again';
$f->forget;
is status($s, '/ok/tight?k=c'), 200, 'the store has lost everything: the third is admitted';
is values_of(), '3 3', 'the store has lost everything: counters are made anew from what is known';
is status($s, '/ok/tight?k=c'), 429, 'the store has lost everything: the fourth is denied';

# ---- several servers ---------------------------------------------------------------------------------------------------
my @three = map { RL::FaultyMemcached->start } 1 .. 3;
my $spread = httpd(conf('', @three));
my @keys = map { "k$_" } 1 .. 20;
status($spread, "/ok/spread?k=$_") for @keys;
$_->reset_count for @three;
status($spread, "/ok/spread?k=$_") for @keys;
my @trips = map { $_->trips } @three;
cmp_ok $_, '<=', 20, 'three servers: at most one round trip to each a request' for @trips;
cmp_ok $_, '>', 0, 'three servers: each has counters' for @trips;
is +(() = map { ($_->count->{incr} // 0) > 0 || () } @three), 3, 'three servers: each counts';

$_->mode('delay', 200) for @three;
my ($took) = sort { $a <=> $b } map { my $t = time; status($spread, "/ok/spread?k=$_"); time - $t } @keys[ 0 .. 4 ];
cmp_ok $took, '>', 0.19, 'three slow servers: a request waits for an answer';
cmp_ok $took, '<', 0.39, 'three slow servers: all are waited for at the same time' or diag $took;
$_->mode('ok') for @three;

# ---- one of them fails: as many requests are let in as if it were alone -------------------------------------------------
$three[1]->mode('reset');
is statuses($spread, 5, '/ok/spread?k=fails'), '200 200 200 200 200', 'one of three fails: requests are decided';
my %before = map { $_ => $three[$_]->trips } 0, 2;
is status($spread, '/ok/spread?k=fails'), 200, 'one of three fails: and again';
cmp_ok $three[0]->trips + $three[2]->trips, '>', $before{0} + $before{2}, 'one of three fails: the others are asked';
$three[1]->mode('ok');

# ---- a server that does not know noreply ----------------------------------------------------------------------------------
my $stubborn = RL::FaultyMemcached->start;
$stubborn->mode('noreply');
my $plain = httpd(conf('', $stubborn), children => 1);
status($plain, '/ok/tight?k=x');
is statuses($plain, 4, '/ok/tight?k=d'), '200 200 200 429', 'a server that answers everything: the limit holds';
$stubborn->reset_count;
status($plain, '/ok/two?k=d') for 1 .. 5;
is_deeply [ grep { /noreply/ } keys %{ $stubborn->count } ], [], 'a server that answers everything: no command says noreply';
cmp_ok $stubborn->trips, '>=', 10, 'a server that answers everything: a round trip for each rule';
like join("\n", $plain->log_lines(0)), qr/answers commands with noreply/, 'a server that answers everything: the log says so';

# ---- real ones -------------------------------------------------------------------------------------------------------------
# With one connection to each, requests wait for connections, but never while they hold one.
for my $n (1, 3) {
    my @real  = map { RL::Memcached->start } 1 .. $n;
    my @fleet = map { httpd(conf('connections=1', @real)) } 1 .. 2;
    is join(' ', map { statuses($fleet[ $_ % 2 ], 1, '/ok/tight?k=e') } 1 .. 5), '200 200 200 429 429', "$n memcached: two httpds have one limit";
    # Of two at the last unit of several rules each may have taken another rule's first: both are denied, and give it back.
    my $h = histogram(map { parallel($fleet[$_], 150, '/ok/four?k=f') } 0, 1);
    my $more = grep { $_ == 200 } split ' ', statuses($fleet[0], 6, '/ok/four?k=f');
    cmp_ok $h->{200}, '>', 95, "$n memcached: of many at a time nearly the limit is admitted" or diag explain $h;
    is $h->{200} + $more, 100, "$n memcached: with who comes next exactly the limit" or diag explain $h;
    my $hits = 0;
    $hits += $_->stat('incr_hits') for @real;
    cmp_ok $hits, '>=', 400, "$n memcached: each unit was added there";
}

finish allow => qr/memcached \S+ (?:does not answer|answers with an error)/;
