# SPDX-License-Identifier: Apache-2.0
# The library the other tests stand on, proved with a stock httpd that knows nothing of the module.
use RL::Test;
use Time::HiRes qw(time);

for my $mpm (grep { RL::Conf::has_mpm($_) } qw(event worker prefork)) {
    my $s = httpd(<<'END', rl => 0, mpm => $mpm);
<Location /ok/private>
    Include conf/auth.conf
</Location>
ErrorDocument 403 /cgi-bin/denied.cgi
END
    is statuses($s, 3, '/ok'), '200 200 200', "$mpm: serves";
    is status($s, '/nowhere'), 404, "$mpm: 404";
    is status($s, '/ok/private'), 401, "$mpm: 401 without a password";
    is status($s, '/ok/private', auth => 'alice:secret'), 200, "$mpm: 200 with it";
    is_deeply histogram(parallel($s, 50, '/ok')), { 200 => 50 }, "$mpm: 50 in parallel";

    my $env = request($s, 'GET', '/cgi-bin/env.cgi?a=b', headers => [ 'X-Two' => 1, 'X-Two' => 2 ])->env;
    is $env->{QUERY_STRING}, 'a=b', "$mpm: CGI";
    is $env->{HTTP_X_TWO}, '1, 2', "$mpm: repeated request headers";

    my $c = connection($s);
    is $c->request('POST', '/cgi-bin/env.cgi', body => 'x' x 10)->env->{BODY_BYTES}, 10, "$mpm: Content-Length";
    is $c->request('POST', '/cgi-bin/env.cgi', body => 'x' x 10, chunked => 3)->env->{BODY_BYTES}, 10, "$mpm: chunked";
    my $r = $c->request('POST', '/cgi-bin/env.cgi', pieces => [ ('x' x 5) x 4 ], delay => 0.05);
    is $r->env->{BODY_BYTES}, 20, "$mpm: dripped";
    cmp_ok $r->total, '>', 0.14, "$mpm: dripping takes its time";
    $r = $c->request('POST', '/cgi-bin/env.cgi', body => 'x' x 7, expect => 1);
    is $r->env->{BODY_BYTES}, 7, "$mpm: Expect: 100-continue";
    ok $r->got_100, "$mpm: 100 seen";
    ok !$c->closed, "$mpm: the connection is kept";
    is $c->request('HEAD', '/ok')->body, '', "$mpm: HEAD";
    is $c->request('GET', '/ok', keepalive => 0)->body, "ok\n", "$mpm: and used again";
    ok $c->closed, "$mpm: closed when asked for";

    my (undef, $line) = logged($s, 'GET', '/ok/seen');
    is_deeply [ @$line{qw(status uri state)} ], [ 200, '/ok/seen', '-' ], "$mpm: access log";

    $c->close;
    my %old = map { $_ => 1 } $s->children;
    $s->set_conf("Alias /new \"\${DOCROOT}/ok.txt\"\n");
    ok $s->graceful, "$mpm: SIGUSR1";
    is status($s, '/new'), 200, "$mpm: a new configuration after SIGUSR1";
    ok !(grep { $old{$_} } $s->children), "$mpm: new children";
    $s->set_conf('');
    ok $s->reload, "$mpm: SIGHUP";
    is status($s, '/new'), 404, "$mpm: a new configuration after SIGHUP";
    my $root = $s->root;
    my $pid  = $s->pid;
    $s->stop;
    ok !kill(0 => $pid), "$mpm: stopped";
}

my $checker = RL::Httpd->new(rl => 0, check_only => 1);
my ($rc, $out) = $checker->check_conf("NoSuchDirective on\n");
$checker->destroy;
isnt $rc, 0, '-t fails on a wrong directive';
like $out, qr/NoSuchDirective/, 'and its output is there';

finish;
