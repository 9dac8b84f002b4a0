# SPDX-License-Identifier: Apache-2.0
# count=auth-failed: who brings the right password isn't denied because many of his requests come at once, however
# slowly passwords are checked; who guesses isn't helped by that.
use RL::Test;
use RL::Stores;
use MIME::Base64 ();

my ($h2load) = grep { -x } map { "$_/h2load" } split /:/, $ENV{PATH};
plan skip_all => 'h2load (package nghttp2-client) is not here' if !$h2load;
my $slow = crypt 'right', '$2y$08$abcdefghijklmnopqrstuu';
plan skip_all => 'crypt() has no bcrypt' if !$slow || $slow !~ /^\$2y\$08\$/;

my $auth = <<'END';
    AuthType Basic
    AuthName test
    AuthBasicProvider file
    AuthUserFile "${ROOT}/conf/slow"
    Require valid-user
END
my $rules = <<"END";
Protocols h2c http/1.1
<Location /ok/page>
$auth
    RateLimit wrong 5/30d key=ip+claimed-user count=auth-failed
</Location>
<Location /ok/clear>
$auth
    RateLimit wrong 5/30d key=ip+claimed-user count=auth-failed clear=auth-ok
</Location>
<Location /ok/penalty>
$auth
    RateLimit wrong 2/30d key=claimed-user count=auth-failed penalty=1d
</Location>
<Location /ok/guess>
$auth
    RateLimit wrong 5/30d key=claimed-user count=auth-failed penalty=1d
</Location>
END

sub basic { return 'Authorization: Basic ' . MIME::Base64::encode("$_[0]:$_[1]", '') }

# Statuses of so many requests over that many connections, as "40 2xx, 0 4xx".
sub load {
    my ($s, $path, $password, $n, $connections, @more) = @_;
    my $at_once = int(($n + $connections - 1) / $connections);
    my $header  = basic('jane', $password);
    my $out     = `$h2load -n $n -c $connections -m $at_once @more -H '$header' http://127.0.0.1:@{[ $s->port ]}$path 2>&1`;
    my ($ok, $refused) = $out =~ /status codes: (\d+) 2xx, \d+ 3xx, (\d+) 4xx/;
    return defined $ok ? "$ok 2xx, $refused 4xx" : $out;
}

for my $store (stores()) {
    my ($name, $conf) = @$store;
    my $s = httpd($conf . $rules, files => { 'conf/slow' => "jane:$slow\n" });
    is load($s, $_, 'right', 40, 1), '40 2xx, 0 4xx', "$name: $_: forty streams of one connection, the right password" for '/ok/page', '/ok/clear';
    is load($s, '/ok/page', 'right', 42, 6, '--h1'), '42 2xx, 0 4xx', "$name: six connections of HTTP/1.1, the right password";
    is load($s, '/ok/penalty', 'right', 20, 1), '20 2xx, 0 4xx', "$name: penalty=: nor does a penalty start";
    is load($s, '/ok/guess', 'wrong', 40, 1), '0 2xx, 40 4xx', "$name: forty guesses at once are refused";
    my @checked = grep { /password mismatch|Password Mismatch/i } $s->log_lines(0);
    is scalar @checked, 5, "$name: ... and five of them checked";
    is load($s, '/ok/guess', 'right', 1, 1), '0 2xx, 1 4xx', "$name: ... after which the right password is refused, too";
    is load($s, '/ok/page', 'right', 40, 1), '40 2xx, 0 4xx', "$name: elsewhere nothing is left of it";
}

finish allow => qr/Password Mismatch/i;
