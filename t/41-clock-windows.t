# SPDX-License-Identifier: Apache-2.0
# window=clock ends at the UTC period; window=staggered ends at a time of each key's own.
use RL::Test;
use Time::HiRes qw(time);

my $s = httpd(<<'END');
<Location /ok/clock>
    RateLimit r 100/h key=query:k window=clock
</Location>
<Location /ok/clock5>
    RateLimit r 100/5m key=query:k window=clock
</Location>
<Location /ok/clock-day>
    RateLimit r 100/d key=query:k window=clock
</Location>
<Location /ok/staggered>
    RateLimit r 100/h key=query:k window=staggered
</Location>
<Location /ok/default>
    RateLimit r 100/h key=query:k
</Location>
<Location /ok/clock-full>
    RateLimit r 1/h key=query:k window=clock
</Location>
END

# The moments (seconds of the epoch) at which the windows of n keys at path end.
sub ends {
    my ($path, $n) = @_;
    return map { my $t = time; my (undef, $l) = logged($s, 'GET', "$path?k=$_"); $t + $l->{reset} } 1 .. $n;
}

for (['/ok/clock', 3600], ['/ok/clock5', 300], ['/ok/clock-day', 86400]) {
    my ($path, $period) = @$_;
    my @off = map { my $e = $_ % $period; $e > $period / 2 ? $period - $e : $e } map { int($_ + 0.5) } ends($path, 6);
    ok !(grep { $_ > 2 } @off), "$path: every window ends with the UTC period of $period s" or diag "@off";
}

for my $path ('/ok/staggered', '/ok/default') {
    my $now = time;
    my @ends = map { int $_ } ends($path, 24);
    ok !(grep { $_ < $now - 1 || $_ > $now + 3601 } @ends), "$path: every window ends within the period" or diag "@ends";
    my %minute = map { int($_ / 60) => 1 } @ends;
    cmp_ok scalar keys %minute, '>=', 10, "$path: 24 keys end in many different minutes" or diag "@ends";
}

my ($first)  = ends('/ok/staggered', 1);
my ($second) = ends('/ok/staggered', 1);
cmp_ok abs($first - $second), '<=', 2, 'window=staggered: a key\'s window keeps its end';

status($s, '/ok/clock-full?k=x');
my $t = time;
my $r = request($s, 'GET', '/ok/clock-full?k=x');
SKIP: {
    skip 'the hour ended between two requests', 1 if $r->status == 200;
    my $left = 3600 - $t % 3600;
    cmp_ok abs($r->header('Retry-After') - $left), '<=', 2, 'window=clock: Retry-After is the rest of the UTC hour';
}

finish;
