# SPDX-License-Identifier: Apache-2.0
# Hostile and odd requests with bodies: each is answered as the same server without form rules answers it; nothing
# crashes, hangs or mixes two requests.
use RL::Test;
use RL::Body;
use RL::H2;

my $CGI   = '/cgi-bin/body-digest.cgi';
my $INNER = "GET /ok/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $RULES = "<Location \"/\">\n" . join('', map { "RateLimit r$_ 100000/30d key=form:field$_\n" } 1 .. 99)
    . "RateLimit login 100000/30d key=form:user\n</Location>\n<Location \"/ok/counted\">\nRateLimit once 2/30d key=form:user\n</Location>\n";

sub chunk { my ($data, $extra) = @_; return sprintf "%x%s\r\n%s\r\n", length $data, $extra // '', $data }
sub of { my ($method, @rest) = @_; return post_head(@rest) =~ s/\APOST/$method/r }
my @CHUNKED = ('Transfer-Encoding' => 'chunked');
my $FORM = 'user=a&x=' . $INNER x 3;
my @LENGTH = ('Content-Length' => length $FORM);
my $NEXT = "GET /ok/next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

# ---- one connection each, compared --------------------------------------------------------------------------
my %case = (
    'length and chunked'            => [ post_head($CGI, @LENGTH, @CHUNKED) . chunk($FORM) . "0\r\n\r\n$NEXT" ],
    'chunked and a short length'    => [ post_head($CGI, @CHUNKED, 'Content-Length' => 5) . chunk($FORM) . "0\r\n\r\n$NEXT" ],
    'length 0 and chunked'          => [ post_head($CGI, 'Content-Length' => 0, @CHUNKED) . chunk($FORM) . "0\r\n\r\n$NEXT" ],
    'the same length twice'         => [ post_head($CGI, @LENGTH, @LENGTH) . $FORM . $NEXT ],
    'a length with zeros'           => [ post_head($CGI, 'Content-Length' => sprintf '%012d', length $FORM) . $FORM . $NEXT ],
    'a length in hex'               => [ post_head($CGI, 'Content-Length' => '0x10') . $FORM . $NEXT ],
    'Chunked'                       => [ post_head($CGI, 'Transfer-Encoding' => 'Chunked') . chunk($FORM) . "0\r\n\r\n$NEXT" ],
    'xchunked'                      => [ post_head($CGI, 'Transfer-Encoding' => 'xchunked', @LENGTH) . $FORM . $NEXT ],
    'chunked, chunked'              => [ post_head($CGI, 'Transfer-Encoding' => 'chunked, chunked') . chunk($FORM) . "0\r\n\r\n$NEXT" ],
    'identity, chunked'             => [ post_head($CGI, 'Transfer-Encoding' => 'identity, chunked') . chunk($FORM) . "0\r\n\r\n$NEXT" ],
    'chunked behind a tab'          => [ post_head($CGI, 'Transfer-Encoding' => "\tchunked") . chunk($FORM) . "0\r\n\r\n$NEXT" ],
    'a blank before the colon'      => [ post_head($CGI, 'Transfer-Encoding ' => 'chunked', @LENGTH) . $FORM . $NEXT ],
    'chunk extensions'              => [ post_head($CGI, @CHUNKED) . chunk($FORM, ';a=b;c="d;e"') . "0;last\r\n\r\n$NEXT" ],
    'a huge chunk extension'        => [ post_head($CGI, @CHUNKED) . chunk($FORM, ';a=' . 'b' x 20_000) . "0\r\n\r\n$NEXT" ],
    'chunk sizes with zeros'        => [ post_head($CGI, @CHUNKED) . '000000' . chunk($FORM) . "000\r\n\r\n$NEXT" ],
    'chunks with bare LF'           => [ post_head($CGI, @CHUNKED) . "6\nuser=a\n0\n\n$NEXT" ],
    'trailers'                      => [ post_head($CGI, @CHUNKED) . chunk($FORM) . "0\r\nX-T: 1\r\nContent-Length: 99\r\nTransfer-Encoding: gzip\r\n\r\n$NEXT" ],
    'many trailers'                 => [ post_head($CGI, @CHUNKED) . chunk($FORM) . "0\r\n" . "X-T: 1\r\n" x 300 . "\r\n$NEXT" ],
    'the last chunk dripped'        => [ post_head($CGI, @CHUNKED) . chunk($FORM), 0.1, "0\r", 0.1, "\n", 0.1, "\r", 0.1, "\n$NEXT" ],
    'chunk by chunk, dripped'       => [ post_head($CGI, @CHUNKED), (map { (chunk($_), 0.01) } split //, 'user=a'), "0\r\n\r\n$NEXT" ],
    'no body in chunks'             => [ post_head($CGI, @CHUNKED) . "0\r\n\r\n$NEXT" ],
    'the end never comes'           => [ post_head($CGI, @CHUNKED) . chunk($FORM), 'shut' ],
    'less than announced'           => [ post_head($CGI, 'Content-Length' => 5000) . $FORM, 'shut' ],
    'nothing of what is announced'  => [ post_head($CGI, 'Content-Length' => 5000), 'shut' ],
    'Expect: 200-ok'                => [ post_head($CGI, @LENGTH, Expect => '200-ok') . $FORM . $NEXT ],
    'Expect: 100-CONTINUE'          => [ post_head($CGI, @LENGTH, Expect => '100-CONTINUE'), 0.3, $FORM . $NEXT ],
    'Expect twice'                  => [ post_head($CGI, @LENGTH, Expect => '100-continue', Expect => '100-continue'), 0.3, $FORM . $NEXT ],
    'Expect without a body'         => [ post_head($CGI, 'Content-Length' => 0, Expect => '100-continue') . $NEXT ],
    'Expect and the body at once'   => [ post_head($CGI, @LENGTH, Expect => '100-continue') . $FORM . $NEXT ],
    'HTTP/1.0'                      => [ post_head($CGI, @LENGTH) =~ s/HTTP\/1\.1/HTTP\/1.0/r . $FORM . $NEXT ],
    'HTTP/1.0 keep-alive'           => [ of('GET', '/ok', @LENGTH, Connection => 'keep-alive') =~ s/HTTP\/1\.1/HTTP\/1.0/r . $FORM . $NEXT ],
    'HTTP/1.0 chunked'              => [ post_head($CGI, @CHUNKED) =~ s/HTTP\/1\.1/HTTP\/1.0/r . chunk($FORM) . "0\r\n\r\n$NEXT" ],
    'HTTP/1.0 without a length'     => [ post_head($CGI) =~ s/HTTP\/1\.1/HTTP\/1.0/r . $FORM . $NEXT ],
    'HTTP/1.0 expecting'            => [ post_head($CGI, @LENGTH, Expect => '100-continue') =~ s/HTTP\/1\.1/HTTP\/1.0/r . $FORM . $NEXT ],
    'no length at all'              => [ post_head($CGI) . $NEXT ],
    'an upgrade to h2c with a body' => [ post_head($CGI, @LENGTH, Connection => 'Upgrade, HTTP2-Settings', Upgrade => 'h2c', 'HTTP2-Settings' => 'AAMAAABkAAQAAP__') . $FORM . $NEXT ],
    (map { ("$_ with a body" => [ of($_, $CGI, @LENGTH) . $FORM . $NEXT ] ) } qw(GET PUT DELETE PATCH OPTIONS TRACE PURGE)),
    (map { ("$_ of a file with a body" => [ of($_, '/ok', @LENGTH) . $FORM . $NEXT ] ) } qw(GET POST OPTIONS)),
    'GET of a file with a chunked body' => [ of('GET', '/ok', @CHUNKED) . chunk($FORM) . "0\r\n\r\n$NEXT" ],
    'GET of nothing with a body'    => [ of('GET', '/nothing', @LENGTH) . $FORM . $NEXT ],
    'HEAD with a body'              => [ of('HEAD', $CGI, @LENGTH) . $FORM . $NEXT ],
    'HEAD of a file with a body'    => [ of('HEAD', '/ok', @LENGTH) . $FORM . $NEXT ],
    'a body behind a redirect'      => [ post_head('/elsewhere', @LENGTH) . $FORM . $NEXT ],
);
my ($MULTI, $B) = ('multipart/form-data; boundary=BB', "--BB\r\nContent-Disposition: form-data; name=\"user\"");
my %form = (
    'a huge header of a part'       => [ $MULTI, "$B\r\nX-Huge: " . 'h' x 60_000 . "\r\n\r\na\r\n--BB--\r\n" ],
    'a header that never ends'      => [ $MULTI, $B . 'x' x 200_000 ],
    'many headers'                  => [ $MULTI, "$B\r\n" . "X: y\r\n" x 9000 . "\r\na\r\n--BB--\r\n" ],
    'many parts'                    => [ $MULTI, "$B\r\n\r\na\r\n" x 1500 . "--BB--\r\n" ],
    'almost boundaries'             => [ $MULTI, "$B\r\n\r\n" . "\r\n--B" x 12_000 . "\r\n--BB--\r\n" ],
    'a boundary of one byte'        => [ 'multipart/form-data; boundary=-', '-' x 60_000 ],
    'a boundary of one letter'      => [ 'multipart/form-data; boundary=' . 'a' x 70, '--' . 'a' x 60_000 ],
    'only &'                        => [ undef, '&' x 65_000 ],
    'only ='                        => [ undef, '=' x 65_000 ],
    'only %'                        => [ undef, '%' x 65_000 ],
    'only NUL'                      => [ undef, "\0" x 65_000 ],
    'the field again and again'     => [ undef, 'user=a&' x 9000 ],
    'a long value'                  => [ undef, 'user=' . 'a' x 65_000 ],
    'a long name'                   => [ undef, 'user' x 16_000 ],
    'combining marks'               => [ undef, 'user=a' . "%CC%81" x 10_000 ],
    'text that expands'             => [ undef, 'user=' . '%EF%B7%BA' x 100 ],
    'a type of 8000 bytes'          => [ 'multipart/form-data; ' . 'x=y; ' x 1500 . 'boundary=BB', "$B\r\n\r\na\r\n--BB--\r\n" ],
);
for my $name (keys %form) {
    my ($type, $body) = @{ $form{$name} };
    my @type = ('Content-Type' => $type // 'application/x-www-form-urlencoded');
    $case{"form: $name"} = [ post_head($CGI, @type, 'Content-Length' => length $body) . $body . $NEXT ];
    $case{"form in chunks: $name"} = [ post_head($CGI, @type, @CHUNKED) . join('', map { chunk($_) } unpack '(a5000)*', $body) . "0\r\n\r\n$NEXT" ];
}

# Statuses, end of the connection, what the handlers read; headers don't count.
sub outcome {
    my ($got) = @_;
    return join ' ', $got->{statuses}, $got->{closed} ? 'closed' : 'kept', $got->{text} =~ /digest=\w+ length=\d+ announced=\S+|smuggled/g;
}

my @names = sort keys %case;
for my $mpm (qw(event prefork)) {
    # Each connection is to end; one that is kept is silent for longer than this test waits.
    my $conf = "Protocols h2c http/1.1\nRedirect /elsewhere http://localhost/\nKeepAliveTimeout 100\nTimeout 100\n";
    my %server = map { $_ => httpd($conf . ($_ eq 'with' ? $RULES : ''), mpm => $mpm, rl => $_ eq 'with', workers => 100) } qw(without with);
    my @got = raw_all(map { my $port = $server{$_}->port; map { [ $port, $case{$_}, quiet => 40 ] } @names } qw(without with));
    my %got = (without => [ splice @got, 0, scalar @names ], with => \@got);
    for my $i (0 .. $#names) {
        my ($with, $without) = map { outcome($got{$_}[$i]) } qw(with without);
        is $with, $without, "$mpm, $names[$i]: answered as without form rules" or diag $got{with}[$i]{text};
    }
}

# ---- many requests on kept connections ----------------------------------------------------------------------
# The answer to each tells the digest of its own body; one that got a byte of another's would show.
my $s = httpd("Protocols h2c http/1.1\n$RULES");
srand 5;
my ($bad, $sent) = ('', 0);
my @conns = map { connection($s) } 1 .. 8;
for my $round (1 .. 25) {
    my @bodies = map {
        my $make = (\&urlencoded, \&multipart, \&RL::Body::other)[rand 3];
        [ $make->(int(rand 2) ? int rand 300 : int rand 90_000, "user$sent") ]
    } @conns;
    for my $i (0 .. $#conns) {
        my ($type, $body) = @{ $bodies[$i] };
        $conns[$i]->send_request('POST', $CGI, type => $type, body => $body, (chunked => 1 + int rand 5000) x int rand 2);
        $conns[$i]->write_all($INNER) if ($round + $i) % 3 == 0;
    }
    for my $i (0 .. $#conns) {
        my $seen = seen($bodies[$i][1]);
        my $r = $conns[$i]->read_response;
        $sent++;
        $bad ||= "round $round, connection $i: wanted $seen, got " . $r->as_string if $r->status != 200 || $r->body !~ /\A\Q$seen\E /;
        next if ($round + $i) % 3;
        $r = $conns[$i]->read_response;
        $bad ||= "round $round, connection $i: the pipelined request got " . $r->as_string if $r->status != 200 || $r->body ne "ok\n";
    }
}
is $bad, '', "$sent bodies on 8 kept connections, requests behind them: none is mixed with another";
$_->close for @conns;

# ---- HTTP/2 -------------------------------------------------------------------------------------------------
my @TYPE = ('content-type' => 'application/x-www-form-urlencoded');
my $h2 = RL::H2->new(port => $s->port);
my @streams = map { $h2->headers('POST', $CGI, @TYPE) } 1 .. 9;
for my $round (1 .. 6) { $h2->data($streams[$_], "user=$_&round=$round&" . 'x' x 1000, 0) for 0 .. 8 }
$h2->reset($streams[$_]) for 0, 3, 6;
$h2->data($streams[$_], "end=$_", 1) for 1, 2, 4, 5, 7, 8;
for my $i (1, 2, 4, 5, 7, 8) {
    my $body = join '', (map { "user=$i&round=$_&" . 'x' x 1000 } 1 .. 6), "end=$i";
    like join(' ', @{ $h2->finished($streams[$i]) // [] }), qr/\A200 \Q@{[ seen($body) ]}\E /, "HTTP/2: stream $i comes whole beside three that were reset mid-body";
}
for (1 .. 40) { my $id = $h2->headers('POST', $CGI, @TYPE, 'content-length' => 5000); $h2->data($id, 'user=reset'); $h2->reset($id) }
my $id = $h2->headers('POST', $CGI, @TYPE);
$h2->data($id, 'user=after', 1);
like join(' ', @{ $h2->finished($id) // [] }), qr/\A200 \Q@{[ seen('user=after') ]}\E /, 'HTTP/2: a stream after 40 more resets on the same connection';

for my $how ('a length', 'no length') {
    my @length = $how eq 'a length' ? ('content-length' => 6) : ();
    my $count = sub {
        my ($user) = @_;
        my $stream = $h2->headers('POST', '/ok/counted', @TYPE, @length);
        $h2->data($stream, $_, 0) for split //, 'user=';
        $h2->data($stream, $user, 1);
        return $h2->finished($stream)->[0];
    };
    my $user = $how eq 'a length' ? 'x' : 'y';
    is join(' ', map { $count->($user) } 1 .. 3), '200 200 429', "HTTP/2, $how: the field counts, in frames of one byte";
}
$id = $h2->headers('POST', $CGI, @TYPE, 'content-length' => 4);
$h2->data($id, 'user=longer than announced', 1);
my $r = $h2->finished($id);
ok !defined $r || $r->[0] >= 400, 'HTTP/2: more than announced is an error' or diag "@$r";
$id = $h2->headers('GET', '/ok');
$r = $h2->finished($id) // RL::H2->new(port => $s->port);
ok defined $r, 'HTTP/2: the server lives after more than was announced';
close $h2->{sock};
is request($s, 'POST', $CGI, body => $FORM)->status, 200, 'a form is served after all of that';

finish allow => qr/AH01270|AH01225|AH01215|AH00126|AH00566|AH01220|AH0297[0-9]|AH1022\d/;
