#!/usr/bin/perl
# Reads its whole body and tells what it read: digest and length, beside what was announced.
# ?digest=0 leaves the digest out (for bodies that are only to be taken away), ?first=N reads N bytes and no more.
use strict;
use warnings;
use Digest::MD5;

my %o = map { split /=/, $_, 2 } grep { /=/ } split /&/, $ENV{QUERY_STRING} // '';
my $want_digest = $o{digest} // 1;
my ($md5, $length, $piece, $n) = (Digest::MD5->new, 0, '', 1);
while ($n && (!defined $o{first} || $length < $o{first})) {
    $n = sysread STDIN, $piece, defined $o{first} ? $o{first} - $length : 65536;
    last if !$n;
    $length += $n;
    $md5->add($piece) if $want_digest;
}
print "Content-Type: text/plain\n\n",
    'digest=', ($want_digest ? $md5->hexdigest : '-'), " length=$length announced=", $ENV{CONTENT_LENGTH} // '-',
    ' type=', $ENV{CONTENT_TYPE} // '-', ' method=', $ENV{REQUEST_METHOD} // '-', defined $n ? '' : " error=$!", "\n";
