# SPDX-License-Identifier: Apache-2.0
# COUNT/concurrent: never more of a key at the same time, whatever becomes of those that hold a slot; who waits gets one in
# turn, and keeps nobody else from being served.
use RL::Test;
use RL::H2;
use RL::Status;
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);
use Time::HiRes qw(sleep time);

# Runs until its file may go (QUERY_STRING is the file's name), and notes how many others run with it.
my $hold = <<'END';
#!/usr/bin/perl
use Time::HiRes qw(sleep);
chdir "$ENV{DOCUMENT_ROOT}/../tmp" or die;
my ($go) = ($ENV{QUERY_STRING} // '') =~ /(\w+)/;
mkdir "running/$$";
opendir my $d, 'running' or die;
my $n = grep { /\A\d/ } readdir $d;
mkdir sprintf 'most/%03d', $n;
mkdir "begun/$$";
for (1 .. 1000) { last if !defined $go || -e "go/$go"; sleep 0.02 }
rmdir "running/$$";
if ($0 =~ /nph-/) { print "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n" }
else { print "Content-Type: text/plain\r\n", ($ENV{PATH_INFO} // '') =~ m{/missing} ? "Status: 404\r\n" : '', "\r\n" }
print 'x' x ((($ENV{PATH_INFO} // '') =~ m{/big} ? 8 << 20 : 10)), "\n";
END
my %files = map { ("cgi-bin/$_" => $hold) } qw(hold.cgi nph-hold.cgi);
$files{"tmp/$_/.keep"} = '' for qw(running most begun go);
$files{'htdocs/tenant/.htaccess'} = "RateLimit mine 2/concurrent key=all\n";
$files{'htdocs/tenant/x'} = 'x';
$files{'htdocs/tenant/greedy/.htaccess'} = "RateLimit greedy 1/concurrent key=all wait=20s queue=1000\n";
$files{'htdocs/tenant/greedy/hold.cgi'} = $hold;
$files{'htdocs/big'} = 'x' x (8 << 20);

my $rules = statuspage() . <<'END';
Protocols h2c http/1.1
RateLimitHeaders standard legacy
<LocationMatch "^/cgi-bin/[^/]*/six">
    RateLimit six 6/concurrent key=all
</LocationMatch>
<Location "/cgi-bin/hold.cgi/queue">
    RateLimit queue 6/concurrent key=all wait=20s queue=12
</Location>
<Location "/cgi-bin/hold.cgi/pair">
    RateLimit pair 1/concurrent key=all group=pair wait=20s queue=5
</Location>
<Location "/cgi-bin/hold.cgi/pair/of">
    RateLimit pairof 1/concurrent key=all group=pair wait=20s queue=5
</Location>
<Location "/cgi-bin/hold.cgi/turns">
    RateLimit turns 2/concurrent key=all wait=20s queue=9
</Location>
<Location "/cgi-bin/hold.cgi/turns/both">
    RateLimit both 1/concurrent key=all wait=20s queue=9
</Location>
<Location "/ok/nothing">
    RateLimit nothing 0/concurrent key=all wait=10s queue=5
</Location>
<Location "/cgi-bin/hold.cgi/short">
    RateLimit short 1/concurrent key=all wait=300ms
</Location>
<Location "/cgi-bin/hold.cgi/who">
    RateLimit who 1/concurrent key=query:go
</Location>
<Location "/cgi-bin/hold.cgi/kept">
    RateLimit kept 3/concurrent key=all reserve=2 "prefer=%{HTTP:X-Good} == 'yes'"
</Location>
<Location "/cgi-bin/hold.cgi/stacked">
    RateLimit hourly 3/30d key=all
    RateLimit two 2/concurrent key=all
</Location>
<Location "/cgi-bin/hold.cgi/missing">
    RateLimit lost 1/concurrent key=all
    ErrorDocument 404 /ok/sorry
</Location>
<Location "/cgi-bin/hold.cgi/observed">
    RateLimit observed 1/concurrent key=all action=observe
</Location>
<Location "/proxied">
    RateLimit proxied 1/concurrent key=all
    ProxyPass "http://127.0.0.1:${PORT2}/cgi-bin/hold.cgi/plain"
</Location>
<Location "/gone">
    RateLimit gone 1/concurrent key=all
    ProxyPass "http://127.0.0.1:1/"
</Location>
<Location "/ok/none">
    RateLimit none 0/concurrent key=all
</Location>
<Location "/big">
    RateLimit big 1/concurrent key=all
</Location>
<Location "/auth">
    RateLimit auth 1/concurrent key=all
</Location>
<Directory "${DOCROOT}/tenant">
    AllowOverride All
    Options +ExecCGI
    AddHandler cgi-script .cgi
</Directory>
END

sub begun   { my ($s) = @_; my @n = glob $s->root . '/tmp/begun/[0-9]*'; return scalar @n }
sub running { my ($s) = @_; my @n = glob $s->root . '/tmp/running/[0-9]*'; return scalar @n }
sub most    { my ($s) = @_; my @n = sort glob $s->root . '/tmp/most/[0-9]*'; return @n ? $n[-1] =~ m{/0*(\d+)\z} && $1 : 0 }
sub forget { my ($s) = @_; rmdir $_ for glob $s->root . '/tmp/{most,begun}/[0-9]*' }
sub go { my ($s, $name) = @_; $s->write("tmp/go/$name", '') }
sub in_flight { my ($s, $rule, $what) = @_; return rule(figures($s), $rule)->{ $what // 'in_flight' } }

# Sends n requests at once; their connections.
sub begin {
    my ($s, $n, $path, @o) = @_;
    my @c = map { connection($s) } 1 .. $n;
    $_->send_request('GET', $path, keepalive => 0, @o) for @c;
    return @c;
}
sub statuses_of { return histogram(map { $_->read_response } @_) }

for my $mpm (grep { RL::Conf::has_mpm($_) } $ENV{RL_MPM} // qw(event worker prefork)) {
    my $s = httpd($rules, files => \%files, mpm => $mpm, modules => [qw(proxy proxy_http)]);
    chmod 0777, $s->root . "/tmp/$_" for qw(running most begun go);
    my $name = $mpm;

    # ---- no more than COUNT --------------------------------------------------------------------------------------
    my @c = begin($s, 30, '/cgi-bin/hold.cgi/six?a');
    ok await(10, sub { begun($s) >= 6 && in_flight($s, 'six') == 6 }), "$name: six of thirty run";
    go($s, 'a');
    is_deeply statuses_of(@c), { 200 => 6, 429 => 24 }, "$name: of thirty at once six are admitted";
    is most($s), 6, "$name: never more than six ran at the same time";
    ok await(20, sub { in_flight($s, 'six') == 0 }), "$name: all slots are free at the end";
    is_deeply histogram(map { request($s, 'GET', '/cgi-bin/hold.cgi/six') } 1 .. 20), { 200 => 20 }, "$name: one after the other, any number";
    my $r = request($s, 'GET', '/cgi-bin/hold.cgi/six');
    is $r->header('RateLimit-Policy'), '"six";q=6;qu="concurrent-requests"', "$name: the policy field";
    is $r->header('RateLimit'), '"six";r=5', "$name: the state field has no time";
    is $r->header('X-RateLimit-Remaining'), 5, "$name: the legacy field";
    is status($s, '/ok/none'), 429, "$name: 0/concurrent denies everything";

    # ---- waiting -------------------------------------------------------------------------------------------------
    forget($s);
    @c = begin($s, 50, '/cgi-bin/hold.cgi/queue?b');
    ok await(10, sub { in_flight($s, 'queue') == 6 && in_flight($s, 'queue', 'waiting') == 12 }), "$name: of fifty at once six run and twelve wait";
    is status($s, '/ok'), 200, "$name: other locations are served meanwhile";
    go($s, 'b');
    is_deeply statuses_of(@c), { 200 => 18, 429 => 32 }, "$name: those eighteen are served, the rest denied";
    cmp_ok most($s), '<=', 6, "$name: never more than six at the same time";
    @c = (begin($s, 5, '/cgi-bin/hold.cgi/queue?o'), begin($s, 1, '/cgi-bin/hold.cgi/queue?p'));
    ok await(10, sub { in_flight($s, 'queue') == 6 }), "$name: six run";
    my ($last) = begin($s, 1, '/cgi-bin/hold.cgi/queue');
    ok await(10, sub { in_flight($s, 'queue', 'waiting') == 1 }), "$name: one waits";
    go($s, 'p');
    is $last->read_response->header('RateLimit'), '"queue";r=0', "$name: who has waited is told what is left, too";
    go($s, 'o');
    statuses_of(@c);
    # Slots of two rules at the same time, while others want those of the first.
    my @both = begin($s, 1, '/cgi-bin/hold.cgi/turns/both?q');
    ok await(20, sub { in_flight($s, 'both') == 1 }), "$name: one has the slots of two rules";
    push @both, begin($s, 1, '/cgi-bin/hold.cgi/turns/both?q');
    ok await(20, sub { in_flight($s, 'both', 'waiting') == 1 }), "$name: another waits for that of the second";
    @c = map { my @n = begin($s, 1, "/cgi-bin/hold.cgi/turns?r$_"); await(20, sub { in_flight($s, 'turns') + in_flight($s, 'turns', 'waiting') >= $_ }); @n } 1 .. 4;
    go($s, $_) for qw(q r1 r2 r3 r4);
    is_deeply statuses_of(@both, @c), { 200 => 6 }, "$name: all are served in the end";
    @c = begin($s, 1, '/cgi-bin/hold.cgi/short?c');
    ok await(20, sub { in_flight($s, 'short') == 1 }), "$name: a slot is held";
    my $began = time;
    $r = request($s, 'GET', '/cgi-bin/hold.cgi/short');
    is $r->status, 429, "$name: who waits in vain is denied";
    cmp_ok time - $began, '>=', 0.25, "$name: after the wait";
    like $r->header('Retry-After'), qr/\A[1-9]\d*\z/, "$name: with a Retry-After";
    my ($gone) = begin($s, 1, '/cgi-bin/hold.cgi/queue');    # served at once: something else holds no slot of its rule
    $gone->read_response;
    go($s, 'c');
    statuses_of(@c);

    @c = begin($s, 3, '/cgi-bin/hold.cgi/pair/of?n');
    ok await(20, sub { in_flight($s, 'pair', 'waiting') + in_flight($s, 'pairof', 'waiting') == 2 }), "$name: two wait for the slot of a group";
    go($s, 'n');
    is_deeply statuses_of(@c), { 200 => 3 }, "$name: both rules of the group have it then";
    ok await(20, sub { in_flight($s, 'pair') + in_flight($s, 'pairof') == 0 }), "$name: once, and it is free again";
    $began = time;
    is status($s, '/ok/nothing'), 429, "$name: 0/concurrent wait=";
    cmp_ok time - $began, '<', 5, "$name: nobody waits for what can't be had";

    # ---- keys, reserves, other rules --------------------------------------------------------------------------------
    @c = (begin($s, 2, '/cgi-bin/hold.cgi/who?go=d'), begin($s, 1, '/cgi-bin/hold.cgi/who?go=e'));
    ok await(10, sub { in_flight($s, 'who') == 2 }), "$name: each key has slots of its own";
    go($s, $_) for qw(go d e);
    is_deeply statuses_of(@c), { 200 => 2, 429 => 1 }, "$name: a key is limited by itself";
    my @good = (headers => [ 'X-Good' => 'yes' ]);
    @c = (begin($s, 1, '/cgi-bin/hold.cgi/kept?f'));
    ok await(10, sub { in_flight($s, 'kept') == 1 }), "$name: reserve=: one that isn't preferred";
    is status($s, '/cgi-bin/hold.cgi/kept'), 429, "$name: reserve=: another isn't admitted";
    push @c, begin($s, 2, '/cgi-bin/hold.cgi/kept?f', @good);
    ok await(10, sub { in_flight($s, 'kept') == 3 }), "$name: reserve=: those that are preferred have all slots";
    is status($s, '/cgi-bin/hold.cgi/kept', @good), 429, "$name: reserve=: but no more";
    go($s, 'f');
    is_deeply statuses_of(@c), { 200 => 3 }, "$name: reserve=: all three are served";
    @c = begin($s, 2, '/cgi-bin/hold.cgi/stacked?g');
    ok await(10, sub { in_flight($s, 'two') == 2 }), "$name: two rules: two run";
    is status($s, '/cgi-bin/hold.cgi/stacked'), 429, "$name: two rules: the third is denied for want of a slot";
    go($s, 'g');
    statuses_of(@c);
    is status($s, '/cgi-bin/hold.cgi/stacked'), 200, "$name: two rules: the denied one took no unit of the other";
    is status($s, '/cgi-bin/hold.cgi/stacked'), 429, "$name: two rules: the other denies";
    is in_flight($s, 'two'), 0, "$name: two rules: then no slot is taken";
    @c = begin($s, 3, '/cgi-bin/hold.cgi/observed?h');
    go($s, 'h');
    is_deeply statuses_of(@c), { 200 => 3 }, "$name: a rule that observes denies nothing";

    # ---- when a slot is free again -----------------------------------------------------------------------------------
    for my $case ([ 'a file, to HEAD', 'big', '/big', 'HEAD' ], [ 'an error document', 'lost', '/cgi-bin/hold.cgi/missing', 'GET' ],
        [ 'a backend that is not there', 'gone', '/gone', 'GET' ], [ 'a proxied answer', 'proxied', '/proxied', 'GET' ], [ 'a missing file', 'auth', '/auth', 'GET' ]) {
        my ($what, $rule, $path, $method) = @$case;
        my %seen = map { request($s, $method, $path)->status => 1 } 1 .. 3;
        ok !$seen{429}, "$name: after $what the slot is free";
        is in_flight($s, $rule), 0, "$name: after $what none is held";
    }
    ok !(grep { $_ == 429 } map { request($s, 'GET', '/cgi-bin/nph-hold.cgi/six')->status } 1 .. 8), "$name: after nph- programs slots are free";
    # A client that takes nothing of a large file, which httpd has ready.
    my $slow = connection($s);
    setsockopt $slow->{sock}, SOL_SOCKET, SO_RCVBUF, pack 'i', 4096;
    $slow->send_request('GET', '/big', keepalive => 0);
    ok await(10, sub { status($s, '/big') == 200 }), "$name: the slot of a slow client is free";
    $slow->close;
    # Clients that are gone while the program runs.
    my @gone = begin($s, 3, '/cgi-bin/hold.cgi/six?i');
    ok await(10, sub { in_flight($s, 'six') == 3 }), "$name: three that will be gone";
    for (@gone) { setsockopt $_->{sock}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0; $_->close }
    go($s, 'i');
    ok await(10, sub { in_flight($s, 'six') == 0 }), "$name: their slots are free";
    # Clients that are gone while they wait.
    @c = begin($s, 6, '/cgi-bin/hold.cgi/queue?j');
    ok await(10, sub { in_flight($s, 'queue') == 6 }), "$name: six hold what others wait for";
    @gone = begin($s, 5, '/cgi-bin/hold.cgi/queue?j');
    ok await(10, sub { in_flight($s, 'queue', 'waiting') == 5 }), "$name: five wait";
    $_->close for @gone;
    ok await(10, sub { in_flight($s, 'queue', 'waiting') == 0 }), "$name: they are gone, and wait no longer";
    my $sender = connection($s);
    $sender->send_request('POST', '/cgi-bin/hold.cgi/queue?j', body => 'x' x 100_000);
    ok await(20, sub { in_flight($s, 'queue', 'waiting') == 1 }), "$name: one waits whose body isn't read yet";
    $sender->close;
    ok await(20, sub { in_flight($s, 'queue', 'waiting') == 0 }), "$name: it is gone, and waits no longer";
    go($s, 'j');
    statuses_of(@c);
    if ($mpm eq 'event') {
        forget($s);
        my $h2 = RL::H2->new(port => $s->port);
        my @streams = map { $h2->headers('GET', '/cgi-bin/hold.cgi/six?k') } 1 .. 9;
        ok await(10, sub { in_flight($s, 'six') == 6 }), 'HTTP/2: six streams hold slots';
        $h2->reset($streams[0]);
        go($s, 'k');
        $h2->finished($_, 10) for @streams;
        cmp_ok most($s), '<=', 6, 'HTTP/2: never more than six run';
        ok await(10, sub { in_flight($s, 'six') == 0 }), 'HTTP/2: all slots are free, that of the stream that was reset, too';
    }

    # ---- children that are killed ---------------------------------------------------------------------------------
    my @held = begin($s, 6, '/cgi-bin/hold.cgi/six?l');
    ok await(10, sub { in_flight($s, 'six') == 6 }), "$name: six hold a slot";
    kill 'KILL', $s->serving;
    $began = time;
    ok await(20, sub { (eval { rule(figures($s), 'six')->{in_flight} } // 6) == 0 }), "$name: all children are killed: their slots are free";
    go($s, 'l');
    $_->close for @held;
    is status($s, '/cgi-bin/hold.cgi/six'), 200, "$name: and can be had";

    # ---- reloads ------------------------------------------------------------------------------------------------------
    @c = begin($s, 4, '/cgi-bin/hold.cgi/six?m');
    ok await(10, sub { in_flight($s, 'six') == 4 }), "$name: four hold a slot";
    kill 'USR1', $s->{pid};
    ok await(10, sub { (eval { in_flight($s, 'six') } // 0) == 4 }), "$name: a graceful restart: they hold it still";
    go($s, 'm');
    is_deeply statuses_of(@c), { 200 => 4 }, "$name: they are served";
    ok await(10, sub { in_flight($s, 'six') == 0 }), "$name: then their slots are free";
    is_deeply [ map { status($s, '/tenant/x') } 1 .. 3 ], [ 200, 200, 200 ], "$name: a tenant's rule";
    my $places = $mpm eq 'prefork' ? 8 : 16;    # half of a quarter of MaxRequestWorkers
    @c = begin($s, 30, '/tenant/greedy/hold.cgi?t');
    ok await(10, sub { in_flight($s, '.htaccess', 'waiting') == $places }), "$name: those of a tenant's rule wait in half of the places";
    go($s, 't');
    is_deeply statuses_of(@c), { 200 => 1 + $places, 429 => 29 - $places }, "$name: the others of the tenant's were denied";
    $s->stop;
}

config_ok "RateLimit r 6/concurrent $_\n", $_ for 'wait=10ms', 'wait=30s queue=0', 'wait=1 queue=100', 'reserve=5 "prefer=true"', 'group=g key=ip+host', 'action=observe methods=GET status=503';
config_error "RateLimit r $$_[0]\n", 'RateLimit', $$_[1], $$_[0], $$_[2]
    for [ '6/concurrent penalty=1h', 'penalty=1h', qr/doesn't go with COUNT\/concurrent/ ], [ '6/concurrent algorithm=fixed-window', 'algorithm=', qr/doesn't go/ ],
    [ '6/concurrent cost=2', 'cost=2', qr/doesn't go/ ], [ '6/concurrent count=404', 'count=404', qr/doesn't go/ ], [ '6/concurrent window=clock', 'window=clock', qr/doesn't go/ ],
    [ '6/concurrent queue=3', 'queue=3', qr/needs wait=/ ], [ '6/concurrent reserve=6 prefer=true', 'reserve=6', qr/less than COUNT/ ],
    [ '6/concurrent prefer=true', 'prefer=true', qr/needs reserve=/ ], [ '6/concurrent reserve=2', 'reserve=', qr/needs prefer=/ ], [ '6/concurrent wait=9ms', 'wait=9ms', qr/from 10ms to 30s/ ],
    [ '6/concurrent wait=31s', 'wait=31s', qr/from 10ms to 30s/ ], [ '6/concurrent wait=x', 'wait=x', qr/such as 500ms/ ], [ '5/m wait=1s', 'wait=1s', qr/COUNT\/concurrent only/ ],
    [ '5/m reserve=1', 'reserve=1', qr/COUNT\/concurrent only/ ], [ '-1/concurrent', '-1/concurrent', qr/count must be/ ], [ '6/concurrently', '6/concurrently', qr/period must be/ ];

finish allow => qr/AH00052|AH00544|child pid|exit signal|AH01102|AH00957|AH01114|AH10292|cgid|AH01264|AH00046|AH00045|AH00047/;
