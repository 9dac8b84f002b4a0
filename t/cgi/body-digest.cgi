#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Reads its whole body and tells what it read: digest and length, beside what was announced.
# ?digest=0 leaves the digest out, for bodies that are only to be taken away.
use strict;
use warnings;
use Digest::MD5;

my $want_digest = ($ENV{QUERY_STRING} // '') !~ /\bdigest=0\b/;
my ($md5, $length, $piece, $n) = (Digest::MD5->new, 0, '');
while ($n = sysread STDIN, $piece, 65536) {
    $length += $n;
    $md5->add($piece) if $want_digest;
}
print "Content-Type: text/plain\n\n",
    'digest=', ($want_digest ? $md5->hexdigest : '-'), " length=$length announced=", $ENV{CONTENT_LENGTH} // '-',
    ' type=', $ENV{CONTENT_TYPE} // '-', ' method=', $ENV{REQUEST_METHOD} // '-', defined $n ? '' : " error=$!", "\n";
