# SPDX-License-Identifier: Apache-2.0
# RateLimitBusy and busy=: when the server counts as busy, what the limits are then, who is told, and what httpd -t
# refuses and warns of. Workers are kept busy by CGI programs that wait for a file.
use RL::Test;
use RL::Status;

my @mpms = grep { RL::Conf::has_mpm($_) } split / /, $ENV{RL_MPM} // "event prefork";
my $HANG = <<'END';
#!/bin/sh
while [ ! -e "$RELEASE" ]; do sleep 0.1; done
printf 'Content-Type: text/plain\n\ndone\n'
END

my $conf = statuspage() . <<'END';
RateLimitBusy workers=50%:25% hold=3s
Timeout 120
RateLimitHeaders standard legacy
CustomLog logs/busy.log "%U %{RATELIMIT_BUSY}e"
SetEnv RELEASE ${ROOT}/htdocs/release
SetEnvIf RATELIMIT_BUSY ^1$ SEEN_BUSY
<Location /ok/less>
    RateLimit less 6/30d key=path busy=2
</Location>
<Location /ok/none>
    RateLimit none 6/30d key=path busy=0
</Location>
<Location /ok/slots>
    RateLimit slots 6/concurrent busy=2
</Location>
<Location /ok/no-slots>
    RateLimit no-slots 6/concurrent busy=2 reserve=2 "prefer=%{QUERY_STRING} == 'me'"
</Location>
<Location /ok/sliding>
    RateLimit sliding 6/30d key=path busy=2 algorithm=sliding-window
</Location>
<Location /ok/first>
    RateLimit first 6/30d key=path busy=2 window=first
</Location>
<Location /ok/computed>
    SetEnvIf Request_URI /one$ RATE=1/30d
    SetEnvIf Request_URI /six$ RATE=6/30d
    RateLimit computed expr=%{env:RATE} key=path busy=2
</Location>
<Location /ok/when>
    RateLimit when 0/30d "when=%{env:RATELIMIT_BUSY} == '1'"
</Location>
<Location /ok/setenvif>
    RateLimit setenvif 0/30d "when=%{env:SEEN_BUSY} == '1'"
</Location>
<Location /ok/rewritten>
    RewriteEngine On
    RewriteCond %{ENV:RATELIMIT_BUSY} =1
    RewriteRule . - [R=503]
</Location>
END

# Opens connections whose CGI programs hang.
sub occupy {
    my ($s, $n) = @_;
    my @c = map { connection($s) } 1 .. $n;
    $_->send_request('GET', '/cgi-bin/hang.cgi', keepalive => 0) for @c;
    return @c;
}

sub busy { my ($s) = @_; return figures($s)->{busy} ? 1 : 0 }
sub await_busy { my ($s, $is, $seconds) = @_; return await($seconds // 20, sub { busy($s) == $is }) }
sub metric { my ($s) = @_; return (request($s, 'GET', '/rl?format=prometheus')->body =~ /^httpd_ratelimit_busy (\d)/m)[0] }
sub policy { my ($s, $path) = @_; return request($s, 'GET', $path)->header('RateLimit-Policy') }

for my $mpm (@mpms) {
    my $s = httpd($conf, mpm => $mpm, workers => 8, files => { 'cgi-bin/hang.cgi' => $HANG });
    my $workers = $mpm eq 'prefork' ? 8 : 16;
    my $release = $s->root . '/htdocs/release';

    # ---- calm -----------------------------------------------------------------------------------------------
    is busy($s), 0, "$mpm: an idle server is not busy";
    is metric($s), 0, "$mpm: the metric, too";
    is policy($s, '/ok/less/a'), '"less";q=6;w=2592000', "$mpm: the policy is COUNT";
    is statuses($s, 3, '/ok/less/a'), '200 200 200', "$mpm: four of six are used";
    is statuses($s, 2, '/ok/first/a'), '200 200', "$mpm: two of six, with window=first";
    is statuses($s, 1, "/ok/$_"), 200, "$mpm: /ok/$_" for qw(none when setenvif rewritten sliding/a computed/six);

    my @few = occupy($s, $workers / 2 - 2);
    ok !await(3, sub { busy($s) }), "$mpm: less than HIGH doesn't make it busy";

    # ---- busy -----------------------------------------------------------------------------------------------
    my $mark = $s->log_mark;
    my @all  = (@few, occupy($s, 2));
    ok await_busy($s, 1), "$mpm: HIGH makes it busy";
    is metric($s), 1, "$mpm: the metric tells";
    my ($line) = $s->wait_log($mark, qr/the server is busy/);
    like $line, qr/:notice\].*workers is at (?:50|5\d|6\d)\.\d\d% and has reached 50\.00% of RateLimitBusy/, "$mpm: the log tells the measure, its value and HIGH";
    my ($measure) = @{ figures($s)->{measures} };
    is_deeply [ @$measure{qw(name high low)} ], [ 'workers', 50, 25 ], "$mpm: JSON tells the measure";
    cmp_ok $measure->{value}, '>=', 50, "$mpm: and its value";
    cmp_ok figures($s)->{busy_for}, '<', 60, "$mpm: and since when";

    my $r = request($s, 'GET', '/ok/less/a');
    is $r->status, 429, "$mpm: who has used more than busy= is denied";
    is $r->header('RateLimit-Policy'), '"less";q=2;w=2592000', "$mpm: by the policy that holds now";
    like $r->header('RateLimit'), qr/^"less";r=0;t=/, "$mpm: nothing is left";
    is $r->header('X-RateLimit-Limit'), 2, "$mpm: the legacy field tells it, too";
    like +($s->wait_log($mark, qr{rule less, limit .* denied}))[-1], qr{\b2/30d\b}, "$mpm: the denial's line tells the rate";
    is statuses($s, 3, '/ok/less/b'), '200 200 429', "$mpm: another key has two";
    is statuses($s, 3, '/ok/sliding/a'), '200 429 429', "$mpm: sliding windows";
    is statuses($s, 1, '/ok/first/a'), '429', "$mpm: window=first";
    is policy($s, '/ok/slots'), '"slots";q=2;qu="concurrent-requests"', "$mpm: requests at the same time";
    is statuses($s, 1, "/ok/no-slots$_"), /me/ ? 200 : 429, "$mpm: what is reserved stays reserved: '$_'" for '', '?me';
    is statuses($s, 1, '/ok/none'), '429', "$mpm: busy=0 admits nothing";
    is statuses($s, 2, '/ok/computed/six'), '200 429', "$mpm: a computed rate is lowered";
    is statuses($s, 2, '/ok/computed/one'), '200 429', "$mpm: a computed rate that is lower stays";
    is statuses($s, 1, '/ok/when'), '429', "$mpm: when= finds RATELIMIT_BUSY";
    is statuses($s, 1, '/ok/setenvif'), '429', "$mpm: SetEnvIf finds it";
    is statuses($s, 1, '/ok/rewritten'), '503', "$mpm: a rewrite finds it";
    my ($key) = grep { $_->{used} == 4 } keys_of(figures($s), 'less');
    is $key->{limit}, 2, "$mpm: the status page tells the limit of now";

    # ---- a reload keeps it ------------------------------------------------------------------------------------
    my $from = $s->log_mark;
    kill USR1 => $s->pid;
    $s->wait_log($from, qr/resuming normal operations/);
    ok !await(6, sub { !busy($s) }), "$mpm: a reload changes nothing while programs hang";

    # ---- calm again -------------------------------------------------------------------------------------------
    $s->write('htdocs/release', "now\n");
    is join(' ', map { $_->read_response->status } @all), join(' ', (200) x @all), "$mpm: what hung is answered";
    my $free = time;
    ok await_busy($s, 0, 30), "$mpm: it ends";
    cmp_ok time - $free, '>=', 2, "$mpm: not before hold=";
    ($line) = $s->wait_log($from, qr/not busy any more/);
    like $line, qr/:notice\].* it was for \d+ s/, "$mpm: the log tells how long it was";
    is scalar(grep { /:notice\].*server is (?:not )?busy/ } $s->log_lines(0)), 2, "$mpm: the log has each change once";
    is statuses($s, 3, '/ok/less/a'), '200 200 429', "$mpm: the counter is the same: two more, of six";
    is policy($s, '/ok/less/c'), '"less";q=6;w=2592000', "$mpm: the policy is COUNT again";
    is metric($s), 0, "$mpm: the metric tells";
    my %seen = map { chomp; $_ => 1 } split /^/, slurp($s->root . '/logs/busy.log');
    ok $seen{'/ok/when 0'} && $seen{'/ok/when 1'}, "$mpm: RATELIMIT_BUSY is 0 or 1 in the access log";

    # ---- a reload without the directive -------------------------------------------------------------------------
    unlink $release;
    @all = occupy($s, $workers / 2);
    ok await_busy($s, 1), "$mpm: busy once more";
    $s->set_conf($conf =~ s/^RateLimitBusy.*\n//mr);
    $from = $s->log_mark;
    kill USR1 => $s->pid;
    $s->wait_log($from, qr/resuming normal operations/);
    $s->write('htdocs/release', "now\n");
    $_->read_response for @all;
    is busy($s), 0, "$mpm: without RateLimitBusy no server is busy";
    is statuses($s, 3, '/ok/less/d'), '200 200 200', "$mpm: and limits are COUNT";
    status($s, '/ok/last');
    ok await(10, sub { slurp($s->root . '/logs/busy.log') =~ m{^/ok/last -$}m }), "$mpm: nor is RATELIMIT_BUSY set";

}

# ---- what is refused, and what is warned of -------------------------------------------------------------------------

sub refused {
    my ($fragment, $like) = @_;
    my ($rc, $out) = configtest($fragment);
    return ok($rc != 0 && $out =~ $like, 'refused: ' . $fragment =~ s/\s*\n\s*/ | /gr) || diag($out);
}

config_ok "RateLimitBusy $_\n" for 'workers=90%', 'workers=90%:70% load=8.5:6 hold=1m', 'load=1', 'hold=5s load=1';
refused("RateLimitBusy\n", qr/RateLimitBusy "": write at least one of workers=/);
refused("RateLimitBusy hold=5s\n", qr/RateLimitBusy "hold=5s": write at least one of workers=/);
refused("RateLimitBusy workers=90\n", qr/RateLimitBusy "workers=90": write HIGH% or HIGH%:LOW%/);
refused("RateLimitBusy load=8%\n", qr/RateLimitBusy "load=8%": write HIGH or HIGH:LOW/);
refused("RateLimitBusy workers=90%:95%\n", qr/"workers=90%:95%": LOW must not be above HIGH/);
refused("RateLimitBusy workers=90% workers=80%\n", qr/"workers=80%": given twice/);
refused("RateLimitBusy memory=90%\n", qr/"memory=90%": not an option; one of workers, load, cpu-pressure, hold/);
refused("<VirtualHost *:1>\nRateLimitBusy load=1\n</VirtualHost>\n", qr/RateLimitBusy cannot occur within <VirtualHost>/);
refused("<Location /x>\nRateLimitBusy load=1\n</Location>\n", qr/RateLimitBusy not allowed in/);
if (eval { slurp('/proc/pressure/cpu') =~ /^some avg10=/ }) { config_ok "RateLimitBusy cpu-pressure=40%\n" }
else { refused("RateLimitBusy cpu-pressure=40%\n", qr{"cpu-pressure=40%": this system doesn't tell it: /proc/pressure/cpu can't be read: }) }

config_ok "RateLimitBusy load=1\nRateLimit r $_\n" for '5/m busy=5', '5/concurrent busy=5', '5/m busy=0', 'expr=%{env:RATE} busy=100', '5/m busy=1 algorithm=sliding-window', '5/m busy=1 window=first';
refused("RateLimit r 5/m busy=6\n", qr/RateLimit r: "busy=6": must be at most COUNT, 5/);
refused("RateLimit r 5/m busy=x\n", qr/RateLimit r: "busy=x": must be an integer/);
refused("RateLimit r 5/m busy=1 algorithm=token-bucket\n", qr/"busy=1": goes with windows and with concurrent, not with algorithm=token-bucket/);
refused("RateLimit r none busy=1\n", qr/"busy=1": a rate of none/);

my ($rc, $out) = configtest("RateLimit r 5/m busy=1\n");
like $out, qr/^warning: RateLimit r: "busy=1": no RateLimitBusy says when the server is busy/m, 'busy= without RateLimitBusy is warned of';

for (map { [ $_, 4 - $_ ] } 1 .. 3) {
    my ($busy, $reserve) = @$_;
    ($rc, $out) = configtest("RateLimitBusy load=1\nRateLimit r 6/concurrent busy=$busy reserve=$reserve prefer=true\n");
    is $out =~ /^warning: RateLimit r: "reserve=$reserve": while the server is busy, busy=$busy leaves no slot to anybody but/m ? 'warned' : 'not', $busy > $reserve ? 'not' : 'warned',
        "busy=$busy reserve=$reserve: " . ($busy > $reserve ? 'well' : 'warned of') or diag $out;
}

finish allow => qr/AH03490/;
