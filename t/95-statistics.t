# SPDX-License-Identifier: Apache-2.0
# What is counted of requests is what happened: figures of rules, by virtual host, by minutes, of keys, of the store; by
# all children, over reloads and deaths.
use RL::Test;
use RL::Memcached;
use RL::Status;
use RL::Stores;
use List::Util qw(sum0);

# ---- the sums of the access log -----------------------------------------------------------------------------
for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . statuspage() . <<'END');
<Location "/ok/log">
    RateLimit each 5/30d key=query:who
    RateLimit whole 40/30d key=all
    RateLimit watched 3/30d key=query:who action=observe
</Location>
END
    my $from = $s->access_mark;
    parallel($s, 12, "/ok/log?who=$_") for 'a' .. 'h';
    my @lines = $s->access($from, 96);    # what they tell has been counted
    my $figures = figures($s);
    my %state;
    $state{ $_->{state} }++ for @lines;
    is_deeply { map { $_ => $figures->{requests}{$_} } qw(allowed denied observed) },
        { map { $_ => $state{$_} // 0 } qw(allowed denied observed) }, "$name: requests are as the access log has them"
        or diag explain \%state;
    is $figures->{requests}{checked}, 96, "$name: each request is counted once";
    for my $rule (qw(each whole)) {
        my $got = rule($figures, $rule);
        cmp_ok $got->{denied}, '>=', scalar(grep { $_->{state} eq 'denied' && $_->{rule} eq $rule } @lines),
            "$name: $rule has denied what the access log says that it denied";
        is $got->{allowed}, scalar(grep { $_->{state} ne 'denied' } @lines), "$name: $rule has allowed what was let in";
        is $got->{checked}, 96, "$name: $rule was checked for each";
    }
    my $watched = rule($figures, 'watched');
    is $watched->{observed}, $state{observed}, "$name: a rule that observes has seen what the access log says";
    is $watched->{denied}, 0, "$name: and has denied nothing";
    for my $what (qw(allowed denied observed)) {
        is sum0(@{ $figures->{requests}{$_}{$what} }), $figures->{requests}{$what}, "$name: $what: the $_ add up to the sum"
            for qw(minutes hours);
    }
}

# ---- what becomes of a request ------------------------------------------------------------------------------
my $s = httpd(statuspage() . <<'END', files => {
Include conf/hosts.conf
<Location "/ok/both">
    RateLimit narrow 2/30d key=all
    RateLimit wide 100/30d key=all
</Location>
<Location "/ok/outcome">
    RateLimit failures 100/30d key=query:who count=404
    RateLimit wiped 100/30d key=query:who clear=200
</Location>
<Location "/ok/missing">
    RateLimit shared 100/30d key=query:who
    RateLimit skipped 100/30d key=query:who missing=skip
    RateLimit needed 100/30d key=query:who missing=deny
</Location>
<Location "/ok/exempt">
    RateLimit free 100/30d
    RateLimitExempt expr=true
</Location>
<Location "/rw/from">
    RateLimit redirected 100/30d
</Location>
<Directory "${DOCROOT}/rw">
    RewriteEngine On
    RewriteRule "^from$" "to.txt"
</Directory>
<Location "/cgi-bin/">
    RateLimit everywhere 100/30d key=all
</Location>
<Directory "${DOCROOT}/tenant">
    AllowOverride Limit
</Directory>
END
    'conf/hosts.conf' => join('', map { "<VirtualHost *:\${PORT2}>\n    ServerName $_.test\n</VirtualHost>\n" } qw(one two)),
    'htdocs/rw/to.txt' => "to\n",
    map { ("htdocs/tenant/$_/index.html" => "t\n", "htdocs/tenant/$_/.htaccess" => "RateLimit made-up-$_ 1/30d\n") } 1 .. 30,
});

sub ask { my ($n, $path, %o) = @_; return asked($s, $n, $path, %o) }

ask(5, '/ok/both');
is told($s, 'narrow'), 'allowed=2 denied=3', 'a rule that denies';
is told($s, 'wide'), 'allowed=2 other=3', 'a rule beside it, which was charged for what was let in only';
ask(3, '/ok/outcome?who=a');
is told($s, 'failures'), 'allowed=3 refunded=3', 'units that are given back by the outcome';
is told($s, 'wiped'), 'allowed=3 cleared=3', 'counters that are cleared by the outcome';
ask(4, '/ok/missing');
is told($s, 'shared'), 'other=4 missing=4', 'requests without a value';
is told($s, 'skipped'), 'missing=4', 'requests that are skipped for want of a value are not checked';
is told($s, 'needed'), 'denied=4 missing=4', 'requests that are denied for want of a value';
ask(3, '/ok/exempt');
is told($s, 'free'), '', 'exempt requests are not counted';
ask(3, '/rw/from');
is told($s, 'redirected'), 'allowed=3', 'a request that is redirected inside the server counts once';
is status($s, '/nowhere'), 404, 'locations without rules go on';

# ---- virtual hosts and tenants ------------------------------------------------------------------------------
ask(2, '/cgi-bin/env.cgi');
ask($_->[1], '/cgi-bin/env.cgi', port => $s->port2, headers => [ Host => $_->[0] ]) for [ 'one.test', 3 ], [ 'two.test', 4 ];
is told($s, 'everywhere', $_->[0]), "allowed=$_->[1]", "each virtual host has figures of its own: $_->[0]"
    for [ localhost => 2 ], [ 'one.test', 3 ], [ 'two.test', 4 ];
ask(2, "/tenant/$_/") for 1 .. 30;
my $figures = figures($s);
is told($s, '.htaccess'), 'allowed=30 denied=30', 'rules of .htaccess files are counted together';
is scalar(grep { $_->{name} =~ /made-up/ } @{ $figures->{rules} }), 0, 'and their names take no room';

# ---- keys ---------------------------------------------------------------------------------------------------
my @lines = (ask(1, '/ok/outcome?who=key'), ask(9, '/ok/outcome?who=other'));
my ($key) = grep { $_->{tag} eq $lines[0]{key} } keys_of(figures($s), $lines[0]{rule});
ok $key, 'a key is named by the tag that the access log has';
is "$key->{requests} $key->{limit} $key->{denied}", '1 100 0', 'with its requests, its limit and its denials';
my ($most) = keys_of(figures($s), 'narrow');
is "$most->{used} $most->{limit} $most->{requests} $most->{denied}", '2 2 5 3', 'the key that was denied most comes first';
cmp_ok abs($most->{seen} - time), '<', 120, 'when it was seen last';
ok $most->{reset} > 0 && $most->{reset} <= 30 * 86_400, 'its window ends';
is_deeply $most->{values}, [], 'no values of keys are told';

# ---- values of keys -----------------------------------------------------------------------------------------
my $logging = statuspage() . <<'END';
RateLimitLog warn keys
<Location "/ok/told">
    RateLimit told 1/30d key=query:who+ip/24+cookie:c
</Location>
<Location "/ok/header">
    RateLimit header 1/30d key=header:X-Who fold=off
</Location>
<VirtualHost *:${PORT2}>
    ServerName quiet.test
    RateLimitLog info
    RateLimit quiet 1/30d key=query:who
</VirtualHost>
END
my $t = httpd($logging);
sub values_told { my ($rule) = @_; return [ map { @{ $_->{values} } } keys_of(figures($t), $rule) ] }
asked($t, 3, '/ok/told?who=%20%C3%84dmin,(%22x%22)', headers => [ Cookie => 'c=v1' ]);
asked($t, 2, '/ok/header', headers => [ 'X-Who' => qq{a", key 0123456789ab, retry after 1 s\\} ]);
asked($t, 2, '/ok/header', headers => [ 'X-Who' => 'x' x 100 ]);
asked($t, 2, '/ok/header');
asked($t, 2, '/ok?who=secret', port => $t->port2);
my @said = grep { /\[ratelimit_cache:/ && /: denied, key/ } $t->log_lines(0);
is scalar(grep { /key [0-9a-f]{12} \(query:who=admin%2C%28%22x%22%29, ip=127\.0\.0\.0\/24, cookie:c=v1\), retry after/ } @said), 1,
    'RateLimitLog keys: the line tells the values, folded and escaped' or diag @said;
is scalar(grep { /\(header:x-who=a%22%2C%20key%200123456789ab%2C%20retry%20after%201%20s%5C\), retry/ } @said), 1, 'RateLimitLog keys: no value can make up a line';
is scalar(grep { /\(header:x-who=\(100 bytes\)\), retry/ } @said), 1, 'RateLimitLog keys: of a long value only its length is told';
is scalar(grep { /\(header:x-who\), retry/ } @said), 1, 'RateLimitLog keys: a part without a value';
is scalar(grep { /secret/ } @said), 0, 'RateLimitLog without keys: a virtual host of its own tells none';
is_deeply values_told('told'), [ 'query:who=admin%2C%28%22x%22%29', 'ip=127.0.0.0/24', 'cookie:c=v1' ], 'RateLimitLog keys: the status page tells the values';
is_deeply values_told('quiet'), [], 'RateLimitLog without keys: the status page of a server that has it elsewhere tells none';
like request($t, 'GET', '/rl')->body, qr/>query:who=admin%2C%28%22x%22%29</, 'RateLimitLog keys: the page, too';
$t->reload;
is scalar @{ values_told('told') }, 3, 'RateLimitLog keys: values outlive a reload';
$t->set_conf($logging =~ s/warn keys/warn/r);
$t->reload;
is_deeply values_told('told'), [], 'RateLimitLog keys: they are no more told when it is taken out';
$t->set_conf($logging);
$t->reload;
is_deeply values_told('told'), [], 'RateLimitLog keys: and are forgotten';
config_error("RateLimitLog warn key\n", 'RateLimitLog', 'key', 'another word than keys');
config_ok("RateLimitLog notice KEYS\n");

# ---- reloads and deaths -------------------------------------------------------------------------------------
my $conf = $s->{conf};
for my $how (qw(graceful reload)) {
    $s->$how;
    is told($s, 'narrow'), 'allowed=2 denied=3', "figures are there after a $how";
}
my ($busy) = grep { $_->{tag} eq $most->{tag} } keys_of(figures($s), 'narrow');
is $busy->{denied}, 3, 'keys are there after a reload';
$s->set_conf($conf =~ s/narrow 2/narrow 3/r);
$s->reload;
ask(2, '/ok/both');
is told($s, 'narrow'), 'allowed=3 denied=4', 'a rule whose rate has changed goes on with its figures';
$s->set_conf($conf =~ s/RateLimit narrow.*//r);
$s->reload;
is told($s, 'narrow'), 'no such rule', 'a rule that is taken out is told of no more';
$s->set_conf($conf);
$s->reload;
is told($s, 'narrow'), 'allowed=3 denied=4', 'and has its figures again when it is back';

my ($victim) = $s->serving;
kill KILL => $victim;
await(20, sub { !grep { $_ == $victim } $s->children });
ask(3, '/ok/both');
is told($s, 'narrow'), 'allowed=3 denied=7', 'a killed child takes no figure with it, and leaves nothing broken';

# ---- the table ----------------------------------------------------------------------------------------------
my $small = httpd("RateLimitStore shm size=64K\n" . statuspage() . <<'END');
<LocationMatch "^/ok/key/">
    RateLimit keys 100/30d key=path
</LocationMatch>
END
my $client = connection($small);
$client->request('GET', "/ok/key/$_") for 1 .. 500;
my $table = figures($small)->{table};
cmp_ok $table->{used}, '<=', 500, 'the table: no more cells are in use than there were keys';
cmp_ok $table->{used}, '>=', 400, 'the table: no fewer, while there is room';
is $table->{evictions}, 0, 'the table: nothing is evicted while there is room';
$client->request('GET', "/ok/key/$_") for 501 .. 1500;
$table = figures($small)->{table};
cmp_ok $table->{used}, '>', 0.95 * $table->{cells}, 'the table: it is full';
cmp_ok abs(1500 - $table->{evictions} - $table->{used}), '<=', 20, 'the table: each key has a cell, or has lost it';
$client->close;

# ---- the store ----------------------------------------------------------------------------------------------
my $m = RL::Memcached->start;
my $fleet = httpd('RateLimitStore memcached ' . $m->address . " timeout=1s cooldown=100ms\nRateLimitSecret fleet\n" . statuspage() . <<'END', children => 1);
<LocationMatch "^/ok/strict/">
    RateLimit strict 100000/30d key=path
</LocationMatch>
<Location "/ok/hot">
    RateLimit hot 100000/m key=all
</Location>
END
status($fleet, "/ok/strict/$_") for 1 .. 5;
my $server = store_server(figures($fleet));
is $server->{name}, $m->address, 'the store: its server';
is $server->{state}, 'up', 'the store: answers';
cmp_ok $server->{round_trips}, '>=', 5, 'the store: round trips';
is $server->{errors}, 0, 'the store: no errors';
ok $server->{seconds} > 0, 'the store: the time that they took';
ok await(20, sub { status($fleet, '/ok/hot') for 1 .. 20; figures($fleet)->{stores}[0]{lease_decisions} > 0 }), 'the store: decisions by a lease';
my $trips = store_server(figures($fleet))->{round_trips};

$m->pause;
ok await(20, sub { status($fleet, '/ok/strict/away'); store_server(figures($fleet))->{state} eq 'down' }), 'the store hangs: it is down';
status($fleet, '/ok/strict/away') for 1 .. 4;
my $away = figures($fleet);
cmp_ok $away->{stores}[0]{local_decisions}, '>=', 4, 'the store hangs: decisions without it';
ok $away->{stores}[0]{outage} > 0, 'the store hangs: for how long';
cmp_ok store_server($away)->{errors}, '>=', 3, 'the store hangs: errors';
$m->resume;
ok await(20, sub { status($fleet, '/ok/strict/back'); store_server(figures($fleet))->{state} eq 'up' }), 'the store is back: it is up';
$away = figures($fleet);
is $away->{stores}[0]{outage} + 0, 0, 'the store is back: there is no outage';
ok store_server($away)->{last_outage} > 0, 'the store is back: how long the last one was';
is store_server($away)->{outages}, 1, 'the store is back: there was one';
cmp_ok store_server($away)->{round_trips}, '>', $trips, 'the store is back: more round trips';

finish allow => qr/does not answer as it should/;
