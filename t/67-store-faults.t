# SPDX-License-Identifier: Apache-2.0
# Whatever the store does - slow, resetting, out of memory, answering errors or garbage, dripping - no child dies, every
# request is answered within the time-out, the limit holds, and the count is the store's again soon after.
use RL::Test;
use RL::FaultyMemcached;
use RL::Memcached;
use Time::HiRes qw(time);

# On a busy machine any one request may take long, but not most of them; and none as long as without a time-out.
my $SLACK = 0.5;
my $LONG  = 4;

sub took  { return sort { $a <=> $b } map { $_->{total} } @_ }
sub usual  { my @t = took(@_); return $t[ @t / 2 ] }
sub slowest { return (took(@_))[-1] }

my $f = RL::FaultyMemcached->start;
my $s = httpd(<<"END");
RateLimitStore memcached @{[ $f->address ]} lease=off compare=off timeout=150ms cooldown=300ms
RateLimitSecret fleet
<LocationMatch "^/ok/ten/">
    RateLimit ten 10/30d key=path
</LocationMatch>
<LocationMatch "^/ok/many/">
    RateLimit many 100000/30d key=path
</LocationMatch>
END
my @pids = $s->children;

# Which of these children are gone; httpd may have started more for a burst.
sub died { my ($s, @pids) = @_; my %lives = map { $_ => 1 } $s->children; return grep { !$lives{$_} } @pids }

# All children have what the log says of the server in common.
sub told { return grep { /memcached \S+ (?:does not answer|works again|refuses|answers with)/ } $s->log_lines($_[0] // 0) }
sub said_last_that_it_works { my ($last) = reverse grep { !/refuses|answers with/ } told(); return !$last || $last =~ /works again/ }

# Mode; how long a request may take (seconds, besides scheduling); what the log says.
my @faults = (
    [ 'delay 30',      0.15, undef ],
    [ 'delay 500',     0.15, qr/does not answer/ ],
    [ 'hang',          0.15, qr/does not answer/ ],
    [ 'reset',         0.15, qr/does not answer/ ],
    [ 'close',         0.15, qr/does not answer/ ],
    [ 'half',          0.15, qr/does not answer/ ],
    [ 'memory',        0.15, qr/refuses to store new counters \(.*give it more memory \(-m\)/ ],
    [ 'error',         0.15, qr/does not answer/ ],
    [ 'client',        0.15, qr/does not answer as it should \(cannot increment or decrement non-numeric value\)/ ],
    [ 'server',        0.15, qr/does not answer as it should \(something is wrong\)/ ],
    [ 'garbage',       0.15, qr/does not answer/ ],
    [ 'empty',         0.15, qr/does not answer/ ],
    [ 'value',         0.15, qr/does not answer/ ],
    [ 'number 5',      0.15, undef ],    # no count of ours: that key is counted here, the store goes on
    [ 'number -1',     0.15, qr/does not answer/ ],
    [ 'number 99999999999999999999999', 0.15, qr/does not answer/ ],
    [ 'number 18446744073709551615',    0.15, qr/does not answer/ ],
    [ 'drip 40',       0.15, qr/does not answer/ ],
    [ 'drip 140',      0.15, qr/does not answer/ ],
);

my $n = 0;
for my $fault (@faults) {
    my ($mode, $wait, $says) = @$fault;
    my $path = '/ok/ten/' . ++$n;
    is status($s, $path), 200, "$mode: a request before the fault is admitted";
    my $from = $s->log_mark;
    $f->mode(split / /, $mode);
    my @r = map { parallel($s, 20, $path) } 1 .. 3;
    my $h = histogram(@r);
    ok !(grep { $_ != 200 && $_ != 429 } keys %$h), "$mode: every request is answered with 200 or 429" or diag explain $h;
    cmp_ok $h->{200} // 0, '==', 9, "$mode: exactly what is left of the limit is admitted";
    cmp_ok usual(@r), '<', 2 * $wait + $SLACK, "$mode: the usual request waits no longer than the time-out" or diag usual(@r);
    cmp_ok slowest(@r), '<', $LONG, "$mode: no request waits long" or diag slowest(@r);
    my @free = parallel($s, 10, '/ok');
    cmp_ok usual(@free), '<', $SLACK, "$mode: locations without rules are not slowed" or diag usual(@free);
    if ($says) {
        ok await(10, sub { parallel($s, 10, "/ok/many/$n"); grep { $_ =~ $says } told($from) }), "$mode: the log says what is wrong"
            or diag join "\n", $s->log_lines($from);
    }
    else {
        parallel($s, 10, "/ok/many/$n") for 1 .. 2;
        ok !(grep { /does not answer/ && !/TIMEOUT/ } told($from)) || $mode =~ /delay/,    # on a busy machine an answer may be late
            "$mode: the log does not say that the store fails" or diag join "\n", told($from);
    }

    $f->mode('ok');
    # For every child: what one counts here while another counts there may count twice.
    ok await_each_child($s, 20, sub {
        my $before = $f->count->{add} // 0;
        $_[0]->request('GET', "/ok/many/$n-" . int rand 1e9);
        return ($f->count->{add} // 0) > $before;
    }) && await(20, \&said_last_that_it_works), "$mode: after the fault every child uses the store again" or diag join "\n", told($from);
    is status($s, $path), 429, "$mode: after the fault a key that was over its limit is denied";
}
is_deeply [ died($s, @pids) ], [], 'after all faults no child has died';

# Each kind of trouble once a minute, whatever comes and goes in between.
my @errors = grep { /:error\]/ } told();
cmp_ok scalar @errors, '<=', 3 * (1 + (time - $^T) / 60), 'after all faults: each kind of trouble was logged as an error once a minute at most' or diag join "\n", @errors;
cmp_ok scalar(grep { /works again/ && /:notice\]/ } told()), '<=', scalar @errors, 'after all faults: "works again" was logged as a notice no more often than errors';

# One that wants a password answers everything alike. Whether a child asks it any more is that child's own decision: one
# child, so that what is asked can be counted.
my $locked = RL::FaultyMemcached->start;
$locked->mode('locked');
my $stranger = httpd(<<"END", children => 1);
RateLimitStore memcached @{[ $locked->address ]} lease=off compare=off timeout=1s cooldown=500ms
RateLimitSecret fleet
<LocationMatch "^/ok/ten/">
    RateLimit ten 10/30d key=path
</LocationMatch>
END
parallel($stranger, 20, '/ok/ten/a') for 1 .. 3;
ok $stranger->wait_log(0, qr/:error\].*memcached \S+ answers with an error \(unauthenticated\).*-Y/), 'a memcached that wants a password: the log says so';
ok $stranger->wait_log(0, qr/memcached \S+ does not answer as it should \(unauthenticated\)/), 'a memcached that wants a password: the log says that it fails';
$locked->reset_count;
is histogram(parallel($stranger, 60, '/ok/ten/a'))->{429}, 60, 'a memcached that wants a password: the limit holds here';
cmp_ok $locked->commands, '<=', 10, 'a memcached that wants a password is not asked any more';
is scalar(grep { /:error\].*answers with an error/ } $stranger->log_lines(0)), 1, 'a memcached that wants a password: the log says it once';
$locked->mode('ok');
ok await(20, sub { status($stranger, '/ok/ten/b' . int rand 1e9); grep { /works again/ } $stranger->log_lines(0) }), 'a memcached that wants no password any more is used';
# A key that somebody else has written is no reason to stop asking.
$locked->mode('client');
my $mark = $stranger->log_mark;
status($stranger, "/ok/ten/c$_") for 1 .. 6;
ok !(grep { /does not answer/ } $stranger->log_lines($mark)), 'a few rejections do not switch the store off' or diag $stranger->log_lines($mark);
$stranger->stop;

# What it is that is no use: said at start, and later. Full is only what says so.
for my $case ([ 'server', qr/something is wrong/ ], [ 'locked', qr/unauthenticated/ ], [ 'error', qr/ERROR/ ], [ 'http', qr{HTTP/1\.1 400 Bad Request} ]) {
    my ($mode, $says) = @$case;
    $locked->mode($mode);
    my $s = httpd("RateLimitStore memcached @{[ $locked->address ]} lease=off compare=off timeout=1s cooldown=300ms\n<Location /ok>\nRateLimit r 100/30d\n</Location>\n");
    ok $s->wait_log(0, qr/:warn\].*memcached \S+, which answers with an error \([^)]*$says.*-Y/), "$mode: the start says what it is";
    parallel($s, 30, '/ok') for 1 .. 2;
    ok $s->wait_log(0, qr/:error\].*memcached \S+ answers with an error \([^)]*$says/), "$mode: the log says it again when it is asked";
    ok $s->wait_log(0, qr/memcached \S+ does not answer/), "$mode: the log says that it fails";
    ok !(grep { /more memory/ } $s->log_lines(0)), "$mode: the log does not say that it is full";
    $s->stop;
}

# A real one that is full and may not evict.
my $full = RL::Memcached->start(args => [ '-m', 2, '-M' ]);
my $t = httpd(<<"END");
RateLimitStore memcached @{[ $full->address ]} lease=off compare=off timeout=2s
RateLimitSecret fleet
<LocationMatch "^/ok/ten/">
    RateLimit ten 10/30d key=path
</LocationMatch>
END
is histogram(parallel($t, 5, '/ok/ten/before'))->{200}, 5, 'memcached -M, not yet full: five of ten are admitted';
my @children = $t->children;
$full->flood(100_000, 60);
# What is left of the pages for items as long as counters.
my $writer = $full->connection;
for my $n (1 .. 100_000) {
    printf {$writer} "add rl:%040x 0 600 20\r\n%020d\r\n", $n, $n;
    last if readline($writer) =~ /SERVER_ERROR/;
}
my $from = $t->log_mark;
# A request that finds room while others are counted here may count theirs a second time: too few, never too many.
my $got = histogram(map { parallel($t, 20, '/ok/ten/full') } 1 .. 2);
ok $got->{200} >= 8 && $got->{200} <= 10 && $got->{200} + $got->{429} == 40, 'memcached -M, full: a new key is counted here, to its limit'
    or diag explain $got;
is_deeply histogram(parallel($t, 20, '/ok/ten/before')), { 200 => 5, 429 => 15 }, 'memcached -M, full: a counter that is there counts on';
# memcached may find room for a counter or two after all.
my $refusal = qr/:error\].*memcached \S+ refuses to store new counters/;
my $more = 0;
await(20, sub { status($t, '/ok/ten/more' . $more++); grep { $_ =~ $refusal } $t->log_lines($from) });
my @lines = grep { $_ =~ $refusal } $t->log_lines($from);
is scalar @lines, 1, 'memcached -M, full: the log says it once' or diag join "\n", @lines;
like $lines[0] // '', qr/give it more memory \(-m\)/, 'memcached -M, full: the log says what to do';
is_deeply [ died($t, @children) ], [], 'memcached -M, full: no child has died';
$full->flush;
ok await(20, sub { status($t, '/ok/ten/x' . int rand 1e9); $full->stat('curr_items') > 0 }), 'memcached -M, with room again: new keys are counted there';
ok !(grep { /memcached \S+ (?:does not answer|works again)/ } $t->log_lines($from)), 'memcached -M: the log does not say that it fails';

# An answer that can't be this command's ends the connection: later ones would be some other's, too. With window=first
# a new key is added by a command that wants an answer.
$locked->mode('missing');
my $contrary = httpd("RateLimitStore memcached @{[ $locked->address ]} lease=off compare=off timeout=1s failures=1\n<LocationMatch \"^/ok/ten/\">\nRateLimit r 10/30d key=path window=first\n</LocationMatch>\n");
status($contrary, '/ok/ten/contrary');
ok $contrary->wait_log(0, qr/memcached \S+ does not answer as it should \(NOT FOUND\)/), 'an answer of another command: the log says that the store fails';
$contrary->stop;

# One that drips, on a unix socket: its whole answer, of seven bytes or more, would take over a second.
my $dripping = RL::FaultyMemcached->start(unix => 1);
my $u = httpd("RateLimitStore memcached @{[ $dripping->address ]} lease=off compare=off timeout=200ms cooldown=300ms\n<LocationMatch \"^/ok/many/\">\nRateLimit r 100000/30d key=path\n</LocationMatch>\n");
for my $round ('with connections that are known', 'with new ones') {
    $dripping->mode('ok');
    ok await(20, sub { $dripping->reset_count; parallel($u, 20, '/ok/many/u'); $dripping->commands >= 20 }), "a unix socket, $round: twenty requests are counted there";
    $dripping->mode('drip', 180);
    my @drips = map { parallel($u, 20, "/ok/many/u$_") } 1 .. 2;
    cmp_ok slowest(@drips), '<', 0.2 + 0.8, "a unix socket, $round: answers that drip are cut off" or diag slowest(@drips);
}
$u->stop;

# One that drips its answers while httpd starts.
$f->mode('drip', 900);
my $slow = httpd("RateLimitStore memcached @{[ $f->address ]} compare=off timeout=1s\n");
ok $slow->wait_log(0, qr/does not answer/), 'httpd starts without waiting for a server that drips';

$slow->stop;

# One whose answer would end the process that reads it with libmemcached: neither the parent, which asks at each start,
# nor the children, which don't ask it then.
$f->mode('long', 1200);
my $tough = httpd("RateLimitStore memcached @{[ $f->address ]} compare=off timeout=1s\n<LocationMatch \"^/ok/ten/\">\nRateLimit r 10/30d key=path\n</LocationMatch>\n");
ok $tough->wait_log(0, qr/:warn\].*memcached \S+, which answers with a line of over 1000 bytes/), 'a line of over 1 kB: the start says so';
is_deeply histogram(parallel($tough, 20, '/ok/ten/a')), { 200 => 10, 429 => 10 }, '... and children go on without it';
my $mark_tough = $tough->log_mark;
$tough->graceful;
ok $tough->wait_log($mark_tough, qr/:warn\].*memcached \S+, which answers with a line of over 1000 bytes/), '... at a graceful restart, too, which it survives';
$f->mode('ok');
$tough->graceful;
ok await(20, sub { $f->reset_count; status($tough, '/ok/ten/' . int rand 1e9); $f->commands > 0 }), '... and once it is a memcached, a reload asks it again';

finish allow => qr/memcached \S+ (?:does not answer|refuses|answers with)/;
