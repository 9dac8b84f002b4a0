#!/usr/bin/perl
# Sends N requests over one kept-alive connection, each after the answer to the one before: for
# the benchmark's page, or posts of its form. Waits up to 30 s for the server.
# Usage: requests.pl PORT N get|post
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $n, $method) = @ARGV;
my $form = 'username=alice&password=wonderland&token=';
$form .= 'x' x (1024 - length $form);
my $request = $method eq 'get' ? "GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n"
    : "POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    . "Content-Length: 1024\r\n\r\n$form";

my $server;
for (1 .. 300) {
    $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) and last;
    select undef, undef, undef, 0.1;
}
$server or die "port $port: $@\n";
local $/ = "\r\n";
for (1 .. $n) {
    print {$server} $request;
    my $length;
    while (defined(my $line = <$server>)) {
        chomp $line;
        last if $line eq '';
        $length = $1 if $line =~ /\Acontent-length: (\d+)\z/i;
    }
    defined $length && read($server, my $body, $length) == $length or die "request $_: no whole answer\n";
}
