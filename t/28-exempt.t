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

is status($s, '/ok'), 429, 'a request that is not exempt is denied';
is status($s, '/ok', from => '192.0.2.1'), 200, 'an address of the server\'s configuration is exempt';
is status($s, '/ok', from => '192.0.2.2'), 429, 'the address after an exempt one is not exempt';
is status($s, '/ok', from => '198.51.100.255'), 200, 'an address of an exempt network is exempt';
is status($s, '/ok', from => '198.51.101.0'), 429, 'the address after an exempt network is not exempt';
is status($s, '/ok', from => '2001:db8:ffff::1'), 200, 'an address of an exempt IPv6 network is exempt';
is status($s, '/ok', from => '2001:db9::1'), 429, 'the address after an exempt IPv6 network is not exempt';
is status($s, '/ok', from => '::ffff:192.0.2.1'), 200, 'an IPv4-mapped address is exempt as the IPv4 address is';
is status($s, '/ok', headers => [ 'X-Friend' => 'yes' ]), 200, 'env=: a variable that is set is exempt';
is status($s, '/ok', headers => [ 'X-Friend' => 'no' ]), 429, 'env=: a variable that is not set is not exempt';
is status($s, '/ok?health'), 200, 'expr=: exempt when it is true';
is status($s, '/ok/inner', from => '203.0.113.7'), 200, 'an exemption of a deeper section holds there';
is status($s, '/ok', from => '203.0.113.7'), 429, 'an exemption of a deeper section does not hold outside';
is status($s, '/ok/inner', from => $_), 200, "a deeper section keeps the outer exemption of $_" for '192.0.2.1', '198.51.100.1';
is status($s, '/ok/inner?health'), 200, 'a deeper section keeps the outer exemption by expr=';

is statuses($s, 4, '/ok/by-user', auth => 'alice:secret'), '200 200 200 200', 'an exempt user is admitted, though known only after the charge';
limit_is $s, 2, '/ok/by-user', 'another user is limited, and the exempt one was not counted', auth => 'bob:hunter2';

is statuses($s, 5, '/ok/count?health'), '200 200 200 200 200', 'exempt requests are served without end';
limit_is $s, 2, '/ok/count', 'exempt requests were not counted';
my ($r, $line) = logged($s, 'GET', '/ok/count?health');
is $line->{state}, 'exempt', 'RATELIMIT_STATUS of an exempt request';
is $line->{rule}, '-', 'RATELIMIT_RULE of an exempt request is not set';
ok !defined $r->header('Retry-After'), 'an exempt request has no Retry-After';

finish;
