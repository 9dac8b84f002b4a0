# SPDX-License-Identifier: Apache-2.0
# Under mpm-itk each connection has a process of its own, forked off a child: what one process learns of a memcached that
# fails all know, a memcached that drips is cut off, no units are left behind, and no answer is another connection's.
use RL::Test;
use RL::FaultyMemcached;
use RL::Memcached;
use Time::HiRes qw(time);

# What processes know together needs no mpm-itk: prefork has as many as it has requests at once.
my $itk = $ENV{RL_ITK} // RL::Conf::moddir() . '/mpm_itk.so';
my %how = (prefork => '', -e $itk ? ('mpm-itk' => "LoadModule mpm_itk_module \"$itk\"\n") : ());

my $rules = <<'END';
RateLimitSecret fleet
<LocationMatch "^/ok/many/">
    RateLimit many 100000/30d key=path
</LocationMatch>
<LocationMatch "^/ok/thousand/">
    RateLimit thousand 1000/30d key=path
</LocationMatch>
<LocationMatch "^/ok/three/">
    RateLimit three 3/30d key=path
</LocationMatch>
END

for my $how (sort keys %how) {
    my $f = RL::FaultyMemcached->start;
    my $s = httpd("$how{$how}RateLimitStore memcached @{[ $f->address ]} timeout=100ms failures=3 cooldown=1s\n$rules", mpm => 'prefork', workers => 30);
    is status($s, '/ok/many/a'), 200, "$how: served" for 1 .. 3;
    cmp_ok $f->commands, '>=', 3, '... by the store';

    # One after the other, each on a connection of its own: without a breaker for all, each waits.
    $f->mode('hang');
    my @took = map { my $t = time; status($s, '/ok/many/b'); time - $t } 1 .. 40;
    my @slow = grep { $_ > 0.08 } @took;
    cmp_ok scalar @slow, '<=', 12, "$how: one that hangs is waited for by the first, not by each process" or diag "@took";
    ok $s->wait_log(0, qr/memcached \S+ does not answer/), '... the log says so';
    is scalar(grep { /memcached \S+ does not answer/ } $s->log_lines(0)), 1, '... once';
    $f->mode('ok');
    ok await(10, sub { $f->reset_count; status($s, '/ok/many/c'); $f->commands > 0 }), '... and it is asked again when it answers';

    $f->mode('drip', 90);
    my $t = time;
    status($s, '/ok/many/d');
    cmp_ok time - $t, '<', 0.1 + 0.4, "$how: one that drips is cut off";
    $f->mode('ok');
    $s->stop;

    # Exactly the limit, over two httpds that could lease: connections with many requests, which end.
    my $m = RL::Memcached->start;
    my @fleet = map { httpd("$how{$how}RateLimitStore memcached @{[ $m->address ]} timeout=2s\n$rules", mpm => 'prefork', workers => 10) } 1 .. 2;
    my $admitted = 0;
    for my $i (0 .. 23) {
        my $c = connection($fleet[ $i % 2 ]);
        $admitted += $c->request('GET', '/ok/thousand/a', keepalive => 1)->status == 200 for 1 .. 50;
        $c->close;
    }
    # What prefork's children have leased they give back when it lies idle.
    await(5, sub { $admitted += status($fleet[0], '/ok/thousand/a') == 200; $admitted >= 1000 });
    is $admitted, 1000, "$how: all of the limit is admitted, none is left behind";
    is status($_, '/ok/thousand/a'), 429, '... and no more' for @fleet;

    my %got = map { my $k = $_; ($k => [ sort map { $_->status } parallel($fleet[ $k % 2 ], 5, "/ok/three/$k") ]) } 1 .. 8;
    is_deeply \%got, { map { ($_ => [ 200, 200, 200, 429, 429 ]) } 1 .. 8 }, "$how: no key gets the answer for another";
    $_->stop for @fleet;
}

ok 1, "without mpm-itk: no $itk" if !-e $itk;

finish allow => qr/memcached \S+ (?:does not answer|answers with)/;
