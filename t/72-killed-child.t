# SPDX-License-Identifier: Apache-2.0
# A child killed at any moment leaves nothing locked and nothing half-written: the others go on counting.
use RL::Test;

for my $mpm (grep { RL::Conf::has_mpm($_) } qw(event prefork)) {
    my $s = httpd(<<'END', mpm => $mpm, cgi => 0);
<Location /ok/many>
    RateLimit r 300/30d
    RateLimit path 1000/30d key=query:q
</Location>
<LocationMatch "^/ok/exact/">
    RateLimit r 10/30d key=path
</LocationMatch>
END
    my @r;
    for my $round (1 .. 5) {
        my %pid = map { $_->{pid} => 1 } asked($s, 4, '/ok');
        my ($victim) = sort keys %pid;
        push @r, parallel($s, 40, sub { ('GET', "/ok/many?q=$_[0]") }, in_flight => sub { kill KILL => $victim });
        ok await(10, sub { !grep { $_ == $victim } $s->children }), "$mpm: killed child $round is gone";
        is status($s, '/ok'), 200, "$mpm: httpd serves after child $round was killed";
    }
    my $cut = histogram(@r)->{0} // 0;
    ok !(grep { $_->status != 200 && $_->status != 0 } @r), "$mpm: while children are killed, what is answered is served" or diag explain histogram(@r);

    # What the dead children had charged and not answered may be gone; nothing else.
    push @r, parallel($s, 50, '/ok/many') for 1 .. 4;
    my $h = histogram(@r);
    cmp_ok $h->{200}, '<=', 300, "$mpm: after children were killed, never more than the limit" or diag explain $h;
    cmp_ok $h->{200}, '>=', 300 - $cut, "$mpm: after children were killed, not less, but for the $cut requests that were cut off" or diag explain $h;
    is status($s, '/ok/many'), 429, "$mpm: after children were killed, the key is full";
    is_deeply histogram(parallel($s, 50, '/ok/exact/1')), { 200 => 10, 429 => 40 }, "$mpm: after children were killed, another key gets exactly its limit";
}

# Children that end by themselves, as httpd replaces them.
my $s = httpd(<<'END', mpm => 'prefork', workers => 4);
MaxConnectionsPerChild 5
<Location /ok/many>
    RateLimit r 50/30d
</Location>
END
my %pid;
my $served = 0;
my $from = $s->access_mark;
status($s, '/ok/many') == 200 and $served++ for 1 .. 80;
$pid{ $_->{pid} } = 1 for $s->access($from, 80);
is $served, 50, 'MaxConnectionsPerChild: children come and go, the counter stays';
cmp_ok scalar keys %pid, '>=', 8, 'MaxConnectionsPerChild: many children have served' or diag explain \%pid;

finish allow => qr/exit signal Killed|AH00161/;    # AH00161: all of the four children are busy
