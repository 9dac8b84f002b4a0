#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Holds what no other tool here checks: no function and no file grows too long. Prints every offence as
# file:line: text, and fails when there is one. (Rooms and directions: check-rooms.pl.)
# Usage: check-source.pl FILE...     (from the top of the tree)
use strict;
use warnings;

my $FUNCTION_LINES = 60;
my $FILE_LINES     = 600;

my $failed = 0;

sub offence {
    my ($file, $line, $text) = @_;
    print "$file:$line: $text\n";
    $failed = 1;
    return;
}

# clang-format puts a function's braces at the start of a line, each alone; a structure's
# closing brace has a semicolon or a name after it.
sub check_functions {
    my ($file, $lines) = @_;
    my $start;
    for my $i (0 .. $#$lines) {
        $start = $i if $lines->[$i] =~ /^\{\s*$/;
        next if !defined $start || $lines->[$i] !~ /^\}\s*$/;
        my $length = $i - $start - 1;
        offence($file, $start + 1, "this function has $length lines, more than $FUNCTION_LINES") if $length > $FUNCTION_LINES;
        $start = undef;
    }
    return;
}

sub check_subs {
    my ($file, $lines) = @_;
    my $start;
    for my $i (0 .. $#$lines) {
        $start = $i if $lines->[$i] =~ /^sub \w+ \{\s*$/;
        next if !defined $start || $lines->[$i] !~ /^\}\s*$/;
        my $length = $i - $start - 1;
        offence($file, $start + 1, "this sub has $length lines, more than $FUNCTION_LINES") if $length > $FUNCTION_LINES;
        $start = undef;
    }
    return;
}

for my $file (@ARGV) {
    open my $fh, '<', $file or die "$file: $!\n";
    my @lines = <$fh>;
    close $fh;
    my $n = @lines;
    offence($file, $n, "this file has $n lines, more than $FILE_LINES: it has become two") if $n > $FILE_LINES;
    if ($file =~ /\.[ch]\z/) {
        check_functions($file, \@lines);
    }
    elsif ($file =~ /\.(?:pl|pm|t|cgi)\z/) {
        check_subs($file, \@lines);
    }
}
exit $failed;
