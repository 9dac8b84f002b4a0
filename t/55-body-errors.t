# SPDX-License-Identifier: Apache-2.0
# What goes wrong while a body is looked at ends the request as it does without the rule: the same status, one
# answer, the connection closed, and the server well afterwards.
use RL::Test;
use RL::Body;

my $places = <<'END';
ScriptAliasMatch "^/(?:limited|slow|any|all)/(.*)" "${CGIBIN}/$1"
<Location "/limited">
    LimitRequestBody 1000
</Location>
<Location "/any">
    Include conf/auth.conf
    Order allow,deny
    Deny from all
    Satisfy Any
    LimitRequestBody 1000
</Location>
<Location "/all">
    Include conf/auth.conf
    LimitRequestBody 1000
</Location>
RequestReadTimeout header=20 body=3
END
my $rules = <<'END';
<Location "/">
    RateLimit login 100/30d key=form:user
    RateLimit addresses 10000/30d
</Location>
<Location "/all">
    RateLimit item 100/30d key=form:user+user
</Location>
END
my $CGI = 'body-digest.cgi';
my @TYPE = ('Content-Type' => 'application/x-www-form-urlencoded');
my $AUTH = "Authorization: Basic YWxpY2U6c2VjcmV0\r\n";
my $JUNK = 'user=a&pad=' . "GET /ok/smuggled HTTP/1.1\r\nHost: x\r\n\r\n" x 150;
my @CHUNKED = ('Transfer-Encoding' => 'chunked');

sub chunk { my ($data) = @_; return sprintf "%x\r\n%s\r\n", length $data, $data }
sub auth { my ($head) = @_; return $head =~ s/\r\n\r\n\z/\r\n$AUTH\r\n/r }

# name => [ pieces, the status ]
my %case;
for my $place (qw(limited any all)) {
    my $path = "/$place/$CGI";
    my @who = $place eq 'limited' ? ('') : ('', 'alice ');
    for my $who (@who) {
        my $sign = sub { my ($head) = @_; return $who ? auth($head) : $head };
        $case{"$who$place, too long, Content-Length"} = [ [ $sign->(post_head($path, 'Content-Length' => length $JUNK)) . $JUNK ], 413 ];
        $case{"$who$place, too long, expecting"}
            = [ [ $sign->(post_head($path, 'Content-Length' => 5000, Expect => '100-continue')), 1, $JUNK ], 413 ];
        $case{"$who$place, too long, chunked"}
            = [ [ $sign->(post_head($path, @CHUNKED)) . chunk(substr $JUNK, 0, 600), 0.1, chunk(substr $JUNK, 600) . "0\r\n\r\n" ], 413 ];
        $case{"$who$place, bad chunk"} = [ [ $sign->(post_head($path, @CHUNKED)) . chunk('user=a') . "zz\r\n$JUNK" ], 400 ];
    }
}
$case{'too slow'}                  = [ [ post_head("/slow/$CGI", 'Content-Length' => 100) . 'user=a', 15 ], 408 ];
$case{'too slow, chunked'}         = [ [ post_head("/slow/$CGI", @CHUNKED) . chunk('user=a'), 15 ], 408 ];
$case{'nothing comes'}             = [ [ post_head("/slow/$CGI", 'Content-Length' => 100), 15 ], 408 ];
$case{'bad chunk'}                 = [ [ post_head("/slow/$CGI", @CHUNKED) . chunk('user=a') . "zz\r\n$JUNK" ], 400 ];
$case{'a chunk of a huge size'}    = [ [ post_head("/slow/$CGI", @CHUNKED) . "fffffffffffffffff\r\n$JUNK" ], 413 ];
$case{'a negative chunk'}          = [ [ post_head("/slow/$CGI", @CHUNKED) . "-5\r\n$JUNK" ], 400 ];
$case{'a chunk with no end'}       = [ [ post_head("/slow/$CGI", @CHUNKED) . "5\r\nuser=a$JUNK" ], 400 ];
$case{'a number beyond numbers'}   = [ [ post_head("/slow/$CGI", 'Content-Length' => '9' x 30) . $JUNK ], 400 ];
$case{'a negative length'}         = [ [ post_head("/slow/$CGI", 'Content-Length' => -5) . $JUNK ], 400 ];
$case{'a length with a sign'}      = [ [ post_head("/slow/$CGI", 'Content-Length' => '+5') . $JUNK ], 400 ];
$case{'two lengths'}               = [ [ post_head("/slow/$CGI", 'Content-Length' => 5, 'Content-Length' => 6) . $JUNK ], 400 ];
$case{'an unknown coding'}         = [ [ post_head("/slow/$CGI", 'Transfer-Encoding' => 'gzip') . $JUNK ], 400 ];
$case{'chunked not last'}          = [ [ post_head("/slow/$CGI", 'Transfer-Encoding' => 'chunked, gzip') . $JUNK ], 400 ];

sub signed { my ($id, $head, @rest) = @_; return [ $head =~ s/\r\n/\r\nX-Test-Id: $id\r\n/r, @rest ] }
sub outcome { my ($got) = @_; return "$got->{statuses}, " . ($got->{closed} ? 'closed' : 'kept') }

for my $mpm (qw(event prefork)) {
    my %server = map {
        $_ => httpd($places . ($_ eq 'with' ? $rules : ''), mpm => $mpm, rl => $_ eq 'with', modules => [qw(reqtimeout access_compat)])
    } qw(without with);
    my @names = sort keys %case;
    my (%got, %logged);
    for my $which (sort keys %server) {
        my ($port, $mark) = ($server{$which}->port, $server{$which}->access_mark);
        $got{$which} = [ raw_all(map { [ $port, signed($_, @{ $case{ $names[$_] }[0] }) ] } 0 .. $#names) ];
        await(20, sub { %logged = (%logged, map { ("$which $_->{id}" => $_->{status}) } $server{$which}->access($mark, 1)); grep(/^$which \d/, keys %logged) >= @names });
    }
    for my $i (0 .. $#names) {
        my $name = $names[$i];
        my ($with, $without) = map { outcome($got{$_}[$i]) } qw(with without);
        is $with, "$case{$name}[1], closed", "$mpm, $name: answered with $case{$name}[1] once, and closed";
        is $without, $with, "$mpm, $name: answered as without the rule";
        is $logged{"with $i"}, $case{$name}[1], "$mpm, $name: $case{$name}[1] in the access log";
    }
    my $s = $server{with};

    # ---- hanging up -----------------------------------------------------------------------------------------
    for my $how ('Content-Length', 'chunked') {
        my $mark = $s->access_mark;
        my @head = ("/slow/$CGI", 'X-Test-Id' => $how);
        my $half = $how eq 'chunked' ? post_head(@head, @CHUNKED) . chunk('user=gone&x') : post_head(@head, 'Content-Length' => 500) . 'user=gone&x';
        raw($s->port, [ $half, 0.02 ], hang_up => 1) for 1 .. 20;
        my @lines;
        await(20, sub { 20 == (@lines = grep { $_->{id} eq $how && $_->{status} == 400 } $s->access($mark, 1)) });
        is scalar @lines, 20, "$mpm: 20 clients that hang up are 20 times 400 in the access log, $how";
    }
    is request($s, 'POST', "/slow/$CGI", body => 'user=well')->body =~ /\A\Q@{[ seen('user=well') ]}\E / ? 1 : 0, 1, "$mpm: a form is served after all errors";
}

finish allow => qr{AH01270|AH01225};    # httpd's CGI modules, without the rule
