# SPDX-License-Identifier: Apache-2.0
# when= and unless=: a rule applies, and counts, only where its expressions say so.
use RL::Test;

my $s = httpd(<<'END');
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
<Location /ok/when>
    RateLimit r 2/30d "when=%{HTTP:X-Bot} == 'yes'"
</Location>
<Location /ok/unless>
    RateLimit r 2/30d "unless=%{HTTP:X-Bot} == 'yes'"
</Location>
<Location /ok/both>
    RateLimit r 2/30d "when=%{REQUEST_METHOD} == 'GET'" "unless=%{QUERY_STRING} =~ /free/"
</Location>
<Location /ok/network>
    RateLimit r 2/30d key=all "when=%{REMOTE_ADDR} -ipmatch '192.0.2.0/24'"
</Location>
<Location /ok/plain>
    RateLimit r 2/30d when=true
    RateLimit never 0/30d when=false
</Location>
END
my @bot = (headers => [ 'X-Bot' => 'yes' ]);

is statuses($s, 4, '/ok/when'), '200 200 200 200', 'when= is false: the rule does not apply';
limit_is $s, 2, '/ok/when', 'when= is true: the rule applies, and has not counted the others', @bot;
is status($s, '/ok/when'), 200, 'when= is false: requests are admitted when it is full';
is statuses($s, 4, '/ok/unless', @bot), '200 200 200 200', 'unless= is true: the rule does not apply';
limit_is $s, 2, '/ok/unless', 'unless= is false: the rule applies';
is statuses($s, 3, '/ok/both?free'), '200 200 200', 'when= and unless=: both true, the rule does not apply';
is statuses($s, 3, '/ok/both', method => 'POST'), '200 200 200', 'when= and unless=: both false, the rule does not apply';
limit_is $s, 2, '/ok/both', 'when= true and unless= false: the rule applies';
is statuses($s, 3, '/ok/network', from => '198.51.100.1'), '200 200 200', 'when= with -ipmatch: an address outside is not limited';
limit_is $s, 2, '/ok/network', 'when= with -ipmatch: an address inside', from => '192.0.2.9';
limit_is $s, 2, '/ok/plain', 'when=true, without quotes';

my $r = request($s, 'GET', '/ok/when', @bot);
is $r->status, 429, 'a rule whose when= looks at a header denies';
ok !(grep { /X-Bot/i } $r->header('Vary')), 'when= on a header: no Vary in a denial';
ok !(grep { /X-Bot/i } request($s, 'GET', '/ok/when')->header('Vary')), 'when= on a header: no Vary in what is served';

finish;
