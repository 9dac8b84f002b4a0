# SPDX-License-Identifier: Apache-2.0
# What an attacker or a hostile tenant tried, and what came of it. Each part names the way in.
use RL::Test;
use RL::H2;
use Time::HiRes qw(time);

my $app = qq(#!/bin/sh\nprintf 'Status: 200\\nContent-Type: text/plain\\n\\nthe site'\n);
my %files = (
    'htdocs/lift/.htaccess' => qq(RateLimit mine 0/30d "when=%{REQUEST_URI} !~ /app/"\nErrorDocument 429 /lift/app.cgi\n),
    'htdocs/lift/app.cgi'   => $app,
    'htdocs/spoof/.htaccess' => "SetEnvIf Request_URI . RATELIMIT_RULE=spoof RATELIMIT_KEY=spoofkey RATELIMIT_RETRY_AFTER=99\n",
    'htdocs/list/.htaccess' => "RateLimitInherit Off\n",
    'htdocs/list2/.htaccess' => "RateLimitExempt 127.0.0.1\n",
    'htdocs/many/.htaccess' => join('', map { "RateLimit r$_ 5/m\n" } 1 .. 300),
    'htdocs/late/.htaccess' => "RateLimit server off\n",
    (map { ("htdocs/$_/.htaccess" => qq(<Files "a.txt">\nRateLimit mine 2/30d\n</Files>\n)) } qw(files1 files2)),
    (map { ("htdocs/$_/.htaccess" => qq(<If "true">\nRateLimit mine 2/30d\n</If>\n)) } qw(if1 if2)),
    (map { ("htdocs/$_/a.txt" => "a\n") } qw(lift spoof list list2 many files1 files2 if1 if2 late)),
    'htpasswd' => 'ann:{SHA}' . 'W6ph5Mm5Pz8GgiULbPgzG37mj9g=' . "\n",    # password
);

my $s = httpd(<<'END', files => \%files);
Protocols h2c http/1.1
<Location /ok/upgrade>
    RateLimit r 4/30d
</Location>
<Directory "${DOCROOT}">
    AllowOverride Limit FileInfo
    Options +ExecCGI
    AddHandler cgi-script .cgi
</Directory>
<Directory "${DOCROOT}/lift">
    RateLimit server 3/30d
</Directory>
<Directory "${DOCROOT}/spoof">
    RateLimit server 9/30d
</Directory>
<DirectoryMatch "/list2?$">
    AllowOverride None
    AllowOverrideList RateLimitInherit RateLimitExempt RateLimitEngine
    RateLimit server 2/30d
</DirectoryMatch>
<Location /ok/else>
    <If "%{HTTP:A} == '1'">
        RateLimit unused 9/30d
    </If>
    <Else>
        RateLimit x 5/30d
    </Else>
    <If "%{HTTP:B} == '1'">
        RateLimit other 9/30d
    </If>
    <Else>
        RateLimit x 5/30d
    </Else>
</Location>
<Location /ok/else2>
    <If "%{HTTP:A} == '1'">
        RateLimit a 9/30d
    </If>
    <Else>
        RateLimit x 2/30d
    </Else>
    <If "%{HTTP:A} == '2'">
        RateLimit b 9/30d
    </If>
    <Else>
        RateLimit x 9/30d
    </Else>
</Location>
<Location /ok/slow>
    RateLimit r 1/30d
    ErrorDocument 429 /cgi-bin/denied.cgi
</Location>
<Location /ok/observe>
    RateLimitEngine Observe
    RateLimit r 1/30d
</Location>
<Location /ok/forbidden>
    AuthType Basic
    AuthName x
    AuthUserFile "${ROOT}/htpasswd"
    Require valid-user
    RateLimit u 2/30d key=user
    RewriteEngine On
    RewriteRule ^ - [F]
</Location>
END

# ---- an upgrade that was not taken up gave one request for nothing to each connection ----------
my @statuses;
for (1 .. 5) {
    my $c = connection($s);
    my ($first) = $c->request('GET', '/ok/upgrade', host => 'localhost', headers => [ Upgrade => 'h2c', 'HTTP2-Settings' => 'AAEAAAAA' ]);
    push @statuses, $first->status;
    $c->write_all("GET /ok HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAAAA\r\n\r\n");
    $c->fill_until(qr/\r\n\r\n/);
    $c->{in} =~ s/\A(HTTP\/1.1 101.*?\r\n\r\n)//s or BAIL_OUT("no upgrade: $c->{in}");
    my $h2 = bless { sock => $c->{sock}, in => $c->{in}, next => 3, status => {}, body => {}, ended => {}, reset => {} }, 'RL::H2';
    $h2->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    $h2->frame(4, 0, 0, pack 'nN', 1, 0);
    my $answer = $h2->finished($h2->headers('GET', '/ok/upgrade'));
    push @statuses, $answer ? $answer->[0] : 'none';
}
# httpd may end such a connection before a stream is answered.
is scalar(grep { $_ eq '200' } @statuses), 4, 'an offer to upgrade is good for the request it came with, and no other'
    or diag "@statuses";

# ---- tenants -----------------------------------------------------------------------------------
is statuses($s, 3, "/files1/a.txt"), '200 200 429', '<Files> in .htaccess: a tenant\'s rule denies the third';
is statuses($s, 3, "/files2/a.txt"), '200 200 429', '<Files> in .htaccess: the same rule in another directory has its own counter';
is statuses($s, 3, "/if1/a.txt"), '200 200 429', '<If> in .htaccess: a tenant\'s rule denies the third';
is statuses($s, 3, "/if2/a.txt"), '200 200 429', '<If> in .htaccess: the same rule in another directory has its own counter';
my @lift = map { (logged($s, 'GET', '/lift/a.txt'))[1]{rule} } 1 .. 5;
is "@lift", 'mine mine mine server server', 'a tenant that denies everything, to serve it as an error document, does not lift the server\'s limit';
my $from = $s->log_mark;
is status($s, "/$_/a.txt"), 500, "$_: what only the server may say is not for .htaccess, whatever AllowOverrideList names" for qw(list list2);
my $status;
my $took = least(2, sub { my $r = request($s, 'GET', '/many/a.txt'); $status = $r->status; return $r->total });
is $status, 500, 'three hundred rules in an .htaccess are a 500';
cmp_ok $took, '<', 2, 'three hundred rules in an .htaccess are refused at once';
my (undef, $line) = logged($s, 'GET', '/spoof/a.txt');
is join(' ', map { $_ // '-' } @$line{qw(status rule retry_after)}), '200 server -', 'variables that a tenant made up are not taken for ours';
unlike join(' ', map { $_ // '' } values %$line), qr/spoofkey/, 'a key that a tenant made up is not logged';

# ---- sections ----------------------------------------------------------------------------------
is statuses($s, 2, '/ok/else2', headers => [ A => 2 ]), '200 200', 'two <Else> in one section: the first one\'s rule admits two';
is status($s, '/ok/else2', headers => [ A => 2 ]), 429, 'two <Else> in one section: the first one\'s rule denies the third';
is statuses($s, 3, '/ok/else2', headers => [ A => 1 ]), '200 200 200', 'two <Else> in one section: the second one\'s rule has its own counter';

# ---- a denial whose error document is a program doesn't wait for the body ------------------------
is status($s, '/ok/slow', method => 'POST', body => 'a=b'), 200, 'a program as error document: the first request is admitted';
my $r;
$took = least(1.5, sub { $r = request($s, 'POST', '/ok/slow', pieces => [ ('x' x 200) x 100 ], delay => 0.02); return $r->total });
is $r->status, 429, 'a program as error document: a request with a dripped body is denied';
cmp_ok $took, '<', 1.5, 'a program as error document: the denial does not wait for the body';

# ---- what is told ------------------------------------------------------------------------------
$from = $s->log_mark;
is statuses($s, 2, '/ok/observe'), '200 200', 'RateLimitEngine Observe serves';
my ($told) = $s->wait_log($from, qr/ratelimit: rule r/);
like $told, qr/would deny/, 'RateLimitEngine Observe: the log says what it would deny';

# ---- rules of users, before another fixup answers -----------------------------------------------
is statuses($s, 3, '/ok/forbidden', headers => [ Authorization => 'Basic YW5uOnBhc3N3b3Jk' ]), '403 403 429', 'a per-directory [F] does not get around user rules';

finish allow => qr/\.htaccess|AH\d+/;
