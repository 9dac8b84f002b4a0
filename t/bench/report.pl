#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Prints the table of `make bench` from the raw numbers in the directory given. Figures of servers are ratios of two loads
# of the same round, or differences of them; the table has the median over the rounds and the quartiles around it.
use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/lib", "$Bin/../lib";
use List::Util qw(min);

use Bench::Cases qw(%SERVERS @SECTIONS);
use Bench::Stats qw(median spread);

my ($dir) = @ARGV or die "usage: report.pl DIRECTORY\n";
my $LINE = "  %-30s %-23s %-23s %-25s %-8s %s\n";

sub rows {
    my ($name) = @_;
    open my $fh, '<', "$dir/$name" or return;
    return map { chomp; [ split /\t/ ] } <$fh>;
}

sub heading { my ($title, @columns) = @_; printf "\n%-32s %-23s %-23s %-25s %-8s %s\n", $title, @columns, ('') x (5 - @columns); return }

# "< 0.5: met"
sub verdict {
    my ($figure, $op, $bound) = @_;
    my $met = $op eq '<' ? $figure < $bound : $op eq '<=' ? $figure <= $bound : $figure >= $bound;
    return "$op $bound: " . ($met ? 'met' : 'missed');
}

# A row whose one figure is the median of values, one for each round.
sub figure_row {
    my ($title, $format, $target, @values) = @_;
    return if !@values;
    printf $LINE, $title, spread($format, @values), '', '', '', $target ? verdict(median(@values), @$target) : '';
    return;
}

# ---- servers ----

# {section}{server}{round} = { throughput, cpu (us per request), time (us per request), trips }, and what was left out.
my (%load, %strict, @left_out);

sub read_loads {
    for (rows('loads.tsv')) {
        my ($section, $server, $round, @n) = @$_;
        if    ($section eq 'left-out') { push @left_out, [ $server, $round ] }
        elsif ($section eq 'strict')   { $strict{$round}{$server} = $n[0] / 1000 }
        else {
            my ($requests, $seconds, $cpu, undef, $asked) = @n;
            $load{$section}{$server}{$round} = { throughput => $requests / $seconds, cpu => 1e6 * $cpu / $requests,
                time => 1e6 * $seconds / $requests, trips => $asked / $requests };
        }
    }
    return;
}

# For each round that has both: what the sub makes of the two.
sub paired {
    my ($case, $base, $sub) = @_;
    my ($with, $without) = map { $load{ $_->[0] }{ $_->[1] } // {} } $case, $base;
    return map { $sub->($with->{$_}, $without->{$_}) } grep { $without->{$_} } sort keys %$with;
}

sub ratio { my ($what) = @_; return sub { $_[0]{$what} / $_[1]{$what} } }
sub added { my ($what) = @_; return sub { $_[0]{$what} - $_[1]{$what} } }

sub each_round { my ($section, $server, $what) = @_; return map { $_->{$what} } values %{ $load{$section}{$server} // {} } }

my %instructions = map { ("$_->[0] $_->[1]" => $_->[2]) } rows('instructions.tsv');

sub section_row {
    my ($section, $server) = @_;
    my @pair = map { [ $section->{name}, $_ ] } $server, $section->{beside} ? "beside $server" : $section->{base};
    my %figures = (throughput => [ paired(@pair, ratio('throughput')) ], cpu => [ paired(@pair, ratio('cpu')) ],
        added => [ paired(@pair, added('cpu')) ]);
    return if !@{ $figures{cpu} };
    my @targets = map { my ($what, @bound) = @$_; "$what " . verdict(median(@{ $figures{$what} }), @bound) } @{ $section->{targets}{$server} // [] };
    printf $LINE, $SERVERS{$server}{title}, map({ spread('%.3f', @{ $figures{$_} }) } qw(throughput cpu)),
        spread('%+.2f', @{ $figures{added} }), $instructions{"$server $section->{traffic}"} // '', join ', ', @targets;
    return;
}

sub report_section {
    my ($section) = @_;
    my $base = $section->{base};
    my @cpu = map { each_round($section->{name}, $_, 'cpu') } $section->{beside} ? map { "beside $_" } @{ $section->{servers} } : $base;
    return if !@cpu;
    heading($section->{title}, 'throughput', 'CPU', 'added CPU, us', 'instr.', 'target');
    printf $LINE, $SERVERS{$base}{title}, 1, 1, 'of ' . spread('%.1f', @cpu), $instructions{"$base $section->{traffic}"} // '', '';
    section_row($section, $_) for @{ $section->{servers} };
    return;
}

# ---- what is about more than one section ----

# Added CPU, us.
sub added_beside { my ($section, $server) = @_; return paired([ $section => $server ], [ $section => "beside $server" ], added('cpu')) }

sub report_rules {
    my ($one, $four, $many, $few) = map { [ added_beside(@$_) ] } [qw(beside shm1)], [qw(beside shm4)], [qw(beside-many shm2)], [qw(beside shm2)];
    my @more = map { ($instructions{"shm$_ one"} // 0) - ($instructions{'bare one'} // 0) } 1, 4;
    return if !@$one && !@$many && $more[0] <= 0;
    heading('rules and keys', 'figure', '', '', '', 'target');
    figure_row('4 rules to 1, added CPU', '%.2f', [ '<', 2 ], median(@$four) / median(@$one)) if @$one && @$four && median(@$one) > 0;
    figure_row('4 rules to 1, added instr.', '%.2f', [ '<', 2 ], $more[1] / $more[0]) if $more[0] > 0 && $more[1] > 0;
    figure_row('100,000 keys less 1, us CPU', '%+.2f', undef, map { $many->[$_] - $few->[$_] } 0 .. min($#$many, $#$few));
    return;
}

sub report_store {
    my %of_shm = map { my $s = $_; ($s => [ paired([ allowed => $s ], [ allowed => 'shm2' ], ratio('throughput')) ]) } qw(leases2 strict2 hung2);
    return if !@{ $of_shm{strict2} } && !%strict;
    heading('memcached', 'figure', '', '', '', 'target');
    figure_row("$_->[0] to shm, throughput", '%.3f', undef, @{ $of_shm{ $_->[1] } }) for [ leases => 'leases2' ], [ strict => 'strict2' ], [ hangs => 'hung2' ];
    figure_row('leases, round trips a request', '%.4f', [ '<', 0.1 ], each_round('allowed', 'leases2', 'trips'));
    figure_row('strict, round trips a request', '%.4f', undef,        each_round('allowed', 'strict2', 'trips'));
    figure_row("$_->[0], the same, many keys", '%.4f', undef, each_round('many', $_->[1], 'trips')) for [ leases => 'leases2' ], [ strict => 'strict2' ];
    figure_row('1 strict decision, in incrs', '%.3f', [ '<=', 1.15 ], map { $_->{rule} / $_->{incr} } values %strict);
    my %time = map { my $s = $_; ($s => $load{single}{$s} // {}) } qw(bare strict1);
    figure_row('what it adds to a request', '%.3f', undef,
        map { ($time{strict1}{$_}{time} - $time{bare}{$_}{time}) / $strict{$_}{incr} } grep { $time{bare}{$_} && $strict{$_} } keys %{ $time{strict1} });
    return;
}

# ---- the ledger ----

my @LEDGER = (
    [ swap          => 'one compare-and-swap' ],
    [ 'swap-spread' => 'one on a line of 1,000,000' ],
    [ digest        => 'an address to a digest' ],
    [ 'hot-1'       => '1 rule, 1 key', [ '<', 60 ] ],
    [ 'hot-2'       => '2 rules, 1 key each' ],
    [ 'hot-denied'  => '1 rule, 1 key, denied' ],
    [ 'spread-1'    => '1 rule, 1,000,000 keys', [ '<', 150 ], [ '>=', 1.7 ] ],
    [ 'spread-large' => 'the same, in large pages if there are any' ],
    [ 'crowded-1'   => 'the same, room for half' ],
);

sub report_ledger {
    my %ns;
    $ns{ $_->[0] }{ $_->[2] }[ $_->[1] ] = $_->[3] for grep { $_->[0] ne 'bytes' } rows('ledger.tsv');
    return if !%ns;
    heading('ledger, ns per decision', '1 process', '2 processes', 'work of 2 to 1', 'instr.', 'target');
    for (@LEDGER) {
        my ($case, $title, $alone, $together) = @$_;
        my @rounds = grep { $_->[2] } values %{ $ns{$case} } or next;
        my ($one, $two, $work) = ([ map { $_->[1] } @rounds ], [ map { $_->[2] } @rounds ], [ map { 2 * $_->[1] / $_->[2] } @rounds ]);
        my @targets = ($alone ? verdict(median(@$one), @$alone) : (), $together ? 'work ' . verdict(median(@$work), @$together) : ());
        printf $LINE, $title, map({ spread('%.0f', @$_) } $one, $two), spread('%.2f', @$work), $instructions{"ledger $case"} // '', join ', ', @targets;
    }
    for ([ '1 key, in swaps', 'hot-1', 'swap' ], [ '1,000,000 keys, in such swaps', 'spread-1', 'swap-spread' ]) {
        my ($title, $case, $swap) = @$_;
        printf $LINE, $title, map({ my $n = $_; spread('%.1f', map { $ns{$case}{$_}[$n] / $ns{$swap}{$_}[$n] } keys %{ $ns{$case} }) } 1, 2), ('') x 3;
    }
    for (grep { $_->[0] eq 'bytes' } rows('ledger.tsv')) {
        my (undef, $bytes, $room, $kept) = @$_;
        my $each = sprintf '%.1f', $bytes / $room;
        printf $LINE, 'bytes per key', $each, '', '', '', verdict($each, '<=', 64);
        printf $LINE, 'kept of as many keys as cells', sprintf('%.4f', $kept / $room), ('') x 4;
    }
    return;
}

# Of the slowest process: what it did of what each did on average.
sub report_contended {
    my (%rate, %share, %processes);
    for (rows('contended.tsv')) {
        my ($case, $n, $round, $rate, $share) = @$_;
        $rate{$case}{$n}[$round] = $rate;
        push @{ $share{$case}{$n} }, $share;
        $processes{$n} = 1;
    }
    return if !%rate;
    heading('one counter, M decisions/s', '1 rule', '2 rules', 'swaps', 'slowest', 'target');
    for my $n (sort { $a <=> $b } keys %processes) {
        my %all = map { my $case = $_; ($case => [ grep { defined } @{ $rate{$case}{$n} } ]) } keys %rate;
        my @ratios = map { $all{'hot-1'}[$_] / $all{swap}[$_] } 0 .. $#{ $all{swap} };
        printf $LINE, "$n processes", map({ spread('%.1f', @{ $all{$_} }) } 'hot-1', 'hot-2', 'swap'), sprintf('%.2f', median(@{ $share{'hot-1'}{$n} })),
            $n > 1 ? 'of swaps ' . verdict(median(@ratios), '>=', 0.4) : '';
    }
    return;
}

# One run, since it has two million look-ups in it.
sub report_networks {
    my @rows = rows('networks.tsv') or return;
    heading('networks', 'figure', '', '', '', 'target');
    for (@rows) {
        my ($what, $n, $figure, $unit) = @$_;
        printf $LINE, $what, "$figure $unit", '', '', '', $what =~ /^look-up/ ? verdict($figure, '<', 100) : '';
    }
    return;
}

read_loads();
print "\n", map({ "$_->[0]\n" } rows('machine.txt')), map({ "left out: $_->[0]: $_->[1]\n" } @left_out), "\n";
print "Median (quartiles) of the rounds; servers: throughput and CPU per request as ratios to the first row of the section.\n";
report_ledger();
report_contended();
report_networks();
report_section($_) for @SECTIONS;
report_rules();
report_store();
print "\nRaw numbers: out/bench/*.tsv\n";
