# SPDX-License-Identifier: Apache-2.0
package RL::StructuredField;

# Structured Field Values for HTTP, read as RFC 9651 4.2 says and no way else: what is not of the grammar is refused,
# with a reason. parse_list and parse_item take a field's value and die; a list is an array of members, a member
#
#   { type => 'string', value => 'burst', params => [ [ 'q', { type => 'integer', value => 100 } ], ... ] }
#
# An inner list has the type 'inner-list' and members as its value. param($member, 'q') is a parameter's value.

use strict;
use warnings;
use Exporter qw(import);
use MIME::Base64 ();

our @EXPORT_OK = qw(parse_list parse_item param);

my $KEY = qr/[a-z*][a-z0-9_.*-]*/;

sub parse_list {
    my ($text) = @_;
    my $at = begin($text);
    my @members;
    while (!at_end($at)) {
        push @members, member($at);
        $$at =~ /\G[ \t]+/gc;
        last if at_end($at);
        $$at =~ /\G,[ \t]*/gc or refuse($at, 'a comma must stand between members');
        !at_end($at) or refuse($at, 'a comma stands behind the last member');
    }
    return \@members;
}

sub parse_item {
    my ($text) = @_;
    my $at   = begin($text);
    my $item = item($at);
    at_end($at) or refuse($at, 'something stands behind the item');
    return $item;
}

# The value of a parameter, undef without it.
sub param {
    my ($member, $key) = @_;
    my ($found) = grep { $_->[0] eq $key } @{ $member->{params} };
    return $found && $found->[1]{value};
}

# ---- the parser: \G in a copy of the text, spaces around it taken off --------------------------------------

sub begin {
    my ($text) = @_;
    die "structured field: none\n" if !defined $text;
    die "structured field: not ASCII: $text\n" if $text =~ /[^\x00-\x7f]/;
    $text =~ s/\A +| +\z//g;
    pos($text) = 0;
    return \$text;
}

sub refuse {
    my ($at, $why) = @_;
    die sprintf "structured field: %s, at %d of <%s>\n", $why, pos($$at) // 0, $$at;
}

# Matches are never empty: Perl lets none follow another in the same place.
sub next_is { my ($at, $chars) = @_; return !at_end($at) && index($chars, substr $$at, pos $$at, 1) >= 0 }
sub at_end  { my ($at) = @_; return pos($$at) == length $$at }

sub member { my ($at) = @_; return $$at =~ /\G\(/gc ? inner_list($at) : item($at) }

sub inner_list {
    my ($at) = @_;
    my @items;
    while (1) {
        $$at =~ /\G +/gc;
        last if $$at =~ /\G\)/gc;
        push @items, item($at);
        next_is($at, ' )') or refuse($at, 'a space or ) must follow in an inner list');
    }
    return { type => 'inner-list', value => \@items, params => params($at) };
}

sub item {
    my ($at) = @_;
    my $item = bare_item($at);
    return { %$item, params => params($at) };
}

# A key that comes again replaces the value and keeps the place (4.2.3.2); we refuse it: nobody writes that on purpose.
sub params {
    my ($at) = @_;
    my (@params, %seen);
    while ($$at =~ /\G; */gc) {
        $$at =~ /\G($KEY)/gc or refuse($at, 'not a key');
        my $key = $1;
        refuse($at, "parameter $key comes twice") if $seen{$key}++;
        push @params, [ $key, $$at =~ /\G=/gc ? bare_item($at) : { type => 'boolean', value => 1 } ];
    }
    return \@params;
}

sub bare_item {
    my ($at) = @_;
    return number($at)                                               if next_is($at, '-0123456789');
    return string($at)                                               if $$at =~ /\G"/gc;
    return { type => 'token', value => $1 }                          if $$at =~ m{\G([A-Za-z*][!#\$%&'*+.^_`|~:/A-Za-z0-9-]*)}gc;
    return bytes($at, $1)                                            if $$at =~ m{\G:([A-Za-z0-9+/=]*):}gc;
    return { type => 'boolean', value => $1 }                        if $$at =~ /\G\?([01])/gc;
    return date($at)                                                 if $$at =~ /\G@/gc;
    return { type => 'display-string', value => $1 =~ s/%([0-9a-f]{2})/chr hex $1/ger }
        if $$at =~ /\G%"((?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*)"/gc;
    return refuse($at, 'not a bare item');
}

# 4.2.4: up to 15 digits, or up to 12 with up to 3 behind the point.
sub number {
    my ($at) = @_;
    $$at =~ /\G(-?)([0-9]+)/gc or refuse($at, 'a number without digits');
    my ($sign, $digits) = ($1, $2);
    if ($$at =~ /\G\./gc) {
        $$at =~ /\G([0-9]{1,3})(?![0-9])/gc or refuse($at, 'a decimal has one to three digits behind the point');
        length $digits <= 12 or refuse($at, 'a decimal has at most 12 digits before the point');
        return { type => 'decimal', value => "$sign$digits.$1" + 0 };
    }
    length $digits <= 15 or refuse($at, 'an integer has at most 15 digits');
    return { type => 'integer', value => "$sign$digits" + 0 };
}

sub string {
    my ($at) = @_;
    $$at =~ /\G((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/gc or refuse($at, 'not a string');
    return { type => 'string', value => $1 =~ s/\\(.)/$1/gr };
}

sub bytes {
    my ($at, $text) = @_;
    return { type => 'bytes', value => MIME::Base64::decode_base64($text) };
}

sub date {
    my ($at) = @_;
    my $n = next_is($at, '-0123456789') ? number($at) : refuse($at, 'a date is an integer');
    $n->{type} eq 'integer' or refuse($at, 'a date is an integer');
    return { type => 'date', value => $n->{value} };
}

1;
