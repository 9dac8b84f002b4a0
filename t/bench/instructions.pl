#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# User-space instructions per operation, counted by callgrind: a figure that doesn't depend on what else the machine
# does. The kernel's part of the work isn't in it. What httpd executes for a request is the difference of two runs of
# different length, so that starting and stopping don't count. Prints a line for each case:
#     server, traffic, instructions per request;   or: ledger, case, instructions per decision
# Usage: instructions.pl LEDGER-PROGRAM
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib", "$Bin/lib";

use Bench::Cases qw(%SERVERS @COUNTED);
use Bench::Httpd;
use RL::Client;
use RL::Httpd qw(slurp);

my ($LEDGER) = @ARGV;
my ($SHORT, $LONG, $DECISIONS) = (200, 2200, 20000);
my @CALLGRIND = qw(valgrind --tool=callgrind --callgrind-out-file=/dev/null);
my $FORM = 'username=alice&password=wonderland&token=';
$FORM .= 'x' x (1024 - length $FORM);

my $server;
END {
    my $code = $?;
    $server->destroy if $server;
    $? = $code;
}
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP PIPE);

sub collected { my ($text) = @_; return $text =~ /Collected : (\d+)/ ? $1 : die "not a report of callgrind:\n$text" }

# Instructions of a server that answers n requests on one connection, each sent after the answer to the one before.
sub count_run {
    my ($name, $traffic, $n) = @_;
    my ($valgrind) = grep { -x } map { "$_/valgrind" } split /:/, $ENV{PATH};
    $server = Bench::Httpd->new(%{ $SERVERS{$name} }, single => 1, before => [ $valgrind, @CALLGRIND[ 1 .. $#CALLGRIND ] ]);
    $server->start;
    my $client = RL::Client->new(port => $server->port);
    $client->request($traffic eq 'post' ? ('POST', '/form', body => $FORM) : ('GET', '/index.html')) for 1 .. $n;
    undef $client;
    $server->stop;
    my $count = collected(slurp("$server->{root}/logs/start.out"));
    $server->destroy;
    undef $server;
    return $count;
}

$| = 1;
for (@COUNTED) {
    my ($name, $traffic) = @$_;
    my ($short, $long) = map { count_run($name, $traffic, $_) } $SHORT, $LONG;
    printf "%s\t%s\t%d\n", $name, $traffic, ($long - $short) / ($LONG - $SHORT);
}
for my $case ($LEDGER ? qw(digest digest-2 hot-1 hot-2 hot-denied spread-1 figures-1 figures-2 figures-spread) : ()) {
    printf "ledger\t%s\t%d\n", $case, collected(scalar `@CALLGRIND --toggle-collect=counted '$LEDGER' --once $case $DECISIONS 2>&1`) / $DECISIONS;
}
