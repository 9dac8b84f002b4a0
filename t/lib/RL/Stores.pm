# SPDX-License-Identifier: Apache-2.0
package RL::Stores;

# The stores that what a rule counts must not depend on. A test of counting runs behind each:
#
#   for (stores()) {
#       my ($name, $store) = @$_;
#       my $s = httpd($store . <<'END');
#       ...
#
# RL_STORES, a list with blanks, asks for others.

use strict;
use warnings;
use Exporter qw(import);

use RL::Memcached;

our @EXPORT = qw(stores);

my @KINDS = qw(shm memcached);

# [name, directives] for each.
sub stores {
    return map { [ $_, directives($_) ] } defined $ENV{RL_STORES} ? split(' ', $ENV{RL_STORES}) : @KINDS;
}

sub directives {
    my ($kind) = @_;
    return '' if $kind eq 'shm';
    return 'RateLimitStore memcached ' . RL::Memcached->start->address . " timeout=2s\nRateLimitSecret fleet\n";
}

1;
