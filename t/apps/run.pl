#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs the tests with real applications one after the other, with one MariaDB for all, and prints the table of what they
# measured. Usage: run.pl [TEST...]     (from the top of the tree; `make test-apps` installs what they need)
use strict;
use warnings;
use lib 't/lib', 't/apps/lib';
use File::Path qw(make_path);

use Apps::MariaDB;

my @tests = @ARGV ? @ARGV : sort glob 't/apps/*.t';
my $out   = $ENV{RL_OUT} // 'out';
make_path($out);
my $results = "$out/test-apps.txt";
unlink $results;

my $db = Apps::MariaDB->start;
local @ENV{qw(RL_APPS_DB RL_APPS_RESULTS)} = ($db->dir, $results);
my @verbose = $ENV{V} ? '-v' : ();
my $failed = system $ENV{PROVE} // 'prove', @verbose, '-It/lib', '-It/apps/lib', @tests;

printf "\n%-34s | %-7s | %-5s | %-12s | %-12s\n", 'application', 'guesses', 'found', 'denied', 'denied';
printf "%-34s | %-7s | %-5s | %-12s | %-12s\n", '', 'of 200', '', 'browsing', 'under attack';
print '-' x 82, "\n";
if (open my $fh, '<', $results) { print while <$fh> }
exit($failed ? 1 : 0);
