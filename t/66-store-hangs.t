# SPDX-License-Identifier: Apache-2.0
# A memcached that is stopped (SIGSTOP) hangs every connection: httpd waits as long as it was told, stops asking, goes on
# by itself, and comes back to it. No answer that comes late is taken for another request's.
use RL::Test;
use RL::Memcached;
use Time::HiRes qw(time);

# On a busy machine any one request may take long, but not most of them; and none as long as without a time-out.
my $SLACK = 0.5;
my $LONG  = 4;

sub took { return sort { $a <=> $b } map { $_->{total} } @_ }
sub served  { my %h = %{ histogram(@_) }; return join ' ', map { "$_:$h{$_}" } sort keys %h }

for my $how ('event', 'unix socket', 'prefork') {
    my $mpm = $how eq 'prefork' ? 'prefork' : 'event';
    next if !RL::Conf::has_mpm($mpm);
    my $m = RL::Memcached->start(unix => $how eq 'unix socket');
    my $s = httpd(<<"END", mpm => $mpm, workers => $mpm eq 'prefork' ? 30 : 64);
RateLimitStore memcached @{[ $m->address ]} lease=off compare=off timeout=400ms
RateLimitSecret fleet
<LocationMatch "^/ok/many/">
    RateLimit many 100000/30d key=path
</LocationMatch>
<LocationMatch "^/ok/thirty/">
    RateLimit thirty 30/30d key=path
</LocationMatch>
END
    parallel($s, 30, '/ok/many/warm') for 1 .. 2;
    is histogram(parallel($s, 20, '/ok/thirty/a'))->{200}, 20, "$how: twenty of thirty are admitted before it hangs";

    my $from = $s->log_mark;
    $m->pause;
    my @r = parallel($s, 25, '/ok/many/hung');
    is served(@r), '200:25', "$how: all are served while it hangs";
    my @took = took(@r);
    cmp_ok $took[12], '<', 0.45 + $SLACK, "$how: the usual request waits no longer than the time-out" or diag "@took";
    cmp_ok $took[-1], '<', $LONG, "$how: no request waits long" or diag "@took";
    ok await(10, sub { parallel($s, 25, '/ok/many/hung'); grep { /memcached \S+ does not answer/ } $s->log_lines($from) }), "$how: the log says that the store fails";
    my @lines = grep { /memcached \S+ does not answer/ } $s->log_lines($from);
    is scalar @lines, 1, "$how: the log says once that the store fails, for all children" or diag @lines;
    like $lines[0] // '', qr/:error\].*retrying every 1000 ms.*Check that it runs/, "$how: the log says when it is tried again, and what to do";
    if ($mpm eq 'event') {
        # One probe per second and child waits; the others don't.
        parallel($s, 25, '/ok/many/hung');
        my $c = connection($s);
        my (@limited, @free);
        my $usual = sub {    # the middle of a hundred, sent in turn with a hundred that no rule is for
            my @took;
            for (1 .. 100) {
                push @{ $took[0] }, $c->request('GET', '/ok/many/hung')->total;
                push @{ $took[1] }, $c->request('GET', '/ok')->total;
            }
            push @limited, @{ $took[0] };
            return map { (sort { $a <=> $b } @$_)[50] } @took;
        };
        my ($limited, $free);
        least(0.03, sub {
            my @usual = $usual->();
            $limited = $usual[0] if !defined $limited || $usual[0] < $limited;
            $free    = $usual[1] if !defined $free    || $usual[1] < $free;
            return $limited > $free ? $limited : $free;
        });
        cmp_ok $limited, '<', 0.03, "$how: the breaker is open: the usual request does not wait";
        cmp_ok +(sort { $a <=> $b } @limited)[-1], '<', $LONG, "$how: the breaker is open: a probe does not wait long";
        cmp_ok $free, '<', 0.03, "$how: locations without rules are not slowed";
        $c->close;
    }
    is histogram(parallel($s, 20, '/ok/thirty/a'))->{200}, 10, "$how: the limit holds while it hangs";

    # Late answers: what was sent into the hung connections is carried out now. Each path has a number of its own.
    $from = $s->log_mark;
    $m->resume;
    ok await(10, sub {
        my $before = $m->stat('cmd_get') + $m->stat('incr_hits') + $m->stat('incr_misses');
        parallel($s, 10, '/ok/many/awake');
        $m->stat('cmd_get') + $m->stat('incr_hits') + $m->stat('incr_misses') >= $before + 10;
    }), "$how: after SIGCONT it is used again";
    my @again = $s->wait_log($from, qr/:notice\].*memcached \S+ works again/);
    is scalar @again, 1, "$how: the log says once that it works again" or diag @again;
    my %remaining;
    for my $round (1 .. 5) {
        for my $n (1 .. 6) {
            my (undef, $line) = logged($s, 'GET', "/ok/many/late$n");
            push @{ $remaining{$n} }, $line->{remaining};
        }
    }
    # A reservation that timed out may count twice; an answer that was somebody else's would count less, or much more.
    my @wrong = grep {
        my @left = @{ $remaining{$_} };
        grep { $left[$_] > 99999 - $_ || $left[$_] < 99999 - $_ - 3 || ($_ && $left[$_] >= $left[ $_ - 1 ]) } 0 .. 4
    } 1 .. 6;
    ok !@wrong, "$how: no late answer is taken for another key's" or diag explain \%remaining;
    is status($s, '/ok/thirty/a'), 429, "$how: a key that was over its limit is denied after SIGCONT";
    my $try = 0;    # on a busy machine an answer may take longer than 400 ms now and then
    ok await(20, sub { ++$try; histogram(map { parallel($s, 25, "/ok/thirty/b$try") } 1 .. 2)->{200} == 30 }), "$how: counts are exact after SIGCONT";
    no_unexpected_log($s, allow => qr/memcached \S+ does not answer/);
    $s->stop;
}

finish;
