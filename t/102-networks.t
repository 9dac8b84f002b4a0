# SPDX-License-Identifier: Apache-2.0
# RateLimitNetworks: tables of networks with labels; key=network:NAME, RateLimitExempt network:NAME[=LABEL].
use RL::Test;

my $table = <<'END';
# Who has which network.
192.0.2.0/24   alpha        # a comment
192.0.2.128/25 beta
192.0.2.200    gamma

198.51.100.0/24 alpha
2001:db8::/32  alpha
2001:db8:1::/48 beta
2001:db8:1::5  gamma
END

my $rules = <<'END';
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
RateLimitSecret "a secret of some length"
RateLimitExempt network:friends network:offices=head
RateLimitLog warn keys
<Location /ok/skip>
    RateLimit r 2/30d key=network:who absent=skip
</Location>
<Location /ok/share>
    RateLimit r 2/30d key=network:who
</Location>
<Location /ok/deny>
    RateLimit r 2/30d key=network:who absent=deny
</Location>
<Location /ok/doubt>
    RateLimit r 2/30d key=network:who missing=deny absent=share
</Location>
<Location /ok/both>
    RateLimit r 2/30d key=network:who+query:v absent=skip
</Location>
<Location /ok/zero>
    RateLimit r 0/30d
</Location>
<Directory "${DOCROOT}/tenant">
    AllowOverride Limit
    AllowOverrideList RateLimitExempt
</Directory>
# A table may be read after the rules that name it.
RateLimitNetworks who file:conf/who.txt
RateLimitNetworks friends file:conf/friends.txt
RateLimitNetworks offices "file:${ROOT}/conf/offices.txt"
END

my $s = httpd($rules, files => {
    'conf/who.txt'     => $table,
    'conf/friends.txt' => "203.0.113.0/28 one\n203.0.113.16/28 two\r\n",
    'conf/offices.txt' => "203.0.113.32/28 branch\n203.0.113.48/28 head\n",
    'htdocs/tenant/index.html' => "ok\n",
    'htdocs/tenant/.htaccess'  => "RateLimit t 1/30d key=network:who absent=skip\n",
});

# ---- key=network: -------------------------------------------------------------------------------------------

is statuses($s, 3, '/ok/skip', from => '192.0.2.1'), '200 200 429', 'addresses of a label share its counter';
ok $s->wait_log(0, qr/network:who=alpha/), 'the line about the denial tells the label, where keys are told';
is status($s, '/ok/skip', from => '192.0.2.127'), 429, 'another address of the network is of the same key';
is status($s, '/ok/skip', from => '198.51.100.9'), 429, 'so is one of another network of the label';
is status($s, '/ok/skip', from => '2001:db8:2::1'), 429, 'and one of an IPv6 network of the label';
is status($s, '/ok/skip', from => '::ffff:192.0.2.1'), 429, 'and an IPv4-mapped IPv6 address';
is statuses($s, 3, '/ok/skip', from => '192.0.2.128'), '200 200 429', 'the longest prefix counts: the half of a network has another label';
is status($s, '/ok/skip', from => '2001:db8:1::1'), 429, 'the longest prefix counts: IPv6 inside of a wider network';
is statuses($s, 3, '/ok/skip', from => '192.0.2.200'), '200 200 429', 'a bare address is a whole one';
is status($s, '/ok/skip', from => '2001:db8:1::5'), 429, 'a bare IPv6 address is a whole one';
is statuses($s, 4, '/ok/skip', from => '192.0.3.0'), '200 200 200 200', 'an address in no network: absent=skip';
is statuses($s, 3, '/ok/skip'), '200 200 200', 'the address is that of mod_remoteip, or else the peer\'s';

is statuses($s, 2, '/ok/share', from => '192.0.3.1'), '200 200', 'addresses in no network share a counter by default';
is status($s, '/ok/share', from => '2001:db9::1'), 429, 'whichever they are';
is status($s, '/ok/share', from => '192.0.2.1'), 200, 'and it is not that of a label';
is status($s, '/ok/deny', from => '192.0.3.1'), 429, 'an address in no network: absent=deny';
is status($s, '/ok/deny', from => '192.0.2.1'), 200, 'absent=deny: one in a network is not denied';
is status($s, '/ok/doubt', from => '192.0.3.1'), 200, 'an address in no network is certainly in none: absent=, not missing=';
is statuses($s, 3, '/ok/both?v=1', from => '192.0.2.1'), '200 200 429', 'with another part of the key';
is status($s, '/ok/both?v=2', from => '192.0.2.1'), 200, 'with another part of the key: of another value';

# ---- .htaccess ----------------------------------------------------------------------------------------------

is statuses($s, 2, '/tenant/', from => '192.0.2.1'), '200 429', '.htaccess may name the server\'s tables';
$s->write('htdocs/tenant/.htaccess', "RateLimit t 1/30d key=network:nonesuch\n");
my $from = $s->log_mark;
is status($s, '/tenant/', from => '192.0.2.1'), 500, '.htaccess with an unknown table is an error';
ok scalar(grep { /RateLimit .*network:nonesuch.*no RateLimitNetworks has this name; there is friends, offices, who/ } $s->wait_log($from, qr/nonesuch/)),
    'and says which tables there are';
$s->write('htdocs/tenant/.htaccess', "RateLimitNetworks mine file:/etc/hosts\n");
is status($s, '/tenant/', from => '192.0.2.1'), 500, '.htaccess can\'t read files by RateLimitNetworks';

for ('RateLimitExempt network:friends', 'RateLimitExempt network:nonesuch') {
    $s->write('htdocs/tenant/.htaccess', "$_\n");
    is status($s, '/tenant/', from => '192.0.2.1'), 500, ".htaccess can't exempt: $_";
}

# ---- RateLimitExempt ----------------------------------------------------------------------------------------

is status($s, '/ok/zero', from => '203.0.113.15'), 200, 'exempt network:NAME: any label of the table';
is status($s, '/ok/zero', from => '203.0.113.16'), 200, 'exempt network:NAME: another label of the table';
is status($s, '/ok/zero', from => '203.0.113.48'), 200, 'exempt network:NAME=LABEL: this label';
is status($s, '/ok/zero', from => '203.0.113.32'), 429, 'exempt network:NAME=LABEL: no other label of the table';
is status($s, '/ok/zero', from => '203.0.113.64'), 429, 'exempt network:NAME: not who is in no network';

# ---- a reload reads the files anew --------------------------------------------------------------------------

$s->write('conf/who.txt', $table =~ s/^192\.0\.2\.128\/25 beta$/192.0.2.128\/25 delta/mr . "192.0.3.0/24 beta\n");
$s->write('conf/friends.txt', "203.0.113.64/28 new\n");
is status($s, '/ok/skip', from => '192.0.3.0'), 200, 'a changed file changes nothing by itself';
$s->graceful;
is status($s, '/ok/skip', from => '192.0.3.0'), 429, 'a graceful restart reads the file anew: the counter of a label stays';
is status($s, '/ok/skip', from => '192.0.2.1'), 429, 'a graceful restart: labels that stayed are counted on';
is statuses($s, 3, '/ok/skip', from => '192.0.2.128'), '200 200 429', 'a graceful restart: a new label';
is status($s, '/ok/zero', from => '203.0.113.64'), 200, 'a graceful restart: a new exemption';
is status($s, '/ok/zero', from => '203.0.113.15'), 429, 'a graceful restart: an exemption that is gone';
$s->reload for 1 .. 3;
is status($s, '/ok/skip', from => '192.0.2.128'), 429, 'after several reloads the tables are still there';

# ---- errors -------------------------------------------------------------------------------------------------

my $n = 0;

# A file with these lines fails httpd -t.
sub file_error {
    my ($text, $reason, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $path = $s->write('conf/wrong' . ++$n . '.txt', $text);
    return config_error("RateLimitNetworks x file:$path\n", 'RateLimitNetworks', "file:$path", $name, $reason);
}

file_error("# x\n192.0.2.1/24 a\n", qr/line 2: "192\.0\.2\.1\/24": the address has bits set beyond/, 'host bits are set');
file_error("2001:db8::1/64 a\n",    qr/line 1: "2001:db8::1\/64": the address has bits set beyond/, 'host bits are set, IPv6');
file_error("192.0.2.0/24 a\n\n192.0.2.0/24 b\n", qr/line 3: line 1 has the same prefix with another label/, 'a prefix twice');
file_error("192.0.2.0/33 a\n",      qr/line 1: .*from 0 to 32/, 'a prefix length that is too long');
file_error("\nlocalhost a\n",       qr/line 2: "localhost": not an IPv4 or IPv6 address/, 'not an address');
file_error("192.0.2.0/24\n",        qr/line 1: .*a label must follow/, 'no label');
file_error("192.0.2.0/24 # a\n",    qr/line 1: .*a label must follow/, 'no label, but a comment');
file_error("192.0.2.0/24 a b\n",    qr/line 1: .*one label/, 'two labels');
file_error('192.0.2.0/24 ' . 'x' x 65 . "\n", qr/line 1: .*longer than 64 bytes/, 'a label that is too long');
file_error('#' x 1001 . "\n",       qr/line 1: the line is longer than 1000 bytes/, 'a line that is too long');
file_error("192.0.2.0/24 a\0b\n",   qr/line 1: the line has a control character/, 'a NUL');
file_error("192.0.2.0/24 \x1b[1m\n", qr/line 1: the line has a control character/, 'a control character');

config_error("RateLimitNetworks x file:/nonesuch/file\n", 'RateLimitNetworks', 'file:/nonesuch/file', 'a file that isn\'t there', qr/can't be read: No such file/);
config_error("RateLimitNetworks x file:/\n", 'RateLimitNetworks', 'file:/', 'a folder', qr/can't be read: Is a directory/);
config_error("RateLimitNetworks x /etc/hosts\n", 'RateLimitNetworks', '/etc/hosts', 'no file:', qr/file:PATH/);
config_error("RateLimitNetworks x file:\n", 'RateLimitNetworks', 'file:', 'no path', qr/file:PATH/);
config_error("RateLimitNetworks 1x file:/dev/null\n", 'RateLimitNetworks', '1x', 'a NAME that is none');
config_error("RateLimitNetworks x file:/dev/null\nRateLimitNetworks x file:/dev/null\n", 'RateLimitNetworks', 'x', 'the same NAME twice', qr/another RateLimitNetworks/);
config_error("<VirtualHost *:1>\nRateLimitNetworks x file:/dev/null\n</VirtualHost>\n", 'RateLimitNetworks', '', 'in a virtual host');
config_error("RateLimit r 5/m key=network:nonesuch\n", 'RateLimit', 'network:nonesuch', 'a rule with an unknown table', qr/conf:\d+\): no RateLimitNetworks has this name, and there is no other/);
config_error("RateLimit r 5/m key=all distinct=network:nonesuch\n", 'RateLimit', 'network:nonesuch', 'distinct= with an unknown table', qr/no RateLimitNetworks/);
config_error("RateLimitNetworks x file:/dev/null\nRateLimitExempt network:nonesuch=a\n", 'RateLimitExempt', 'network:nonesuch=a', 'an exemption with an unknown table', qr/there is x/);
config_error("RateLimit r 5/m key=network:\n", 'RateLimit', 'network:', 'a part without a name');
config_error("RateLimit r 5/m key=network\n", 'RateLimit', 'network', 'a part without a colon');
config_error("RateLimitExempt network:\n", 'RateLimitExempt', 'network:', 'an exemption without a name');
config_error("RateLimitNetworks x file:/dev/null\nRateLimitExempt network:x=\n", 'RateLimitExempt', 'network:x=', 'an exemption without a label');
config_error(join('', map { "RateLimitNetworks x$_ file:/dev/null\n" } 1 .. 65), 'RateLimitNetworks', 'x65', 'too many tables', qr/at most 64/);
config_ok(join('', map { "RateLimitNetworks x$_ file:/dev/null\n" } 1 .. 64), '64 tables, and empty ones');

# ---- what isn't an error --------------------------------------------------------------------------------------

my $offices = 'RateLimitNetworks offices "file:' . $s->root . "/conf/offices.txt\"\n";
my (undef, $said) = configtest("$offices RateLimitExempt network:offices=Head\n");
like $said, qr/RateLimitExempt: "network:offices=Head": no network of the table has this label/, 'warned of: an exemption of a label that isn\'t there';
(undef, $said) = configtest("$offices RateLimitExempt network:offices=head\n");
unlike $said, qr/warning/, 'not warned of: one that is there';

# ---- rlctl --------------------------------------------------------------------------------------------------

my $rlctl = ($ENV{RL_OUT} // 'out') . '/rlctl';
$ENV{RLCTL_HTTPD}  = RL::Conf::binary();
$ENV{RLCTL_MODULE} = RL::Conf::module();
like `$rlctl check ${\$s->write('conf/rules.conf', "${offices}RateLimit r 5/m key=network:offices\n")} 2>&1`,
    qr/r: at most 5 requests per minute, for each label that client addresses have in the networks offices/, 'rlctl check says what the key is';

# rlctl networks with a list on its standard input: exit status, lines without the first one, what it says.
sub networks {
    my ($list, @arguments) = @_;
    my ($in, $out, $err) = map { $s->root . "/$_" } qw(list out err);
    $s->write('list', $list);
    my $rc = system("$rlctl networks @arguments - <$in >$out 2>$err") >> 8;
    return ($rc, slurp($out) =~ s/\A#.*\n//r, slurp($err));
}

my ($rc, $out, $err) = networks("1.0.4.0/22 38803\n1.0.0.0/24\t13335\n2001:db8::/32 64496\n1.0.4.0/24 38803\n1.0.0.0/25 13335\n1.0.5.0/24 7\n1.0.5.128/25 38803\n");
is $out, "1.0.0.0/24 AS13335\n1.0.4.0/22 AS38803\n1.0.5.0/24 AS7\n1.0.5.128/25 AS38803\n2001:db8::/32 AS64496\n",
    'rlctl networks: prefix and AS number, sorted, without what a shorter prefix of the label covers';
is "$rc$err", '0', 'with nothing to say';
($rc, $out) = networks("1.0.0.0\t24\t13335\n1.0.4.0\t22\t7_8\n1.0.8.0\t22\t9,10\n");
is $out, "1.0.0.0/24 AS13335\n1.0.4.0/22 AS7\n1.0.8.0/22 AS9\n", 'rlctl networks: address, length and AS number; the first of several';
($rc, $out) = networks("; comment\n198.51.100.0/24 ; SBL1\n192.0.2.1\n2001:db8::/32 # x\n", '--label bad');
is $out, "192.0.2.1/32 bad\n198.51.100.0/24 bad\n2001:db8::/32 bad\n", 'rlctl networks: a plain list with --label';
($rc, $out) = networks(' {"creationTime": "2024-01-01", "prefixes": [{"ipv6Prefix": "2001:db8:1::/64"}, {"ipv4Prefix": "192.0.2.0/27"}, {"ipv4Prefix": "192.0.2.16/28"}]}', '--label bot');
is $out, "192.0.2.0/27 bot\n2001:db8:1::/64 bot\n", 'rlctl networks: a crawler\'s JSON';
($rc, $out, $err) = networks("192.0.2.1/24 a\n192.0.2.0/24 b\n");
is $out, "192.0.2.0/24 a\n", 'rlctl networks: the first of two labels';
like $err, qr/:1: 192\.0\.2\.1\/24: bits are set beyond.*192\.0\.2\.0\/24: is both a and b/s, 'and says what it dropped';

my $file = $s->write('conf/made.txt', "old\n");
for (['<!DOCTYPE html>', qr/:1: "<!DOCTYPE": not an IPv4/], ["192.0.2.0/24\n", qr/--label/], ["192.0.2.0/24 a\e[1m\n", qr/printable/], ['', qr/no prefix is in it/],
    ['{"a":', qr/line 1/, '--label x'], ['["x"]', qr/no prefix is in it/, '--label x'], ['[]', qr/JSON has no labels/], ["192.0.2.0/24 a\n", qr/AS number/, '--format prefix-asn'],
    ["0.0.0.0/0 a\n", qr/all addresses/], ['["192.0.2.0/24","::/0"]', qr/all addresses/, '--label x'], ['["' . 'x' x (1 << 26) . '"]', qr/over 64 MB/, '--label x'])
{
    my ($list, $reason, @options) = @$_;
    ($rc, $out, $err) = networks($list, @options, "-o $file");
    ok $rc == 1 && $err =~ $reason && $err !~ /\e/ && slurp($file) eq "old\n", "rlctl networks refuses, with a reason, and leaves the file: " . substr($list, 0, 40) =~ s/[^ -~]/?/gr or diag "$rc $err";
}
($rc) = networks("192.0.2.128/25 13335\n203.0.113.9/32 AS1\n", "-o $file");
is $rc, 0, 'rlctl networks -o';
is join(' ', map { s{.*/}{}r } glob $s->root . '/conf/made*'), 'made.txt', 'leaves nothing beside the file';
config_ok("RateLimitNetworks asn file:$file\n", 'what rlctl networks writes');
is system("$rlctl networks >/dev/null 2>&1") >> 8, 2, 'rlctl networks without a list';

finish allow => qr/nonesuch|not allowed|RateLimitNetworks/;
