# SPDX-License-Identifier: Apache-2.0
# A flood of denials leaves a few lines in the error log, and nothing that a client sends can write into one.
use RL::Test;

my ($h2load) = grep { -x } map { "$_/h2load" } split /:/, $ENV{PATH};
plan skip_all => 'h2load (package nghttp2-client) is not here' if !$h2load;
my ($KEYS, $REQUESTS) = (10, 100_000);

my $s = httpd(<<'END');
LogLevel warn
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
<Location /ok/flood>
    RateLimit flood 5/30d key=query:k
    RateLimit wide 1000/30d key=query:k
</Location>
<Location /ok/handled>
    RateLimit handled 5/30d key=query:k
    RateLimitDenyHandler /not/there
</Location>
<Location /ok/short>
    RateLimit short 1/s
</Location>
<Location /ok/injected>
    RateLimit injected 0/30d key=query:k+header:X-Key+cookie:c+path
</Location>
END
my $base = 'http://127.0.0.1:' . $s->port;

sub flood {
    my ($path, $n) = @_;
    my $out = `$h2load --h1 -n $n -c $KEYS @{[ map { "'$base$path?k=$_'" } 1 .. $KEYS ]} 2>&1`;
    my ($ok, $denied) = $out =~ /status codes: (\d+) 2xx, \d+ 3xx, (\d+) 4xx/ or diag $out;
    return "$ok $denied";
}

my $from = $s->log_mark;
is flood('/ok/flood', $REQUESTS), 5 * $KEYS . ' ' . ($REQUESTS - 5 * $KEYS), "$REQUESTS requests of $KEYS keys: five of each are admitted";
my @lines = $s->log_lines($from);
cmp_ok scalar(grep { /ratelimit: rule flood/ } @lines), '>=', $KEYS, 'a flood: every key is in the error log';
cmp_ok scalar(@lines), '<', 100, 'a flood: the error log stays under 100 lines (it has ' . @lines . ')';

$from = $s->log_mark;
flood('/ok/handled', 2000);
@lines = $s->log_lines($from);
cmp_ok scalar(@lines), '<', 100, 'a flood with a deny handler that fails: the error log stays under 100 lines (it has ' . @lines . ')';

$from = $s->log_mark;
my $end = time + 3;
request($s, 'GET', '/ok/short') while time < $end;
cmp_ok scalar(grep { /rule short/ && !/ more since/ } $s->log_lines($from)), '<=', 2, 'a limit a second, hammered: denials are counted by the minute';
cmp_ok scalar(grep { /rule short/ } $s->log_lines($from)), '<=', 10, 'a limit a second, hammered: few lines a minute';

# ---- what a client sends ------------------------------------------------------------------------------------
$from = $s->log_mark;
my $evil = 'x%0d%0a[evil]%1b[31m';
my @client = ('203.0.113.7', '203.0.113.8 [evil]', '[evil]', 'evil', '203.0.113.119');
for my $client (@client) {
    request($s, 'GET', "/ok/injected/$evil?k=$evil" . length $client, headers =>
        [ 'X-Client' => $client, 'X-Key' => "[evil]\t\xff%n%s", Cookie => "c=[evil]\t\xff", 'User-Agent' => "[evil]\t\xff" ]);
}
is scalar(my @told = $s->wait_log($from, qr/rule injected/, 5)), 5, 'hostile values: every key has its line in the error log';
@lines = $s->log_lines($from);
is scalar(grep { /\e|\[evil\]/ } @lines), 0, 'hostile values: the error log has nothing of a key, a path or an address that is none' or diag join "\n", @lines;
my $line = qr/\A\[[^]]+\] \[ratelimit_cache:warn\] \[pid \d+:tid \d+\] \[client [0-9a-f.:]+\] (?:\[remote [^]]+\] )?ratelimit: rule injected, limit 0\/30d: denied, key [0-9a-f]{12}, retry after \d+ s\z/;
is scalar(grep { /ratelimit:/ && $_ !~ $line } @lines), 0, 'hostile values: every line has the one form' or diag join "\n", grep { $_ !~ $line } @lines;
is scalar(grep { /client 203\.0\.113\.(?:7|119):/ } @lines), 2, 'hostile values: an address is logged as httpd logs it' or diag join "\n", @lines;

finish;
