# SPDX-License-Identifier: Apache-2.0
# Servers of one fleet notice that they are not one: each leaves a fingerprint of its secret, of its list of memcached
# servers and of its rules in memcached, and tells what is different of another's.
use RL::Test;
use RL::Memcached;
use RL::Status;

my $rule = "<Location /ok/a>\n    RateLimit a 5/30d\n</Location>\n";
my $more = "<Location /ok/b>\n    RateLimit b 5/30d\n</Location>\n";

# A server; `store` is the list of memcached servers.
sub member {
    my ($store, $secret, $rules, %o) = @_;
    return httpd(statuspage() . "RateLimitStore memcached $store timeout=2s\nRateLimitSecret '$secret'\n$rules", workers => 8, %o);
}

sub fleet { my ($s) = @_; return map { @{ $_->{fleet} // [] } } @{ figures($s)->{stores} } }
sub logs_of { my ($s, $re) = @_; return ($s->wait_log(0, $re // qr/configured differently/))[-1] // '' }
sub host_of { my ($s) = @_; return qr/[\w.-]+:@{[ $s->port ]}/ }

# Waits until each has seen the other.
sub met {
    my (@s) = @_;
    return await(60, sub { @s == grep { fleet($_) >= @s - 1 } @s });
}

# Waits until a server has seen the other once more, in a later round.
sub met_again {
    my ($s) = @_;
    my ($was) = fleet($s);
    return await(60, sub { my ($is) = fleet($s); $is && $is->{seen} > $was->{seen} });
}

# ---- another secret --------------------------------------------------------------------------------------------------
{
    my $m = RL::Memcached->start;
    my @s = map { member($m->address, "a secret of $_, long enough", $rule) } qw(one other);
    for (0, 1) {
        my $other = host_of($s[ 1 - $_ ]);
        like logs_of($s[$_]), qr/:warn\].*RateLimitStore memcached \S+: the httpd at $other, which uses it too, .*: RateLimitSecret\. Their/, 'another secret: it is said, by name, of both';
    }
    ok met(@s), 'another secret: they find each other under the same names all the same';
    my ($found) = fleet($s[0]);
    is_deeply $found->{differs}, ['secret'], 'another secret: JSON says so';
    like $found->{host}, qr/\A@{[ host_of($s[1]) ]}\z/, 'another secret: JSON says whose';
    cmp_ok abs($found->{seen} - time), '<', 60, 'another secret: JSON says when it was seen';
    ok met_again($_), 'another secret: they see each other again' for @s;
    is scalar(grep { /configured differently/ } $s[$_]->log_lines(0)), 1, 'another secret: it is said once' for 0, 1;

    # It is put right: a reload is enough.
    $s[1]->set_conf($s[1]{conf} =~ s/a secret of other/a secret of one/r);
    $s[1]->graceful;
    ok await(60, sub { my ($f) = fleet($s[1]); $f && !@{ $f->{differs} } }), 'put right: the one that was changed knows soon';
    ok await(120, sub { my ($f) = fleet($s[0]); $f && !@{ $f->{differs} } }), 'put right: the other one, too';
    like logs_of($s[0], qr/configured like this one now/), host_of($s[1]), 'put right: it is said';
    $_->stop for @s;
}

# ---- alike, and other rules ------------------------------------------------------------------------------------------
{
    my $m = RL::Memcached->start;
    my @s = map { member($m->address, 'the same secret, long enough', "$rule$more", mpm => $_) } grep { RL::Conf::has_mpm($_) } qw(event prefork);
    ok met(@s), 'alike: they see each other';
    is_deeply [ map { map { @{ $_->{differs} } } fleet($_) } @s ], [], 'alike: nothing differs';
    is scalar(grep { /configured differently/ } map { $_->log_lines(0) } @s), 0, 'alike: nothing is said';

    my $third = member($m->address, 'the same secret, long enough', $rule);
    like logs_of($third), qr/: rules\. Their/, 'other rules: it is said';
    ok await(60, sub { fleet($third) == 2 }), 'other rules: of both';
    my $fourth = member($m->address, 'the same secret, long enough', "$more$rule" =~ s{5/30d}{6/30d}r);
    like logs_of($fourth), qr/: rules\. Their/, 'another limit: it is said';
    my $fifth = member($m->address, 'a secret of its own, long enough', "$rule$rule" =~ s{/ok/a}{/ok/c}r);
    like logs_of($fifth), qr/: RateLimitSecret, rules\. Their counters are not/, 'another secret and other rules: both are said';
    $_->stop for @s, $third, $fourth, $fifth;
}

# ---- other memcached servers -----------------------------------------------------------------------------------------
{
    my @m    = map { RL::Memcached->start } 1 .. 5;
    my @list = map { $_->address } @m;
    my @s    = map { member($_, 'the same secret, long enough', $rule) } "@list", "@list[0 .. 3]";
    like logs_of($s[$_]), qr/: list-of-memcached-servers\. Their/, 'another list: it is said' for 0, 1;
    $_->stop for @s;
}

finish;
