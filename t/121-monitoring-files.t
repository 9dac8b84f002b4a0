# SPDX-License-Identifier: Apache-2.0
# conf/monitoring: the dashboard is JSON whose queries name only metrics and labels that a server tells, and promtool parses
# each of them; the alerts are rules that fire when they should and not otherwise.
use RL::Test;
use File::Temp qw(tempdir);
use JSON::PP ();
use RL::Memcached;
use RL::Status;

my ($promtool) = grep { -x } map { "$_/promtool" } split /:/, $ENV{PATH};
my $alerts = 'conf/monitoring/ratelimit-alerts.yml';
my $dir = tempdir(CLEANUP => 1);

sub write_file { my ($name, $text) = @_; open my $fh, '>', "$dir/$name" or die $!; print {$fh} $text; close $fh; return "$dir/$name" }

# ---- what a server tells ------------------------------------------------------------------------------------------------
my $m = RL::Memcached->start;
my $s = httpd('RateLimitStore memcached ' . $m->address . "\nRateLimitSecret fleet\n" . statuspage() . <<'END');
<Location "/ok">
    RateLimit some 5/30d
    RateLimit slots 5/concurrent
</Location>
END
status($s, '/ok');
my %told;    # a metric's labels
for (split /\n/, request($s, 'GET', '/rl?format=prometheus')->body) {
    my ($name, $labels) = /^(\w+)(?:\{(.*?)\})? / or next;
    $told{$name}{$1} = 1 while ($labels // '') =~ /(\w+)="/g;
    $told{$name}{instance} = $told{$name}{job} = 1;    # which Prometheus adds
}

# The metrics of an expression that no server tells, and labels in braces that they don't have.
sub unknown {
    my ($expr) = @_;
    my @bad;
    while ($expr =~ /\b(httpd_\w+)(?:\{([^}]*)\})?/g) {
        my ($name, $labels) = ($1, $2 // '');
        push @bad, $name if !$told{$name};
        push @bad, map { "$name\{$_}" } grep { !$told{$name}{$_} } $labels =~ /(\w+)\s*=~?"/g;
    }
    return @bad;
}

# ---- the dashboard ------------------------------------------------------------------------------------------------------
my $board = JSON::PP->new->utf8->decode(slurp('conf/monitoring/grafana-dashboard.json'));
my @panels = @{ $board->{panels} };
my @exprs  = map { $_->{expr} } map { @{ $_->{targets} // [] } } @panels;
cmp_ok scalar(@exprs), '>', 15, 'the dashboard has queries';
is join(' ', grep { !$board->{$_} } qw(title uid schemaVersion panels templating time)), '', 'the dashboard has what Grafana needs';
is join(' ', map { unknown($_) } @exprs, map { $_->{definition} // () } @{ $board->{templating}{list} }), '', 'the dashboard names only what a server tells';
my (%id, %at);
is scalar(grep { $id{ $_->{id} }++ } @panels), 0, 'each panel has a number of its own';
for my $p (@panels) {
    my $g = $p->{gridPos};
    for my $x ($g->{x} .. $g->{x} + $g->{w} - 1) { push @{ $at{"$x $_"} }, $p->{title} for $g->{y} .. $g->{y} + $g->{h} - 1 }
}
is scalar(grep { @{ $at{$_} } > 1 || (split)[0] > 23 } keys %at), 0, 'no panel lies on another one or beyond the edge';
my %shown = map { map { $_ => 1 } /\b(httpd_\w+)/g } @exprs;
is join(' ', grep { !$shown{$_} && !/_(?:sum|count)\z/ } sort grep { /^httpd_/ } keys %told), '', 'the dashboard shows every metric';

# ---- the alerts ---------------------------------------------------------------------------------------------------------
my @rules = slurp($alerts) =~ /^ +- alert: (\w+)/mg;
cmp_ok scalar(@rules), '>', 5, 'there are alerts';
is join(' ', unknown(slurp($alerts) =~ s/^#.*$//mgr)), '', 'the alerts name only what a server tells';

SKIP: {
    skip 'promtool (package prometheus) is not here', 1 if !$promtool;
    my $out = `$promtool check rules $alerts 2>&1`;
    is $?, 0, 'promtool takes the alerts' or diag $out;
    my $n = 0;
    my $recorded = join '', map { my $e = $_ =~ s/\$__rate_interval/1m/gr =~ s/\$\w+/.*/gr; '      - record: q' . ++$n . "\n        expr: " . JSON::PP->new->allow_nonref->encode($e) . "\n" } @exprs;
    $out = `$promtool check rules @{[ write_file('board.yml', "groups:\n  - name: board\n    rules:\n$recorded") ]} 2>&1`;
    is $?, 0, 'promtool takes the queries of the dashboard' or diag $out;

    # What each alert is for, as series over an hour (of RatelimitWouldDeny over two days), and what must not fire.
    my %case = (
        RatelimitStoreDown => [ [ 'store_up{server="m"}', '0x120' ] ],
        RatelimitDecidesLocally => [ [ 'local_decisions_total', '0+10x120' ] ],
        RatelimitStoreErrors => [ [ 'store_errors_total{server="m"}', '0+60x120' ] ],
        RatelimitStoreSlow => [ [ 'store_duration_seconds_bucket{le="0.01"}', '0+10x120' ], [ 'store_duration_seconds_bucket{le="0.1"}', '0+100x120' ], [ 'store_duration_seconds_bucket{le="+Inf"}', '0+100x120' ] ],
        RatelimitDeniesMuch => [ [ 'requests_total{rule="r",vhost="v",outcome="denied"}', '0+600x120' ], [ 'requests_total{rule="r",vhost="v",outcome="allowed"}', '0+100x120' ] ],
        RatelimitWouldDeny => [ [ 'requests_total{rule="r",vhost="v",outcome="observed"}', '0+1x3000' ] ],
        RatelimitNotCounted => [ [ 'requests_total{rule="r",vhost="v",outcome="error"}', '0+6x120' ] ],
        RatelimitRequestsWait => [ [ 'waiting{rule="r",vhost="v"}', '2x120' ] ],
        RatelimitTableFull => [ [ 'evictions_total', '0+600x120' ] ],
        RatelimitSilent => [],
    );
    is join(' ', sort keys %case), join(' ', sort @rules), 'each alert is tried';
    my %quiet = (
        'store_up{server="m"}' => '1x120', local_decisions_total => '5x120', 'store_errors_total{server="m"}' => '0+1x120',
        'store_duration_seconds_bucket{le="0.01"}' => '0+100x120', 'store_duration_seconds_bucket{le="+Inf"}' => '0+100x120',
        'requests_total{rule="r",vhost="v",outcome="denied"}' => '0+100x120', 'requests_total{rule="r",vhost="v",outcome="allowed"}' => '0+600x120',
        'requests_total{rule="r",vhost="v",outcome="error"}' => '7x120', 'waiting{rule="r",vhost="v"}' => '0x120', evictions_total => '0+1x120',
    );
    my $series = sub { my ($name, $values) = @_; return sprintf "      - series: '%s'\n        values: '%s'\n", 'httpd_ratelimit_' . ($name =~ s/\}/,instance="i"}/r =~ s/^\w+\z/$&\{instance="i"}/r), $values };
    my $test = "rule_files: [" . abs_alerts() . "]\nevaluation_interval: 1m\ntests:\n";
    for my $rule (@rules) {
        my @series = @{ $case{$rule} };
        my $at = $rule eq 'RatelimitWouldDeny' ? '30h' : '40m';
        push @series, [ 'build_info{version="1"}', '1x3000' ] if $rule ne 'RatelimitSilent';
        $test .= "  - interval: 1m\n    input_series:" . (@series ? "\n" . join('', map { $series->(@$_) } @series) : " []\n") . "    promql_expr_test:\n"
            . "      - expr: count(ALERTS{alertname=\"$rule\",alertstate=\"firing\"})\n        eval_time: $at\n        exp_samples: [{labels: '{}', value: 1}]\n"
            . "      - expr: count(ALERTS{alertname!=\"$rule\",alertstate=\"firing\"})\n        eval_time: $at\n        exp_samples: []\n";
    }
    $test .= "  - interval: 1m\n    input_series:\n" . join('', map { $series->($_, $quiet{$_}) } sort keys %quiet) . $series->('build_info{version="1"}', '1x120')
        . "    promql_expr_test:\n      - expr: count(ALERTS{alertstate=\"firing\"})\n        eval_time: 40m\n        exp_samples: []\n";
    $out = `$promtool test rules @{[ write_file('alerts.test.yml', $test) ]} 2>&1`;
    is $?, 0, 'each alert fires for what it is for, alone, and none on a usual day' or diag $out, $test;
}

sub abs_alerts { require Cwd; return Cwd::abs_path($alerts) }

finish;
