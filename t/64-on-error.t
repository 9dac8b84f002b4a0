# SPDX-License-Identifier: Apache-2.0
# RateLimitOnError and on-error=: what happens to requests whose count the store can't tell.
use RL::Test;
use RL::Memcached;

my $m = RL::Memcached->start;
my $s = httpd(<<"END");
RateLimitStore memcached @{[ $m->address ]} lease=off timeout=1s cooldown=300ms
RateLimitSecret fleet
<Location /ok/local>
    RateLimit r 3/30d
</Location>
<Location /ok/allow>
    RateLimitOnError allow
    RateLimit r 3/30d
</Location>
<Location /ok/deny>
    RateLimitOnError deny
    RateLimit r 3/30d
</Location>
<Location /ok/deny/rule-local>
    RateLimit r 3/30d on-error=local
</Location>
<Location /ok/rule-allow>
    RateLimit r 3/30d on-error=allow
</Location>
<Location /ok/rule-deny>
    RateLimit r 3/30d on-error=deny status=418
</Location>
<Location /ok/stacked>
    RateLimit first 3/30d on-error=local
    RateLimit second 3/30d on-error=deny
</Location>
<Location /ok/observed>
    RateLimit r 3/30d on-error=deny action=observe
</Location>
<Location /ok/full>
    RateLimit r 2/30d key=query:k on-error=allow
</Location>
END

sub decision { my ($path) = @_; my ($r, $line) = logged($s, 'GET', $path); return $r->status . ' ' . $line->{state} }

is decision($_), '200 allowed', "$_: while the store answers" for map { "/ok/$_" } qw(local allow deny deny/rule-local rule-allow rule-deny stacked observed);
is statuses($s, 3, '/ok/full?k=1'), '200 200 429', 'a key at its limit';
$m->kill;

is join(', ', map { decision('/ok/local') } 1 .. 3), '200 allowed, 200 allowed, 429 denied', 'local: this server goes on counting';
is join(', ', map { decision('/ok/allow') } 1 .. 6), join(', ', ('200 error') x 6), 'allow: everybody is served';
my ($r, $line) = logged($s, 'GET', '/ok/deny');
is $r->status, 503, 'deny: 503';
like $r->header('Retry-After'), qr/\A[1-9]\d*\z/, '... with Retry-After';
is $r->header('Cache-Control'), 'no-store', '... and no-store';
is $line->{state}, 'error', '... RATELIMIT_STATUS=error';
is $line->{rule}, 'r', '... RATELIMIT_RULE';
is decision('/ok/deny/rule-local'), '200 allowed', 'on-error=local against RateLimitOnError deny';
is join(', ', map { decision('/ok/rule-allow') } 1 .. 4), join(', ', ('200 error') x 4), 'on-error=allow';
is decision('/ok/rule-deny'), '503 error', 'on-error=deny is a 503 whatever status= says';
is decision('/ok/stacked'), '503 error', 'one of two rules denies';
is decision('/ok/observed'), '200 error', 'a rule that observes never denies';
is statuses($s, 2, '/ok/full?k=1'), '429 429', 'allow: who is known to be over the limit stays so';

# Denied and uncounted requests leave nothing behind.
$m->again;
ok await_each_child($s, 20, sub {
    my $before = $m->stat('curr_items');
    $_[0]->request('GET', '/ok/full?k=' . rand);
    return $m->stat('curr_items') > $before;
}), 'the store is back, for every child';
is statuses($s, 3, '/ok/deny'), '200 200 429', 'deny: what was denied was not charged';
is statuses($s, 3, '/ok/rule-allow'), '200 200 429', 'allow: what was let through was not charged';
is statuses($s, 3, '/ok/stacked'), '200 200 429', 'nor to the other rule';

finish allow => qr/memcached \S+ does not answer/;
