# SPDX-License-Identifier: Apache-2.0
# A denial does not wait for the body, and nothing of the body is taken for a request. A connection whose body has
# been seen to its end is kept.
use RL::Test;
use RL::Body;

my $conf = <<'END';
ScriptAliasMatch "^/(?:none|some|small|both)/(.*)" "${CGIBIN}/$1"
<Location "/none">
    RateLimit addresses 0/30d
</Location>
<Location "/some">
    RateLimit login 2/30d key=form:user
</Location>
<Location "/ok/form">
    RateLimit login 2/30d key=form:user
</Location>
<Location "/small">
    RateLimitFormLimit 1K
    RateLimit login 2/30d key=form:user
</Location>
<Location "/both">
    RateLimit login 1000/30d key=form:user
    RateLimit addresses 0/30d
</Location>
END

my $REQUEST = "GET /ok/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $LIKE_REQUESTS = substr $REQUEST x 500, 0, 20_000;
my $CGI = 'body-digest.cgi';
my $n = 0;

sub chunks { return map { sprintf "%x\r\n%s\r\n", length, $_ } @_ }

for my $mpm (qw(event prefork)) {
    my $s = httpd($conf, mpm => $mpm);

    # One answer, at once, and none for what stands in the body.
    my $one_denial = sub {
        my ($name, $path, $pieces, %o) = @_;
        my ($head, @rest) = @$pieces;
        my ($got, @wrong);
        my $first = least($o{within} // 1.2, sub {
            my $id   = 'denial' . $n++;
            my $mark = $s->access_mark;
            $got = raw($s->port, [ $head =~ s/\r\n/\r\nX-Test-Id: $id\r\n/r, @rest ], %o);
            my @lines;    # those of earlier requests may come late
            await(20, sub { grep { $_->{id} eq $id } @lines = $s->access($mark, 1) });
            my $ours = join ', ', map { "$_->{status} $_->{uri}" } grep { $_->{id} eq $id || $_->{uri} =~ /smuggled/ } @lines;
            push @wrong, $ours if $ours ne "429 $path";
            return $got->{first} // 99;
        });
        is $got->{statuses}, $o{statuses} // '429', "$mpm: $name: denied with exactly one answer";
        cmp_ok $first, '<', $o{within} // 1.2, "$mpm: $name: the denial comes at once";
        ok $got->{closed}, "$mpm: $name: the connection is closed after the denial";
        unlike $got->{text}, qr/100 Continue/, "$mpm: $name: denied without a 100" if !$o{peeks};
        is_deeply \@wrong, [], "$mpm: $name: the access log has this one request";
    };

    # ---- a rule that needs no body --------------------------------------------------------------------------
    my @drip = map { ($_, 0.1) } unpack '(a1000)*', $LIKE_REQUESTS;
    for my $place (qw(none both)) {
        my $path = "/$place/$CGI";
        my @length = ('Content-Length' => 20_000);
        my @chunked = ('Transfer-Encoding' => 'chunked');
        my $p = "$place, 20 kB";
        $one_denial->("$p over 2 s",             $path, [ post_head($path, @length), @drip ]);
        $one_denial->("$p in chunks over 2 s",   $path, [ post_head($path, @chunked), map { length > 10 ? chunks($_) : $_ } @drip ]);
        $one_denial->("$p at once",              $path, [ post_head($path, @length) . $LIKE_REQUESTS ]);
        $one_denial->("$p over 2 s, expecting",  $path, [ post_head($path, @length, Expect => '100-continue'), @drip ]);
        $one_denial->("$p, sent all the same",   $path, [ post_head($path, @length), @drip ], stubborn => 1, within => 9);
    }

    # ---- a form rule ----------------------------------------------------------------------------------------
    my ($type, $form) = urlencoded(300, 'mallory');
    is status($s, "/$_/$CGI", method => 'POST', body => $form), 200, "$mpm: forms that fill a key are admitted" for qw(some some small small);
    my $c = connection($s);
    for my $way ([ 'Content-Length' ], [ 'chunked', chunked => 1 ], [ 'in chunks', chunked => 7 ], [ 'expecting', expect => 1 ]) {
        my ($name, @o) = @$way;
        is $c->request('POST', "/some/$CGI", body => $form, @o)->status, 429, "$mpm: $name: denied after the whole body";
        is $c->request('GET', '/ok')->status, 200, "$mpm: $name: the connection is kept after that denial";
    }
    $c->close;

    # Longer than the limit: no value, so the shared counter decides; the rest of the body is not waited for.
    my $long = 'user=mallory&pad=' . $LIKE_REQUESTS;
    is status($s, "/small/$CGI", method => 'POST', body => $long), 200, "$mpm: long forms that fill the shared key are admitted" for 1, 2;
    my $path = "/small/$CGI";
    my @more = map { ($_, 0.1) } unpack '(a1000)*', substr $long, 2000;
    my $head = post_head($path, 'Content-Length' => length $long);
    $one_denial->('a long form over 2 s', $path, [ $head . substr($long, 0, 2000), @more ], peeks => 1);
    $one_denial->('a long form at once',  $path, [ $head . $long ], peeks => 1);
    $one_denial->('a long form in chunks', $path,
        [ post_head($path, 'Transfer-Encoding' => 'chunked'), chunks(substr $long, 0, 2000), 0.05, chunks(substr $long, 2000) ], peeks => 1);
    $one_denial->('a long form, expecting', $path,
        [ post_head($path, 'Content-Length' => length $long, Expect => '100-continue'), substr($long, 0, 2000), 2 ],
        peeks => 1, statuses => '100 429');

    # At the limit: the end of 1024 announced bytes is seen with them.
    my (undef, $exact) = urlencoded(1024, 'mallory');
    $c = connection($s);
    is $c->request('POST', $path, body => $exact)->status, 429, "$mpm: a form as long as RateLimitFormLimit is denied";
    is $c->request('GET', '/ok')->status, 200, "$mpm: a form as long as RateLimitFormLimit: the connection is kept";
    $c->close;

    # ---- pipelined ------------------------------------------------------------------------------------------
    my $login = sub { my ($user) = @_; my $b = "user=$user"; return post_head("/some/$CGI", 'Content-Length' => length $b) . $b };
    my $got = raw($s->port, [ join '', map { ($login->($_), $REQUEST) } qw(one one mallory one mallory) ], answers => 10);
    is $got->{statuses}, '200 200 200 200 429 200 429 200 429 200', "$mpm: pipelined requests after bodies that were looked at are answered in order";
    my $chunked = sub { post_head("/some/$CGI", 'Transfer-Encoding' => 'chunked') . join '', chunks('user=', @_), "0\r\nX: y\r\n\r\n" };
    $got = raw($s->port, [ join '', map { ($chunked->($_), $REQUEST) } qw(two two mallory two) ], answers => 8);
    is $got->{statuses}, '200 200 200 200 429 200 429 200', "$mpm: pipelined requests after chunked bodies with trailers are answered in order";
    (my $get = post_head('/ok/form', 'Content-Length' => length "user=three&x=$LIKE_REQUESTS")) =~ s/\APOST/GET/;
    $got = raw($s->port, [ ("${get}user=three&x=$LIKE_REQUESTS" . $REQUEST) x 3 ], answers => 6);
    is $got->{statuses}, '200 200 200 200 429 200', "$mpm: pipelined requests after bodies that nobody wants are answered in order";
}

finish;
