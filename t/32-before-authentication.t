# SPDX-License-Identifier: Apache-2.0
# A denial comes before the password check; rules of the authenticated user come after it, and when such a rule
# denies, what was charged before is given back.
use RL::Test;

my $s = httpd(<<'END', modules => [qw(proxy proxy_http)]);
<Location /ok/guess>
    Include conf/auth.conf
    RateLimit guess 3/30d
</Location>
<Location /ok/forbidden>
    Require all denied
    RateLimit r 2/30d
</Location>
<Location /proxied>
    RateLimit r 2/30d
    ProxyPass http://127.0.0.1:${PORT2}/ok
</Location>
<Location /ok/mixed>
    Include conf/auth.conf
    RateLimit address 6/30d group=address
    RateLimit user 2/30d key=user
</Location>
<Location /ok/address>
    RateLimit address 6/30d group=address
</Location>
<Location /ok/user-first>
    Include conf/auth.conf
    RateLimit user 9/30d key=user group=u
    RateLimit address 0/30d
</Location>
<Location /ok/user>
    Include conf/auth.conf
    RateLimit user 9/30d key=user group=u
</Location>
END

limit_is $s, 2, '/ok/forbidden', 'a rule denies before authorization does', ok => 403;
limit_is $s, 2, '/proxied/x', 'a rule denies before the request is proxied';

is statuses($s, 4, '/ok/guess', auth => 'alice:wrong'), '401 401 401 429', 'wrong passwords are counted, then denied with 429';
my $from = $s->log_mark;
is status($s, '/ok/guess', auth => 'alice:secret'), 429, 'after too many wrong passwords the right one is denied';
is status($s, '/ok/guess', auth => 'alice:wrong'), 429, 'after too many wrong passwords a wrong one is denied';
ok !(grep { /AH01617|password mismatch/ } $s->log_lines($from)), 'a denial comes without a look at the password';
ok !defined request($s, 'GET', '/ok/guess')->header('WWW-Authenticate'), 'a denial does not ask for a password';

is statuses($s, 4, '/ok/mixed', auth => 'alice:secret'), '200 200 429 429', 'the user\'s rule denies after authentication';
is statuses($s, 2, '/ok/mixed', auth => 'bob:hunter2'), '200 200', 'a rule of the user admits another user';
limit_is $s, 2, '/ok/address', 'a rule of the address was charged only for what the user\'s rule admitted';

is statuses($s, 2, '/ok/user-first', auth => 'alice:secret'), '429 429', 'a rule of the address denies before one of the user';
my (undef, $line) = logged($s, 'GET', '/ok/user', auth => 'alice:secret');
is $line->{remaining}, 8, 'a rule of the user was not charged for what the address\'s denied';

finish allow => qr/AH01630/;
