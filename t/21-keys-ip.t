# SPDX-License-Identifier: Apache-2.0
# key=ip: httpd's client address after mod_remoteip, by prefix.
use RL::Test;

my $s = httpd(<<'END');
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
<Location /ok/default>
    RateLimit r 2/30d
</Location>
<Location /ok/v24>
    RateLimit r 2/30d key=ip/24
</Location>
<Location /ok/v20>
    RateLimit r 2/30d key=ip/20
</Location>
<Location /ok/v24-48>
    RateLimit r 2/30d key=ip/24/48
</Location>
<Location /ok/v32-128>
    RateLimit r 2/30d key=ip/32/128
</Location>
<Location /ok/directive>
    RateLimitIPv4Prefix 16
    RateLimitIPv6Prefix 56
    RateLimit r 2/30d
</Location>
<Location /ok/directive/inner>
    RateLimit inner 3/30d
</Location>
<Location /ok/directive-loses>
    RateLimitIPv4Prefix 16
    RateLimit r 2/30d key=ip/32
</Location>
END

# Fills a location from one address, then tells which of the others are denied with it.
sub shares {
    my ($path, $first, @others) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is statuses($s, 3, $path, from => $first), '200 200 429', "$path: two requests fill the key of $first";
    while (my ($addr, $shared) = splice @others, 0, 2) {
        is status($s, $path, from => $addr), $shared ? 429 : 200, "$path: $addr " . ($shared ? 'is of the key of' : 'is not of the key of') . " $first";
    }
}

shares '/ok/default', '192.0.2.1', '192.0.2.2' => 0, '192.0.2.1' => 1, '::ffff:192.0.2.1' => 1, '::ffff:192.0.2.9' => 0;
shares '/ok/default', '::ffff:198.51.100.1', '198.51.100.1' => 1, '::ffff:198.51.100.2' => 0;
shares '/ok/default', '2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff' => 1, '2001:db8:0:2::1' => 0, '192.0.2.77' => 0;
shares '/ok/v24',     '192.0.2.1', '192.0.2.255' => 1, '192.0.3.1' => 0, '192.0.1.255' => 0;
shares '/ok/v24',     '2001:db8:0:1::1', '2001:db8:0:1::2' => 1, '2001:db8:0:2::1' => 0;
shares '/ok/v20',     '10.0.0.1', '10.0.15.255' => 1, '10.0.16.0' => 0, '::ffff:10.0.7.7' => 1;
shares '/ok/v24-48',  '2001:db8:1::1', '2001:db8:1:ffff::1' => 1, '2001:db8:2::1' => 0;
shares '/ok/v32-128', '2001:db8:1::1', '2001:db8:1::2' => 0, '2001:db8:1:0::1' => 1;
shares '/ok/directive', '172.16.0.1', '172.16.255.1' => 1, '172.17.0.1' => 0;
shares '/ok/directive', '2001:db8:0:100::1', '2001:db8:0:1ff::1' => 1, '2001:db8:0:200::1' => 0;
shares '/ok/directive-loses', '172.18.0.1', '172.18.0.2' => 0;

is statuses($s, 4, '/ok/directive/inner', from => '172.30.0.1'), '200 200 429 429', 'prefixes are inherited: an inner location keeps the outer rule';
is status($s, '/ok/directive/inner', from => '172.30.9.9'), 429, 'prefixes are inherited: the outer rule counts the whole network';

# Without mod_remoteip's header it is the peer.
is statuses($s, 3, '/ok/default'), '200 200 429', 'without the header of mod_remoteip the peer\'s address is the key';
is status($s, '/ok/default', from => '203.0.113.5'), 200, 'an address that mod_remoteip found is another key than the peer\'s';

finish;
