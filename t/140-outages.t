# SPDX-License-Identifier: Apache-2.0
# A memcached that comes back: the log says once, within a second and without a request, how long it was away and how
# many requests RateLimitOnError decided meanwhile. A server that is away is asked once a second, one that works never.
use RL::Test;
use RL::FaultyMemcached;
use RL::Memcached;
use RL::Status;
use Time::HiRes qw(time sleep);

my $SLACK = 1.5;    # a busy machine

sub conf {
    my ($stores, @options) = @_;
    return statuspage() . "RateLimitStore memcached @{[ map { $_->address } @$stores ]} lease=off timeout=300ms @options\nRateLimitSecret fleet\n"
        . "<LocationMatch ^/ok/many/>\n    RateLimit many 100000/30d key=path\n</LocationMatch>\n";
}

sub recoveries { my ($s, $from) = @_; return grep { /works again/ } $s->log_lines($from) }

# Waits for the line without a request. How long it took since then; what it says: seconds, requests.
sub recovered {
    my ($s, $from, $since) = @_;
    await(10, sub { recoveries($s, $from) });
    my $took = time - $since;
    my ($line) = recoveries($s, $from);
    return ($took, ($line // '') =~ /works again, after (\d+\.\d{3}) s; RateLimitOnError decided (\d+) requests meanwhile/);
}

# Requests until the log says that the server fails, and some more; how many there were.
sub fail_over {
    my ($s, $from, $path, %o) = @_;
    my $n = 0;
    await(10, sub { $n++; status($s, $path, %o); grep { /does not answer as it should/ } $s->log_lines($from) });
    status($s, $path, %o) for 1 .. 5;
    return $n + 5;
}

my $itk = $ENV{RL_ITK} // RL::Conf::moddir() . '/mpm_itk.so';
my @kinds = ([ 'event', mpm => 'event', children => 3, workers => 12 ], [ 'prefork', mpm => 'prefork', workers => 6 ]);
push @kinds, [ 'mpm-itk', mpm => 'prefork', workers => 6, before => "LoadModule mpm_itk_module \"$itk\"\n" ] if -e $itk && $> == 0;

for (@kinds) {
    my ($kind, %o) = @$_;
    my $before = delete $o{before} // '';
    next if !RL::Conf::has_mpm($o{mpm});
    my $m = RL::Memcached->start(unix => $kind eq 'prefork');
    my $s = httpd($before . conf([$m], 'compare=off'), %o);
    parallel($s, 6, '/ok/many/warm') for 1 .. 2;
    my $from  = $s->log_mark;
    my $begin = time;
    $m->kill;
    my $n = fail_over($s, $from, '/ok/many/away');
    sleep 2.3;
    $m->again;
    my $back = time;
    my ($took, $lasted, $local) = recovered($s, $from, $back);
    cmp_ok $took, '<', 1 + $SLACK, "$kind: the log says within a second that it is back";
    cmp_ok $lasted, '>', 2.3, "$kind: ... and for how long it was away";
    cmp_ok $lasted, '<', time - $begin, "$kind: ... from the first failure on";
    is $local, $n, "$kind: ... and how many requests were decided locally";
    my $figures = store_server(figures($s));
    is "$figures->{outage_local} $figures->{last_outage_local}", "0 $n", "$kind: JSON has them, too";
    sleep 1.2;
    status($s, '/ok/many/after') for 1 .. 3;
    is scalar(recoveries($s, $from)), 1, "$kind: it is said once, for all children";

    # Again, with no request at all after the failure, and a reload in between.
    $m->kill;
    fail_over($s, $from, '/ok/many/away');
    my $mark = $s->log_mark;
    $s->graceful;
    $m->again;
    $back = time;
    ok await(10, sub { status($s, '/ok/many/again') == 200 && $m->stat('curr_items') }), "$kind: after a reload it is used again";
    no_unexpected_log($s, allow => qr/memcached \S+ does not answer/);
    $s->stop;
}

# ---- what is sent ----------------------------------------------------------------------------------------------------
{
    my $f = RL::FaultyMemcached->start;
    my $s = httpd(conf([$f], 'compare=off'), children => 3, workers => 12);
    parallel($s, 12, '/ok/many/a') for 1 .. 2;
    $f->reset_count;
    sleep 2.5;
    is $f->commands, 0, 'a server that works is not asked without a request';
    my $from = $s->log_mark;
    $f->mode('server');
    fail_over($s, $from, '/ok/many/b');
    $f->reset_count;
    my $since = time;
    sleep 4.5;
    my $asked = $f->commands;
    cmp_ok $asked, '<=', time - $since + 1, 'a server that fails is asked once a second at most, by all children together';
    cmp_ok $asked, '>=', 2, '... and is asked though no request comes';
    is scalar(grep { /does not answer as it should/ } $s->log_lines($from)), 1, '... and the log doesn\'t repeat itself';
    status($s, '/ok/many/c') for 1 .. 10;
    $f->mode('ok');
    my (undef, undef, $local) = recovered($s, $from, time);
    cmp_ok $local, '>=', 15, 'all requests are counted that were decided locally';
    $s->stop;
}

# ---- requests that are decided twice ---------------------------------------------------------------------------------
{
    my $m = RL::Memcached->start;
    my $s = httpd(conf([$m], 'compare=off') . "<Location /ok/two>\n    Include conf/auth.conf\n    RateLimit early 100000/30d\n"
            . "    RateLimit late 100000/30d key=user\n</Location>\n", children => 2, workers => 8);
    my @as_alice = (auth => 'alice:secret');
    is status($s, '/ok/two', @as_alice), 200, 'rules before and after the log-in';
    my $from = $s->log_mark;
    $m->kill;
    my $n = fail_over($s, $from, '/ok/two', @as_alice);
    my $figures = store_server(figures($s));
    is $figures->{outage_local}, $n, '... a request counts once while memcached is away';
    cmp_ok +(grep { $_->{servers} && @{ $_->{servers} } } @{ figures($s)->{stores} })[0]{local_decisions}, '>', $n, '... though it takes two decisions';
    $m->again;
    my (undef, undef, $local) = recovered($s, $from, time);
    is $local, $n, '... and the log says how many requests there were';
    $s->stop;
}

# ---- one of two ------------------------------------------------------------------------------------------------------
{
    my @m = map { RL::Memcached->start } 1 .. 2;
    my $s = httpd(conf(\@m, 'failures=1'), children => 2, workers => 8);
    status($s, "/ok/many/$_") for 1 .. 30;
    my $from = $s->log_mark;
    $m[1]->kill;
    status($s, "/ok/many/$_") for 1 .. 30;
    $m[1]->again;
    my ($took, $lasted, $local) = recovered($s, $from, time);
    my $name = $m[1]->address;
    like +(recoveries($s, $from))[0], qr/memcached \Q$name\E works again/, 'one of two: it is the one that was away';
    cmp_ok $local, '>', 0, 'one of two: requests for its counters were decided locally';
    cmp_ok $local, '<', 30, 'one of two: those for the other\'s were not';
    $s->stop;
}

# ---- two that hang, and a third that comes back ----------------------------------------------------------------------
{
    my @m = map { RL::Memcached->start } 1 .. 3;
    my $s = httpd(conf(\@m, 'compare=off', 'failures=1'), children => 1);
    status($s, "/ok/many/$_") for 1 .. 30;
    my $from = $s->log_mark;
    $_->pause for @m[ 0, 1 ];
    $m[2]->kill;
    await(20, sub { status($s, '/ok/many/' . int rand 1000); 3 == grep { /does not answer as it should/ } $s->log_lines($from) });
    sleep 1.5;
    $m[2]->again;
    my ($took) = recovered($s, $from, time);
    my $name = $m[2]->address;
    like +(recoveries($s, $from))[0] // '', qr/memcached \Q$name\E works again/, 'two of three hang: the third is back';
    cmp_ok $took, '<', 2.5 + $SLACK, '... which is seen soon';
    $from = $s->log_mark;
    $_->resume for @m[ 0, 1 ];
    ok await(10, sub { 2 == recoveries($s, $from) }), '... and the two when they go on';
    no_unexpected_log($s, allow => qr/memcached \S+ does not answer/);
    $s->stop;
}

finish allow => qr/memcached \S+ (?:does not answer|answers with)/;
