#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of docs/moving.md one after the other, and prints the table of what was denied there and here.
# Usage: run.pl [TEST...]     (from the top of the tree; `make test-moving` fetches what they need)
use strict;
use warnings;

my @tests   = @ARGV ? @ARGV : sort glob 't/moving/*.t';
my $results = ($ENV{RL_OUT} // 'out') . '/test-moving.txt';
unlink $results;
local $ENV{RL_MOVING_RESULTS} = $results;
my $failed = system $ENV{PROVE} // 'prove', ($ENV{V} ? '-v' : ()), '-It/lib', '-It/moving/lib', @tests;

printf "\n%-46s | %8s | %12s | %11s\n", '', 'requests', 'denied there', 'denied here';
print '-' x 86, "\n";
if (open my $fh, '<', $results) { print while <$fh> }
exit($failed ? 1 : 0);
