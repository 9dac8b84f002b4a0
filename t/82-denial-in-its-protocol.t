# SPDX-License-Identifier: Apache-2.0
# A denial is answered in the protocol that the request came in, with one Retry-After; and the fields of what is
# allowed tell nobody what others have used.
use RL::Test;
use IO::Select;
use IO::Socket::IP;

my $s = httpd(<<'END', files => { 'htdocs/sorry.txt' => "sorry\n", 'cgi-bin/soon.cgi' => "#!/bin/sh\nprintf 'Content-Type: text/plain\\nRetry-After: 10\\nCache-Control: private\\n\\nsoon\\n'\n", 'cgi-bin/late.cgi' => "#!/bin/sh\nprintf 'Content-Type: text/plain\\nRetry-After: 9999999\\n\\nlate\\n'\n" });
Protocols h2c http/1.1
Action denial "/cgi-bin/soon.cgi" virtual
<Location /ok/page>
    RateLimit c 0/30d
    RateLimitDenyHandler /sorry.txt
</Location>
<Location /ok/named>
    RateLimit c 0/30d
    RateLimitDenyHandler denial
</Location>
<Location /ok/document>
    RateLimit c 0/30d
    ErrorDocument 429 /sorry.txt
</Location>
<Location /ok/default>
    RateLimit c 0/30d
</Location>
<Location /ok/soon>
    RateLimit c 0/30d
    RateLimitDenyHandler /cgi-bin/soon.cgi
</Location>
<Location /ok/late>
    RateLimit c 0/30d
    ErrorDocument 429 /cgi-bin/late.cgi
</Location>
<Location /ok/always>
    RateLimit c 0/30d
    Header always set Retry-After 5
    Header set Cache-Control "max-age=60"
</Location>
<Location /ok/account>
    RateLimitHeaders standard legacy
    RateLimit account 10/30d key=query:u+claimed-user missing=share
    RateLimit own 10/30d key=expr:%{QUERY_STRING}
</Location>
END

# What the server says to bytes until it closes, or falls silent.
sub say_raw {
    my ($bytes) = @_;
    my $c = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $s->port) or die $@;
    print {$c} $bytes;
    my $out = '';
    while (IO::Select->new($c)->can_read(2)) { sysread($c, $out, 65536, length $out) or return $out }
    return "$out\n(still open)";
}

# A body that is HTTP/2, for whoever upgrades without having read it.
my $headers = "\x82\x86\x44\x0d/ok/smuggled!\x41\x01x";
my $body    = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . pack('CnCCN', 0, 0, 4, 0, 0) . pack('CnCCN', 0, length $headers, 1, 5, 3) . $headers;
for my $path (qw(page named document default)) {
    for my $method (qw(GET POST)) {
        my $length = $method eq 'POST' ? 'Content-Length: ' . length($body) . "\r\n" : '';
        my $out = say_raw("$method /ok/$path HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            . "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n$length\r\n" . ($length && $body));
        like $out, qr{\AHTTP/1\.1 429 }, "$method with an offer to upgrade, $path: denied in HTTP/1.1";
    }
}
is_deeply [ grep { /smuggled/ } map { $_->{uri} } $s->access(0, 8) ], [], 'no body with an offer to upgrade was taken for requests';

my $r = request($s, 'GET', '/ok/soon');
like $r->header('Retry-After'), qr/\A\d{2,7}\z/, 'a deny handler with a Retry-After of its own: one Retry-After' or diag $r->header('Retry-After');
cmp_ok $r->header('Retry-After'), '>', 10, 'a deny handler with a Retry-After of its own: not earlier than a retry can succeed' if $r->header('Retry-After') =~ /\A\d+\z/;
is $r->header('Cache-Control'), 'private', "a deny handler's own Cache-Control stands";
is request($s, 'GET', '/ok/late')->header('Retry-After'), '9999999', 'an error document may ask for a longer wait';
$r = request($s, 'GET', '/ok/always');
like $r->header('Retry-After'), qr/\A\d{2,7}\z/, 'Header always set Retry-After: one Retry-After' or diag $r->header('Retry-After');

request($s, 'GET', "/ok/account?u=victim&me=v$_") for 1 .. 5;
my @told = map { request($s, 'GET', "/ok/account?u=$_&me=attacker$_")->header('RateLimit') =~ s/;.*//r } qw(victim nobody);
is $told[0], $told[1], 'the rule in RateLimit does not depend on what others have used';
is $told[0], '"own"', 'the rule in RateLimit is the one that is the client\'s own';
finish;
