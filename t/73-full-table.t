# SPDX-License-Identifier: Apache-2.0
# A table that is too small for all keys: the server goes on, live limits hold, and a key that is denied stays so.
use RL::Test;

my $s = httpd(<<'END');
RateLimitStore shm size=64K
<Location /ok/guarded>
    RateLimit guarded 2/30d key=query:k
</Location>
<Location /ok/flood>
    RateLimit flood 5/d key=query:k
</Location>
END

my @guarded = map { "/ok/guarded?k=g$_" } 1 .. 8;
limit_is $s, 2, $_, "$_ before the table is full" for @guarded;

my (%seen, $sent);
my $c = connection($s);
for my $k (1 .. 6000) {
    $seen{ $c->request('GET', "/ok/flood?k=$k")->status }++;
    $sent++;
    last if $c->{eof};
}
$c->close;
is_deeply \%seen, { 200 => 6000 }, 'six thousand keys in a small table are all served' or diag explain \%seen;
is join(' ', map { status($s, $_) } @guarded), join(' ', (429) x @guarded), 'a full table: keys that were denied before are denied';
limit_is $s, 2, '/ok/guarded?k=new', 'a full table: a new key';

finish;
