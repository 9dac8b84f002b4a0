# SPDX-License-Identifier: Apache-2.0
# A name with two addresses, as "localhost" often has: the one that memcached listens at is taken. The names are in a
# private copy of /etc/hosts, which takes a mount namespace, and so root.
use strict;
use warnings;

BEGIN {
    if (!$ENV{RL_OWN_HOSTS} && !$^C) {    # perl -c only compiles
        require Test::More;
        my $hosts = "/tmp/rl-hosts-$$";
        Test::More::plan(skip_all => 'no mount namespace for an /etc/hosts of its own')
            if $> != 0 || system("unshare -m true 2>/dev/null && grep -q ^00000000000000000000000000000001 /proc/net/if_inet6") != 0;
        open my $fh, '>', $hosts or die "$hosts: $!";
        print {$fh} "::1 two.test six.test\n127.0.0.1 two.test localhost\n192.0.2.1 far.test\n127.0.0.1 far.test\n";
        close $fh;
        $ENV{RL_OWN_HOSTS} = $hosts;
        exec 'unshare', '-m', 'sh', '-c', 'mount --bind "$RL_OWN_HOSTS" /etc/hosts && exec "$@"', 'sh', $^X,
            (map { "-I$_" } @INC), $0;
    }
}

use RL::Test;
use RL::Memcached;
use Time::HiRes qw(time);

END { unlink $ENV{RL_OWN_HOSTS} if $ENV{RL_OWN_HOSTS} }

sub conf { return "RateLimitStore memcached $_[0] compare=off timeout=1s lease=off\nRateLimitSecret fleet\n<Location /ok>\nRateLimit r 100/30d\n</Location>\n" }

for my $listen ('127.0.0.1', '::1') {
    my $m = RL::Memcached->start(listen => $listen);
    my $s = httpd(conf("two.test:$m->{port}"));
    ok $s->wait_log(0, qr/memcached two\.test:$m->{port}, which answers/), "memcached at $listen: the log says that it answers";
    is status($s, '/ok'), 200, "memcached at $listen: a request is served";
    is $m->stat('curr_items'), 1, "memcached at $listen: the request is counted there";
    $s->stop;
    next if $listen eq '::1';

    # Nobody there yet: IPv4.
    $m->kill;
    $s = httpd(conf("two.test:$m->{port}"));
    ok $s->wait_log(0, qr/two\.test\S+ which does not answer/), 'neither of two addresses answers: the log says so at start';
    $m->again;
    ok await(20, sub { status($s, '/ok'); $m->stat('curr_items') }), 'neither of two addresses answers: IPv4 is used as soon as it does';
    $s->stop;
}

# One that swallows packets is waited for once.
my $m = RL::Memcached->start;
my $t = time;
my $s = httpd(conf("far.test:$m->{port}"));
cmp_ok time - $t, '<', 8, 'httpd starts soon, though an address does not answer';
$s->stop;

finish allow => qr/memcached \S+ does not answer/;
