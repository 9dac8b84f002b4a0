# SPDX-License-Identifier: Apache-2.0
# conf/monitoring in a Prometheus of its own, which scrapes a server that something happens to: each query of the dashboard and
# of the alerts can be asked and has an answer, the lists of the dashboard's variables are filled, and no alert is broken.
use RL::Test;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use HTTP::Tiny ();
use JSON::PP qw(decode_json);
use POSIX ();
use RL::Httpd qw(await);
use RL::Memcached;
use RL::Status;

my ($binary) = grep { -x } map { "$_/prometheus" } split /:/, $ENV{PATH};
plan skip_all => 'prometheus is not here' if !$binary;

# ---- a server with something of everything ---------------------------------------------------------------------------------
my $m = RL::Memcached->start;
my $s = httpd('RateLimitStore memcached ' . $m->address . "\nRateLimitSecret fleet\nRateLimitBusy workers=90%\n" . statuspage() . <<'END');
<Location "/ok/some">
    RateLimit some 3/30d
</Location>
<Location "/ok/watched">
    RateLimit watched 3/30d action=observe
</Location>
<Location "/ok/slots">
    RateLimit slots 50/concurrent
</Location>
<Location "/ok/given">
    RateLimit given 1000/30d count=500 missing=share key=query:k
</Location>
<Location "/ok/cleared">
    RateLimit cleared 1000/30d clear=200
</Location>
END
sub traffic { status($s, "/ok/$_") for qw(some watched slots given cleared); return }
traffic() for 1 .. 4;

# ---- Prometheus ------------------------------------------------------------------------------------------------------------
my $dir   = tempdir('rl-prometheus-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my $port  = RL::Memcached::free_port('127.0.0.1');
my $rules = abs_path('conf/monitoring/ratelimit-alerts.yml');
open my $conf, '>', "$dir/prometheus.yml" or die $!;
print {$conf} <<"END";
global: {scrape_interval: 500ms, evaluation_interval: 500ms}
rule_files: ['$rules']
scrape_configs:
  - job_name: httpd
    metrics_path: /rl
    params: {format: [prometheus]}
    static_configs: [{targets: ['127.0.0.1:@{[ $s->port ]}']}]
END
close $conf;

my $pid = fork // die $!;
if (!$pid) {
    open STDOUT, '>', "$dir/log";
    open STDERR, '>&', \*STDOUT;
    exec $binary, "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data", "--web.listen-address=127.0.0.1:$port" or POSIX::_exit(127);
}
END { if ($pid) { my $code = $?; kill TERM => $pid; waitpid $pid, 0; $? = $code } }

# What it answers; nothing if it says that something is wrong, which is then in $wrong.
my ($http, $wrong) = HTTP::Tiny->new(timeout => 10);
sub ask {
    my ($path, %with) = @_;
    my $r = $http->get("http://127.0.0.1:$port/api/v1/$path?" . $http->www_form_urlencode(\%with));
    my $said = eval { decode_json($r->{content}) };
    $wrong = $said && $said->{status} eq 'success' ? '' : $r->{content};
    return $wrong ? undef : $said->{data};
}

sub series { my ($expr) = @_; my $data = ask('query', query => $expr) or return; return scalar @{ $data->{result} } }

# A busy machine misses a scrape now and then, and until the next one a query has no answer.
sub some { my ($expr) = @_; return await(20, sub { series($expr) }) }

ok await(60, sub { ask('status/buildinfo') }), 'Prometheus is there' or diag slurp("$dir/log");
# So many samples that there is a rate, with requests of each kind between them.
ok await(60, sub { traffic(); (series('count_over_time(httpd_ratelimit_build_info[1h]) >= 4') // 0) == 1 }), 'it scrapes the server'
    or diag slurp("$dir/log");
ok some('scrape_samples_scraped > 20 and up == 1'), 'with all that the server tells';

# ---- the dashboard ---------------------------------------------------------------------------------------------------------
my $board = decode_json(slurp('conf/monitoring/grafana-dashboard.json'));

# An expression as the dashboard asks it with All in each list.
sub with_all { my ($expr) = @_; return $expr =~ s/\$__rate_interval/1m/gr =~ s/\$\w+/.*/gr }

for my $panel (@{ $board->{panels} }) {
    for my $target (@{ $panel->{targets} // [] }) {
        ok some(with_all($target->{expr})), "the dashboard: $panel->{title}, $target->{refId}: has an answer" or diag "$target->{expr}\n", $wrong;
    }
}
for my $variable (@{ $board->{templating}{list} }) {
    my ($of, $label) = ($variable->{definition} // next) =~ /\Alabel_values\((.+), (\w+)\)\z/ or die $variable->{definition};
    my $values = ask("label/$label/values", 'match[]' => with_all($of)) // [];
    cmp_ok scalar(@$values), '>', 0, "the dashboard: $variable->{label}: has values" or diag $wrong;
}

# ---- the alerts ------------------------------------------------------------------------------------------------------------
# The rules as Prometheus has them, once each was looked at.
my @alerts;
await(20, sub { @alerts = map { @{ $_->{rules} } } @{ (ask('rules') // {})->{groups} // [] }; @alerts && !grep { $_->{health} eq 'unknown' } @alerts });
is join(' ', map { $_->{name} } @alerts), join(' ', slurp($rules) =~ /^ +- alert: (\w+)/mg), 'the alerts: all are there';
is join(' ', map { "$_->{name}: $_->{lastError}" } grep { $_->{health} ne 'ok' } @alerts), '', 'the alerts: each can be evaluated';
my %state = map { $_->{name} => $_->{state} } @alerts;
is join(' ', grep { $state{$_} eq 'firing' } sort keys %state), '', 'the alerts: none is firing here';

# One that is for the worst, in earnest: memcached is gone.
$m->kill;
ok await(60, sub { status($s, '/ok/some', from => '192.0.2.9'); (series('ALERTS{alertname="RatelimitStoreDown",alertstate="pending"}') // 0) == 1 }),
    'the alerts: memcached that is gone is seen';
finish allow => qr/memcached \S+ (?:does not answer|answers again)/;
