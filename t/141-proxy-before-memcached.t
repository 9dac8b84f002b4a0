# SPDX-License-Identifier: Apache-2.0
# A proxy before memcached that can't reach it: its error answers are a failure of the store, as if memcached itself had
# gone, and not of a key.
use RL::Test;
use File::Temp ();
use POSIX ();
use RL::FaultyMemcached;
use RL::Memcached;

sub conf {
    my ($address) = @_;
    return "RateLimitStore memcached $address lease=off compare=off timeout=2s cooldown=500ms\nRateLimitSecret fleet\n"
        . "<LocationMatch ^/ok/ten/>\n    RateLimit ten 10/30d key=path\n</LocationMatch>\n";
}

# ---- what proxies say ------------------------------------------------------------------------------------------------
my $f = RL::FaultyMemcached->start;
my $s = httpd(conf($f->address), children => 1);
for my $case ([ 'twemproxy', 'Connection refused' ], [ 'twemproxy', 'Host is down' ], [ 'twemproxy', 'Connection timed out' ],
    [ 'twemproxy', 'unknown' ], [ 'memcached\'s proxy', 'backend failure' ],
    map({ [ 'mcrouter', $_ ] } 'unavailable', 'Server unavailable. Reason: mc_res_connect_error', 'Connection closed by the server.', 'remote error', 'Reply timeout',
        'AsyncSocketException: connect failed, type = Socket not open, errno = 111 (Connection refused)'))
{
    my ($who, $says) = @$case;
    my $path = '/ok/ten/' . $says =~ s/[^A-Za-z]+/-/gr;
    my $from = $s->log_mark;
    is status($s, $path), 200, "$who, $says: before";
    $f->mode($who eq 'mcrouter' ? 'routed' : 'says', $says);
    is statuses($s, 10, $path), join(' ', (200) x 9, 429), "$who, $says: httpd counts on";
    $f->reset_count;
    statuses($s, 20, $path);
    cmp_ok $f->commands, '<=', 3, "$who, $says: it isn't asked any more, after ten answers";
    ok !(grep { /answers with an error/ } $s->log_lines($from)), "$who, $says: the log doesn't speak of a key";
    $f->mode('ok');
    ok await(10, sub { grep { /works again/ } $s->log_lines($from) }), "$who, $says: when the memcached is back, it is used again";
}
like +($s->log_lines(0))[-1] // '', qr/RateLimitOnError decided \d+ requests meanwhile/, 'an outage like any other';
is scalar(grep { /:error\].*does not answer as it should \(Connection refused\); RateLimitOnError applies/ } $s->log_lines(0)), 1, 'the log says what the proxy says';

my $from = $s->log_mark;
$f->mode('says', 'out of memory storing object');
statuses($s, 5, '/ok/ten/memory');
$f->reset_count;
statuses($s, 5, '/ok/ten/memory');
cmp_ok $f->commands, '>=', 5, 'out of memory is no such answer';
ok !(grep { /does not answer/ } $s->log_lines($from)), '... and nothing fails by it';

# mcrouter before April 2025, unless it is told not to: what it can't read or add to is missing.
$f->mode('ok');
is status($s, '/ok/ten/misses'), 200, 'mcrouter that says missing: before';
$f->mode('misses');
is statuses($s, 11, '/ok/ten/misses'), join(' ', (200) x 9, (429) x 2), 'mcrouter that says missing: httpd counts on';
is statuses($s, 11, '/ok/ten/missing'), join(' ', (200) x 10, 429), 'mcrouter that says missing: also what it has never counted';
$s->stop;

# ---- twemproxy itself ------------------------------------------------------------------------------------------------
my ($nutcracker) = grep { -x } map { "$_/nutcracker" } split(/:/, $ENV{PATH}), '/usr/sbin';
SKIP: {
    skip 'no nutcracker', 7 if !$nutcracker;
    my @m    = map { RL::Memcached->start } 1 .. 2;
    my $dir  = File::Temp::tempdir('rl-proxy-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $port = RL::Memcached::free_port('127.0.0.1');
    my $stat = RL::Memcached::free_port('127.0.0.1');
    open my $fh, '>', "$dir/conf" or die $!;
    print {$fh} "fleet:\n  listen: 127.0.0.1:$port\n  hash: fnv1a_64\n  distribution: ketama\n  auto_eject_hosts: true\n"
        . "  timeout: 500\n  server_retry_timeout: 1000\n  server_failure_limit: 1\n  servers:\n", map { "   - " . $_->address . ":1\n" } @m;
    close $fh or die $!;
    my $pid = fork // die $!;
    if (!$pid) {
        open STDOUT, '>', "$dir/log" and open STDERR, '>&', \*STDOUT;
        { exec { $nutcracker } $nutcracker, '-c', "$dir/conf", '-a', '127.0.0.1', '-s', $stat }
        POSIX::_exit(127);
    }
    await(10, sub { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) }) or die "nutcracker doesn't start\n";
    my $p = httpd(conf("127.0.0.1:$port"), children => 1);
    is statuses($p, 4, '/ok/ten/a'), '200 200 200 200', 'twemproxy: counted behind it';
    ok grep({ $_->stat('curr_items') } @m), 'twemproxy: in a memcached';

    my $mark = $p->log_mark;
    $_->kill for @m;
    is statuses($p, 7, '/ok/ten/a'), '200 200 200 200 200 200 429', 'twemproxy: all its memcacheds are gone: the limit holds';
    ok scalar $p->wait_log($mark, qr/does not answer as it should \((?:Connection refused|Host is down|unknown|Connection reset by peer|Broken pipe)\)/),
        'twemproxy: all its memcacheds are gone: the store fails, and the log says why';
    ok !(grep { /answers with an error/ } $p->log_lines($mark)), 'twemproxy: all its memcacheds are gone: no key is blamed';
    $_->again for @m;
    ok scalar $p->wait_log($mark, qr/works again, after/), 'twemproxy: one is back: it is used again, without a request';
    is status($p, '/ok/ten/a'), 429, 'twemproxy: the limit holds after it';
    $p->stop;
    kill KILL => $pid;
    waitpid $pid, 0;
}

finish allow => qr/memcached \S+ (?:does not answer|refuses)/;
