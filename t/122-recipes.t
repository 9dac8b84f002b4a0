# SPDX-License-Identifier: Apache-2.0
# The recipes of docs/recipes.md do what they say, as they stand; only windows of a minute are made windows of thirty days,
# or one of them would end in the midst of counting now and then.
use RL::Test;
use Cwd qw(abs_path);
use File::Temp ();
use RL::Manual;
use RL::Rlctl;

my %recipe;
for my $part (split /^## /m, slurp('docs/recipes.md')) {
    my ($name) = $part =~ /\A(.+)\n/;
    my ($conf) = RL::Manual::of_kind(apache => $part);
    $recipe{$name} = $conf =~ s{^ *RateLimit \S+ +\d+\K/m\b(?!.*token-bucket)}{/30d}mgr if defined $conf;
}
my %tried;

# A server with a recipe, and what else the test needs.
sub serve { my ($name, $more, %o) = @_; $tried{$name} = 1; return httpd($recipe{$name} . ($more // ''), %o) }

my %wrong = (headers => [ Authorization => 'Basic YWxpY2U6d3Jvbmc=' ]);
my %right = (headers => [ Authorization => 'Basic YWxpY2U6c2VjcmV0' ]);
my $remote = "RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1\n";

# A token bucket lets in its size, and `rate` a second while the requests came.
sub bucket_lets {
    my ($n, $size, $rate, $request, $name) = @_;
    my $began = Time::HiRes::time();
    my $let = grep { $request->($_) == 200 } 1 .. $n;
    my $most = $size + $rate * (Time::HiRes::time() - $began) + 1;
    return ok($let >= $size && $let <= $most, $name) || diag("$let of $n, at most $most");
}
my $slow = "#!/bin/sh\nsleep 1\nprintf 'Content-Type: text/plain\\n\\nslow\\n'\n";

# How often each status came, as '5x200 1x429'.
sub counted { my %n; $n{$_}++ for @_; return join ' ', map { "$n{$_}x$_" } sort keys %n }

my $s = serve('At most three at a time', $remote, files => { 'cgi-bin/report.cgi' => $slow });
my @got = map { $_->status } parallel($s, 12, sub { ('GET', '/cgi-bin/report.cgi', headers => [ 'X-Client' => '192.0.2.' . $_[0] ]) });
cmp_ok scalar(grep { $_ == 200 } @got), '>=', 6, 'at most three at a time: those that wait get their turn' or diag "@got";
cmp_ok scalar(grep { $_ == 429 } @got), '>=', 3, 'at most three at a time: more than six do not wait' or diag "@got";
is counted(map { $_->status } parallel($s, 3, '/cgi-bin/report.cgi')), '1x200 2x429', 'at most three at a time: one for each address';

$s = serve('Out of the whole site after failed logins', $remote . <<'END');
AliasMatch "^/(?:login|page)" "${DOCROOT}/ok.txt"
<Location "/login">
    Include conf/auth.conf
</Location>
END
is counted(map { $_->status } parallel($s, 30, '/page')), '30x200', 'out of the site: pages cost nothing';
is counted(map { status($s, '/login', %right) } 1 .. 10), '10x200', 'out of the site: logins that succeed cost nothing';
is counted(map { status($s, '/login', %wrong) } 1 .. 6), '5x401 1x429', 'out of the site: five may fail';
is counted(status($s, '/page'), status($s, '/login', %right)), '2x429', 'out of the site: then everything is denied';
cmp_ok request($s, 'GET', '/page')->header('Retry-After'), '>', 3500, 'out of the site: for an hour';
is status($s, '/page', from => '192.0.2.1'), 200, 'out of the site: others are served';

$s = serve('Wide networks', $remote);
is counted(map { status($s, '/ok', from => '192.0.2.1') } 1 .. 610), '600x200 10x429', 'wide networks: one address';
is counted(map { status($s, '/ok', from => '192.0.2.' . (2 + $_ % 200)) } 1 .. 2420), '2400x200 20x429', 'wide networks: two hundred of one /24';
is status($s, '/ok', from => '192.0.3.1'), 200, 'wide networks: the next one is served';

my $api = "AliasMatch \"^/api\" \"\${DOCROOT}/ok.txt\"\n";
$s = serve('A plan per API key', $api);
my $with = sub { my ($key) = @_; return (headers => $key ? [ 'X-Api-Key' => $key ] : []) };
bucket_lets(330, 300, 5, sub { status($s, '/api/x', $with->('k7Rw2mQ9')) }, 'plans: the small one lets 300 in, and five a second');
is counted(map { status($s, '/api/x', $with->('b3Vn6sYd')) } 1 .. 330), '330x200', 'plans: the large one is another';
is counted(map { status($s, '/api/x', $with->($_ % 2 ? "made-up-$_" : undef)) } 1 .. 24), '20x200 4x429', 'plans: keys that are made up share what nobody has';

$s = serve('A quota by the day', $api);
bucket_lets(60, 20, 10, sub { status($s, '/api/x', $with->('mine')) }, 'a quota: so many a second');
like request($s, 'GET', '/api/x', $with->('other'))->header('RateLimit-Policy'), qr/"second";q=20;w=2, "day";q=5000;w=86400/, 'a quota: both are told';
is status($s, '/api/x'), 200, 'a quota: without a key there is none';

$s = serve('Tenants', <<'END', files => { 'cgi-bin/slow.cgi' => $slow });
<VirtualHost *:${PORT}>
    ServerName one.test
    ScriptAlias /cgi-bin/ "${CGIBIN}/"
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName two.test
</VirtualHost>
END
is counted(map { status($s, '/', host => 'one.test') } 1 .. 604), '600x200 4x429', 'tenants: a site';
is status($s, '/', host => 'two.test'), 200, 'tenants: another one';

$s = serve('Behind nginx or HAProxy');
is counted(map { status($s, '/ok', headers => [ 'X-Forwarded-For' => "198.51.100.$_" ]) } 1 .. 250), '250x200', 'behind a proxy: within the limit';
is counted(map { status($s, '/ok', headers => [ 'X-Forwarded-For' => "198.51.100." . $_ % 250 ]) } 1 .. 360), '350x200 10x429', 'behind a proxy: who is no proxy is counted by his own address';
my $through = $recipe{'Behind nginx or HAProxy'} =~ s/10\.0\.0\.5/127.0.0.1/r;
$s = httpd($through);
is counted(map { status($s, '/ok', headers => [ 'X-Forwarded-For' => '198.51.100.' . $_ % 2 ]) } 1 .. 1000), '1000x200', 'behind a proxy: through the proxy each client by his';

$s = serve('Behind a CDN');
is status($s, '/ok', headers => [ 'X-Forwarded-For' => '203.0.113.1' ]), 403, 'behind a CDN: who comes by himself is refused';
$s = httpd($recipe{'Behind a CDN'} =~ s{192\.0\.2\.0/24}{127.0.0.0/8}gr);
is counted(map { status($s, '/ok', headers => [ 'X-Forwarded-For' => '203.0.113.1' ]) } 1 .. 604), '600x200 4x429', 'behind a CDN: through it each client has his limit';
is status($s, '/ok', headers => [ 'X-Forwarded-For' => '203.0.113.2' ]), 200, 'behind a CDN: and the next one his';
is status($s, '/ok'), 403, 'behind a CDN: a request that it sends for nobody is refused';

# The provider's list as the recipe makes a file of it.
my $lists = File::Temp::tempdir(CLEANUP => 1);
for my $list ([ 'published.json' => '{"addresses": ["192.0.2.0/24", "127.0.0.0/8"]}' ], [ 'published.txt' => "# Ours\n192.0.2.0/24\n127.0.0.0/8\n" ]) {
    open my $published, '>', "$lists/published.json" or die $!;
    print {$published} $list->[1];
    close $published;
    my ($command) = slurp('docs/recipes.md') =~ /^    (rlctl networks .*)$/m;
    my $program = abs_path(RL::Rlctl::program());
    is system("cd '$lists' && " . $command =~ s/\Arlctl/'$program'/r), 0, "behind a CDN: $list->[0] becomes two files";
    $s = httpd($recipe{'Behind a CDN'} =~ s{RemoteIPTrustedProxy .*}{RemoteIPTrustedProxyList $lists/proxies.txt}r . "RateLimitNetworks cdn file:$lists/cdn.txt\n");
    is status($s, '/ok', headers => [ 'X-Forwarded-For' => '203.0.113.2' ]), 200, "behind a CDN: $list->[0]: its networks are the proxies";
    is status($s, '/ok', headers => [ 'X-Forwarded-For' => '203.0.113.2, 192.0.2.1' ]), 200, "behind a CDN: $list->[0]: through several";
}

my $app = httpd("AliasMatch \"^/login\" \"\${DOCROOT}/ok.txt\"\n<Location \"/login\">\n    Include conf/auth.conf\n</Location>\n", rl => 0);
$s = httpd($recipe{'In front of an application (mod_proxy)'} =~ s/127\.0\.0\.1:8000/'127.0.0.1:' . $app->port/er, modules => [qw(proxy proxy_http)]);
$tried{'In front of an application (mod_proxy)'} = 1;
is status($s, '/app/ok'), 200, 'mod_proxy: served by the application';
is counted(map { status($s, '/app/login', method => 'POST', %wrong) } 1 .. 7), '5x401 2x429', 'mod_proxy: the application says what fails';
is status($s, '/app/login', method => 'POST', %right), 429, 'mod_proxy: then even the right one is denied';
is status($s, '/app/ok'), 200, 'mod_proxy: the rest is served';

$s = serve('Certificates (mod_md)', "AliasMatch \"^/.well-known/acme-challenge/\" \"\${DOCROOT}/ok.txt\"\n");
is counted(map { status($s, '/ok') } 1 .. 603), '600x200 3x429', 'certificates: over the limit';
is status($s, '/.well-known/acme-challenge/x'), 200, 'certificates: challenges pass';

my $itk = $ENV{RL_ITK} // RL::Conf::moddir() . '/mpm_itk.so';
my @itk = -e $itk ? (qq(LoadModule mpm_itk_module "$itk"\n), 'under mpm-itk') : ('', 'under prefork');
my $sites = join '', map { "<VirtualHost *:\${PORT}>\n    ServerName $_->[0].test\n" . ($itk[0] ? "    AssignUserID $_->[1]\n" : '') . "</VirtualHost>\n" }
    [ one => 'nobody nogroup' ], [ two => 'www-data www-data' ];
SKIP: {
    $tried{'A user for each site (mpm-itk)'} = 1;
    skip 'mpm-itk needs root', 2 if $itk[0] && $> != 0;
    $s = httpd($itk[0] . $recipe{'A user for each site (mpm-itk)'} . $sites, mpm => 'prefork', workers => 8);
    is counted(map { status($s, '/', host => 'one.test') } 1 .. 604), '600x200 4x429', "$itk[1]: a site";
    is status($s, '/', host => 'two.test'), 200, "$itk[1]: another one";
}

is join(', ', grep { !$tried{$_} } sort keys %recipe), '', 'each recipe is tried';
finish;
