#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A legacy login form: 200 and "welcome" for admin/secret, 401 for anything else, the form for a GET.
use strict;
use warnings;

my ($body, %f) = ('');
read STDIN, $body, $ENV{CONTENT_LENGTH} if ($ENV{CONTENT_LENGTH} // 0) > 0;
for (split /&/, $body) {
    my ($n, $v) = map { my $x = $_ // ''; $x =~ tr/+/ /; $x =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge; $x } split /=/, $_, 2;
    $f{$n} //= $v;
}
if (($ENV{REQUEST_METHOD} // '') ne 'POST') {
    print "Content-Type: text/html\n\n<form method=post><input name=user><input name=password type=password></form>\n";
}
elsif (($f{user} // '') eq 'admin' && ($f{password} // '') eq 'secret') {
    print "Content-Type: text/plain\n\nwelcome\n";
}
else {
    print "Status: 401 Unauthorized\nContent-Type: text/plain\n\nwrong\n";
}
