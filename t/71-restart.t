# SPDX-License-Identifier: Apache-2.0
# Counters live through graceful restarts and reloads.
use RL::Test;

for my $mpm (grep { RL::Conf::has_mpm($_) } qw(event worker prefork)) {
    my $rules = "<Location /ok/five>\nRateLimit r 5/30d\n</Location>\n";
    my $s = httpd($rules, mpm => $mpm, cgi => 0);
    is statuses($s, 2, '/ok/five'), '200 200', "$mpm: two of five are admitted before a restart";
    $s->graceful;
    is status($s, '/ok/five'), 200, "$mpm: one more of five is admitted after SIGUSR1";
    $s->reload;
    is status($s, '/ok/five'), 200, "$mpm: one more of five is admitted after SIGHUP";
    $s->graceful;
    limit_is $s, 1, '/ok/five', "$mpm: the fifth of five after another SIGUSR1";
    my (undef, $before) = logged($s, 'GET', '/ok/five');
    $s->reload;
    my ($r, $after) = logged($s, 'GET', '/ok/five');
    is $r->status, 429, "$mpm: a denied key is denied after SIGHUP";
    is $after->{key}, $before->{key}, "$mpm: a denied key has the same tag after SIGHUP";
    cmp_ok abs($after->{reset} - $before->{reset}), '<=', 15, "$mpm: a denied key is reset at the same time after SIGHUP";
}

# ---- the configuration changes ------------------------------------------------------------------------------
my $five = "<Location /ok/five>\nRateLimit r 5/30d\n</Location>\n";
my $s = httpd($five, cgi => 0);
status($s, '/ok/five') for 1 .. 3;

$s->set_conf("<Location /aaa>\nRateLimit first 9/30d\n</Location>\nRateLimit server 1000/30d\n$five");
$s->reload;
limit_is $s, 2, '/ok/five', 'a reload with more rules: the counter stays';

$s->set_conf("<Location /ok/five>\nRateLimit r 8/30d\n</Location>\n");
$s->graceful;
limit_is $s, 3, '/ok/five', 'a graceful restart with a larger COUNT: what was used stays used';
$s->set_conf("<Location /ok/five>\nRateLimit r 6/30d\n</Location>\n");
$s->graceful;
is status($s, '/ok/five'), 429, 'a graceful restart with a smaller COUNT: what was used stays used';

my $from = $s->log_mark;
$s->set_conf("RateLimitStore shm size=48M\n$five");
$s->reload;
is status($s, '/ok/five'), 429, 'a reload with another size=: the counter stays';
my @lines = grep { /ratelimit:.*size/i } $s->wait_log($from, qr/ratelimit:.*size/i);
ok scalar(grep { /\[[\w-]*:warn\]/ } @lines), 'a reload with another size= is warned of' or diag join "\n", $s->log_lines($from);

$from = $s->log_mark;
$s->set_conf("RateLimitStore shm tenants=30%\n$five");
$s->reload;
is status($s, '/ok/five'), 429, 'a reload with another tenants=: the counter stays';
@lines = $s->wait_log($from, qr/ratelimit:.*tenants=/);
like $lines[0] // '', qr/\[[\w-]*:warn\].*30%.*12%/, 'a reload with another tenants= is warned of';

$from = $s->log_mark;
$s->set_conf($five);
$s->graceful;
is status($s, '/ok/five'), 429, 'a graceful restart back to the first size: the counter stays';

# Virtual hosts come and change places.
my %host = map { $_ => "<VirtualHost *:\${PORT}>\nServerName $_.test\n</VirtualHost>\n" } qw(a b c);
$s->set_conf($five . $host{a} . $host{b});
$s->reload;
limit_is $s, 5, '/ok/five', 'a reload with virtual hosts: the first one', host => 'a.test';
is statuses($s, 2, '/ok/five', host => 'b.test'), '200 200', 'a reload with virtual hosts: another one has its own counter';
$s->set_conf($five . $host{c} . $host{b} . $host{a});
$s->reload;
is status($s, '/ok/five', host => 'a.test'), 429, 'a reload with virtual hosts in another order: the first one keeps its counter';
limit_is $s, 3, '/ok/five', 'a reload with virtual hosts in another order: the other one keeps its counter', host => 'b.test';
limit_is $s, 5, '/ok/five', 'a reload with virtual hosts in another order: a new one has its own counter', host => 'c.test';

# Reloads while requests come in.
$s->set_conf("<Location /ok/many>\nRateLimit r 60/30d\n</Location>\n");
$s->reload;
my @r;
for my $round (1 .. 4) {
    push @r, parallel($s, 40, '/ok/many', in_flight => sub { kill USR1 => $s->pid });
    await(10, sub { status($s, '/ok') == 200 });
}
my $h = histogram(@r);
cmp_ok $h->{200}, '<=', 60, 'restarts under load: never more than the limit' or diag explain $h;
cmp_ok $h->{200}, '>=', 60 - ($h->{0} // 0), 'restarts under load: not less than the limit, but for what was not answered' or diag explain $h;

finish;
