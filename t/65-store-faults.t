# Whatever the store does - slow, resetting, out of memory, answering errors or garbage, dripping - no child dies, every
# request is answered within the time-out, the limit holds, and the count is the store's again soon after.
use RL::Test;
use RL::FaultyMemcached;
use RL::Memcached;
use Time::HiRes qw(time);

my $SLACK = 0.25;    # scheduling on a busy machine

sub slowest { my $t = 0; $_->{total} > $t and $t = $_->{total} for @_; return $t }

my $f = RL::FaultyMemcached->start;
my $s = httpd(<<"END");
RateLimitStore memcached @{[ $f->address ]} lease=off timeout=50ms cooldown=300ms
RateLimitSecret fleet
<LocationMatch "^/ok/ten/">
    RateLimit ten 10/30d key=path
</LocationMatch>
<LocationMatch "^/ok/many/">
    RateLimit many 100000/30d key=path
</LocationMatch>
END
my @pids = sort $s->children;

# Mode; how long a request may take (seconds, besides scheduling); what the log says at the least.
my @faults = (
    [ 'delay 30',      0.05, undef ],
    [ 'delay 500',     0.05, qr/fails/ ],
    [ 'hang',          0.05, qr/fails/ ],
    [ 'reset',         0.05, qr/fails/ ],
    [ 'close',         0.05, qr/fails/ ],
    [ 'half',          0.05, qr/fails/ ],
    [ 'memory',        0.05, qr/fails \(.*memory/i ],
    [ 'error',         0.05, qr/fails/ ],
    [ 'client',        0.05, qr/fails/ ],
    [ 'server',        0.05, qr/fails/ ],
    [ 'garbage',       0.05, qr/fails/ ],
    [ 'empty',         0.05, qr/fails/ ],
    [ 'value',         0.05, qr/fails/ ],
    [ 'number 5',      0.05, undef ],    # no count of ours: that key is counted here, the store goes on
    [ 'number -1',     0.05, qr/fails/ ],
    [ 'number 99999999999999999999999', 0.05, qr/fails/ ],
    [ 'number 18446744073709551615',    0.05, qr/fails/ ],
    [ 'drip 20',       0.05, qr/fails/ ],
    [ 'drip 45',       0.05, qr/fails/ ],
);

my $n = 0;
for my $fault (@faults) {
    my ($mode, $wait, $says) = @$fault;
    my $path = '/ok/ten/' . ++$n;
    is status($s, $path), 200, "before: $mode";
    my $from = $s->log_mark;
    $f->mode(split / /, $mode);
    my @r = map { parallel($s, 20, $path) } 1 .. 3;
    my $h = histogram(@r);
    ok !(grep { $_ != 200 && $_ != 429 } keys %$h), "$mode: all are answered" or diag explain $h;
    cmp_ok $h->{200} // 0, '==', 9, "$mode: this server's own limit holds";
    cmp_ok slowest(@r), '<', 2 * $wait + $SLACK, "$mode: in time" or diag slowest(@r);
    my @free = parallel($s, 10, '/ok');
    cmp_ok slowest(@free), '<', $SLACK, "$mode: locations without rules are not slowed" or diag slowest(@free);
    parallel($s, 10, "/ok/many/$n") for 1 .. 2;
    my @lines = $says ? $s->wait_log($from, $says) : ();
    ok !$says || (@lines && @lines <= 8), "$mode: the log says so, not often" or diag join "\n", @lines, $s->log_lines($from);

    $f->mode('ok');
    my $t = time;
    ok await(3, sub {
        my $before = $f->commands;
        my $p = "/ok/many/$n-" . int rand 1e9;
        parallel($s, 6, $p);
        $f->commands >= $before + 6;
    }), "$mode: used again";
    cmp_ok time - $t, '<', 1.3 + $SLACK, "$mode: within the cooldown plus a second" or diag time - $t;
    is status($s, $path), 429, "$mode: who was over the limit stays so";
}
is_deeply [ sort $s->children ], \@pids, 'no child has died';

# A real one that is full and may not evict.
my $full = RL::Memcached->start(args => [ '-m', 2, '-M' ]);
my $t = httpd(<<"END");
RateLimitStore memcached @{[ $full->address ]} lease=off
RateLimitSecret fleet
<LocationMatch "^/ok/ten/">
    RateLimit ten 10/30d key=path
</LocationMatch>
END
is histogram(parallel($t, 5, '/ok/ten/before'))->{200}, 5, 'memcached -M, not yet full';
my @children = sort $t->children;
$full->flood(100_000, 60);
my $from = $t->log_mark;
# A request that finds room while others are counted here may count theirs a second time: too few, never too many.
my $got = histogram(map { parallel($t, 20, '/ok/ten/full') } 1 .. 2);
ok $got->{200} >= 5 && $got->{200} <= 10 && $got->{200} + $got->{429} == 40, 'memcached -M, full: own counters go on'
    or diag explain $got;
is_deeply histogram(parallel($t, 20, '/ok/ten/before')), { 200 => 5, 429 => 15 }, 'and counters that are there count on';
ok $t->wait_log($from, qr/memcached \S+ fails \(.*memory to spare/i), 'the log says what is wrong';
is_deeply [ sort $t->children ], \@children, 'no child has died';
$full->flush;
ok await(5, sub { status($t, '/ok/ten/x' . int rand 1e9); $full->stat('curr_items') > 0 }), 'with room again it counts again';
ok await(5, sub { status($t, '/ok/ten/x' . int rand 1e9); grep { /works again/ } $t->log_lines($from) }), 'and the log says so';

finish allow => qr/memcached \S+ fails/;
