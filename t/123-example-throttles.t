# SPDX-License-Identifier: Apache-2.0
# The examples that need no application do what they say, as they stand: api-tiers.conf, login-form.conf and
# shared-hosting.conf; and each example says what it protects from, and what it doesn't. (Those for applications: t/apps.)
use RL::Test;
use Cwd qw(abs_path);

sub counted { my %n; $n{$_}++ for @_; return join ' ', map { "$n{$_}x$_" } sort keys %n }

# A server with an example; windows of a minute or an hour are made windows of thirty days, or one would end in the midst.
sub serve {
    my ($name, $more, %o) = @_;
    my $conf = slurp("conf/examples/$name.conf") =~ s{^ *RateLimit \S+ +\d+\K/(?:m|h|10m|10s)\b(?!.*token-bucket)}{/30d}mgr;
    return httpd("RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1\n$conf\n$more", %o);
}

# A token bucket lets in its size, and `rate` a second while the requests came.
sub bucket_lets {
    my ($n, $size, $rate, $request, $name) = @_;
    my $began = Time::HiRes::time();
    my $let = grep { $request->($_) == 200 } 1 .. $n;
    my $most = $size + $rate * (Time::HiRes::time() - $began) + 1;
    return ok($let >= $size && $let <= $most, $name) || diag("$let of $n, at most $most");
}

for my $file (glob 'conf/examples/*.conf') {
    my ($head) = slurp($file) =~ /\A((?:#.*\n|\s*\n|<IfDefine.*\n(?:.*\n)*?<\/IfDefine>\n)+)/;
    like $head, qr/\bprotects\b/i, "$file: says at its top what it protects from";
    like $head, qr/\b(?:doesn't|does not) protect\b/i, "$file: and what it doesn't";
}

# ---- api-tiers --------------------------------------------------------------------------------------------------------
my $s = serve('api-tiers', <<'END');
AliasMatch "^/api" "${DOCROOT}/ok.txt"
<Location "/api/users/">
    Include conf/auth.conf
</Location>
END
my @alice = (headers => [ Authorization => 'Basic YWxpY2U6c2VjcmV0' ]);
my @wrong = (headers => [ Authorization => 'Basic YWxpY2U6d3Jvbmc=' ]);
is counted(map { status($s, '/api/x') } 1 .. 1003), '1000x200 3x429', 'api-tiers: who is nobody gets a thousand';
is counted(map { status($s, '/api/users/x', @alice) } 1 .. 1010), '1010x200', 'api-tiers: users get more, from the same address';
is counted(map { status($s, '/api/session/', method => 'POST', from => '192.0.2.1', @wrong) } 1 .. 7), '5x200 2x429', 'api-tiers: five logins for one name from one address';
is counted(map { status($s, '/api/session/', method => 'POST', from => "192.0.3.$_", @wrong) } 1 .. 28), '25x200 3x429', 'api-tiers: thirty for one name from all';
my $key = sub { my ($k) = @_; return (from => '192.0.2.9', headers => [ 'X-Api-Key' => $k ]) };
bucket_lets(350, 300, 5, sub { status($s, '/api/v2/x', $key->('k7Rw2mQ9')) }, 'api-tiers: a small plan');
is counted(map { status($s, '/api/v2/x', $key->('b3Vn6sYd')) } 1 .. 400), '400x200', 'api-tiers: a large one';
bucket_lets(40, 20, 1 / 3, sub { status($s, '/api/v2/x', $key->("made-up-$_[0]")) }, 'api-tiers: keys that are made up share what nobody has');
is counted(map { status($s, '/api/v2/search', from => '192.0.4.1', headers => [ 'X-Api-Key' => 'b3Vn6sYd' ]) } 1 .. 601), '600x200 1x429', 'api-tiers: searches are ten times as dear';

# ---- login-form -------------------------------------------------------------------------------------------------------
$s = serve('login-form', "AliasMatch \"^/login.php\" \"\${CGIBIN}/env.cgi\"\n<Location /login.php>\nSetHandler cgi-script\nOptions +ExecCGI\n</Location>\n");
my $try = sub { my ($user, $from, %o) = @_; return status($s, $o{path} // '/login.php', method => $o{method} // 'POST', from => $from, body => "username=$user&password=x",
    headers => [ 'Content-Type' => 'application/x-www-form-urlencoded' ]) };
is counted(map { $try->("user$_", '192.0.2.1') } 1 .. 13), '10x200 3x429', 'login-form: ten from one address';
is counted(map { $try->('admin', "198.51.$_.1") } 1 .. 33), '30x200 3x429', 'login-form: thirty for one account, from wherever';
is counted($try->('new', '192.0.5.1', path => '/login.php?username=admin'), $try->('new', '192.0.5.1', method => 'PUT')), '2x403', 'login-form: fields where the form has none';
is counted(map { status($s, '/login.php', from => '192.0.2.3') } 1 .. 62), '60x200 2x429', 'login-form: the form itself';

# ---- shared-hosting ---------------------------------------------------------------------------------------------------
$s = serve('shared-hosting', <<'END', files => { 'htdocs/a.css' => "a\n" });
AliasMatch "^/(?:page|wp-login.php)" "${DOCROOT}/ok.txt"
<VirtualHost *:${PORT}>
    ServerName one.test
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName two.test
</VirtualHost>
END
my @one = (host => 'one.test', from => '192.0.2.1');
is counted(map { status($s, '/a.css', @one) } 1 .. 70), '70x200', 'shared-hosting: what a page brings with it is not counted';
is counted(map { status($s, '/page', @one) } 1 .. 63), '60x200 3x429', 'shared-hosting: pages are';
is status($s, '/page', host => 'two.test', from => '192.0.2.1'), 200, 'shared-hosting: each site counts for itself';
is counted(map { status($s, '/page', method => 'POST', host => 'one.test', from => '192.0.2.2') } 1 .. 33), '30x200 3x429', 'shared-hosting: what changes something is counted besides';
is counted(map { status($s, '/wp-login.php', method => 'POST', host => $_ % 2 ? 'one.test' : 'two.test', from => '192.0.2.3') } 1 .. 23), '20x200 3x429', 'shared-hosting: guesses over all sites';
is counted(map { status($s, '/page', host => 'one.test', from => '127.0.0.1') } 1 .. 70), '70x200', 'shared-hosting: the machine itself';

finish;
