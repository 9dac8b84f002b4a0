# SPDX-License-Identifier: Apache-2.0
# penalty=...,double=: each further penalty is twice as long, over reloads and over a fleet.
use RL::Test;
use RL::Memcached;
use Time::HiRes qw(time);

# A limit of 0 is exceeded by every request, so that a penalty begins as soon as the last is over. The row would begin
# anew if nobody asked for eight seconds after one, say because restarts take so long.
my $rules = <<'END';
<Location /ok/row>
    RateLimit row 0/s penalty=1s,double=8s
</Location>
<Location /ok/kept>
    RateLimit kept 0/s penalty=1s,extend,double=4s key=query:k
</Location>
END
my $store = 'RateLimitStore memcached ' . RL::Memcached->start->address . " timeout=2s\nRateLimitSecret fleet\n";
my %servers = (shm => [ httpd($rules) ], 'a fleet' => [ map { httpd($store . $rules) } 1, 2 ]);

# Asks until the row is complete. A penalty has begun when the wait is longer than it was before. Requests go to the
# servers in turn.
my (%last, %row, %n);
my $wait_at = sub {
    my ($name) = @_;
    my $servers = $servers{$name};
    return request($servers->[ $n{$name}++ % @$servers ], 'GET', '/ok/row')->header('Retry-After');
};
ok await(90, sub {
    my $complete = 1;
    for my $name (keys %servers) {
        my $wait = $wait_at->($name);
        my $row = $row{$name} //= [];
        push @$row, $wait if $wait > ($last{$name} // 0);
        $last{$name} = $wait;
        if (@$row == 2 && !$n{"$name restarted"}++) {
            $_->graceful for @{ $servers{$name} };
        }
        $complete &&= @$row >= 5;
    }
    return $complete;
}), 'a row of five penalties';
is "@{ $row{$_} }[0 .. 4]", '1 2 4 8 8', "$_: each penalty is twice as long as the last, up to double=, over a restart" for sort keys %servers;

my $s = $servers{shm}[0];
my ($k, $second) = (0);
await(20, sub {
    my $began = time;
    $k++;
    (undef, $second) = map { request($s, 'GET', "/ok/kept?k=$k") } 1, 2;
    return time - $began < 1;    # the second came before the penalty was over
});
is $second->header('Retry-After'), 1, 'a try during a penalty that is extended does not double it';

finish;
