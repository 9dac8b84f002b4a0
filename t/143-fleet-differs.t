# SPDX-License-Identifier: Apache-2.0
# What makes of a fleet several, though its servers look alike: memcacheds by other names or in another order, rules of the
# same names that are others, another secret, options by which rules count otherwise. Each says which server it is and what
# differs, however few of the memcacheds they have in common by name; and so does the status page.
use RL::Test;
use RL::Memcached;
use RL::Status;

my $rule = "<Location /ok/a>\n    RateLimit a 5/30d\n</Location>\n";

sub member {
    my ($list, %o) = @_;
    return httpd(statuspage() . "RateLimitStore memcached @$list timeout=2s\n"
            . ($o{secret} // "RateLimitSecret 'the same secret, long enough'\n") . ($o{rules} // $rule), workers => 8);
}

sub host_of { my ($s) = @_; return qr/[\w.-]+:@{[ $s->port ]}/ }
sub fleet   { my ($s) = @_; return map { @{ $_->{fleet} // [] } } @{ figures($s)->{stores} } }

my %PAGE = (outcomes => 'count=, clear= or known= of its rules', settings => 'prefix lengths, how forms are read');

# Two servers tell of each other that this differs, and nothing else, once.
sub differ {
    my ($name, $what, $json, @s) = @_;
    my $page = $PAGE{ $json->[0] } // $json->[0];
    for (0, 1) {
        my $other = host_of($s[ 1 - $_ ]);
        like +($s[$_]->wait_log(0, qr/configured differently/))[-1] // '', qr/:warn\].*the httpd at $other, which uses it too, is configured differently: $what\. Their/,
            "$name: the log says which server, and what";
        is_deeply [ map { @{ $_->{differs} } } fleet($s[$_]) ], $json, "$name: JSON says it";
        like request($s[$_], 'GET', '/rl')->body, qr/The fleet.*$other.*?\Q$page\E/s, "$name: the status page says it";
    }
    is scalar(grep { /configured differently/ } map { $_->log_lines(0) } @s), 2, "$name: each says it once";
    $_->stop for @s;
    return;
}

sub two { my ($name, $what, $json, @members) = @_; return differ($name, $what, $json, map { member(@$_) } @members) }

# ---- memcached servers -----------------------------------------------------------------------------------------------
for my $n (1, 2, 3, 7) {
    my @m    = map { RL::Memcached->start } 1 .. $n;
    my @list = map { $_->address } @m;
    two("localhost for 127.0.0.1, $n servers", 'list-of-memcached-servers', ['servers'], [ \@list ], [ [ map { s/127\.0\.0\.1/localhost/r } @list ] ]);
    next if $n == 1;
    $_->flush for @m;    # those that are gone would be found
    two("another order, $n servers", 'list-of-memcached-servers', ['servers'], [ \@list ], [ [ reverse @list ] ]) if $n == 3;
    two("one in common of $n", 'list-of-memcached-servers', ['servers'], [ \@list ], [ [ RL::Memcached->start->address, $list[-1] ] ]) if $n != 3;
    $_->destroy for @m;
}

# One of three is away: the others are enough.
{
    my @m = map { RL::Memcached->start } 1 .. 3;
    my @list = map { $_->address } @m;
    $m[0]->kill;
    my @s = (member(\@list), member(\@list, rules => $rule =~ s/5/6/r));
    status($s[0], '/ok/a') for 1 .. 3;
    like +($s[$_]->wait_log(0, qr/configured differently/))[-1] // '', qr/: rules\. Their/, 'the first of three memcacheds is away: servers find each other' for 0, 1;
    $_->stop for @s;
}

# ---- rules of the same names -----------------------------------------------------------------------------------------
my $m = RL::Memcached->start;
for my $case (
    [ 'another key',       's/30d$/30d key=user/m' ],
    [ 'another period',    's/30d/29d/' ],
    [ 'another limit',     's/5/6/' ],
    [ 'another algorithm', 's/30d$/30d algorithm=sliding-window/m' ],
    [ 'another place',     's{/ok/a}{/ok/b}' ],
    [ 'another kind of window', 's/30d$/30d window=first/m' ],
    )
{
    my ($name, $change) = @$case;
    my $other = $rule;
    eval "\$other =~ $change; 1" or die $@;
    $m->flush;
    two($name, 'rules', ['rules'], [ [ $m->address ] ], [ [ $m->address ], rules => $other ]);
}

# ---- options of rules ------------------------------------------------------------------------------------------------
# Two lines of a RateLimit in the same place, and what of it JSON calls different. Each pair has virtual hosts of its own,
# with a store of their own, in the same two servers.
my @options = (
    [ 'a penalty',                    '5/30d',                                   '5/30d penalty=60',                 'penalty' ],
    [ 'another penalty',              '5/30d penalty=60',                        '5/30d penalty=61',                 'penalty' ],
    [ 'penalties that are extended',  '5/30d penalty=60',                        '5/30d penalty=60,extend',          'penalty' ],
    [ 'penalties that double',        '5/30d penalty=60,double=1h',              '5/30d penalty=60,double=2h',       'penalty' ],
    [ 'another cost',                 '5/30d',                                   '5/30d cost=2',                     'cost' ],
    [ 'costs that are computed',      '5/30d cost=expr=%{env:A}',                '5/30d cost=expr=%{env:B}',         'cost' ],
    [ 'tokens in a new bucket',       '5/30d algorithm=token-bucket',            '5/30d algorithm=token-bucket initial=1', 'cost' ],
    [ 'other outcomes',               '5/30d count=401',                         '5/30d count=403',                  'outcomes' ],
    [ 'outcomes that are computed',   '5/30d "count=expr=%{REQUEST_STATUS} == 401"', '5/30d "count=expr=%{REQUEST_STATUS} == 403"', 'outcomes' ],
    [ 'fields of answers',            '5/30d count=set-cookie:a*',               '5/30d count=location:a*',          'outcomes' ],
    [ 'no success',                   '5/30d count=401 clear=200',               '5/30d count=401',                  'outcomes' ],
    [ 'nobody is known',              '5/30d key=form:u clear=302 known=1d',     '5/30d key=form:u clear=302',       'outcomes' ],
    [ 'other methods',                '5/30d methods=POST',                      '5/30d methods=POST,PUT',           'conditions' ],
    [ 'a condition',                  '5/30d "when=%{env:A} == 1"',              '5/30d "unless=%{env:A} == 1"',     'conditions' ],
    [ 'keys without a value',         '5/30d key=header:a missing=skip',         '5/30d key=header:a missing=deny',  'missing' ],
    [ 'keys that are not there',      '5/30d key=header:a',                      '5/30d key=header:a absent=skip',   'missing' ],
    [ 'two of them',                  '5/30d cost=2',                            '5/30d penalty=60',                 'cost', 'penalty' ],
    [ 'another key and cost',         '5/30d',                                   '5/30d key=user cost=2',            'rules' ],
    [ 'a rule that is dropped there', '5/30d',                                   'off',                              'rules' ],
    [ 'lists in another order', '5/30d methods=GET,POST count=401,5xx,set-cookie:a,set-cookie:b,auth-ok', '5/30d methods=post,get count=auth-ok,set-cookie:b,5xx,401,set-cookie:a' ],
    [ 'what is the default',          '5/30d',                                   '5/30d cost=1 count=all methods=ALL missing=share absent=share' ],
    [ 'a bucket that is full',        '5/30d algorithm=token-bucket',            '5/30d algorithm=token-bucket burst=5 initial=5' ],
    [ 'how long somebody is known',   '5/30d key=form:u clear=302 known=1d',     '5/30d key=form:u clear=302 known=2d' ],
    [ 'what becomes of a request',    '5/30d',                                   '5/30d status=503 on-error=deny action=observe busy=2' ],
    [ 'what each counts for itself',  '5/concurrent',                            '6/concurrent wait=1s' ],
);
while (my @some = splice @options, 0, 13) {
    my $m = RL::Memcached->start;
    my @s = map {
        my $which = $_;
        my $n     = 0;
        httpd(statuspage() . "RateLimitSecret 'the same secret, long enough'\n" . join('', map {
            $n++;
            "<VirtualHost *:1>\n    ServerName v$n.example\n    RateLimitStore memcached @{[ $m->address ]} timeout=2s prefix=v$n:\n"
                . "    <Location /ok/a>\n        RateLimit a $_->[$which]\n    </Location>\n</VirtualHost>\n"
        } @some), workers => 8);
    } 1, 2;
    ok await(30, sub { @some == grep { @{ $_->{fleet} // [] } } @{ figures($s[0])->{stores} } }), 'options: they find each other';
    my @stores = reverse grep { $_->{name} ne 'shm' } @{ figures($s[0])->{stores} };    # as httpd has virtual hosts
    for my $i (0 .. $#some) {
        my ($name, undef, undef, @differs) = @{ $some[$i] };
        is_deeply $stores[$i]{fleet}[0]{differs}, \@differs, "options: $name: " . ("@differs" || 'nothing differs') or diag explain $stores[$i];
    }
    $_->stop for @s;
}

# In the log.
for my $case (
    [ 'penalty= of a rule',                  'penalty', 's/30d$/30d penalty=60/m' ],
    [ 'count=, clear= or known= of a rule',  'outcomes', 's/30d$/30d count=401/m' ],
    [ 'RateLimitIPv4Prefix.* or RateLimitInherit', 'settings', 's/\A/RateLimitIPv4Prefix 24\n/' ],
    )
{
    my ($what, $json, $change) = @$case;
    my $other = $rule;
    eval "\$other =~ $change; 1" or die $@;
    $m->flush;
    two($what, $what, [$json], [ [ $m->address ] ], [ [ $m->address ], rules => $other ]);
}

# ---- another version -------------------------------------------------------------------------------------------------
# One of format 0 leaves numbers with another head; see fleet/muster.h.
{
    $m->flush;
    my $s = member([ $m->address ]);
    my @print;
    await(10, sub { 3 == (@print = grep { ($m->value($_) // 0) =~ /\A1[01]\d{18}\z/ } keys %{ $m->keys }) });
    $s->stop;
    is scalar(@print), 3, 'another version: a fingerprint has three numbers';
    $m->command("set $_ 0 900 19\r\n9223372036854775809") for @print;
    my $other = member([ $m->address ]);
    my $host  = host_of($s);
    like +($other->wait_log(0, qr/configured differently/))[-1] // '', qr/at $host, .*differently: version of mod_ratelimit_cache\. Their counters are not the same/,
        'another version: the log says that it is one';
    is_deeply [ map { $_->{differs} } fleet($other) ], [ ['version'] ], 'another version: JSON says it';
    $other->stop;
}

# ---- secrets ---------------------------------------------------------------------------------------------------------
$m->flush;
two('another secret', 'RateLimitSecret', ['secret'], [ [ $m->address ] ], [ [ $m->address ], secret => "RateLimitSecret 'a secret of its own, long'\n" ]);
$m->flush;
two('no secret', 'RateLimitSecret', ['secret'], [ [ $m->address ] ], [ [ $m->address ], secret => '' ]);

finish allow => qr/\[ratelimit_cache:(?:warn|notice|error)\]/;
