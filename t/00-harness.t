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
    is statuses($s, 3, '/ok'), '200 200 200', "$mpm: a file is served";
    is status($s, '/nowhere'), 404, "$mpm: a missing file is a 404";
    is status($s, '/ok/private'), 401, "$mpm: a protected file without a password is a 401";
    is status($s, '/ok/private', auth => 'alice:secret'), 200, "$mpm: a protected file with the password is served";
    is_deeply histogram(parallel($s, 50, '/ok')), { 200 => 50 }, "$mpm: parallel() sends 50 requests, all served";

    my $env = request($s, 'GET', '/cgi-bin/env.cgi?a=b', headers => [ 'X-Two' => 1, 'X-Two' => 2 ])->env;
    is $env->{QUERY_STRING}, 'a=b', "$mpm: env() reads what env.cgi tells";
    is $env->{HTTP_X_TWO}, '1, 2', "$mpm: a request header given twice is sent twice";

    my $c = connection($s);
    is $c->request('POST', '/cgi-bin/env.cgi', body => 'x' x 10)->env->{BODY_BYTES}, 10, "$mpm: a body with Content-Length reaches the CGI";
    is $c->request('POST', '/cgi-bin/env.cgi', body => 'x' x 10, chunked => 3)->env->{BODY_BYTES}, 10, "$mpm: a chunked body reaches the CGI";
    my $r = $c->request('POST', '/cgi-bin/env.cgi', pieces => [ ('x' x 5) x 4 ], delay => 0.05);
    is $r->env->{BODY_BYTES}, 20, "$mpm: a body sent in pieces reaches the CGI";
    cmp_ok $r->total, '>', 0.14, "$mpm: the delay between pieces is kept";
    $r = $c->request('POST', '/cgi-bin/env.cgi', body => 'x' x 7, expect => 1);
    is $r->env->{BODY_BYTES}, 7, "$mpm: a body sent after 100 Continue reaches the CGI";
    ok $r->got_100, "$mpm: got_100() tells of the 100 Continue";
    ok !$c->closed, "$mpm: closed() is false for a connection that is kept";
    is $c->request('HEAD', '/ok')->body, '', "$mpm: an answer to HEAD has no body";
    is $c->request('GET', '/ok', keepalive => 0)->body, "ok\n", "$mpm: a kept connection can be used again";
    ok $c->closed, "$mpm: keepalive => 0 has the connection closed";

    my (undef, $line) = logged($s, 'GET', '/ok/seen');
    is_deeply [ @$line{qw(status uri state)} ], [ 200, '/ok/seen', '-' ], "$mpm: logged() gives the line of the access log";

    $c->close;
    my %old = map { $_ => 1 } $s->children;
    $s->set_conf("Alias /new \"\${DOCROOT}/ok.txt\"\n");
    ok $s->graceful, "$mpm: graceful() succeeds";
    is status($s, '/new'), 200, "$mpm: the new configuration holds after graceful()";
    ok !(grep { $old{$_} } $s->children), "$mpm: no old child is left after graceful()";
    $s->set_conf('');
    ok $s->reload, "$mpm: reload() succeeds";
    is status($s, '/new'), 404, "$mpm: the new configuration holds after reload()";
    my $root = $s->root;
    my $pid  = $s->pid;
    $s->stop;
    ok !kill(0 => $pid), "$mpm: no process is left after stop()";
}

my $checker = RL::Httpd->new(rl => 0, check_only => 1);
my ($rc, $out) = $checker->check_conf("NoSuchDirective on\n");
$checker->destroy;
isnt $rc, 0, 'check_conf: a wrong directive fails';
like $out, qr/NoSuchDirective/, 'check_conf: the output names the wrong directive';

finish;
