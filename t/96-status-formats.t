# SPDX-License-Identifier: Apache-2.0
# The status page and its other forms: JSON, OpenMetrics, Prometheus, health, and mod_status' page. Each is well-formed
# whatever the configuration is called, and tells the same figures.
use RL::Test;
use RL::Memcached;
use RL::Status;
use File::Temp ();
use JSON::PP ();

# A name for everything that has one, and each must be harmless in each form.
my $EVIL = q{<script>alert(1)</script>&amp;\\\\'};
my $s = httpd(statuspage() . <<"END", modules => ['status']);
<Location "/server-status">
    SetHandler server-status
</Location>
<Location "/ok/$EVIL">
    RateLimit evil 5/30d key=cookie:\xff'<b>\\" action=observe
</Location>
<Location "/ok/a">
    RateLimit login 5/30d key=ip/24/48+query:who
    RateLimit tokens 5/h algorithm=token-bucket burst=10 key=all
</Location>
<Location "/ok/b">
    RateLimit login 10/30d
    RateLimit computed expr=%{env:PLAN} key=all
    SetEnvIf Request_URI . PLAN=3/h
</Location>
<VirtualHost *:\${PORT2}>
    ServerName "two.test\\"><img src=x>"
    RateLimit host 1/30d key=all
</VirtualHost>
END
sub page { my ($query, %o) = @_; return request($s, $o{method} // 'GET', "/rl$query", %o) }

asked($s, 7, '/ok/a?who=a');
asked($s, 2, '/ok/b');
asked($s, 3, '/ok', port => $s->port2);

# ---- who may ask for what -----------------------------------------------------------------------------------
my $page = page('');
is $page->status, 200, 'the page';
is $page->header('Content-Type'), 'text/html; charset=utf-8', 'the page is HTML';
is page('?format=html')->status, 200, 'the page by its name';
is page("?x=y&format=$_")->header('Cache-Control'), 'no-store', "$_ is not stored" for qw(html json openmetrics prometheus health);
is page("?format=json")->header('X-Content-Type-Options'), 'nosniff', 'no browser guesses at a type';
is page('?format=nonesuch')->status, 400, 'an unknown format is refused';
like page('?format=nonesuch')->body, qr/one of html, json, /, 'with what there is';
is page('', method => 'HEAD')->status, 200, 'HEAD';
is page('', method => 'HEAD')->body, '', 'HEAD has no body';
is page('', method => 'POST')->status, 403, 'a POST without a token is refused';
my $put = page('', method => 'PUT');
is $put->status, 405, 'PUT is not allowed';
is_deeply [ sort grep { /GET|POST/ } split /,\s*/, $put->header('Allow') ], [qw(GET POST)], 'what is allowed instead';
is status($s, '/ok/rl?format=json'), 200, 'other locations have nothing of it';

# ---- HTML: t/100-status-page.t looks at it closely ------------------------------------------------------------
my $html = $page->body;
unlike $html, qr/<(?:img|b>\\)|http:/i, 'HTML: nothing of what names say is markup';
like $html, qr/&lt;script&gt;alert\(1\)/, 'HTML: a section that looks like markup is told as text';
like $html, qr/two\.test.*?&quot;&gt;&lt;img/, 'HTML: a host that looks like markup, too';

# ---- JSON ---------------------------------------------------------------------------------------------------
my $figures = JSON::PP->new->utf8->decode(page('?format=json')->body);
is page('?format=json')->header('Content-Type'), 'application/json', 'JSON: its type';
my %members = (
    figures => [ $figures, qw(version time busy rules keys stores table) ],
    rule    => [ rule($figures, 'login'), qw(name vhost section rate key algorithm checked allowed denied observed refunded cleared missing waiting in_flight) ],
    key     => [ $figures->{keys}[0], qw(rule vhost tag used limit reset penalty denied values) ],
    store   => [ $figures->{stores}[0], qw(name servers local_decisions outage) ],
    table   => [ $figures->{table}, qw(bytes cells used evictions) ],
);
for my $what (sort keys %members) {
    my ($has, @wanted) = @{ $members{$what} };
    is join(' ', grep { !exists $has->{$_} } @wanted), '', "JSON: a $what has all its members";
}
my $evil = rule($figures, 'evil');
is $evil->{section}, q{<Location "/ok/<script>alert(1)</script>&amp;\\\\'">}, 'JSON: the section as it is written';
like $evil->{key}, qr/\Acookie:\?'<b>/, 'JSON: bytes that are no UTF-8 are told as a question mark';
is $evil->{action}, 'observe', 'JSON: what a rule does';
my $login = rule($figures, 'login');
is "$login->{rate} $login->{key} $login->{algorithm} $login->{vhost}", '5/30d ip/24/48+query:who fixed-window localhost', 'JSON: a rule';
is rule($figures, 'computed')->{rate}, 'expr=%{env:PLAN}', 'JSON: a rate that is computed';
my ($computed) = keys_of($figures, 'computed');
is "$computed->{used} $computed->{limit}", '2 3', 'JSON: what a key has used of a rate that is computed';
my ($tokens) = keys_of($figures, 'tokens');
is $tokens->{limit}, 10, 'JSON: the limit of a bucket is its size';
is $figures->{table}{bytes}, 64 * $figures->{table}{cells}, 'JSON: the size of the table';
cmp_ok $figures->{table}{used}, '>=', 4, 'JSON: cells in use';
is_deeply [ map { scalar @{ $figures->{requests}{$_}{denied} } } qw(minutes hours) ], [ 60, 24 ], 'JSON: an hour by minutes, a day by hours';

# ---- metrics ------------------------------------------------------------------------------------------------
sub has_program { my ($program) = @_; return scalar grep { -x "$_/$program" } split /:/, $ENV{PATH} // '' }

# Hands the text to a command; what it says when it fails.
sub complaint {
    my ($text, @command) = @_;
    my $file = File::Temp->new;
    binmode $file;
    print {$file} $text;
    close $file;
    my $said = qx(@command < $file 2>&1);
    return $? == 0 ? $said : "failed: $said";
}

my @names = qw(httpd_ratelimit_requests_total httpd_ratelimit_refunds_total httpd_ratelimit_clears_total
    httpd_ratelimit_evictions_total httpd_ratelimit_local_decisions_total httpd_ratelimit_table_cells httpd_ratelimit_busy
    httpd_ratelimit_build_info httpd_ratelimit_store_duration_seconds_bucket);
sub metrics_are_good {
    my ($format, $text, $of) = @_;
    is join(' ', grep { $text !~ /^\Q$_\E[ {]/m } @names), '', "$format$of: no name is missing";
    my %series;
    $series{$_}++ for $text =~ /^([a-z]\S*(?:\{.*\})?) \S+$/mg;
    is join(' ', grep { $series{$_} > 1 } sort keys %series), '', "$format$of: no series is told twice";
    my %labels = map { $_ => 1 } map { /(\w+)="/g } $text =~ /^\w+\{((?:\w+="(?:\\.|[^"\\])*",?)*)\}/mg;
    is join(' ', grep { !/\A(?:le|outcome|rule|server|state|version|vhost)\z/ } sort keys %labels), '', "$format$of: no other labels, least of all keys";
    return;
}

my $python = q(/usr/bin/python3 -c 'import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
print(sum(len(f.samples) for f in parse(sys.stdin.read())))');
my $parses = -x '/usr/bin/python3' && system(q(/usr/bin/python3 -c 'import prometheus_client' 2>/dev/null)) == 0;

sub check_metrics {
    my ($of) = @_;
    my $open = page('?format=openmetrics');
    is $open->header('Content-Type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8', "openmetrics$of: its type";
    metrics_are_good('openmetrics', $open->body, $of);
    like $open->body, qr/\n# EOF\n\z/, "openmetrics$of: its end";
    my $prom = page('?format=prometheus');
    is $prom->header('Content-Type'), 'text/plain; version=0.0.4; charset=utf-8', "prometheus$of: its type";
    metrics_are_good('prometheus', $prom->body, $of);
    unlike $prom->body, qr/EOF/, "prometheus$of: no end";
    SKIP: {
        skip 'no python3-prometheus-client', 1 if !$parses;
        like complaint($open->body, $python), qr/\A[0-9]+\n\z/, "openmetrics$of: the strict parser takes it";
    }
    SKIP: {
        skip 'no promtool', 1 if !has_program('promtool');
        is complaint($prom->body, 'promtool check metrics'), '', "prometheus$of: promtool has nothing to say";
    }
    return $prom->body;
}

my $metrics = check_metrics('');
like $metrics, qr/^httpd_ratelimit_requests_total\{rule="login",vhost="localhost",outcome="allowed"\} 7$/m, 'rules of one name and host are added up';
like $metrics, qr/^httpd_ratelimit_requests_total\{rule="host",vhost="two\.test.*\\".*",outcome="denied"\} 2$/m, 'a label with quotes';
like $metrics, qr/^httpd_ratelimit_table_cells\{state="used"\} [1-9]/m, 'cells in use';

# ---- mod_status ---------------------------------------------------------------------------------------------
my $auto = request($s, 'GET', '/server-status?auto')->body;
my %auto = $auto =~ /^(RateLimit\w+): ([0-9]+)$/mg;
is "$auto{RateLimitChecked} $auto{RateLimitAllowed} $auto{RateLimitDenied}", '12 8 4', 'server-status?auto has a summary';
my $status = request($s, 'GET', '/server-status')->body;
like $status, qr{<h1>Rate limits</h1>.*Requests checked: 12.*<td>login</td>}s, 'server-status has a summary';
unlike $status, qr/<img/, 'in which names are escaped';

# ---- health -------------------------------------------------------------------------------------------------
is page('?format=health')->status, 200, 'health in shared memory';
is page('?format=health')->body, "healthy\n", 'health: what it says';
my $m = RL::Memcached->start;
my @fleet = map { httpd('RateLimitStore memcached ' . $m->address . " timeout=1s\nRateLimitSecret fleet\n" . statuspage()
    . "<Location /ok/x>\n    RateLimit x 100/30d\n</Location>\n") } 1, 2;
sub healths { return join ' ', map { request($_, 'GET', '/rl?format=health')->status } @fleet }
is healths(), '200 200', 'health: the store answers';
like request($fleet[0], 'GET', '/rl?format=health')->body, qr/\Ahealthy\nmemcached \Q@{[ $m->address ]}\E answers\n\z/, 'health: which store';
$m->pause;
is healths(), '503 503', 'health: the store hangs, and nobody had to ask it before';
like request($fleet[0], 'GET', '/rl?format=health')->body, qr/\Anot healthy\nmemcached \S+ does not answer/, 'health: what is the matter';
$m->resume;
ok await(20, sub { healths() eq '200 200' }), 'health: the store is back';
$m->kill;
is healths(), '503 503', 'health: the store is gone';
$m->again;
is healths(), '200 200', 'health: the store is back, empty';

$s = $fleet[0];
asked($s, 3, '/ok/x');
$metrics = check_metrics(' with memcached');
like $metrics, qr/^httpd_ratelimit_store_errors_total\{server="\Q@{[ $m->address ]}\E"\} [0-9]+$/m, 'errors of each server';
like $metrics, qr/^httpd_ratelimit_store_duration_seconds_count [1-9]/m, 'durations of round trips';

finish allow => qr/does not answer as it should/;
