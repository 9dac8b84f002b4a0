# SPDX-License-Identifier: Apache-2.0
# RateLimitOnError and on-error=: what happens to requests whose count the store can't tell.
use RL::Test;
use RL::Memcached;

my $m = RL::Memcached->start;
my $s = httpd(<<"END");
RateLimitStore memcached @{[ $m->address ]} lease=off compare=off timeout=1s cooldown=300ms
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
is statuses($s, 3, '/ok/full?k=1'), '200 200 429', 'a key is at its limit while the store answers';
$m->kill;

is join(', ', map { decision('/ok/local') } 1 .. 3), '200 allowed, 200 allowed, 429 denied', 'no store, local: this server goes on counting';
is join(', ', map { decision('/ok/allow') } 1 .. 6), join(', ', ('200 error') x 6), 'no store, allow: everybody is served';
my ($r, $line) = logged($s, 'GET', '/ok/deny');
is $r->status, 503, 'no store, deny: 503';
like $r->header('Retry-After'), qr/\A[1-9]\d*\z/, 'no store, deny: the 503 has Retry-After';
is $r->header('Cache-Control'), 'no-store', 'no store, deny: the 503 has Cache-Control: no-store';
is $line->{state}, 'error', 'no store, deny: RATELIMIT_STATUS is error';
is $line->{rule}, 'r', 'no store, deny: RATELIMIT_RULE is the rule';
is decision('/ok/deny/rule-local'), '200 allowed', 'no store: on-error=local prevails over RateLimitOnError deny';
is join(', ', map { decision('/ok/rule-allow') } 1 .. 4), join(', ', ('200 error') x 4), 'no store: on-error=allow serves';
is decision('/ok/rule-deny'), '503 error', 'no store: on-error=deny is a 503 whatever status= says';
is decision('/ok/stacked'), '503 error', 'no store: of two rules the one with on-error=deny denies';
is decision('/ok/observed'), '200 error', 'no store: a rule with action=observe does not deny';
is statuses($s, 2, '/ok/full?k=1'), '429 429', 'no store, allow: a key known to be over its limit is denied';

# Denied and uncounted requests leave nothing behind.
$m->again;
ok await_each_child($s, 20, sub {
    my $before = $m->stat('curr_items');
    $_[0]->request('GET', '/ok/full?k=' . rand);
    return $m->stat('curr_items') > $before;
}), 'every child counts in the store again';
is statuses($s, 3, '/ok/deny'), '200 200 429', 'the store is back, deny: what was denied was not charged';
is statuses($s, 3, '/ok/rule-allow'), '200 200 429', 'the store is back, allow: what was let through was not charged';
is statuses($s, 3, '/ok/stacked'), '200 200 429', 'the store is back, two rules: what one denied was not charged to the other';

finish allow => qr/memcached \S+ does not answer/;
