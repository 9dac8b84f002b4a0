# SPDX-License-Identifier: Apache-2.0
# Rules of one location that count by the same parts, or almost: each finds its own values, though
# what one rule has looked up serves the next.
use RL::Test;

my $s = httpd(<<'END');
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
RateLimit everywhere 6/30d key=header:Who missing=skip
<Location /ok/addresses>
    RateLimit host 2/30d
    RateLimit net 3/30d key=ip/24
    RateLimit again 4/30d key=ip/24 methods=ALL
</Location>
<Location /ok/fold>
    RateLimit folded 3/30d key=query:u
    RateLimit bytes 2/30d key=query:u fold=off
</Location>
<Location /ok/names>
    RateLimit a 2/30d key=header:A missing=skip
    RateLimit b 2/30d key=header:B missing=skip
    RateLimit ab 3/30d key=header:A+header:B missing=skip
</Location>
<Location /ok/missing>
    RateLimit skip 1/30d key=query:m missing=skip
    RateLimit share 2/30d key=query:m
</Location>
<Location /ok/deny>
    RateLimit share 9/30d key=query:m
    RateLimit deny 9/30d key=query:m missing=deny
</Location>
<Location /ok/expression>
    RateLimit one 2/30d "key=expr:%{QUERY_STRING}"
    RateLimit two 3/30d "key=expr:%{QUERY_STRING}"
</Location>
<VirtualHost *:${PORT}>
    ServerName one
    DocumentRoot ${ROOT}/htdocs
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName two
    DocumentRoot ${ROOT}/htdocs
</VirtualHost>
END

is statuses($s, 3, '/ok/addresses', from => '192.0.2.1'), '200 200 429', 'addresses: the rule on the address denies the third request';
is statuses($s, 2, '/ok/addresses', from => '192.0.2.2'), '200 429', 'addresses: the rule on the network has counted what was admitted';
is statuses($s, 3, '/ok/addresses', from => '192.0.3.2'), '200 200 429', 'addresses: another network has counters of its own';

is statuses($s, 2, '/ok/fold?u=Admin'), '200 200', 'fold: two requests of one spelling are admitted';
is status($s, '/ok/fold?u=Admin'), 429, 'fold: the rule that compares bytes denies the third';
is statuses($s, 2, '/ok/fold?u=ADMIN'), '200 429', 'fold: the rule that folds denies another spelling after one more';
is status($s, '/ok/fold?u=bob'), 200, 'fold: another name is admitted';

is statuses($s, 3, '/ok/names', headers => [ A => 1, B => 2 ]), '200 200 429', 'two headers: two requests are admitted';
is statuses($s, 1, '/ok/names', headers => [ A => 2, B => 1 ]), '200', 'two headers: the same values exchanged are other keys';
is statuses($s, 2, '/ok/names', headers => [ A => 2, B => 2 ]), '429 429', 'two headers: the rule on the second has counted the first two';
is statuses($s, 2, '/ok/names', headers => [ A => 2 ]), '200 429', 'one header: the rules on the other do not apply';

is statuses($s, 3, '/ok/missing'), '200 200 429', 'no value: one rule skips it, the other shares a counter';
is statuses($s, 2, '/ok/missing?m=x'), '200 429', 'a value: the rule that skips what has none denies the second';
is status($s, '/ok/deny'), 429, 'no value: the rule with missing=deny denies, beside one that shares';
is status($s, '/ok/deny?m=x'), 200, 'a value: two rules on it admit';

is statuses($s, 3, '/ok/expression?q'), '200 200 429', 'two rules on one expression: the narrower denies';
is statuses($s, 3, '/ok/expression?p'), '200 200 429', 'two rules on one expression: another value is another key';

# A rule of the main server, in virtual hosts that have inherited it.
for my $host (qw(one two)) {
    is statuses($s, 7, '/ok/x', headers => [ Host => $host, Who => 'me' ]), '200 200 200 200 200 200 429', "a rule of the server counts virtual host $host by itself";
}

finish;
