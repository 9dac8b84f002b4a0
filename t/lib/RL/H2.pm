# SPDX-License-Identifier: Apache-2.0
package RL::H2;

# As much of an HTTP/2 client (RFC 9113, cleartext, prior knowledge) as it takes to misbehave on a stream: it sends
# the frames a test asks for, and tells status and body of each stream. HPACK (RFC 7541) goes out as literals
# without indexing; of what comes back only :status is decoded.
#
#   my $h2 = RL::H2->new(port => 8080);
#   my $id = $h2->headers('POST', '/login', 'content-type' => 'text/plain');
#   $h2->data($id, 'user=a');  $h2->reset($id);
#   $h2->finished($other, 5);    # [ status, body ] or undef
#   $h2->logged($s, $mark);      # the access log has a line since $mark; with a third argument: one that matches

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use Time::HiRes qw(time);

use constant { DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6, GOAWAY => 7, WINDOW_UPDATE => 8 };
use constant { END_STREAM => 1, ACK => 1, END_HEADERS => 4 };

# The status codes of HPACK's static table.
my %STATIC = (8 => 200, 9 => 204, 10 => 206, 11 => 304, 12 => 400, 13 => 404, 14 => 500);

sub new {
    my ($class, %o) = @_;
    my $sock = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $o{port}, Timeout => 10) or die "connect: $@\n";
    my $self = bless { sock => $sock, in => '', next => 1, status => {}, body => {}, ended => {}, reset => {} }, $class;
    $self->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    # Header table of size 0: the server can't refer to what it sent before.
    $self->frame(SETTINGS, 0, 0, pack 'nN', 1, 0);
    return $self;
}

sub send {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while (length $bytes) { my $n = syswrite $self->{sock}, $bytes or return 0; substr $bytes, 0, $n, '' }
    return 1;
}

sub frame {
    my ($self, $type, $flags, $stream, $payload) = @_;
    my $n = length $payload;
    return $self->send(pack('Cn', $n >> 16, $n & 0xffff) . pack('CCN', $type, $flags, $stream) . $payload);
}

# A string literal without Huffman coding; all of ours are shorter than 127 + 128.
sub literal {
    my ($text) = @_;
    my $n = length $text;
    return ($n < 127 ? pack('C', $n) : pack('CC', 127, $n - 127)) . $text;
}

# Opens a stream; its id.
sub headers {
    my ($self, $method, $path, @more) = @_;
    my $id = $self->{next};
    $self->{next} += 2;
    my @fields = (':method' => $method, ':scheme' => 'http', ':authority' => 'localhost', ':path' => $path, @more);
    my $block = '';
    while (my ($name, $value) = splice @fields, 0, 2) { $block .= "\0" . literal($name) . literal($value) }
    $self->frame(HEADERS, END_HEADERS | ($method eq 'GET' ? END_STREAM : 0), $id, $block);
    return $id;
}

sub data  { my ($self, $id, $bytes, $last) = @_; return $self->frame(DATA, $last ? END_STREAM : 0, $id, $bytes) }
sub reset { my ($self, $id) = @_; return $self->frame(RST_STREAM, 0, $id, pack 'N', 8) }

# Reads until the stream has ended: its status and body; undef when it was reset, or not over within `seconds`.
sub finished {
    my ($self, $id, $seconds) = @_;
    my $end = time + ($seconds // 10);
    while (!$self->{ended}{$id} && !$self->{reset}{$id}) {
        next if $self->take_frame;
        my $left = $end - time;
        return if $left <= 0 || !IO::Select->new($self->{sock})->can_read($left);
        sysread $self->{sock}, $self->{in}, 65536, length $self->{in} or return;
    }
    return if $self->{reset}{$id};
    return [ $self->{status}{$id}, $self->{body}{$id} // '' ];
}

# Waits until the server has written an access-log line since `from`, one that matches `re`. mod_http2 2.0.42 now and then ends a request
# only when its connection stirs again, or at KeepAliveTimeout: hence the pings.
sub logged {
    my ($self, $server, $from, $re) = @_;
    return RL::Httpd::await(20, sub {
        return 1 if grep { !defined $re || $_ =~ $re } RL::Httpd::lines_from("$server->{root}/logs/access.log", $from);
        $self->frame(PING, 0, 0, 'are you?');
        return 0;
    });
}

sub take_frame {
    my ($self) = @_;
    return 0 if length $self->{in} < 9;
    my ($high, $low, $type, $flags, $id) = unpack 'CnCCN', $self->{in};
    my $n = $high << 16 | $low;
    return 0 if length $self->{in} < 9 + $n;
    my $payload = substr $self->{in}, 9, $n;
    substr $self->{in}, 0, 9 + $n, '';
    $self->{body}{$id} .= $payload               if $type == DATA;
    $self->{status}{$id} //= status_of($payload) if $type == HEADERS;
    $self->{reset}{$id} = 1                      if $type == RST_STREAM;
    $self->{ended}{$id} = 1                      if $flags & END_STREAM && ($type == DATA || $type == HEADERS);
    $self->frame(SETTINGS, ACK, 0, '')           if $type == SETTINGS && !($flags & ACK);
    $self->frame(PING, ACK, 0, $payload)         if $type == PING     && !($flags & ACK);
    return 1;
}

# :status comes first. Three digits as Huffman code or as they are, or a place in the static table.
sub status_of {
    my ($block) = @_;
    $block =~ s/\A[\x20-\x3f]+//;    # table size updates
    my $first = ord $block;
    return $STATIC{ $first & 0x7f } // 0 if $first & 0x80;
    my ($length) = unpack 'x C', $block;
    my $value = substr $block, 2, $length & 0x7f;
    return $value if !($length & 0x80);
    my $bits = unpack 'B*', $value;      # 0, 1 and 2 have five bits, 3 to 9 have six: RFC 7541, appendix B
    my $status = '';
    while ($bits =~ s/\A(00000|00001|00010|011001|01101.|01110.|01111.)//) {
        $status .= length $1 == 5 ? oct "0b$1" : oct("0b$1") - 22;
    }
    return $status;
}

1;
