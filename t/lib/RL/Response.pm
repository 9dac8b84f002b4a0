# SPDX-License-Identifier: Apache-2.0
package RL::Response;

# One HTTP answer: status, reason, headers (a name may repeat), body, and when its first byte came (ttfb, seconds
# after the request was begun). A connection that ended without an answer gives status 0.

use strict;
use warnings;

sub new    { my ($class, %r) = @_; return bless {%r}, $class }
sub broken { my ($class, %r) = @_; return bless { %r, status => 0, line => '', headers => [], body => $r{raw} // '' }, $class }

# Fills status, line, reason and headers ([lower-case name, value] pairs) of %$r from a header section.
sub parse_head {
    my ($r, $text) = @_;
    my ($line, @lines) = split /\r\n/, $text;
    $r->{line} = $line;
    ($r->{status}, $r->{reason}) = $line =~ m{\AHTTP/\d\.\d (\d{3})(?: (.*))?\z} ? ($1, $2 // '') : (0, '');
    $r->{headers} = [ map { /\A([^:]+):[ \t]*(.*?)[ \t]*\z/ ? [ lc $1, $2 ] : () } @lines ];
    return;
}

sub status { $_[0]{status} }
sub line   { $_[0]{line} }
sub reason { $_[0]{reason} }
sub body   { $_[0]{body} }
sub ttfb   { $_[0]{ttfb} }
sub total  { $_[0]{total} }

# Every value of a header, or (in scalar context) the first; undef without one.
sub header {
    my ($self, $name) = @_;
    my @v = map { $_->[1] } grep { $_->[0] eq lc $name } @{ $self->{headers} };
    return wantarray ? @v : $v[0];
}

# Whether a 100 Continue came before this answer.
sub got_100 { $_[0]{got_100} }

# The environment a body of NAME=value lines (env.cgi) tells, as a hash reference.
sub env {
    my ($self) = @_;
    return { map { /\A([A-Za-z_][A-Za-z0-9_]*)=(.*)\z/ ? ($1, $2) : () } split /\r?\n/, $self->{body} };
}

# For diag(): the whole answer, shortened.
sub as_string {
    my ($self) = @_;
    return join "\n", $self->{line} || '(no answer)', (map { "$_->[0]: $_->[1]" } @{ $self->{headers} }), '',
        substr $self->{body} // '', 0, 800;
}

1;
