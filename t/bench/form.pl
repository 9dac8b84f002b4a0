#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What a form rule costs a posted login form of 1 KiB: CPU of the same POST to the same handler with and without the
# rule, for three handlers. `make bench` has the first of them, the harshest comparison, next to its other figures;
# this looks at handlers such as a login form has.
#
#   reflector   mod_reflector reads the body and sends it back: less work than any application
#   proxy       mod_proxy_http to another httpd; CPU of the proxy alone
#   cgi         mod_cgid and a shell script, the smallest CGI there is; CPU with the script's
#
# One private httpd (event, on core 0) has all of them, each once with the rule and twice without, to tell how far two
# equal loads differ. A round loads every place once with wrk (on core 1), the order turned by one from round to
# round; figures are medians and quartiles over the ratios of rounds.
#
# Usage: form.pl          Environment: ROUNDS (10), SECONDS_EACH (2), CONNECTIONS (8)
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib", "$Bin/lib";
use List::Util qw(shuffle);
use POSIX ();

use Bench::Stats qw(spread);
use RL::Httpd qw(slurp);

my $ROUNDS  = $ENV{ROUNDS}       // 10;
my $SECONDS = $ENV{SECONDS_EACH} // 2;
my $CONNS   = $ENV{CONNECTIONS}  // 8;
my @HANDLERS = qw(reflector proxy cgi);
my @PLACES = map { my $h = $_; map { "$h/$_" } qw(plain ruled again) } @HANDLERS;
my %SECONDS_OF = (cgi => 2 * $SECONDS);    # fewer requests fit into a second

sub conf {
    my ($backend) = @_;
    my $conf = '';
    for my $place (@PLACES) {
        my $handler = $place =~ /^proxy/ ? "ProxyPass http://127.0.0.1:$backend/reflector" : $place =~ /^reflector/ ? 'SetHandler reflector' : '';
        my $rule = $place =~ /ruled/ ? 'RateLimit account 4000000000/h key=form:username' : '';
        $conf .= "ScriptAlias /cgi/" . ($place =~ s{.*/}{}r) . " \"\${CGIBIN}/small.cgi\"\n" if $place =~ /^cgi/;
        $conf .= "<Location /$place>\n    $handler\n    $rule\n</Location>\n";
    }
    return $conf;
}

# utime and stime of the server's processes, and of the scripts that they have waited for, in seconds.
sub cpu_seconds {
    my ($s) = @_;
    my $ticks = 0;
    for my $pid ($s->children) {
        my @f = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\) //sr;
        $ticks += $_ for @f[ 11 .. 14 ];
    }
    return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

my $two_cores = `getconf _NPROCESSORS_ONLN` >= 2 && !system "command -v taskset >/dev/null";
sub pin { my ($core) = @_; return $two_cores ? "taskset -c $core" : '' }

# CPU microseconds per request of one load.
sub load {
    my ($s, $place, $seconds) = @_;
    my $before = cpu_seconds($s);
    my $report = `@{[ pin(1) ]} wrk -t 1 -c $CONNS -d ${seconds}s -s '$Bin/post.lua' http://127.0.0.1:@{[ $s->port ]}/$place`;
    my $cpu = cpu_seconds($s) - $before;
    my ($requests) = $report =~ /(\d+) requests in/ or die "wrk said:\n$report\n";
    die "$place: wrong answers:\n$report\n" if $report =~ /Non-2xx|Socket errors/;
    return 1e6 * $cpu / $requests;
}

sub report {
    my ($cpu) = @_;
    printf "A posted form of 1 KiB, CPU per request with a form rule: median (quartiles) of %d rounds\n\n", $ROUNDS;
    printf "  %-10s %-24s %-26s %-26s %s\n", 'handler', 'CPU us, no rule', 'ratio with the rule', 'ratio without, again', 'target';
    for my $h (@HANDLERS) {
        my %ratio = map { my $which = $_; $which => [ map { $cpu->{"$h/$which"}[$_] / $cpu->{"$h/plain"}[$_] } 0 .. $ROUNDS - 1 ] } qw(ruled again);
        printf "  %-10s %-24s %-26s %-26s %s\n", $h, spread('%.1f', @{ $cpu->{"$h/plain"} }), spread('%.3f', @{ $ratio{ruled} }),
            spread('%.3f', @{ $ratio{again} }), '< 1.05';
    }
    return;
}

my (@servers, $code);
END {
    $code = $?;
    $_->destroy for @servers;
    $? = $code;
}
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

# Servers inherit this process's core.
system "taskset -cp 0 $$ >/dev/null" if $two_cores;
my $backend = RL::Httpd->new(rl => 0, conf => "<Location /reflector>\nSetHandler reflector\n</Location>", modules => ['reflector']);
push @servers, $backend;
$backend->start;
my $s = RL::Httpd->new(conf => conf($backend->port), modules => [qw(reflector proxy proxy_http)], files => {
    'cgi-bin/small.cgi' => "#!/bin/sh\ncat >/dev/null\nprintf 'Content-Type: text/plain\\n\\nok\\n'\n" });
push @servers, $s;
$s->start;

my %cpu;
load($s, $_, 1) for @PLACES;
for my $round (1 .. $ROUNDS) {
    push @{ $cpu{$_} }, load($s, $_, $SECONDS_OF{ s{/.*}{}r } // $SECONDS) for @PLACES;
    @PLACES = shuffle(@PLACES);
}
report(\%cpu);
