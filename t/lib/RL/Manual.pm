# SPDX-License-Identifier: Apache-2.0
package RL::Manual;

# Reads the manual: README.md and docs/*.md.
#
# An entry of docs/reference.md is what stands under the heading of a directive ("## RateLimitLog") or of an option
# ("### RateLimit key=", "### RateLimitStore shm size="): its name, the fields of its list (Syntax, Default, ...), its
# prose, and its examples.

use strict;
use warnings;

use RL::Httpd qw(slurp);

sub files { return ('README.md', sort glob 'docs/*.md') }

# The text in pieces, [kind, text]: kind is the language of a fenced block ('apache', 'c', ''), or 'prose'.
sub pieces {
    my ($text) = @_;
    my @pieces = ([ prose => '' ]);
    my $fenced;
    for my $line (split /^/m, $text) {
        if ($line =~ /^```(\w*)/) {
            $fenced = !$fenced;
            push @pieces, [ $fenced ? $1 : 'prose', '' ];
        }
        else { $pieces[-1][1] .= $line }
    }
    die "a fenced block has no end\n" if $fenced;
    return @pieces;
}

sub of_kind { my ($kind, $text) = @_; return map { $_->[1] } grep { $_->[0] eq $kind } pieces($text) }

# The text without fenced blocks, and without those that are only indented.
sub prose { my ($text) = @_; return join '', map { s/^ {4}.*\n//mgr } of_kind(prose => $text) }

# What a link can point to: GitHub's names of the headings.
sub anchors {
    my ($text) = @_;
    my (@names, %seen);
    for my $heading (prose($text) =~ /^#+ +(.*?) *$/mg) {
        my $name = lc($heading) =~ s/[^\w -]//gr =~ tr/ /-/r;
        push @names, $name . ($seen{$name}++ ? '-' . ($seen{$name} - 1) : '');
    }
    return @names;
}

sub links { my ($text) = @_; return prose($text) =~ /\]\(([^()\s]+)\)/g }

# The entries of the reference, by name.
sub entries {
    my ($text) = @_;
    my (%entries, $entry);
    for my $piece (pieces($text)) {
        if ($piece->[0] ne 'prose') {
            push @{ $entry->{examples} }, $piece->[1] if $entry && $piece->[0] eq 'apache';
            next;
        }
        my ($rest, @parts) = split /^##+ +(.*?) *\n/m, $piece->[1];
        $entry->{text} .= $rest if $entry && defined $rest;
        while (my ($name, $part) = splice @parts, 0, 2) {
            die "two entries: $name\n" if $entries{$name};
            $entry = $entries{$name} = { name => $name, text => $part // '', examples => [] };
        }
    }
    take_fields($_) for values %entries;
    return \%entries;
}

# "- **Syntax:** ..." and the lines that go on with it.
sub take_fields {
    my ($entry) = @_;
    while ($entry->{text} =~ s/^- \*\*(\w[\w ]*):\*\* +(.*\n(?: +\S.*\n)*)//m) {
        my ($name, $value) = ($1, $2);
        $entry->{fields}{$name} = $value =~ s/\s+/ /gr =~ s/ \z//r;
    }
    return;
}

# What stands between backticks.
sub code { my ($text) = @_; return ($text // '') =~ /`([^`]+)`/g }

1;
