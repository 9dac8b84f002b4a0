# SPDX-License-Identifier: Apache-2.0
# What makes of a fleet several, though its servers look alike: memcacheds by other names or in another order, rules of the
# same names that are others, another secret. Each says which server it is and what differs, however few of the memcacheds
# they have in common by name; and so does the status page.
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

# Two servers tell of each other that this differs, and nothing else, once.
sub differ {
    my ($name, $what, $json, @s) = @_;
    for (0, 1) {
        my $other = host_of($s[ 1 - $_ ]);
        like +($s[$_]->wait_log(0, qr/configured differently/))[-1] // '', qr/:warn\].*the httpd at $other, which uses it too, is configured differently: $what\. Their/,
            "$name: the log says which server, and what";
        is_deeply [ map { @{ $_->{differs} } } fleet($s[$_]) ], $json, "$name: JSON says it";
        like request($s[$_], 'GET', '/rl')->body, qr/The fleet.*$other.*?\Q$json->[0]\E/s, "$name: the status page says it";
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

# ---- secrets ---------------------------------------------------------------------------------------------------------
$m->flush;
two('another secret', 'RateLimitSecret', ['secret'], [ [ $m->address ] ], [ [ $m->address ], secret => "RateLimitSecret 'a secret of its own, long'\n" ]);
$m->flush;
two('no secret', 'RateLimitSecret', ['secret'], [ [ $m->address ] ], [ [ $m->address ], secret => '' ]);

finish allow => qr/\[ratelimit_cache:(?:warn|notice|error)\]/;
