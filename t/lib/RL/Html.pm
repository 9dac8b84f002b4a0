# SPDX-License-Identifier: Apache-2.0
package RL::Html;

# What a page is made of, for tests: strict where a browser isn't.
#
#   my $page = RL::Html->new($text);          # dies where the markup isn't well-formed
#   $page->find('table', 'id', qr/\Ar1/)      # elements by name and attribute, in order: { name, attr => {}, kids => [], text }
#   $page->one('main')                        # the only one
#   RL::Html::text($element)                  # its text with one blank between words; entities decoded
#   $page->complaints                         # what is wrong in what it refers to: ids, labels, tables, headings

use strict;
use warnings;

my %VOID   = map { $_ => 1 } qw(meta input br hr img link);
my %RAW    = map { $_ => 1 } qw(style script);
my %ENTITY = (lt => '<', gt => '>', amp => '&', quot => '"', '#39' => "'");

sub decode { my ($text) = @_; return $text =~ s/&([#\w]+);/$ENTITY{$1} \/\/ die "entity &$1;\n"/ger }

sub new {
    my ($class, $text) = @_;
    my $self = bless { all => [], root => { name => '', attr => {}, kids => [] } }, $class;
    $text =~ s/\A<!DOCTYPE html>\n// or die "no doctype\n";
    $self->parse($text);
    return $self;
}

sub parse {
    my ($self, $text) = @_;
    my @open = ($self->{root});
    while ($text =~ /\G(?:<\/(\w+)>|<(\w+)((?:\s+[\w:-]+(?:="[^"<>]*")?)*)\s*(\/?)>|([^<>]+))/gc) {
        my ($end, $begin, $attributes, $closed, $words) = ($1, $2, $3, $4, $5);
        if (defined $end) { (pop @open)->{name} eq $end or die "</$end> ends nothing\n" }
        elsif (defined $begin) {
            my $element = $self->add($open[-1], $begin, $attributes);
            if ($RAW{$begin}) { $text =~ /\G(.*?)<\/$begin>/gcs or die "<$begin> has no end\n"; push @{ $element->{kids} }, $1 }
            elsif (!$VOID{$begin} && !$closed) { push @open, $element }
        }
        else { push @{ $open[-1]{kids} }, decode($words) }
    }
    die 'not markup: ' . substr($text, pos $text // 0, 80) . "\n" if (pos $text // 0) < length $text;
    die "<$open[-1]{name}> has no end\n" if @open > 1;
    return;
}

sub add {
    my ($self, $parent, $name, $attributes) = @_;
    my %element = (name => $name, attr => {}, kids => [], parent => $parent);
    while ($attributes =~ /([\w:-]+)(?:="([^"]*)")?/g) {
        die "<$name> has $1 twice\n" if exists $element{attr}{$1};
        $element{attr}{$1} = decode($2 // '');
    }
    push @{ $self->{all} }, \%element;
    push @{ $parent->{kids} }, \%element;
    return \%element;
}

sub find {
    my ($self, $name, $attribute, $like) = @_;
    return grep { ($name eq '*' || $_->{name} eq $name) && (!defined $attribute || ($_->{attr}{$attribute} // '') =~ $like) } @{ $self->{all} };
}

sub within {
    my ($element, $name) = @_;
    return map { ref $_ ? (($_->{name} eq $name ? $_ : ()), within($_, $name)) : () } @{ $element->{kids} };
}

sub one { my ($self, @what) = @_; my @found = $self->find(@what); die scalar(@found) . " of @what\n" if @found != 1; return $found[0] }

sub raw_text { my ($element) = @_; return join ' ', map { ref $_ ? raw_text($_) : $_ } @{ $element->{kids} } }
sub text     { my ($element) = @_; return raw_text($element) =~ s/\s+/ /gr =~ s/\A | \z//gr }

# ---- what a screen reader needs ----------------------------------------------------------------------------

sub has_name {
    my ($e) = @_;
    return 1 if length(($e->{attr}{'aria-label'} // '') . ($e->{attr}{'aria-labelledby'} // ''));
    return 1 if $e->{name} eq 'button' && length text($e);
    for (my $at = $e->{parent}; $at; $at = $at->{parent}) { return 1 if $at->{name} eq 'label' && length text($at) }
    return 0;
}

sub bad_references {
    my ($self) = @_;
    my (%id, @bad);
    for my $e (@{ $self->{all} }) { push @bad, "id $e->{attr}{id} twice" if defined $e->{attr}{id} && $id{ $e->{attr}{id} }++ }
    for my $e (@{ $self->{all} }) {
        my @wanted = (split(' ', $e->{attr}{'aria-labelledby'} // ''), ($e->{attr}{href} // '') =~ /\A#(.*)/ ? $1 : ());
        push @bad, map { "nothing is called $_" } grep { !$id{$_} } @wanted;
    }
    return @bad;
}

sub bad_names {
    my ($self) = @_;
    my @controls = grep { $_->{name} =~ /\A(?:button|select)\z/ || ($_->{name} eq 'input' && $_->{attr}{type} ne 'hidden') } @{ $self->{all} };
    return map { "a $_->{name} without a name" } grep { !has_name($_) } @controls, $self->find('svg', 'role', qr/img/), $self->find('nav');
}

sub bad_tables {
    my ($self) = @_;
    my @bad;
    for my $table ($self->find('table')) {
        my @scopes = map { $_->{attr}{scope} // '' } within($table, 'th');
        push @bad, 'a table without a caption' if !within($table, 'caption');
        push @bad, 'a head without a scope' if grep { !/\A(?:col|row)\z/ } @scopes;
        my ($head, @rows) = within($table, 'tr');
        push @bad, 'a row of another length' if grep { @{ [ grep { ref } @{ $_->{kids} } ] } != @{ [ grep { ref } @{ $head->{kids} } ] } } @rows;
    }
    return @bad;
}

sub bad_headings {
    my ($self) = @_;
    my ($level, @bad) = (0);
    for my $n (map { $_->{name} =~ /\Ah([1-6])\z/ ? $1 : () } @{ $self->{all} }) {
        push @bad, "h$n after h$level" if $n > $level + 1;
        $level = $n;
    }
    return @bad;
}

sub complaints { my ($self) = @_; return join '; ', $self->bad_references, $self->bad_names, $self->bad_tables, $self->bad_headings }

1;
