# SPDX-License-Identifier: Apache-2.0
# distinct=: a key is charged once for each value, not for each request: names that are tried, not tries. On one server,
# and on two that share a memcached.
use RL::Test;
use RL::Memcached;

my $rules = <<'END';
RemoteIPHeader X-Client
<Location /ok/spray>
    Include conf/auth.conf
    RateLimit spray 10/30d key=ip/24/48 distinct=claimed-user count=401
</Location>
<LocationMatch "^/ok/flood/">
    Include conf/auth.conf
    RateLimit spray 10/30d key=path distinct=claimed-user count=401
</LocationMatch>
<Location /ok/botnet>
    Include conf/auth.conf
    RateLimit botnet 5/30d key=claimed-user distinct=ip count=401
</Location>
<LocationMatch "^/ok/same/">
    RateLimit r 3/30d key=path distinct=query:v
</LocationMatch>
<LocationMatch "^/ok/crowd/">
    RateLimit r 6/30d key=path distinct=query:v
</LocationMatch>
<Location /run/refund>
    RateLimit r 3/30d key=header:X-K distinct=query:v count=404
</Location>
<Location /run/clear>
    RateLimit r 3/30d key=header:X-K distinct=query:v clear=201
</Location>
<Location /run/dear>
    RateLimit r 7/30d key=header:X-K distinct=query:v cost=3 count=404
</Location>
<Location /ok/pairs>
    RateLimit r 2/30d distinct=query:v+query:w
</Location>
<Location /ok/share>
    RateLimit r 3/30d distinct=query:v
</Location>
<Location /ok/skip>
    RateLimit r 1/30d distinct=query:v missing=skip
</Location>
<Location /ok/deny>
    RateLimit r 3/30d distinct=query:v missing=deny
</Location>
<Location /ok/zero>
    RateLimit r 0/30d distinct=query:v
</Location>
<Location /ok/free>
    RateLimit r 1/30d distinct=query:v cost=0
</Location>
<Location /ok/fold>
    RateLimit r 1/30d distinct=query:v
</Location>
<Location /ok/bytes>
    RateLimit r 1/30d distinct=query:v fold=off
</Location>
<Location /ok/penalty>
    RateLimit r 2/30d distinct=query:v penalty=1h
</Location>
<Location /ok/two>
    RateLimit values 3/30d distinct=query:v
    RateLimit tries  5/30d key=query:k
</Location>
<Location /ok/user>
    Include conf/auth.conf
    RateLimit r 1/30d key=all distinct=user
</Location>
<Location /ok/group/a>
    RateLimit r 2/30d distinct=query:v group=values
</Location>
<Location /ok/group/b>
    RateLimit other 2/30d distinct=query:v group=values
</Location>
<Location /ok/group/c>
    RateLimit other 2/30d distinct=query:w group=values
</Location>
<Location /ok/fields>
    RateLimitHeaders standard
    RateLimit r 3/30d distinct=header:X-V
</Location>
<Location /ok/hidden>
    RateLimitHeaders standard
    RateLimit r 3/30d distinct=query:v
</Location>
<Location /run/form>
    RateLimit r 2/30d distinct=form:user methods=POST
</Location>
ScriptAliasMatch "^/run/" "${CGIBIN}/env.cgi"
END

my (@fleet, $next);

# The requests of a list go round the servers.
sub server { return $fleet[ $next++ % @fleet ] }
sub got    { my ($path, %o) = @_; return status(server(), $path, %o) }
sub all    { my ($path, @values) = @_; return join ' ', map { got("$path?v=$_") } @values }

# Several in flight together; `what` is a sub from 0..n-1 to (path, options).
sub together {
    my ($n, $what) = @_;
    my @conns = map { connection(server()) } 1 .. $n;
    for my $i (0 .. $n - 1) {
        my ($path, %o) = $what->($i);
        $conns[$i]->send_request('GET', $path, keepalive => 0, %o);
    }
    return map { $_->read_response } @conns;
}

# A request of key k and value v that is answered with this status, and its outcome settled.
sub ends {
    my ($kind, $k, $v, $code, %o) = @_;
    return (logged(server(), 'GET', "/run/$kind?cgi_status=$code&v=$v", headers => [ 'X-K' => $k ], %o))[0]->status;
}

sub check_values {
    my ($name, $store) = @_;

    # ---- who tries many names, and many who try one --------------------------------------------------------------
    my @names = map { "name$_" } 1 .. 1000;
    my @spray = map { got('/ok/spray', auth => "$_:guess", from => '192.0.2.' . (1 + length($_) % 9)) } @names;
    is_deeply [ grep { $spray[$_] != 429 } 0 .. $#spray ], [ 0 .. 9 ], "$name: of 1,000 names, one guess each, the first ten are tried";
    is join(' ', map { got('/ok/spray', auth => "$_:again", from => '192.0.2.7') } @names[ 0 .. 9 ]), join(' ', (401) x 10),
        "$name: at the limit, a name that was tried may be tried again";
    is join(' ', map { got('/ok/spray', auth => "$_:again", from => '192.0.2.7') } @names[ 10 .. 12 ], 'alice'), '429 429 429 429',
        "$name: at the limit, no other name";
    is got('/ok/spray', auth => 'name500:guess', from => '192.0.3.7'), 401, "$name: another network has names of its own";

    for my $round (1 .. 4) {
        my @r = map { my $batch = $_; together(30, sub { ("/ok/flood/$round", auth => "name$batch-$_[0]:guess") }) } 1 .. 5;
        is_deeply histogram(@r), { 401 => 10, 429 => 140 }, "$name: 150 names, 30 at a time: exactly ten are tried, round $round";
    }

    my @bots = map { got('/ok/botnet', auth => 'victim:guess', from => "198.51.100.$_") } 1 .. 100;
    is_deeply [ grep { $bots[$_] != 429 } 0 .. $#bots ], [ 0 .. 4 ], "$name: of 100 addresses that try one name, five";
    is got('/ok/botnet', auth => 'victim:guess', from => '198.51.100.3'), 401, "$name: one of these five may go on";
    is got('/ok/botnet', auth => 'other:guess', from => '198.51.100.99'), 401, "$name: any of them may try another name";

    # ---- one value many times ------------------------------------------------------------------------------------
    for my $round (1 .. 6) {
        my @r = together(30, sub { "/ok/crowd/$round?v=" . ($_[0] % 2) });
        is_deeply histogram(@r), { 200 => 30 }, "$name: two values, 30 requests at a time: none is denied, round $round";
        is all("/ok/crowd/$round", qw(0 1 a b c d e 0 a)), '200 200 200 200 200 200 429 200 200', "$name: two values, 30 requests at a time, cost two units, round $round";
    }

    # ---- outcomes ------------------------------------------------------------------------------------------------
    is join(' ', map { ends('refund', 'k', "v$_", 200) } 1 .. 5), '200 200 200 200 200', "$name: a value whose outcome doesn't count is given back";
    is join(' ', map { ends('refund', 'k', "v$_", 404) } 1 .. 5), '404 404 404 429 429', "$name: one whose outcome counts is charged";
    is join(' ', map { ends('refund', 'k', "v$_", 200) } 1 .. 5), '200 200 200 429 429', "$name: it stays charged though a later outcome doesn't count";
    is ends('refund', 'k', 'v9', 200), 429, "$name: nothing was given back for it";
    {
        together(8, sub { ('/run/refund?v=both&cgi_status=' . ($_[0] == 3 ? 404 : 200), headers => [ 'X-K' => 'l' ]) });
        await(10, sub { ends('refund', 'l', 'first', 404) == 404 && ends('refund', 'l', 'second', 404) == 404 });
        is ends('refund', 'l', 'last', 200), 429, "$name: of eight requests at a time with one value one counts: the value is charged";
        is ends('refund', 'l', 'both', 200), 200, "$name: and it is free from now on";
    }
    {
        together(8, sub { ('/run/refund?v=none&cgi_status=200', headers => [ 'X-K' => 'm' ]) });
        await(10, sub { ends('refund', 'm', 'x', 404); ends('refund', 'm', 'y', 404); ends('refund', 'm', 'z', 404) == 404 });
        is join(' ', map { ends('refund', 'm', $_, 404) } qw(x y z none)), '404 404 404 429', "$name: of eight requests none counts: the value is given back, once";
    }
    is join(' ', map { ends('dear', 'k', $_, 404) } qw(a b a b c a)), '404 404 404 404 429 404', "$name: cost=3 of 7: two values";
    is join(' ', map { ends('dear', 'l', $_, 200) } qw(a b c)) . ' ' . join(' ', map { ends('dear', 'l', $_, 404) } qw(d e f)), '200 200 200 404 404 429',
        "$name: cost=3 of 7: the whole cost is given back";
    is join(' ', map { ends('clear', 'k', $_, 200) } qw(a b c d)), '200 200 200 429', "$name: three values are used up";
    is ends('clear', 'k', 'a', 201), 201, "$name: ... and cleared";
    ends('clear', 'k', 'b', 200);
    is join(' ', map { ends('clear', 'k', $_, 200) } qw(d e b c a)), '200 200 200 429 429', "$name: after clear= no value is free that was charged before";

    # ---- which value -----------------------------------------------------------------------------------------------
    is join(' ', map { got("/ok/pairs?v=$_->[0]&w=$_->[1]") } [qw(1 1)], [qw(1 2)], [qw(1 1)], [qw(2 1)], [qw(1 2)]), '200 200 200 429 200',
        "$name: two parts make one value";
    is join(' ', map { got("/ok/share$_") } '', '', '?v=a', '', '?v=b', '?v=a'), '200 200 200 429 429 200', "$name: missing=share: without a value each request is charged";
    is join(' ', map { got("/ok/share$_", from => '192.0.2.77') } ('?v=a&v=b') x 4), '200 200 200 429', "$name: missing=share: a value in doubt is none";
    is join(' ', map { got("/ok/skip$_") } '', '?v=a', '', '?v=b', ''), '200 200 200 429 200', "$name: missing=skip: without a value the rule doesn't apply";
    is join(' ', map { got("/ok/deny$_") } '', '?v=a', '', '?v=b'), '429 200 429 200', "$name: missing=deny: without a value a request is denied";
    is all('/ok/zero', 'a'), '429', "$name: COUNT 0 denies every value";
    is all('/ok/free', qw(a b c)), '200 200 200', "$name: cost=0 is free";
    is all('/ok/fold', 'admin', '%20ADMIN', '%C3%A0dmin', 'root'), '200 200 200 429', "$name: names are folded";
    is all('/ok/bytes', 'admin', 'Admin', 'admin'), '200 429 200', "$name: fold=off compares bytes";
    is join(' ', map { got('/ok/user', auth => $_) } qw(alice:secret alice:secret bob:hunter2 alice:wrong alice:secret)), '200 200 429 401 200',
        "$name: distinct=user waits for authentication";
    is join(' ', map { got('/run/form', method => 'POST', body => $_, type => 'application/x-www-form-urlencoded') }
        qw(user=a user=b user=a user=c user=B)), '200 200 200 429 200', "$name: a field of a form";

    # ---- beside other things ---------------------------------------------------------------------------------------
    is all('/ok/penalty', qw(a b a c a)), '200 200 200 429 429', "$name: a penalty denies the key, whatever the value";
    is join(' ', map { got("/ok/two?v=$_->[0]&k=$_->[1]") } [qw(a x)], [qw(b x)], [qw(b x)], [qw(a x)], [qw(a x)], [qw(c x)], [qw(c y)], [qw(d y)], [qw(a y)]),
        '200 200 200 200 200 429 200 429 200', "$name: two rules: what one denies charges no value, and a value that is free counts for the other rule";
    is got('/ok/two?v=a&k=y'), 200, "$name: two rules: what the one denied wasn't counted by the other";
    is join(' ', map { got("/ok/group/$_") } qw(a?v=1 b?v=1 b?v=2 a?v=2 a?v=3 b?v=3 c?w=1 c?w=2)), '200 200 200 200 429 429 200 200',
        "$name: rules of a group share values if they agree on what is one";
    my @left = map { my $r = request(server(), 'GET', '/ok/fields', headers => [ 'X-V' => $_ ]); ($r->header('RateLimit') // '') =~ /r=(\d+)/ ? $1 : 'none' } qw(a a b a c a d);
    is "@left", '2 2 1 1 0 0 0', "$name: RateLimit tells what is left of the key" if @fleet == 1;
    is "@left[0, 2, 4, 6]", '2 1 0 0', "$name: RateLimit tells what is left of the key when a value is charged, or denied";
    is scalar(grep { defined request(server(), 'GET', "/ok/hidden?v=$_")->header('RateLimit') } qw(a a b)), 0, "$name: what is left isn't told where it tells of somebody's name";

    # ---- over a reload -----------------------------------------------------------------------------------------------
    is all('/ok/same/reload', qw(a b c d)), '200 200 200 429', "$name: three values";
    $_->graceful for @fleet;
    is all('/ok/same/reload', qw(a b c d)), '200 200 200 429', "$name: they are known after a graceful restart";
    return;
}

@fleet = httpd($rules);
check_values('shm');

my $m = RL::Memcached->start;
for my $lease (qw(on off)) {
    $m->flush;
    @fleet = map { httpd('RateLimitStore memcached ' . $m->address . " lease=$lease timeout=2s\nRateLimitSecret fleet\n$rules") } 1 .. 2;
    check_values("two httpds, lease=$lease");
}

# ---- the store loses its memory, or doesn't answer ---------------------------------------------------------------------
is all('/ok/same/lost', qw(a b)), '200 200', 'two of three values';
$m->flush;
is all('/ok/same/lost', qw(c d)), '200 429', 'the store is flushed: what was counted is counted still';
$m->kill;
await(10, sub { status($fleet[0], '/ok/same/out?v=a') == 200 });
is join(' ', map { status($fleet[0], "/ok/same/out?v=$_") } qw(a b c a d b)), '200 200 200 200 429 200', 'without the store this server counts by itself';
$m->again;

# ---- what is refused -----------------------------------------------------------------------------------------------------
sub refused { my ($options, $token, $name, $also) = @_; return config_error("<Location /x>\nRateLimit r 5/m $options\n</Location>\n", 'RateLimit', $token, $name, $also) }
refused('distinct=nothing', 'nothing', 'an unknown part', qr/one of ip/);
refused('distinct=ip/33', 'ip/33', 'a prefix', qr/0 to 32/);
refused('distinct=all', 'distinct=all', 'all', qr/no different values/);
refused('distinct=form:a+all', 'distinct=form:a+all', 'all beside another part', qr/no different values/);
refused('distinct=', 'distinct=', 'no part', qr/value is missing/);
refused('distinct=ip distinct=ip', 'distinct=ip', 'twice', qr/given twice/);
refused("$_ distinct=ip", 'distinct=ip', $_, qr/needs algorithm=fixed-window/) for qw(algorithm=sliding-window algorithm=token-bucket);
config_ok("<Location /x>\nRateLimit r 5/m key=ip distinct=$_ window=clock\n</Location>\n", "distinct=$_")
    for qw(ip form:user+query:user claimed-user header:X-A cookie:a method path host);

finish allow => qr/memcached \S+ does not answer/;
