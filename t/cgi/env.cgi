#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Prints its environment, one NAME=value a line, sorted, and the size of the body it was given.
use strict;
use warnings;

my $body = '';
if (($ENV{CONTENT_LENGTH} // 0) > 0 || $ENV{HTTP_TRANSFER_ENCODING}) {
    1 while read STDIN, $body, 65536, length $body;
}
my ($status) = ($ENV{QUERY_STRING} // '') =~ /(?:\A|&)cgi_status=(\d{3})/;
print "Status: $status Asked For\n" if $status;
print "Content-Type: text/plain\n\n";
for my $name (sort keys %ENV) {
    (my $value = $ENV{$name}) =~ s/[\r\n]+/ /g;
    print "$name=$value\n";
}
print 'BODY_BYTES=', length $body, "\n";
