#!/usr/bin/perl
# Prints the tables of `make bench` from the raw numbers in the directory given. Every figure of
# httpd is a ratio of two loads of the same round; the table has the median over the rounds and
# the quartiles around it.
use strict;
use warnings;

my ($dir) = @ARGV or die "usage: report.pl DIRECTORY\n";

sub rows {
    my ($name) = @_;
    open my $fh, '<', "$dir/$name" or return;
    return map { chomp; [ split /\t/ ] } <$fh>;
}

# The value below which the given share of the sorted values lies, interpolated.
sub quantile {
    my ($share, @values) = @_;
    @values = sort { $a <=> $b } @values;
    my $at = $share * $#values;
    my $i  = int $at;
    return $values[$i] if $i == $#values;
    return $values[$i] + ($at - $i) * ($values[ $i + 1 ] - $values[$i]);
}

# "12.3 (11.9 to 13.0)"
sub spread {
    my ($format, @values) = @_;
    my @q = map { sprintf $format, quantile($_, @values) } 0.5, 0.25, 0.75;
    return sprintf '%8s  (%s to %s)', @q;
}

# ---- the ledger ----

my %LEDGER = (
    swap         => [ 'one compare-and-swap, for comparison',    '' ],
    digest       => [ 'key of an address to digest',             '' ],
    'hot-1'      => [ '1 rule, one key',                         '< 100' ],
    'hot-2'      => [ '2 rules, one key each',                   '< 200' ],
    'hot-denied' => [ '1 rule, one key, denied',                 '< 100' ],
    'spread-1'   => [ '1 rule, 1,000,000 keys',                  '' ],
    'crowded-1'  => [ '1 rule, 1,000,000 keys, room for half',   '' ],
);

sub report_ledger {
    my @rows = rows('ledger.tsv') or return;
    my (%ns, @order);
    for (@rows) {
        my ($case, $processes, undef, $ns) = @$_;
        push @order, $case if !$ns{$case};
        push @{ $ns{$case}{$processes} }, $ns;
    }
    my %instructions = map { @$_ } rows('ledger-instructions.tsv');
    print "Ledger alone, ns per decision: median (quartiles)\n\n";
    printf "  %-38s %-26s %-26s %-8s %s\n", '', '1 process', '2 processes at once', 'target', 'instructions';
    for my $case (@order) {
        my ($title, $target) = @{ $LEDGER{$case} // [ $case, '' ] };
        printf "  %-38s %-26s %-26s %-8s %s\n", $title, map({ spread('%.0f', @{ $ns{$case}{$_} }) } 1, 2), $target,
            $instructions{$case} // '';
    }
    print "\n";
    return;
}

# ---- httpd ----

# Case, the case it is compared with, title, targets for throughput and CPU.
my @HTTP = (
    [ 'control',   'bare',      'no module, again (noise)',    '',       '' ],
    [ 'rules',     'bare',      'two key=ip rules, allowed',   '> 0.98', '' ],
    [ 'headers',   'rules',     'the same with RateLimit fields', '',    '' ],
    [ 'forbidden', 'bare',      "httpd's own 403",             '',       '' ],
    [ 'denied',    'forbidden', "429, against that 403",       '>= 0.95', '' ],
    [ 'form',      'post',      'form rule, against the POST', '',       '< 1.05' ],
);

# {case}{round} = [requests per second, CPU microseconds per request]
sub read_http {
    my %load;
    for (rows('http.tsv')) {
        my ($case, $round, $requests, $seconds, $cpu, $other) = @$_;
        my $expected = $case =~ /denied|forbidden/ ? $requests : 0;
        die "$case, round $round: $other of $requests answers were not 2xx or 3xx, expected $expected\n"
            if abs($other - $expected) > 16;
        $load{$case}{$round} = [ $requests / $seconds, 1e6 * $cpu / $requests ];
    }
    return \%load;
}

sub ratios {
    my ($load, $case, $base, $what) = @_;
    return map { $load->{$case}{$_}[$what] / $load->{$base}{$_}[$what] }
        grep { $load->{$base}{$_} && $load->{$base}{$_}[$what] > 0 } keys %{ $load->{$case} };
}

sub report_http {
    my $load = read_http();
    return if !%$load;
    my %instructions = map { @$_ } rows('http-instructions.tsv');
    print "httpd (event, one child on one core; wrk on another), a 1 KiB file, keep-alive: median (quartiles)\n\n";
    my $line = "  %-31s %-36s %-36s %-7s %s\n";
    printf $line, '', 'throughput, ratio', 'CPU per request, ratio', 'CPU us', 'user-space instructions';
    for ([ 'bare', 'no module' ], [ 'unused', 'module loaded, no rules' ], [ 'post', 'POST of 1 KiB, no rules' ]) {
        my ($case, $title) = @$_;
        next if !$load->{$case} && !$instructions{$case};
        printf $line, $title, '', '', $load->{$case} ? cpu_of($load->{$case}) : '', $instructions{$case} // '';
    }
    for (@HTTP) {
        my ($case, $base, $title, @target) = @$_;
        next if !$load->{$case} || !$load->{$base};
        my @cells = map { join '  ', spread('%.3f', ratios($load, $case, $base, $_)), $target[$_] } 0, 1;
        printf $line, $title, @cells, cpu_of($load->{$case}), $instructions{$case} // '';
    }
    print "\n";
    return;
}

sub cpu_of { my ($rounds) = @_; return sprintf '%.1f', quantile(0.5, map { $_->[1] } values %$rounds) }

print "\n", map({ "$_->[0]\n" } rows('machine.txt')), "\n";
report_ledger();
report_http();
print "Raw numbers: out/bench/*.tsv\n";
