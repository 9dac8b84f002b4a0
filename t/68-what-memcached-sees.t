# SPDX-License-Identifier: Apache-2.0
# What is in memcached: the prefix and hex digits, never a name or an address; for as long as it is needed. Servers agree
# when they share a secret; stores, prefixes and virtual hosts are kept apart.
use RL::Test;
use RL::FaultyMemcached;
use RL::Memcached;

# ---- keys and times to live -----------------------------------------------------------------------------------
my $f = RL::FaultyMemcached->start;
my $s = httpd(<<"END");
RateLimitStore memcached @{[ $f->address ]} lease=off compare=off timeout=1s prefix=shop-1:
RateLimitSecret fleet
<Location /ok/s>
    RateLimit r 5/10s key=query:user+header:X-Key
</Location>
<Location /ok/h>
    RateLimit r 5/h key=form:user+ip methods=POST
</Location>
<Location /ok/d>
    RateLimit r 5/10d key=query:user
</Location>
<Location /ok/m>
    RateLimit r 5/30d key=claimed-user
</Location>
END
my %period = (s => 10, h => 3600, d => 864_000, m => 2_592_000);
my %ttl;
for my $path (qw(s h d m)) {
    $f->forget;
    status($s, "/ok/$path?user=alice\@example.org%0D%0Aflush_all", method => 'POST', body => 'user=alice', auth => 'alice:secret',
        headers => [ 'X-Key' => "secret value\tset x 0 0 1" ]);
    my $keys = $f->keys;
    is scalar keys %$keys, 1, "$path: one request makes one key";
    my ($key) = keys %$keys;
    like $key, qr/\Ashop-1:[0-9a-f]{40}\z/, "$path: the key is the prefix and hex digits";
    $ttl{$path} = $keys->{$key};
    cmp_ok $ttl{$path}, '<=', 30 * 86_400, "$path: the TTL is none that memcached takes for a date";
    next if $path eq 'm' || $path eq 'd' && $ttl{$path} == 30 * 86_400;
    cmp_ok $ttl{$path}, '>', 2 * $period{$path}, "$path: the TTL is more than twice the period";
    cmp_ok $ttl{$path}, '<=', 2 * $period{$path} + 600, "$path: the TTL is not much more than twice the period";
}
is $ttl{m}, 30 * 86_400, '30d: the TTL is thirty days, the most there is';
my %count = %{ $f->count };
is_deeply [ grep { !/\A(?:incr|decr|add|gets|version|quit)\z/ } keys %count ], [], 'no commands but those that counting needs' or diag explain \%count;

my $m = RL::Memcached->start;
my $real = httpd("RateLimitStore memcached @{[ $m->address ]} lease=off compare=off timeout=1s\n<Location /ok>\nRateLimit r 5/30d\n</Location>\n");
is statuses($real, 7, '/ok'), '200 200 200 200 200 429 429', '30d: a real memcached counts to the limit';
my ($key) = keys %{ $m->keys };
like $key, qr/\Arl:[0-9a-f]{40}\z/, 'without prefix= the key begins with rl:';
cmp_ok $m->keys->{$key}, '>', 29 * 86_400, '30d: a real memcached takes the TTL for no date';
$m->flush;

# ---- secrets ----------------------------------------------------------------------------------------------------
like join("\n", grep { /RateLimitSecret/ } $real->log_lines(0)), qr/no RateLimitSecret: whoever can read memcached can find out/,
    'a missing secret is warned of';
is scalar(grep { /no RateLimitSecret/ } $s->log_lines(0)), 0, 'with a secret there is no warning';

my $rule = "<Location /ok>\nRateLimit r 4/h\n</Location>\n";
sub server { my ($secret, $options) = @_; return httpd("RateLimitStore memcached @{[ $m->address ]} lease=off compare=off timeout=1s $options\n$secret$rule") }
my @fleet = map { server("RateLimitSecret one\n", '') } 1 .. 2;
is join(' ', map { statuses($fleet[ $_ % 2 ], 1, '/ok') } 1 .. 6), '200 200 200 200 429 429', 'two httpds of the same secret have one limit';
is statuses(server("RateLimitSecret two\n", ''), 1, '/ok'), '200', 'an httpd of another secret has its own limit';
is statuses(server("RateLimitSecret one\n", 'prefix=other:'), 1, '/ok'), '200', 'an httpd of another prefix has its own limit';
my @open = map { server('', '') } 1 .. 2;
is join(' ', map { statuses($open[ $_ % 2 ], 1, '/ok') } 1 .. 6), '200 200 200 200 429 429', 'two httpds without a secret have one limit';

# ---- virtual hosts ------------------------------------------------------------------------------------------------
my ($a, $b) = map { RL::Memcached->start } 1 .. 2;
my $vhosts = <<"END";
RateLimitSecret fleet
RateLimitStore memcached @{[ $a->address ]} lease=off compare=off timeout=1s
$rule
<VirtualHost *>
    ServerName inherits.test
    DocumentRoot "\${DOCROOT}"
</VirtualHost>
<VirtualHost *>
    ServerName own.test
    RateLimitStore memcached @{[ $b->address ]} lease=off compare=off timeout=1s
</VirtualHost>
<VirtualHost *>
    ServerName local.test
    RateLimitStore shm
</VirtualHost>
END
@fleet = map { httpd($vhosts) } 1 .. 2;
sub at { my ($n, $host) = @_; return status($fleet[$n], '/ok', headers => [ Host => $host ]) }
is join(' ', map { at($_ % 2, 'inherits.test') } 1 .. 6), '200 200 200 200 429 429', 'a virtual host without a store: two httpds have one limit';
is scalar %{ $a->keys }, 1, 'a virtual host without a store: counted in the server\'s store';
is join(' ', map { at($_ % 2, 'own.test') } 1 .. 6), '200 200 200 200 429 429', 'a virtual host with a memcached of its own: two httpds have one limit';
is scalar %{ $b->keys }, 1, 'a virtual host with a memcached of its own: counted there';
is join(' ', map { at($_ % 2, 'local.test') } 1 .. 10), '200 200 200 200 200 200 200 200 429 429', 'a virtual host with RateLimitStore shm: each httpd has its own limit';
is scalar(%{ $a->keys }) + %{ $b->keys }, 2, 'a virtual host with RateLimitStore shm: memcached hears nothing of it';
$b->kill;
is join(' ', map { at(0, 'own.test') } 1 .. 2), '429 429', 'one of two stores dies: a key of it that was over its limit is denied';
is at(0, 'inherits.test'), 429, 'one of two stores dies: a key of the other is denied';

# ---- a store among others -----------------------------------------------------------------------------------------
# Which RateLimitStore of the configuration it is makes no difference: windows begin at the same time everywhere.
my $shared = RL::Memcached->start;
my $line   = 'RateLimitStore memcached ' . $shared->address . ' compare=off timeout=1s';
my $among  = <<"END";
RateLimitSecret fleet
$line
<Location /ok/g>
    RateLimit g 3/30d key=path group=g
</Location>
END
my $host = "<VirtualHost *>\n    ServerName a.test\n    DocumentRoot \"\${DOCROOT}\"\n    $line\n</VirtualHost>\n";
my @both = (httpd($among), httpd($among . $host));
for my $key (1 .. 8) {
    is join(' ', map { statuses($both[ $_ % 2 ], 1, "/ok/g/$key", headers => [ Host => 'a.test' ]) } 1 .. 4), '200 200 200 429',
        "the first store of one httpd, the second of another: one limit for key $key";
}

finish allow => qr/memcached \S+ does not answer/;
