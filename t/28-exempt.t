# SPDX-License-Identifier: Apache-2.0
# RateLimitExempt: these requests skip every rule, and are not counted.
use RL::Test;

my $s = httpd(<<'END');
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
SetEnvIf X-Friend yes FRIEND=1
RateLimitExempt 192.0.2.1
<Location /ok>
    RateLimit zero 0/30d
    RateLimitExempt 198.51.100.0/24 2001:db8::/32
    RateLimitExempt env=FRIEND
    RateLimitExempt "expr=%{QUERY_STRING} == 'health'"
</Location>
<Location /ok/inner>
    RateLimitExempt 203.0.113.7
</Location>
<Location /ok/by-user>
    Include conf/auth.conf
    RateLimit zero 2/30d
    RateLimitExempt "expr=%{REMOTE_USER} == 'alice'"
</Location>
<Location /ok/count>
    RateLimit zero 2/30d key=all
</Location>
END

is status($s, '/ok'), 429, 'not exempt';
is status($s, '/ok', from => '192.0.2.1'), 200, 'an address, from the server\'s configuration';
is status($s, '/ok', from => '192.0.2.2'), 429, 'the next one is not';
is status($s, '/ok', from => '198.51.100.255'), 200, 'a network';
is status($s, '/ok', from => '198.51.101.0'), 429, 'the next one is not';
is status($s, '/ok', from => '2001:db8:ffff::1'), 200, 'an IPv6 network';
is status($s, '/ok', from => '2001:db9::1'), 429, 'the next one is not';
is status($s, '/ok', from => '::ffff:192.0.2.1'), 200, 'a mapped address is the IPv4 address';
is status($s, '/ok', headers => [ 'X-Friend' => 'yes' ]), 200, 'env=';
is status($s, '/ok', headers => [ 'X-Friend' => 'no' ]), 429, 'env= that is not set';
is status($s, '/ok?health'), 200, 'expr=';
is status($s, '/ok/inner', from => '203.0.113.7'), 200, 'a deeper section adds';
is status($s, '/ok', from => '203.0.113.7'), 429, 'for itself only';
is status($s, '/ok/inner', from => $_), 200, "and keeps the outer ones: $_" for '192.0.2.1', '198.51.100.1';
is status($s, '/ok/inner?health'), 200, 'and the outer expression';

is statuses($s, 4, '/ok/by-user', auth => 'alice:secret'), '200 200 200 200', 'a user, though known only after the rule was asked';
limit_is $s, 2, '/ok/by-user', 'another user is limited, and alice was not counted', auth => 'bob:hunter2';

is statuses($s, 5, '/ok/count?health'), '200 200 200 200 200', 'exempt requests';
limit_is $s, 2, '/ok/count', 'are not counted';
my ($r, $line) = logged($s, 'GET', '/ok/count?health');
is $line->{state}, 'exempt', 'RATELIMIT_STATUS says so';
is $line->{rule}, '-', 'and names no rule';
ok !defined $r->header('Retry-After'), 'no headers';

finish;
