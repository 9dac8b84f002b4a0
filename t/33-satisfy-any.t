# SPDX-License-Identifier: Apache-2.0
# mod_access_compat's Satisfy Any lets one of two gates open; a denial is none of them.
use RL::Test;

my $s = httpd(<<'END');
<Location /ok/any>
    Include conf/auth.conf
    Order allow,deny
    Deny from all
    Satisfy Any
    RateLimit r 2/30d key=query:k
</Location>
<Location /ok/any-open>
    Include conf/auth.conf
    Order allow,deny
    Allow from all
    Satisfy Any
    RateLimit r 2/30d key=query:k
</Location>
<Location /ok/any-user>
    Include conf/auth.conf
    Order allow,deny
    Deny from all
    Satisfy Any
    RateLimit r 2/30d key=user
</Location>
<Location /ok/all>
    Include conf/auth.conf
    Order allow,deny
    Allow from all
    Satisfy All
    RateLimit r 2/30d key=query:k
</Location>
END
my @alice = (auth => 'alice:secret');

limit_is $s, 2, '/ok/any?k=1', 'Satisfy Any, authenticated', @alice;
is statuses($s, 4, '/ok/any?k=2'), '401 401 429 429', 'Satisfy Any, anonymous: asked for a password, then denied';
is status($s, '/ok/any?k=2', @alice), 429, 'Satisfy Any: the right password does not lift a denial';
limit_is $s, 2, '/ok/any-open?k=1', 'Satisfy Any, an address that is let in';
is status($s, '/ok/any-open?k=1', @alice), 429, 'Satisfy Any, an address that is let in: a password does not lift a denial';
limit_is $s, 2, '/ok/any-user', 'Satisfy Any, a rule of the user', @alice;
limit_is $s, 2, '/ok/all?k=1', 'Satisfy All', @alice;
my $r = request($s, 'GET', '/ok/any?k=1', @alice);
like $r->header('Retry-After') // '', qr/\A[1-9]/, 'Satisfy Any: a denial has Retry-After';

finish;
