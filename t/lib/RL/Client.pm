# SPDX-License-Identifier: Apache-2.0
package RL::Client;

# A raw HTTP/1.1 client over one socket: it sends exactly what a test asks for, and tells exactly what came back
# and when. No redirects, no retries, no cookies.
#
#   my $c = RL::Client->new(host => '127.0.0.1', port => 8080);     # connects; dies when it can't
#   my $r = $c->request('POST', '/login', body => 'user=admin');    # an RL::Response
#   $c->request('GET', '/again') if !$c->closed;                    # the same connection

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use MIME::Base64 ();
use Socket qw(IPPROTO_TCP TCP_NODELAY SOCK_STREAM);
use Time::HiRes qw(time sleep);

use RL::Response;

sub new {
    my ($class, %o) = @_;
    my $sock = IO::Socket::IP->new(
        PeerHost => $o{host} // '127.0.0.1', PeerPort => $o{port}, Type => SOCK_STREAM, Timeout => 10)
        or die "connect to port $o{port}: $@\n";
    setsockopt $sock, IPPROTO_TCP, TCP_NODELAY, 1;
    $sock->blocking(1);
    binmode $sock;
    my $self = { sock => $sock, select => IO::Select->new($sock), in => '', port => $o{port},
                 timeout => $o{timeout} // 15 };
    return bless $self, $class;
}

# One request and its answer. Options: headers => [name => value, ...] (may repeat), host, http => '1.0',
# auth => 'user:password', body => bytes, type => its Content-Type, length => a Content-Length that differs from
# the body's, chunked => 1 or a chunk size, pieces => [bytes, ...] with delay => seconds between them (a dripped
# body; sending stops when the answer comes), expect => 1 (Expect: 100-continue, and the body only after the 100),
# no_body => 1 (announces the body and never sends it), keepalive => 0 for Connection: close.
sub request {
    my ($self, $method, $path, %o) = @_;
    $self->send_request($method, $path, %o);
    return $self->read_response;
}

# Only the sending half, for requests that are to be in flight together; read_response() takes the answer.
sub send_request {
    my ($self, $method, $path, %o) = @_;
    $self->{method} = $method;
    $self->{t0}     = time;
    my @parts = body_parts(%o);
    my $head  = request_head($method, $path, $self->{port}, %o);
    if ($o{no_body} || $o{expect}) {
        $self->write_all($head);
        return if $o{no_body} || !$self->await_continue;
        $head = '';
    }
    $self->write_all($head . (shift @parts // ''));
    for my $piece (@parts) {
        last if $self->readable($o{delay} // 0);
        $self->write_all($piece) or last;
    }
    return;
}

# The request line and header section. Content-Length is the body's, unless `length` says otherwise.
sub request_head {
    my ($method, $path, $port, %o) = @_;
    my @h = @{ $o{headers} // [] };
    my $has = sub { my $n = lc shift; my %h = @h; return grep { lc eq $n } keys %h };
    unshift @h, Host => $o{host} // "127.0.0.1:$port" unless $has->('host');
    push @h, Authorization => 'Basic ' . MIME::Base64::encode_base64($o{auth}, '') if defined $o{auth};
    push @h, 'Content-Type' => $o{type} // 'application/x-www-form-urlencoded'
        if (defined $o{body} || $o{pieces}) && !$has->('content-type');
    if ($o{chunked}) { push @h, 'Transfer-Encoding' => 'chunked' }
    elsif (defined $o{body} || $o{pieces} || defined $o{length}) {
        my $all = join '', $o{body} // (), @{ $o{pieces} // [] };
        push @h, 'Content-Length' => $o{length} // length $all;
    }
    push @h, Expect => '100-continue' if $o{expect};
    push @h, Connection => 'close' if exists $o{keepalive} && !$o{keepalive};
    my $text = "$method $path HTTP/" . ($o{http} // '1.1') . "\r\n";
    while (my ($n, $v) = splice @h, 0, 2) { $text .= "$n: $v\r\n" }
    return "$text\r\n";
}

# The body as the list of writes that carry it, with chunked framing where asked for.
sub body_parts {
    my (%o) = @_;
    my @parts = grep { defined } $o{body}, @{ $o{pieces} // [] };
    return @parts if !$o{chunked};
    my $size = $o{chunked} > 1 ? $o{chunked} : 0;
    @parts = map { $size ? unpack("(a$size)*", $_) : $_ } @parts;
    @parts = map { sprintf("%x\r\n%s\r\n", length, $_) } grep { length } @parts;
    push @parts, "0\r\n\r\n";
    return $o{delay} ? @parts : join '', @parts;
}

# False when the peer has closed; the answer may still be readable.
sub write_all {
    my ($self, $data) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while (length $data) {
        my $n = syswrite $self->{sock}, $data;
        next if !defined $n && $!{EINTR};
        return 0 if !defined $n;
        substr $data, 0, $n, '';
    }
    return 1;
}

# Whether something (or the end) can be read within `seconds`.
sub readable {
    my ($self, $seconds) = @_;
    return 1 if length $self->{in};
    return scalar $self->{select}->can_read($seconds);
}

# Waits for the first line of an answer: true for a 100, false for a final one (left in the buffer).
sub await_continue {
    my ($self) = @_;
    my $head = $self->fill_until(qr/\r\n\r\n/) // return 0;
    return 0 if $head !~ m{\AHTTP/1\.1 100 };
    $self->{in} =~ s/\A.*?\r\n\r\n//s;
    $self->{continued} = 1;
    return 1;
}

sub read_response {
    my ($self) = @_;
    my %r = (method => $self->{method}, interim => [], got_100 => delete $self->{continued} // 0);
    while (1) {
        defined $self->fill_until(qr/\r\n\r\n/) or return RL::Response->broken(%r, raw => $self->{in});
        $r{ttfb} = ($self->{last_first_byte} //= time) - $self->{t0};
        $self->{in} =~ s/\A(.*?)\r\n\r\n//s;
        RL::Response::parse_head(\%r, $1);
        last if $r{status} >= 200 || $r{status} == 101;
        push @{ $r{interim} }, $r{status};
        $r{got_100} = 1 if $r{status} == 100;
    }
    my $res = RL::Response->new(%r);
    $res->{body}  = $self->read_body($res);
    $res->{total} = time - $self->{t0};
    delete $self->{last_first_byte};
    return $res;
}

sub read_body {
    my ($self, $res) = @_;
    return '' if ($self->{method} // '') eq 'HEAD' || $res->status =~ /\A(?:101|204|304)\z/;
    return $self->read_chunked if ($res->header('Transfer-Encoding') // '') =~ /chunked/i;
    if (defined(my $n = $res->header('Content-Length'))) {
        while (length $self->{in} < $n) { $self->fill or last }
        return substr $self->{in}, 0, $n, '';
    }
    1 while $self->fill;
    return substr $self->{in}, 0, length $self->{in}, '';
}

sub read_chunked {
    my ($self) = @_;
    my $body = '';
    while (defined $self->fill_until(qr/\r\n/)) {
        $self->{in} =~ s/\A([0-9a-fA-F]+)[^\r]*\r\n// or last;
        my $n = hex $1;
        while (length $self->{in} < $n + 2) { $self->fill or return $body }
        $body .= substr $self->{in}, 0, $n, '';
        substr $self->{in}, 0, 2, '';
        last if !$n;
    }
    return $body;
}

# Reads once; false at the end, on an error or after the timeout.
sub fill {
    my ($self) = @_;
    my $limit = time + $self->{timeout};
    while ((my $left = $limit - time) > 0) {
        next if !$self->{select}->can_read($left);
        my $n = sysread $self->{sock}, $self->{in}, 65536, length $self->{in};
        next if !defined $n && $!{EINTR};
        $self->{last_first_byte} //= time if $n;
        $self->{eof} = 1 if !$n;
        return $n;
    }
    return 0;
}

# The buffer once it matches, or undef when the connection ends before.
sub fill_until {
    my ($self, $re) = @_;
    while ($self->{in} !~ $re) { $self->fill or return undef }
    return $self->{in};
}

# Whether the server closes the connection within `seconds` (a kept one stays silent).
sub closed {
    my ($self, $seconds) = @_;
    return 1 if $self->{eof};
    return 0 if length $self->{in} || !$self->{select}->can_read($seconds // 0.3);
    my $n = sysread $self->{sock}, $self->{in}, 65536, length $self->{in};
    return !$n;
}

sub close { close $_[0]{sock} }

1;
