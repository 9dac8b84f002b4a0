# SPDX-License-Identifier: Apache-2.0
# A fixed window admits its count, then denies until it ends; denied requests do not keep it closed.
use RL::Test;
use POSIX ();
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

limit_is $s, 3, '/ok/hour', '3/30d';
is status($s, '/ok'), 200, 'another location is not limited';

# Hammered for four seconds. When a window begins is not known, and a busy machine keeps requests waiting: there must be
# a moment in the second at which, if all windows begin at it, every request was answered as it is to be.
my @seen;    # when it was sent, when the answer was there, the status
my $end = time + 4.3;
while ((my $now = time) < $end) {
    my $status = status($s, '/ok/second');
    push @seen, [ $now, time, $status ];
    sleep 0.01;
}
my ($first, $last) = ($seen[0][0], $seen[-1][1]);
my $admitted = grep { $_->[2] == 200 } @seen;
cmp_ok $admitted, '>=', 3 * 4, '3/s, hammered: windows go by, and admit again';
cmp_ok $admitted, '<=', 3 * int($last - $first + 2), '3/s, hammered: no more than three a second';
ok +(grep { answered_by_windows_from($first + $_ / 200) } 0 .. 199), '3/s, hammered: each window admits exactly three, and they begin a second apart'
    or diag join ' ', map { sprintf '%.3f-%.3f:%d', $_->[0] - $first, $_->[1] - $first, $_->[2] } @seen;

# Whether windows that begin at this moment, and every second after and before it, explain what was seen. Of a request
# that was under way when one window gave way to the next it is not known which of them it belongs to.
sub answered_by_windows_from {
    my ($begin) = @_;
    my (%in, %perhaps, %denied);
    for (@seen) {
        my ($sent, $answered, $status) = @$_;
        my ($from, $to) = map { POSIX::floor($_ - $begin) } $sent - 0.01, $answered + 0.01;
        if ($from != $to)        { if ($status == 200) { $perhaps{$_}++ for $from .. $to } }
        elsif ($status == 429)   { $denied{$from} = 1 }
        elsif ($denied{$from})   { return 0 }
        else                     { $in{$from}++ }
    }
    return !(grep { $_ > 3 } values %in) && !grep { ($in{$_} // 0) + ($perhaps{$_} // 0) < 3 } keys %denied;
}

# Retry-After of many keys, whose windows end at all times: never too early, and not a second too late.
my @wait;
for my $k (1 .. 25) {
    my $path = "/ok/two?k=$k";
    my ($r, $before);
    for (1 .. 20) {    # four or more are admitted when a window ends in between
        $before = time;
        $r = request($s, 'GET', $path);
        last if $r->status == 429;
    }
    is $r->status, 429, "2/2s: key $k is denied at last" if $r->status != 429;
    my $after = $r->header('Retry-After');
    push @wait, { path => $path, after => $after, at => $before + $after - 1.1, want => 429 } if $after > 1;
    push @wait, { path => $path, after => $after, at => time + $after, want => 200 };
}
ok !(grep { $_->{after} !~ /\A[12]\z/ } @wait), '2/2s: Retry-After is 1 or 2'
    or diag join ' ', map { $_->{after} } @wait;
my @wrong;
for my $w (sort { $a->{at} <=> $b->{at} } @wait) {
    sleep $w->{at} - time if $w->{at} > time;
    my $status = status($s, $w->{path});
    push @wrong, "$w->{path}: $status, not $w->{want}" if $status != $w->{want} && time < $w->{at} + 0.1;
}
is_deeply \@wrong, [], '2/2s: a retry after Retry-After succeeds, and more than a second before it does not';

finish;
