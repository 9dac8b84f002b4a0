# SPDX-License-Identifier: Apache-2.0
# window=first: a key's window begins with the first request that is charged and lasts what is written, on one server and
# on a fleet.
use RL::Test;
use RL::Memcached;

my $PERIOD = 4;
my $rules = <<"END";
<Location /ok/plain>
    RateLimit plain 2/${PERIOD}s window=first key=query:k
</Location>
ScriptAlias /run "\${ROOT}/cgi-bin/env.cgi"
<Location /run>
    RateLimit failures 2/${PERIOD}s window=first count=404 clear=201 key=header:X-K
</Location>
<Location /ok/big>
    RateLimit big 99/30d window=first
</Location>
END
my $store = 'RateLimitStore memcached ' . RL::Memcached->start->address . " timeout=2s\nRateLimitSecret fleet\n";
my %servers = (shm => [ httpd("RateLimitHeaders standard legacy\n$rules") ],
    'a fleet' => [ map { httpd("RateLimitHeaders standard legacy\n$store$rules") } 1, 2 ]);

# The answer to a request with the next of the servers; when it was sent, and when it was answered. What its outcome gives
# back has been given back by then.
my %turn;
my $ask = sub {
    my ($name, @request) = @_;
    my $servers = $servers{$name};
    my $sent = Time::HiRes::time();
    my ($r) = logged($servers->[ $turn{$name}++ % @$servers ], 'GET', @request);
    return ($r, $sent, Time::HiRes::time());
};

# Uses the limit up. Then asks until a request is admitted: none may be before the period is over since the first was
# sent, and none may be denied that was sent later than that after the first was answered.
my $lock_out_is_exact = sub {
    my ($name, $what, $status, @request) = @_;
    my ($r, $sent, $answered) = $ask->($name, @request);
    is $r->status, $status, "$name: $what: the first request is admitted";
    is +($ask->($name, @request))[0]->status, $status, "$name: $what: the second request is admitted";
    ($r) = $ask->($name, @request);
    is $r->status, 429, "$name: $what: the third request is denied";
    my $waited = Time::HiRes::time() - $sent;
    cmp_ok $r->header('Retry-After'), '<=', $PERIOD, "$name: $what: the wait is not longer than the period";
    cmp_ok $r->header('Retry-After'), '>=', $PERIOD - $waited, "$name: $what: the wait is what is left of the period";
    my ($last_denied, $admitted) = (0, 0);
    await(30, sub {
        my ($s, $from, $to) = $ask->($name, @request);
        $last_denied = $from if $s->status == 429;
        $admitted = $to      if $s->status == $status;
        return $admitted;
    });
    cmp_ok $admitted - $sent, '>=', $PERIOD - 0.01, "$name: $what: nobody is admitted before the period is over";
    cmp_ok $last_denied - $answered, '<=', $PERIOD + 0.01, "$name: $what: nobody is denied after the period is over";
    return;
};

for my $name (sort keys %servers) {
    $lock_out_is_exact->($name, 'a request that is charged', 200, "/ok/plain?k=$_") for 1, 2;

    # What is given back begins no window.
    my @k = (headers => [ 'X-K' => 'a' ]);
    my $began = Time::HiRes::time();
    my $good = 0;
    await(10, sub { $good += +($ask->($name, '/run/?cgi_status=200', @k))[0]->status == 200; Time::HiRes::time() > $began + $PERIOD / 2 });
    cmp_ok $good, '>', 2, "$name: requests that are given back are admitted";
    $lock_out_is_exact->($name, 'after requests that are given back', 404, '/run/?cgi_status=404', @k);

    # A success ends the window.
    @k = (headers => [ 'X-K' => 'b' ]);
    my $fails = sub { return +($ask->($name, '/run/?cgi_status=404', @k))[0]->status };
    is $fails->(), 404, "$name: clear=: a failure before";
    is +($ask->($name, '/run/?cgi_status=201', @k))[0]->status, 201, "$name: clear=: a success";
    $lock_out_is_exact->($name, 'after a success', 404, '/run/?cgi_status=404', @k);

    my ($r, $from, $to) = $ask->($name, '/ok/big');
    my $reset = $r->header('X-RateLimit-Reset');
    cmp_ok $reset, '>=', int $from + 30 * 86400, "$name: X-RateLimit-Reset is one period from the first request";
    cmp_ok $reset, '<=', $to + 30 * 86400 + 1, "$name: X-RateLimit-Reset is not later than that";
    ($r) = $ask->($name, '/ok/big');
    cmp_ok abs($r->header('X-RateLimit-Reset') - $reset), '<=', 1, "$name: X-RateLimit-Reset stays where it is";
}

finish;
