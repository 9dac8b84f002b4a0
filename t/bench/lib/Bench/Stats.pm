# SPDX-License-Identifier: Apache-2.0
package Bench::Stats;

# Medians and quartiles, and how a table shows them.

use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(quantile median spread);

# The value below which the given share of the values lies, interpolated.
sub quantile {
    my ($share, @v) = @_;
    @v = sort { $a <=> $b } @v;
    my $at = $share * $#v;
    my $i  = int $at;
    return $i == $#v ? $v[$i] : $v[$i] + ($at - $i) * ($v[ $i + 1 ] - $v[$i]);
}

sub median { return quantile(0.5, @_) }

# "12.3 (11.9 to 13.0)": the median and the quartiles; a single value alone. Of large numbers nobody reads the decimals.
sub spread {
    my ($format, @v) = @_;
    my @q = map { quantile($_, @v) } 0.5, 0.25, 0.75;
    $format =~ s/\.\d/abs $q[0] < 100 ? '.1' : '.0'/e if abs $q[0] >= 10;
    return sprintf $format, @v if @v == 1;
    return sprintf "$format ($format to $format)", @q;
}

1;
