# SPDX-License-Identifier: Apache-2.0
package RL::Body;

# Bodies of an exact size, and the ways to send one: what the t/5* tests are made of.

use strict;
use warnings;
use Digest::MD5 ();
use Exporter qw(import);
use File::Temp ();
use POSIX ();
use Storable ();
use Time::HiRes qw(sleep time);

use RL::Client;

our @EXPORT = qw(filler urlencoded multipart other seen send_all nghttp h2_status raw raw_all post_head);

my $BOUNDARY = '----WebKitFormBoundaryq1W2e3R4t5Y6u7I8';

# ---- bodies -------------------------------------------------------------------------------------------------

# n bytes of every value, the same each time, with line ends and dashes among them; no two places look alike.
sub filler {
    my ($n) = @_;
    my ($text, $i) = ('', 0);
    while (length $text < $n) { $text .= Digest::MD5::md5('filler', $i++) . ($i % 7 ? '' : "\r\n--") }
    return substr $text, 0, $n;
}

# Forms of exactly n bytes (at least as much of one as fits), with the field `user` in front: (content type, body).
sub urlencoded {
    my ($n, $user) = @_;
    my $text = 'user=' . ($user // 'alice') . '&pad=';
    (my $pad = filler($n)) =~ tr/\x80-\xff/\x00-\x7f/;
    $pad =~ tr/&=;%+\0"</a-h/;
    return ('application/x-www-form-urlencoded', substr $text . $pad, 0, $n);
}

sub multipart {
    my ($n, $user) = @_;
    my $head = "--$BOUNDARY\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\n" . ($user // 'alice') . "\r\n"
        . "--$BOUNDARY\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.bin\"\r\n"
        . "Content-Type: application/octet-stream\r\n\r\n";
    my $tail = "\r\n--$BOUNDARY--\r\n";
    my $room = $n - length($head) - length $tail;
    return ("multipart/form-data; boundary=$BOUNDARY", substr $head . filler($room > 0 ? $room : 0) . $tail, 0, $n);
}

# Of a type nobody looks into.
sub other { my ($n) = @_; return ('application/octet-stream', filler($n)) }

# What body-digest.cgi or .php says of a body that came whole.
sub seen { my ($body) = @_; return 'digest=' . Digest::MD5::md5_hex($body) . ' length=' . length $body }

# ---- sending ------------------------------------------------------------------------------------------------

# Many requests at once, each on a connection of its own, all to one server and sent in one way: length, chunked,
# expect, dripped, dripped-chunked or h2. A job is { port, path, type, body }; gives "status body" for each.
sub send_all {
    my ($way, @jobs) = @_;
    return send_h2(@jobs) if $way eq 'h2';
    my @conns = map { RL::Client->new(port => $_->{port}) } @jobs;
    if ($way =~ /^dripped/) { drip($way, \@conns, \@jobs) }
    else {
        my %how = $way eq 'chunked' ? (chunked => 1000) : $way eq 'expect' ? (expect => 1) : ();
        for my $i (0 .. $#jobs) {
            $conns[$i]->send_request('POST', $jobs[$i]{path}, keepalive => 0, %how,
                type => $jobs[$i]{type}, body => $jobs[$i]{body});
        }
    }
    return map { my $r = $_->read_response; join ' ', $r->status, $r->body } @conns;
}

# Every body in six pieces, the first of one byte, all connections in turn.
sub drip {
    my ($way, $conns, $jobs) = @_;
    my $chunked = $way eq 'dripped-chunked';
    my @pieces = map { [ pieces($_->{body}) ] } @$jobs;
    for my $i (0 .. $#$jobs) {
        my $job = $jobs->[$i];
        $conns->[$i]->send_request('POST', $job->{path}, keepalive => 0, no_body => 1,
            headers => [ 'Content-Type' => $job->{type}, $chunked ? ('Transfer-Encoding' => 'chunked') : () ],
            $chunked ? () : (length => length $job->{body}));
    }
    for my $round (0 .. 6) {
        for my $i (0 .. $#$jobs) {
            my $piece = $pieces[$i][$round] // next;
            $conns->[$i]->write_all($chunked ? sprintf("%x\r\n%s\r\n", length $piece, $piece) : $piece);
        }
        sleep 0.01;
    }
    if ($chunked) { $_->write_all("0\r\n\r\n") for @$conns }
    return;
}

sub pieces {
    my ($body) = @_;
    return if $body eq '';
    my ($first, $rest) = unpack 'a1 a*', $body;
    my $size = int(length($rest) / 5) + 1;
    return ($first, unpack "(a$size)*", $rest);
}

# ---- byte by byte ----------------------------------------------------------------------------------------------

# Sends bytes as they are (a number among them: wait so many seconds; 'shut': send the end), until something comes back; then reads until
# the server closes, or is silent for `quiet` seconds (20), or has given as many `answers` as are due and no more
# within a moment. Gives { text => all that came, statuses => '200 429',
# closed => whether the server closed, first => seconds until the first byte }.
sub raw {
    my ($port, $pieces, %o) = @_;
    my $c = RL::Client->new(port => $port, timeout => $o{quiet} // 20);
    my $t0 = time;
    for my $piece (@$pieces) {
        if ($piece eq 'shut')         { $c->{sock}->shutdown(1) }
        elsif ($piece =~ /\A[\d.]+\z/) { last if $c->readable($piece) && !$o{stubborn} && !only_continue($c) }
        else                          { $c->write_all($piece) or last }
    }
    if ($o{hang_up}) { $c->close; return }
    while ($c->fill) { $c->{timeout} = 0.3 if $o{answers} && $o{answers} <= (() = $c->{in} =~ m{^HTTP/1\.[01] (?!100)\d{3}}mg) }
    my $text = $c->{in};
    return { text => $text, statuses => join(' ', $text =~ m{^HTTP/1\.[01] (\d{3})}mg), closed => $c->{eof} ? 1 : 0,
        first => defined $c->{last_first_byte} ? $c->{last_first_byte} - $t0 : undef };
}

sub only_continue {
    my ($c) = @_;
    $c->fill if !length $c->{in};
    return $c->{in} =~ /\AHTTP\/1\.1 100 [^\r]*\r\n\r\n\z/;
}

# Many at the same time: each job is the arguments of one raw(), in a process of its own. The results in order.
sub raw_all {
    my (@jobs) = @_;
    my @running = map {
        my $job = $_;
        my $pid = open(my $fh, '-|') // die "fork: $!";
        if (!$pid) {
            Storable::store_fd(raw(@$job), \*STDOUT);
            close STDOUT;
            POSIX::_exit(0);
        }
        $fh;
    } @jobs;
    return map { my $result = Storable::fd_retrieve($_); close $_; $result } @running;
}

# A request's head: post_head('/path', 'Content-Length' => 5, ...); the type is a urlencoded form's unless given.
sub post_head {
    my ($path, @headers) = @_;
    unshift @headers, 'Content-Type' => 'application/x-www-form-urlencoded' if !grep { lc eq 'content-type' } @headers;
    my $text = "POST $path HTTP/1.1\r\nHost: localhost\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) { $text .= "$name: $value\r\n" }
    return "$text\r\n";
}

# ---- HTTP/2 -------------------------------------------------------------------------------------------------

# All at once, a process for each.
sub send_h2 {
    my (@jobs) = @_;
    my @running = map { my ($fh, $file) = nghttp_begin(%$_); [ $fh, $file ] } @jobs;
    return map { my ($fh, $file) = @$_; local $/; my $said = <$fh> // ''; close $fh; unlink $file; "200 $said" } @running;
}

# One POST over HTTP/2 with prior knowledge; what nghttp printed. Options: port, path, type, body, options => [of nghttp].
sub nghttp {
    my (%o) = @_;
    my ($fh, $file) = nghttp_begin(%o);
    local $/;
    my $said = <$fh> // '';
    close $fh;
    unlink $file;
    return $said;
}

sub nghttp_begin {
    my (%o) = @_;
    my $temp = File::Temp->new(UNLINK => 0);
    print {$temp} $o{body};
    close $temp;
    my @command = ('nghttp', '-d', $temp->filename, '-H', "content-type: $o{type}", @{ $o{options} // [] },
        "http://127.0.0.1:$o{port}$o{path}");
    open my $fh, '-|', @command or die "nghttp: $! (Debian: nghttp2-client)\n";
    return ($fh, $temp->filename);
}

# The status of one POST over HTTP/2.
sub h2_status {
    my (%o) = @_;
    my ($status) = nghttp(%o, options => [ '-v', '-n', @{ $o{options} // [] } ]) =~ /:status: (\d{3})/;
    return $status // 0;
}

1;
