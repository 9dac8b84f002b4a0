#!/usr/bin/perl
# Reads wrk's report: prints requests, seconds, and answers that were neither 2xx nor 3xx.
# Fails when wrk saw errors on its connections.
use strict;
use warnings;

my %scale = (us => 1e-6, ms => 1e-3, s => 1, m => 60, h => 3600);
my $report = do { local $/; <> } // '';
my ($requests, $time, $unit) = $report =~ /^\s*(\d+) requests in ([\d.]+)(us|ms|s|m|h)\b/m or die "not a report of wrk:\n$report";
die "errors on wrk's connections:\n$report" if $report =~ /^\s*Socket errors:/m;
my ($other) = $report =~ /^\s*Non-2xx or 3xx responses: (\d+)/m;
print join("\t", $requests, $time * $scale{$unit}, $other // 0), "\n";
