# SPDX-License-Identifier: Apache-2.0
# Sliding windows, token buckets, outcomes, wiped counters and penalties are one for several httpds that share memcached.
use RL::Test;
use RL::Memcached;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time sleep);

my $m     = RL::Memcached->start;
my $store = 'RateLimitStore memcached ' . $m->address . " lease=off timeout=2s\nRateLimitSecret fleet\n";
my $rules = <<'END';
<LocationMatch "^/ok/sliding/">
    RateLimit r 100/30d key=path algorithm=sliding-window
</LocationMatch>
<LocationMatch "^/ok/bucket/">
    RateLimit r 1/30d key=path algorithm=token-bucket burst=100
</LocationMatch>
<LocationMatch "^/ok/fast/">
    RateLimit r 20/s key=path algorithm=token-bucket burst=10
</LocationMatch>
<LocationMatch "^/ok/penalty/">
    RateLimit r 3/s key=path penalty=1h
</LocationMatch>
<Location /ok/guess>
    Include conf/auth.conf
    RateLimit login 5/30d count=401 clear=200 key=query:u
</Location>
<Location /ok/guess-bucket>
    Include conf/auth.conf
    RateLimit login 1/30d count=401 clear=200 key=query:u algorithm=token-bucket burst=5
</Location>
ScriptAliasMatch "^/run/" "${CGIBIN}/env.cgi"
<Location /run/cost>
    RateLimit r 8000000/30d key=query:u cost=expr=%{HTTP:X-Cost}
</Location>
<LocationMatch "^/ok/dozen/window">
    RateLimit r 12/30d key=path cost=expr=%{HTTP:X-Cost}
</LocationMatch>
<LocationMatch "^/ok/dozen/bucket">
    RateLimit r 12/30d key=path cost=expr=%{HTTP:X-Cost} algorithm=token-bucket
</LocationMatch>
END
my @fleet = map { httpd($store . $rules) } 1 .. 3;
my $good  = 'Basic ' . encode_base64('alice:secret', '');
my $bad   = 'Basic ' . encode_base64('alice:wrong', '');

sub together {
    my ($n, $path, @o) = @_;
    my @conns = map { connection($fleet[ $_ % @fleet ]) } 0 .. $n - 1;
    $conns[$_]->send_request('GET', $path, keepalive => 0, @o) for 0 .. $#conns;
    return histogram(map { $_->read_response } @conns);
}

for my $kind (qw(sliding bucket)) {
    for my $round (1 .. 3) {
        my %h;
        for (1 .. 4) { my $h = together(60, "/ok/$kind/$round"); $h{$_} += $h->{$_} for keys %$h }
        is_deeply \%h, { 200 => 100, 429 => 140 }, "$kind: exactly 100 of 240 over three httpds, round $round";
    }
}

# memcached forgets everything while sixty requests are under way: those that it had counted are counted still.
my $alone = httpd(($store =~ s/timeout=2s/timeout=5s/r) . $rules);
for my $kind (qw(sliding bucket)) {
    my @in;
    for my $round (1 .. 6) {
        my $memory = $m->connection;
        my $h = histogram(parallel($alone, 20, "/ok/$kind/flush$round"),
            parallel($alone, 60, "/ok/$kind/flush$round", in_flight => sub { print {$memory} "flush_all\r\n" }),
            map { parallel($alone, 60, "/ok/$kind/flush$round") } 1 .. 2);
        push @in, $h->{200};
    }
    # A window's counter says what it was made from, so nothing is lost. A bucket's can't: those of the sixty that the store
    # had counted, and httpd had not been told of yet, may be lost. That is a few, unless the machine keeps threads waiting.
    @in = sort { $a <=> $b } @in;
    is $in[0], 100, "$kind: flushed under load: no fewer than 100" or diag "@in";
    cmp_ok $in[2], '<=', $kind eq 'bucket' ? 105 : 100, "$kind: flushed under load: as a rule no more than were lost" or diag "@in";
    cmp_ok $in[-1], '<=', $kind eq 'bucket' ? 160 : 100, "$kind: flushed under load: never more than were under way" or diag "@in";
}

# A bucket that drains: by the clock of this test nobody gets more than burst and rate allow.
my ($from, $in) = (time, 0);
while (time < $from + 2) { $in += together(30, '/ok/fast/a')->{200} // 0 }
my $seconds = time - $from;
cmp_ok $in, '<=', 10 + 20 * $seconds + 1, "bucket: never more than burst and rate in $seconds s";
cmp_ok $in, '>=', 10 + 20 * ($seconds - 1) * 0.3, 'bucket: not far less than burst and rate';

for my $path ('/ok/guess', '/ok/guess-bucket') {
    my $h = together(30, "$path?u=$path", headers => [ Authorization => $bad ]);
    cmp_ok $h->{401} // 0, '<=', 5, "$path: of 30 parallel guesses on three httpds at most 5 reach the password check" or diag explain $h;
    cmp_ok $h->{401} // 0, '>=', 1, "$path: of 30 parallel guesses some reach the password check";
    status($fleet[ $_ % 3 ], "$path?u=$path", headers => [ Authorization => $bad ]) for 1 .. 9;
    is status($_, "$path?u=$path", headers => [ Authorization => $good ]), 429, "$path: after the guesses the right password is denied on every httpd" for @fleet;

    # What an outcome does comes after the answer, but before the line in the access log.
    my $outcome = sub { my ($s, $query, $password) = @_; return (logged($s, 'GET', "$path?$query", headers => [ Authorization => $password ]))[0]->status };
    $outcome->($fleet[0], 'u=b', $bad) for 1 .. 4;
    is $outcome->($fleet[1], 'u=b', $good), 200, "$path: after four guesses a success on another httpd";
    is status($fleet[0], "$path?u=b", headers => [ Authorization => $bad ]), 401, "$path: the success has cleared the counter on the first one (guess $_)" for 1 .. 5;
    is status($_, "$path?u=b", headers => [ Authorization => $bad ]), 429, "$path: after five more guesses all httpds deny" for @fleet;

    my @many = map { $outcome->($fleet[ $_ % 3 ], 'u=c', $good) } 1 .. 20;
    is_deeply [ grep { $_ != 200 } @many ], [], "$path: twenty successes over three httpds are all admitted";
}

is status($fleet[0], '/ok/penalty/a'), 200, 'penalty=: the first three requests are admitted' for 1 .. 3;
ok await(5, sub { status($fleet[0], '/ok/penalty/a') == 429 || status($fleet[0], '/ok/penalty/a') == 429 }), 'penalty=: over its limit the key is denied';
sleep 1;
is status($_, '/ok/penalty/a'), 429, 'penalty=: every httpd denies when the window is over' for @fleet;
my $left = request($fleet[2], 'GET', '/ok/penalty/a')->header('Retry-After');
cmp_ok $left, '>', 3500, 'penalty=: another httpd tells the hour that is left' or diag $left;
cmp_ok $left, '<=', 3600, 'penalty=: another httpd tells no longer wait';

# Large costs do not run over into what else the number in the store holds.
for my $round (1 .. 2) {
    my $h = together(60, "/run/cost?u=$round", headers => [ 'X-Cost' => 3_000_000 ]);
    cmp_ok $h->{200} // 0, '<=', 2, 'large costs: never more than fit' or diag explain $h;
    my $small = histogram(map { request($fleet[ $_ % 3 ], 'GET', "/run/cost?u=$round", headers => [ 'X-Cost' => 1_000_000 ]) } 1 .. 30);
    is 3 * ($h->{200} // 0) + ($small->{200} // 0), 8, 'large costs: all of what fits';
}

# Many at once, most of which don't fit: memcached holds their units for a moment. That must not be taken for use.
sub cost { my ($n) = @_; return headers => [ 'X-Cost' => $n ] }
for my $kind (qw(window bucket)) {
    my (@fives, @rests, @waits, @ones);
    for my $round (1 .. 30) {
        my $path = "/ok/dozen/$kind-$round";
        push @fives, histogram($round % 2 ? parallel($fleet[0], 30, $path, cost(5)) : map { $_->read_response } map {
            my $c = connection($fleet[ $_ % 2 ]); $c->send_request('GET', $path, keepalive => 0, cost(5)); $c } 1 .. 30)->{200} // 0;
        my @rest = map { request($fleet[ $round % 2 ? 0 : $_ % 2 ], 'GET', $path, cost(1)) } 1 .. 3;
        push @rests, join ' ', map { $_->status } @rest;
        push @waits, $rest[2]->header('Retry-After') // 0;
        push @ones, together(60, "$path-ones", cost(1))->{200} // 0;
    }
    is_deeply [ grep { $_ != 2 } @fives ], [], "$kind: of thirty at once that cost 5, two fit in 12" or diag "@fives";
    is_deeply [ grep { $_ ne '200 200 429' } @rests ], [], '... and then two that cost 1' or diag explain \@rests;
    cmp_ok scalar(grep { $_ < 3600 } @waits), '<=', 3, '... and then none for long' or diag "@waits";
    is_deeply [ grep { $_ != 12 } @ones ], [], '... and twelve of equal costs, over three httpds' or diag "@ones";
}

# The store forgets, in the middle of everything.
status($fleet[ $_ % 3 ], '/ok/bucket/lost') for 1 .. 60;
$m->flush;
my $after = histogram(map { request($fleet[ $_ % 3 ], 'GET', '/ok/bucket/lost') } 1 .. 120)->{200};
cmp_ok $after, '<=', 43, 'a bucket that was lost is made anew from what is known' or diag $after;
cmp_ok $after, '>=', 40, 'a bucket that was lost grants what was left of it';
finish;
