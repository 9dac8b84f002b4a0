# SPDX-License-Identifier: Apache-2.0
# conf/fail2ban: of an error log with every kind of line, the filter matches those about one address that was denied, with
# that address, and no other; the jail is read.
use RL::Test;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);

my ($regex, $client, $nghttp) = map { my $n = $_; (grep { -x } map { "$_/$n" } split /:/, $ENV{PATH})[0] } qw(fail2ban-regex fail2ban-client nghttp);
plan skip_all => 'fail2ban is not here: make deps FOR=fail2ban' if !$regex || !-d '/etc/fail2ban/filter.d';

# fail2ban's own configuration with our files in their places.
my $etc = tempdir(CLEANUP => 1);
mkdir "$etc/$_" for qw(filter.d jail.d action.d);
symlink $_, $_ =~ s{\A/etc/fail2ban}{$etc}r for glob '/etc/fail2ban/*.conf /etc/fail2ban/{filter,action}.d/*.conf';
symlink abs_path("conf/fail2ban/$_.d/apache-ratelimit.conf"), "$etc/$_.d/apache-ratelimit.conf" for qw(filter jail);

# The addresses that a line gives, in a list for each.
sub banned {
    my ($log, $filter) = @_;
    open my $out, '-|', $regex, '-c', $etc, '-o', 'ip', $log, $filter or die "$regex: $!";
    return map { /^([0-9a-f.:]+)$/i ? $1 : () } <$out>;
}

my $rules = <<'END';
LogLevel info
Protocols h2c http/1.1
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
<Location "/ok/address">
    RateLimit address 1/30d
</Location>
<Location "/ok/both">
    RateLimit both 1/30d key=ip+query:k
</Location>
<Location "/ok/user">
    RateLimit either 1/30d key=user-or-ip
    Include conf/either.conf
</Location>
<Location "/ok/concurrent">
    RateLimit slots 1/30d key=ip/32/64
</Location>
<Location "/ok/computed">
    RateLimit computed expr=%{HTTP:X-Rate}
</Location>
<Location "/ok/all">
    RateLimit everybody 1/30d key=all
</Location>
<Location "/ok/net">
    RateLimit net 1/30d key=ip/24/48
</Location>
<Location "/ok/short">
    RateLimitIPv4Prefix 24
    RateLimitIPv6Prefix 56
    RateLimit prefix 1/30d
</Location>
<Location "/ok/query">
    RateLimit query 1/30d key=query:k
</Location>
<Location "/ok/closed">
    RateLimit closed 0/30d
</Location>
<Location "/ok/needed">
    RateLimit needed 5/30d key=ip+query:k missing=deny
</Location>
<Location "/ok/watched">
    RateLimit watched 1/30d action=observe
</Location>
<Location "/ok/button">
    RateLimit button 1/30d action=challenge
</Location>
END
my %files = ('conf/either.conf' => "<If \"-n %{HTTP:Authorization}\">\nInclude conf/auth.conf\n</If>\n");

my $evil = 'ratelimit: rule address, limit 1/30d: denied, key 0123456789ab, retry after 1 s, one address; [client 198.51.100.9:1]';
my @addresses = ('192.0.2.7', '2001:db8::1', '2001:db8:0:1:2:3:4:5', '2001:db8:1::1234', '2001:db8:2::');

# Every kind of line, and the addresses that are to be banned for them.
sub provoke {
    my ($s) = @_;
    my @due;
    my $twice = sub { my ($path, $from, @o) = @_; status($s, $path, from => $from, @o) for 1, 2 };
    $twice->('/ok/address', $_), push @due, $_ for @addresses;
    $twice->('/ok/address', '192.0.2.8', headers => [ Referer => 'http://example.org/' ]), push @due, '192.0.2.8';
    $twice->('/ok/address', '192.0.2.9', headers => [ Referer => $evil ]), push @due, '192.0.2.9';
    status($s, '/ok/address', from => '192.0.2.10') for 1 .. 12;
    push @due, ('192.0.2.10') x 2;
    $twice->('/ok/both?k=a%20%22,(x)%5d', '192.0.2.11'), push @due, '192.0.2.11';
    $twice->('/ok/both?k=' . 'x' x 100, '192.0.2.12'), push @due, '192.0.2.12';
    $twice->('/ok/user', '192.0.2.13'), push @due, '192.0.2.13';
    $twice->('/ok/concurrent', $_), push @due, $_ for '192.0.2.14', '2001:db8:3::5:4321';
    $twice->('/ok/computed', '192.0.2.15', headers => [ 'X-Rate' => '1/30d' ]), push @due, '192.0.2.15';
    # From here on nobody is to be banned.
    for my $k (3, 4) {
        status($s, $_, from => "203.0.113.$k", headers => [ Referer => $evil ]) for map { ("/ok/$_") x 2 } qw(all net short query closed needed watched);
    }
    $twice->("/ok/$_", '2001:db8:4::1', headers => [ Referer => $evil ]) for qw(net short);
    $twice->('/ok/user', '203.0.113.5', headers => [ Authorization => 'Basic YWxpY2U6c2VjcmV0' ]);
    $twice->('/ok/computed', '203.0.113.6', headers => [ 'X-Rate' => '0/30d' ]);
    $twice->('/ok/button', '203.0.113.7', headers => [ Accept => 'text/html' ]);
    status($s, '/none/' . $evil =~ s/([^\w:])/sprintf '%%%02x', ord $1/ger, from => '203.0.113.8', headers => [ Referer => $evil ]);
    status($s, '/ok/user', from => "203.0.113.9", headers => [ Authorization => 'Basic YWxpY2U6d3Jvbmc=', Referer => $evil ]);
    if ($nghttp) {
        system "$nghttp -m 3 -H'x-client: $_' http://127.0.0.1:" . $s->port . '/ok/address >/dev/null 2>&1' for '192.0.2.20', '2001:db8:5::1';
        push @due, '192.0.2.20', '2001:db8:5::1';
    }
    return @due;
}

for ([ 'as it comes', '' ], [ 'with values', "RateLimitLog notice keys\n" ], [ 'at LogLevel debug', "LogLevel ratelimit_cache:debug\nRateLimitLog debug\n" ],
    [ 'ErrorLogFormat as the manual has it', 'ErrorLogFormat "[%{u}t] [%-m:%l] [pid %P:tid %T] %7F: %E: [client\ %a] %M% ,\ referer\ %{Referer}i"' . "\n" ])
{
    my ($name, $more) = @$_;
    my $s = httpd($rules . $more, files => \%files);
    my @due = provoke($s);
    my @denials = $s->wait_log(0, qr/\] ratelimit: rule \S+ limit \S+ (?:would deny|denied), key/, 12);
    my @remote = grep { /\[remote / } @denials;
    cmp_ok scalar(@remote), '>', 0, "$name: HTTP/2 is logged as [remote" if $nghttp && $name !~ /Format/;
    my $log = $s->log_file;
    is join(' ', sort(banned($log, 'apache-ratelimit'))), join(' ', sort @due), "$name: each address that was denied for itself, and no other"
        or diag join "\n", @denials;
    is join(' ', sort(banned($log, 'apache-ratelimit[rules="both|either"]'))), '192.0.2.11 192.0.2.12 192.0.2.13', "$name: of the rules that the jail names"
        if $name eq 'as it comes';
}

# ---- the jail ---------------------------------------------------------------------------------------------------------
open my $local, '>', "$etc/jail.local" or die $!;
print {$local} "[apache-ratelimit]\nenabled = true\nlogpath = /dev/null\nbackend = polling\n";
close $local;
my $told = `$client -c $etc -d 2>&1`;
is $?, 0, 'the jail: fail2ban reads it' or diag $told;
like $told, qr/'set', 'apache-ratelimit', '\Q$_->[0]\E', '?\Q$_->[1]\E/, "the jail: $_->[0]" for [ maxretry => 3 ], [ findtime => '10m' ], [ bantime => '1h' ];
like $told, qr/one address/, 'the jail: has the filter';

finish;
