#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Loads the servers of Bench::Cases: all of them and two memcacheds are up at the same time on core 0, wrk is on core
# 1. A round loads every case once, and the order is turned and reversed from round to round. Prints a line for
# each load, with these columns:
#     section, server, round, requests, seconds, CPU seconds of the server, answers other than 2xx and 3xx, operations
#     that memcached carried out
# Where a section's base is loaded at the same time, it has a line as the server "beside ...". Other lines:
#     left-out, server, reason
#     strict, incr or rule, round, nanoseconds
# Usage: loads.pl [STRICT-PROGRAM]
# Environment: ROUNDS (5), SECONDS_EACH (1), CONNECTIONS (16), ONLY (names of sections; all).
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib", "$Bin/lib";
use IO::Handle;
use POSIX ();

use Bench::Cases qw(%SERVERS @SECTIONS);
use Bench::Haproxy;
use Bench::Httpd;
use Bench::Nginx;
use RL::Memcached;

my ($STRICT)    = @ARGV;
my $ROUNDS      = $ENV{ROUNDS}       // 5;
my $SECONDS     = $ENV{SECONDS_EACH} // 1;
my $CONNECTIONS = $ENV{CONNECTIONS}  // 16;
my %ONLY        = map { $_ => 1 } split ' ', $ENV{ONLY} // '';
my $CLIENTS     = 100_000;

my %running;    # servers by instance
my %wrk;        # pids

# ---- the end, however it comes ----

END {
    my $code = $?;
    kill TERM => keys %wrk if %wrk;
    $_->destroy for values %running;
    $? = $code;
}
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP PIPE);

# ---- cores ----

# With one core only, servers and clients share it, and the ratios say less. What this process starts inherits its core.
my $two_cores = `getconf _NPROCESSORS_ONLN` >= 2 && !system 'command -v taskset >/dev/null';
sub pin { my ($core) = @_; return $two_cores ? ('taskset', '-c', $core) : () }
system "taskset -cp 0 $$ >/dev/null" if $two_cores;

# ---- servers ----

my ($store, $hung);

sub start_stores {
    ($store, $hung) = map { RL::Memcached->start } 1, 2;
    $hung->pause;
    return;
}

sub make_server {
    my ($name) = @_;
    my %o = %{ $SERVERS{$name} };
    my $kind = $o{kind} // '';
    return Bench::Nginx->new(%o)   if $kind eq 'nginx';
    return Bench::Haproxy->new(%o) if $kind eq 'haproxy';
    return Bench::Httpd->new(%o, define => { STORE => $store->address, HUNG => $hung->address });
}

# Who has seen 100,000 clients may be slow with one: those are servers of their own.
sub instance { my ($section, $name) = @_; return $section->{traffic} eq 'many' ? "$name, many" : $name }

# Whether the server is up; starts it at first.
my %left_out;
sub is_up {
    my ($section, $name) = @_;
    my $instance = instance($section, $name);
    return 1 if $running{$instance};
    return 0 if $left_out{$instance} || $left_out{$name};
    my $server = $running{$instance} = make_server($name);
    my $reason = $server->{optional} ? $server->refusal : undef;
    if (!defined $reason) {
        $server->start;
        return 1;
    }
    leave_out($instance, $reason);
    return 0;
}

sub leave_out {
    my ($instance, $reason) = @_;
    (delete $running{$instance})->destroy;
    print join("\t", 'left-out', $instance, $reason), "\n";
    $left_out{$instance} = 1;
    return;
}

# ---- loads ----

# Arguments of wrk. The walk goes on where the load before may have ended.
my $walked = 0;
sub traffic {
    my ($section, $server, $once) = @_;
    my $url = 'http://127.0.0.1:' . $server->port;
    return ("$url/index.html") if $section->{traffic} eq 'one';
    return ('-s', "$Bin/post.lua", "$url/form") if $section->{traffic} eq 'post';
    $walked = ($walked + 33_331) % $CLIENTS;
    return ('-s', "$Bin/walk.lua", "$url/index.html", '--', $once ? (0, 'once') : $walked);
}

sub start_wrk {
    my ($seconds, $section, @traffic) = @_;
    my $connections = $section->{connections} // $CONNECTIONS;
    my $pid = open my $out, '-|', pin(1), 'wrk', '-t', 1, '-c', $connections, '-d', "${seconds}s", @traffic or die "wrk: $!";
    $wrk{$pid} = 1;
    return [ $pid, $out ];
}

sub end_wrk {
    my ($pid, $out) = @{ $_[0] };
    my $report = do { local $/; <$out> };
    close $out or die "wrk failed:\n$report";
    delete $wrk{$pid};
    return $report;
}

# Requests, seconds, answers other than 2xx and 3xx, and what went wrong with connections.
sub read_report {
    my ($report) = @_;
    my %scale = (us => 1e-6, ms => 1e-3, s => 1, m => 60);
    my ($requests, $time, $unit) = $report =~ /^\s*(\d+) requests in ([\d.]+)(us|ms|s|m)\b/m or die "not a report of wrk:\n$report";
    my ($errors) = $report =~ /^\s*(Socket errors:.*)/m;
    my ($other) = $report =~ /^\s*Non-2xx or 3xx responses: (\d+)/m;
    return ($requests, $time * $scale{$unit}, $other // 0, $errors);
}

# What memcached has been asked since it started: each command of the text protocol is one round trip.
sub operations {
    my %stat = map { /\ASTAT (\w+) (\d+)/ ? ($1, $2) : () } $store->command('stats');
    my $n = 0;
    $n += $stat{$_} // 0 for qw(cmd_get cmd_set cmd_touch incr_hits incr_misses decr_hits decr_misses delete_hits delete_misses);
    return $n;
}

# Loads servers at the same time; for each: what went wrong, if something did, and the figures of a line.
sub load {
    my ($section, @names) = @_;
    my @servers = map { $running{ instance($section, $_) } } @names;
    my ($asked, @cpu) = (operations(), map { $_->cpu_seconds } @servers);
    my @reports = map { end_wrk($_) } map { start_wrk($SECONDS, $section, traffic($section, $_)) } @servers;
    @cpu = map { $servers[$_]->cpu_seconds - $cpu[$_] } 0 .. $#servers;
    $asked = operations() - $asked;
    return map { [ figures($section, $reports[$_], $cpu[$_], $asked) ] } 0 .. $#servers;
}

sub figures {
    my ($section, $report, $cpu, $asked) = @_;
    my ($requests, $seconds, $other, $errors) = read_report($report);
    my $wrong = $errors // (!is_right($section, $requests, $other) ? "$other of $requests answers were neither 2xx nor 3xx" : undef);
    return ($wrong, $requests, $seconds, sprintf('%.6f', $cpu), $other, $asked);
}

# Of what is denied some may pass: where a limit is a rate, something trickles in.
sub is_right {
    my ($section, $requests, $other) = @_;
    return $section->{denied} ? $other >= $requests - 16 : $other == 0;
}

# A peer that denies what it should allow is left out from then on: its row would be another job's.
sub measure {
    my ($section, $name, $round) = @_;
    my @beside = $section->{beside} ? $section->{base} : ();
    my ($own, $base) = load($section, $name, @beside);
    if ($own->[0] || $base && $base->[0]) {    # a machine that stood still for seconds is nobody's fault
        print STDERR "$section->{name}, $name, round $round, once more: ", $own->[0] // $base->[0], "\n";
        ($own, $base) = load($section, $name, @beside);
    }
    my ($wrong, @figures) = @$own;
    if ($wrong) {
        die "$section->{name}, $name: $wrong\n" if !$SERVERS{$name}{optional};
        leave_out(instance($section, $name), "$section->{title}: $wrong");
        return;
    }
    print join("\t", $section->{name}, $name, $round, @figures), "\n";
    print join("\t", $section->{name}, "beside $name", $round, @$base[ 1 .. $#$base ]), "\n" if $base;
    return;
}

# Before the first round every server is warm, has seen all its clients (or as many as it can in some seconds), and
# has used up what is to be used up.
sub warm_up {
    my ($section, $name) = @_;
    my $many = $section->{traffic} eq 'many';
    end_wrk(start_wrk($many ? 15 : 1, $section, traffic($section, $running{ instance($section, $name) }, $many)));
    return;
}

# The cases in the order of the round: turned by a part, every other one reversed.
sub in_order {
    my ($round, @cases) = @_;
    push @cases, splice @cases, 0, int(@cases * ($round % 3) / 3);
    return $round % 2 ? @cases : reverse @cases;
}

# One line for each measurement of the program: what, round, nanoseconds.
sub strict_alone {
    my ($round) = @_;
    my $address = $store->address =~ s/.*://r;
    open my $out, '-|', $STRICT, $address, 4000 or die "$STRICT: $!";
    my @lines = <$out>;
    close $out && @lines or die "$STRICT failed\n";
    print map { my ($what, $ns) = split; join("\t", 'strict', $what, $round, $ns) . "\n" } @lines;
    return;
}

STDOUT->autoflush(1);
start_stores();
my @cases;
for my $section (grep { !%ONLY || $ONLY{ $_->{name} } } @SECTIONS) {
    my @up = grep { is_up($section, $_) } $section->{base}, @{ $section->{servers} };
    push @cases, map { [ $section, $_ ] } $section->{beside} ? grep { $_ ne $section->{base} } @up : @up;
}
print STDERR 'Servers: ', scalar(keys %running), ', loads in a round: ', scalar(@cases), "\n";
warm_up(@$_) for @cases;
for my $round (1 .. $ROUNDS) {
    measure(@$_, $round) for grep { $running{ instance(@$_) } } in_order($round, @cases);
    strict_alone($round) if $STRICT && (!%ONLY || $ONLY{single});
    print STDERR "round $round of $ROUNDS\n";
}
