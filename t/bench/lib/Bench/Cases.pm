# SPDX-License-Identifier: Apache-2.0
package Bench::Cases;

# What is compared with what: the servers, and the sections of the table, each of which loads several servers in the
# same way. loads.pl runs them, report.pl shows them, instructions.pl counts some.

use strict;
use warnings;
use Exporter qw(import);

use Bench::Peers qw(peers);

our @EXPORT_OK = qw(%SERVERS @SECTIONS @COUNTED);

my @OURS   = ('ratelimit_cache');
my $STRICT = "RateLimitStore memcached \${STORE} lease=off\nRateLimitSecret bench\n";
my $LEASES = "RateLimitStore memcached \${STORE} lease=on prefix=leases:\nRateLimitSecret bench\n";
my $HANGS  = "RateLimitStore memcached \${HUNG} lease=off\nRateLimitSecret bench\n";

# n rules with limits out of reach; what a store can share is 8000000 at most.
sub rules { my ($n) = @_; return join '', map { 'RateLimit ' . (qw(burst day half third))[ $_ - 1 ] . ' 8000000/' . (qw(h d 12h 8h))[ $_ - 1 ] . "\n" } 1 .. $n }

# Two rules, of which the second one is used up at once.
my $USED_UP = "RateLimit burst 8000000/h\nRateLimit day 5/d\n";

# A server is an httpd unless it is another kind. An optional one is left out where it can't be had.
our %SERVERS = (
    bare          => { title => 'no module' },
    again         => { title => 'no module, again: noise' },
    unused        => { title => 'loaded, no rules', modules => \@OURS },
    (map { ("shm$_" => { title => "shm, $_ rule" . ($_ > 1 ? 's' : ''), modules => \@OURS, location => rules($_) }) } 1 .. 4),
    bucket        => { title => 'shm, 1 token bucket', modules => \@OURS, location => "RateLimit burst 8000000/h algorithm=token-bucket\n" },
    headers       => { title => 'shm, 2 rules, and fields', modules => \@OURS, location => rules(2) . "RateLimitHeaders standard legacy\n" },
    strict1       => { title => 'memcached, strict, 1 rule', modules => \@OURS, conf => $STRICT, location => rules(1) },
    strict2       => { title => 'memcached, strict, 2 rules', modules => \@OURS, conf => $STRICT, location => rules(2) },
    leases2       => { title => 'memcached, leases, 2 rules', modules => \@OURS, conf => $LEASES, location => rules(2) },
    hung2         => { title => 'memcached hangs, 2 rules', modules => \@OURS, conf => $HANGS, location => rules(2) },
    forbidden     => { title => "httpd's own 403", location => "Require all denied\n" },
    'shm-denied'  => { title => 'shm, 2 rules', modules => \@OURS, location => $USED_UP },
    'strict-denied' => { title => 'memcached, strict, 2 rules', modules => \@OURS, conf => $STRICT, location => $USED_UP },
    'leases-denied' => { title => 'memcached, leases, 2 rules', modules => \@OURS, conf => $LEASES, location => $USED_UP },
    form          => { title => 'shm, 1 form rule', modules => \@OURS, location => "RateLimit account 8000000/h methods=POST key=form:username\n" },
    nginx         => { title => 'nginx', kind => 'nginx', optional => 1 },
    haproxy       => { title => 'HAProxy', kind => 'haproxy', optional => 1 },
    'haproxy-403' => { title => "HAProxy's own 403", kind => 'haproxy', rules => '    http-request deny', optional => 1 },
    'nginx-403'   => { title => "nginx's own 403", kind => 'nginx', location => 'deny all;', optional => 1 },
    peers(),
);

# Each row is a ratio to the section's base in the same round. traffic: one client, many (100,000), or posts. beside: the base
# is loaded together with each server, so that whatever disturbs one disturbs the other.
our @SECTIONS = (
    { name => 'beside', title => 'side by side, one client', traffic => 'one', base => 'bare', beside => 1,
        servers => [qw(again unused shm1 bucket shm2 shm3 shm4 evasive qos)], targets => { shm2 => [ [ added => '<', 0.5 ] ] } },
    { name => 'beside-nginx', title => 'side by side with nginx', traffic => 'one', base => 'nginx', beside => 1, servers => ['nginx-limit'] },
    { name => 'beside-haproxy', title => 'side by side with HAProxy', traffic => 'one', base => 'haproxy', beside => 1, servers => ['haproxy-tables'] },
    { name => 'beside-many', title => 'side by side, 100,000 clients', traffic => 'many', base => 'bare', beside => 1, servers => ['shm2'] },
    { name => 'beside-shm', title => 'side by side with shm', traffic => 'one', base => 'shm2', beside => 1, servers => [qw(leases2 hung2)],
        targets => { leases2 => [ [ throughput => '>=', 0.95 ] ], hung2 => [ [ throughput => '>=', 0.9 ] ] } },
    { name => 'allowed', title => 'allowed, one client', traffic => 'one', base => 'bare',
        servers => [qw(again shm2 headers strict2 leases2 hung2 evasive qos modsecurity)],
        targets => { shm2 => [ [ throughput => '>=', 0.98 ] ] } },
    { name => 'many', title => 'allowed, 100,000 clients', traffic => 'many', base => 'bare',
        servers => [qw(shm2 strict2 leases2 qos modsecurity)] },
    { name => 'denied', title => 'denied, one client', traffic => 'one', base => 'forbidden', denied => 1,
        servers => [qw(shm-denied strict-denied leases-denied evasive-denied qos-denied modsecurity-denied)],
        targets => { 'shm-denied' => [ [ throughput => '>=', 0.95 ] ] } },
    { name => 'form', title => 'a posted form of 1 KiB', traffic => 'post', base => 'bare', servers => ['form'] },
    { name => 'nginx', title => 'nginx, one client', traffic => 'one', base => 'nginx', servers => ['nginx-limit'] },
    { name => 'nginx-many', title => 'nginx, 100,000 clients', traffic => 'many', base => 'nginx', servers => ['nginx-limit'] },
    { name => 'nginx-denied', title => 'nginx, denied, one client', traffic => 'one', base => 'nginx-403', denied => 1,
        servers => ['nginx-limit-denied'] },
    { name => 'haproxy', title => 'HAProxy, one client', traffic => 'one', base => 'haproxy', servers => ['haproxy-tables'] },
    { name => 'haproxy-many', title => 'HAProxy, 100,000 clients', traffic => 'many', base => 'haproxy', servers => ['haproxy-tables'] },
    { name => 'haproxy-denied', title => 'HAProxy, denied, one client', traffic => 'one', base => 'haproxy-403', denied => 1,
        servers => ['haproxy-tables-denied'] },
    { name => 'single', title => 'allowed, one connection', traffic => 'one', connections => 1, base => 'bare',
        servers => [qw(shm1 strict1)] },
);

# Those whose instructions per request callgrind counts, with the traffic.
our @COUNTED = ([qw(bare one)], [qw(unused one)], (map { [ "shm$_", 'one' ] } 1 .. 4), [qw(bucket one)], [qw(headers one)], [qw(forbidden one)],
    [qw(shm-denied one)], [qw(bare post)], [qw(form post)]);

1;
