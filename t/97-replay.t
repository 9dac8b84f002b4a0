# SPDX-License-Identifier: Apache-2.0
# rlctl replay: what it says of a real server's access log is what that server did; rlctl check.
use RL::Test;
use JSON::PP ();
use IO::Compress::Gzip qw(gzip);

my $rlctl = ($ENV{RL_OUT} // 'out') . '/rlctl';
BAIL_OUT("no $rlctl: run make first") if !-x $rlctl;
$ENV{RLCTL_HTTPD}  = RL::Conf::binary();
$ENV{RLCTL_MODULE} = RL::Conf::module();
delete $ENV{NO_COLOR};

my $rules = <<'END';
RateLimitSecret "a secret of some length"
LogFormat "%a %u [%{usec}t] \"%r\" %>s %D \"%{User-Agent}i\" %{RATELIMIT_STATUS}e %{RATELIMIT_RULE}e" replay
CustomLog logs/replay.log replay
RemoteIPHeader X-Client
ScriptAliasMatch "^/run/" "${CGIBIN}/env.cgi"
SetEnvIf User-Agent "Bot" BOT
RateLimitExempt 192.0.2.99
<Location /ok/fixed>
    RateLimit fixed 3/30d
    RateLimit together 12/30d key=all
</Location>
<Location /ok/sliding>
    RateLimit sliding 4/30d algorithm=sliding-window key=ip/24
</Location>
<LocationMatch "^/ok/b[a-z]+">
    RateLimit bucket 1/30d algorithm=token-bucket burst=5 methods=POST,GET
</LocationMatch>
<Location /ok/costly>
    RateLimit costly 10/30d "cost=expr=%{QUERY_STRING}" key=path
</Location>
<Location /ok/bots>
    RateLimit bots 2/30d "when=%{env:BOT} == 'Bot'" key=env:BOT penalty=1d
</Location>
<Location /run/values>
    RateLimit values 2/30d distinct=query:v count=404
</Location>
<Location /run/outcome>
    RateLimit wrong 3/30d count=404 clear=201
</Location>
<Location /ok/form>
    RateLimit form 3/30d key=form:user methods=POST
</Location>
END

my $s = httpd($rules, cgi => 1, modules => ['remoteip']);

# Everything that a rule can see in a log, in an order of its own for each run of the same seed.
sub traffic {
    my @todo;
    push @todo, [ 'GET', '/ok/fixed', from => "192.0.2.$_" ] for map { $_ % 5 } 1 .. 25;
    push @todo, [ 'GET', '/ok/fixed', from => '192.0.2.99' ] for 1 .. 5;
    push @todo, [ 'GET', '/ok/sliding', from => "198.51.100.$_" ] for 1 .. 8;
    push @todo, [ $_ % 3 ? 'GET' : 'HEAD', '/ok/bucket', from => '203.0.113.1' ] for 1 .. 9;
    push @todo, [ 'GET', "/ok/costly?$_", from => '203.0.113.2' ] for 4, 4, 1, 3, 1, 1, 1;
    push @todo, [ 'GET', '/ok/bots', from => '203.0.113.3', headers => [ 'User-Agent' => $_ % 2 ? 'Bot "x\\y"' : 'no' ] ] for 1 .. 10;
    push @todo, [ 'GET', "/run/outcome?cgi_status=$_", from => '203.0.113.4' ] for 404, 404, 200, 404, 404, 404, 201, 404;
    push @todo, [ 'GET', "/run/values?cgi_status=404&v=$_", from => '203.0.113.5' ] for qw(a b a c b a d);
    push @todo, [ 'GET', '/ok/%66ixed/../fixed//x', from => '192.0.2.77' ] for 1 .. 5;
    my $seed = 7;
    return sort { $a->[-1] <=> $b->[-1] } map { [ @$_, ($seed = $seed * 16807 % 2147483647) ] } @todo;
}

for my $todo (traffic()) {
    my ($method, $path, @more) = @$todo;
    pop @more;
    request($s, $method, $path, @more);
}
my $log   = $s->root . '/logs/replay.log';
my $lines = () = traffic();
await(20, sub { (() = slurp($log) =~ /\n/g) >= $lines }) or fail 'the log is complete';
my @log    = split /\n/, slurp($log);
my @denied = grep { /(?<! exempt) denied \S+$/ } @log;
cmp_ok scalar @denied, '>', 20, 'the run has denied a good many requests';

my $format = '%a %u [%{usec}t] "%r" %>s %D "%{User-Agent}i"';
my @common = ('--config', $s->root . '/conf/httpd.conf', '--format', $format);

# (exit status, what it wrote)
sub rlctl {
    my (@args) = @_;
    my $quoted = join ' ', map { my $arg = $_; $arg =~ s/'/'\\''/g; "'$arg'" } @args;
    my $text = `'$rlctl' $quoted 2>&1`;
    return ($? >> 8, $text);
}

my ($status, $text) = rlctl('replay', @common, '--denied', $log);
is $status, 0, 'a replay of the log by the same configuration is done' or diag $text;
my @predicted = map { (split /\t/, $_, 2)[1] } split /\n/, $text;
is_deeply [ sort @predicted ], [ sort @denied ], 'request by request, what it says is denied is what was denied';
is_deeply [ map { (split /\t/, $_, 2)[0] } split /\n/, $text ], [ map { / (\S+)$/ } @predicted ], '... by the same rule';

($status, $text) = rlctl('replay', @common, '--json', $log);
my $json = eval { JSON::PP::decode_json($text) } // {};
is $json->{denied}, scalar @denied, 'the JSON report counts them';
my %rule = map { $_->{name} => $_ } @{ $json->{rules} };
cmp_ok $rule{fixed}{denied}, '>=', (() = "@denied" =~ / fixed\b/g), '... and those that a rule would have denied, with others or alone';
is $rule{wrong}{cleared}, 1, '... and what an outcome has cleared';
is $json->{exempt}, 5, '... and exempt requests' or diag $text;

# What wrote it late comes late, and is put in its place; compressed or not makes no difference.
my @shuffled = sort { ($a =~ /(\d+)\]/)[0] % 7 <=> ($b =~ /(\d+)\]/)[0] % 7 } @log;
gzip(\join('', map { "$_\n" } @shuffled), $s->root . '/shuffled.gz') or die;
($status, $text) = rlctl('replay', @common, '--denied', $s->root . '/shuffled.gz');
is_deeply [ sort map { (split /\t/, $_, 2)[1] } split /\n/, $text ], [ sort @denied ], 'lines in another order, compressed: the same';

# ---- a file of rules, and logs in the usual formats -------------------------------------------------------------

$s->write('rules.conf', <<'END');
<Location "/">
    RateLimit address 10/m
    RateLimit form 3/h key=form:user methods=POST
</Location>
END
my @rules = ('--rules', $s->root . '/rules.conf');

sub combined {
    my ($ip, $second, $path) = @_;
    return sprintf qq(%s - - [26/Nov/2026:10:%02d:%02d +0000] "GET %s HTTP/1.1" 200 12 "-" "Mozilla/5.0"\n), $ip,
        $second / 60, $second % 60, $path;
}

$s->write('flood.log', join '', map { combined(join('.', 10, $_ % 250, int($_ / 250), 7), int($_ / 5), "/p$_") } 0 .. 9999 % 3000);
($status, $text) = rlctl('replay', @rules, $s->root . '/flood.log');
like $text, qr/No limit by address would have helped/, 'many addresses with a request each: it says that no limit by address helps';
like $text, qr/not replayed: an access log doesn't tell/, 'a rule that needs the body is not replayed, and it says so';

$s->write('one.log', join '', map { combined('192.0.2.7', $_ % 60, '/') . combined("198.51.100.$_", $_ % 60, '/') } 1 .. 50);
($status, $text) = rlctl('replay', @rules, '--json', '--plot', $s->root . '/plot.svg', $s->root . '/one.log');
$json = eval { JSON::PP::decode_json($text) } // {};
cmp_ok $json->{denied}, '>=', 30, 'one busy address is denied';
is $json->{clients_denied}, 1, '... and nobody else';
ok $json->{rules}[0]{address_helps}, '... so limits by address help';
like $json->{rules}[0]{busiest}[0]{values}, qr/^192\.0\.2\.7$/, '... and the report names it' or diag $text;
like slurp($s->root . '/plot.svg'), qr{^<svg .*</svg>$}s, 'the plot is drawn';

($status, $text) = rlctl('replay', @rules, $s->root . '/rules.conf');
like $text, qr/No line of \d+ tells of a request/, 'a file that is no log is said to be none';
($status) = rlctl('replay', @rules, '/nonexistent.log');
is $status, 1, 'a log that can not be read is an error';
($status) = rlctl('replay', $log);
is $status, 2, 'no rules: usage';

$s->write('slots.conf', "<Location \"/\">\n    RateLimit slots 2/concurrent\n</Location>\n");
my @slots = ('--rules', $s->root . '/slots.conf');
$s->write('took.log', join '', map { my $line = combined('192.0.2.7', 1, '/'); $line =~ s/\n/ 3000000\n/; $line } 1 .. 3);
my $with = '%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D';
($status, $text) = rlctl('replay', @slots, '--format', $with, $s->root . '/took.log');
like $text, qr/^  not judged: .* By the log's %D at most 3 requests ran at the same time, 3 of one client$/m,
    'a rule of COUNT/concurrent is not judged: it says so, and what the log says of requests at the same time';
unlike $text, qr/No limit by address|smallest COUNT/, '... and no more';
($status, $text) = rlctl('replay', @slots, $s->root . '/one.log');
like $text, qr/^  not judged: .* With %D the log would tell/m, '... without %D, that it would tell';
($status, $text) = rlctl('replay', @slots, '--json', $s->root . '/one.log');
$json = eval { JSON::PP::decode_json($text) } // {};
ok !$json->{rules}[0]{replayed}, '... and so does the JSON';
is $json->{rules}[0]{reason}, 'concurrent', '... with the reason';

# ---- what a file of rules means ---------------------------------------------------------------------------------

($status, $text) = rlctl('check', $s->root . '/rules.conf');
is $status, 0, 'rlctl check of good rules';
like $text, qr/^<Location "\/">\n  address: at most 10 requests per minute, for each client address/m, '... says what they mean';
$s->write('values.conf', "RateLimit a 10/h key=ip/24 distinct=form:user\n");
($status, $text) = rlctl('check', $s->root . '/values.conf');
like $text, qr/each client \/24 network.*; charged once for each value of the form's field user/, '... and of distinct= what it counts';
$s->write('bad.conf', "RateLimit a 5//m\n");
($status, $text) = rlctl('check', $s->root . '/bad.conf');
is $status, 1, '... of bad ones';
like $text, qr/RateLimit a: "5\/\/m"/, '... says what is wrong';

finish;
