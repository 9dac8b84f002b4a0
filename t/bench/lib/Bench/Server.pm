# SPDX-License-Identifier: Apache-2.0
package Bench::Server;

# What all servers of the benchmarks have in common: a directory of their own with the page that all of them serve, a
# loopback port, start and stop by pid (RL::Httpd's), and the time that their processes have had of a core.

use strict;
use warnings;
use parent 'RL::Httpd';
use File::Path qw(make_path);
use IO::Socket::IP;
use POSIX ();

use RL::Httpd qw(slurp);

# 1 KiB, as small pages go. The smaller the answer, the larger a limiter's share of the work.
my $PAGE = "<!DOCTYPE html>\n" . 'x' x 1007 . "\n";

# Options: title, name, and what the kind of server takes; see Bench::Cases.
sub new {
    my ($class, %o) = @_;
    my $self = bless { %o, owner => $$, root => RL::Httpd::new_root() }, $class;
    make_path(map { "$self->{root}/$_" } qw(conf logs run htdocs state));
    chmod 0777, "$self->{root}/state";
    $self->write('htdocs/index.html', $PAGE);
    return $self;
}

sub set_conf { my ($self) = @_; return $self->write('conf/server.conf', $self->text) }

# Why it can't serve with its configuration, in a line; nothing when it can. For peers that may not be there, and
# for options that a build of the module may not have.
sub refusal {
    my ($self) = @_;
    my @absent = grep { !-e } $self->files;
    return $absent[0] =~ s{.*/}{}r . ' is not there' if @absent;
    $self->{ports} //= [ RL::Httpd::free_ports(2) ];
    $self->set_conf;
    my @command = ($self->command, $self->check);
    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command or die "$command[0]: $!";
    my @said = <$out>;
    return if close $out;
    my ($line) = grep { !/Syntax error on line \d+ of \S+:$/ } @said;
    return ($line // "@command fails") =~ s/\s+\z//r;
}

# The option that has its configuration tested.
sub check { return '-t' }

sub launch {
    my ($self) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        POSIX::setsid();
        RL::Httpd::stop_with_parent();
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$self->{root}/logs/start.out";
        open STDERR, '>&', \*STDOUT;
        my @command = ($self->before, $self->command, $self->foreground);
        { exec { $command[0] } @command }
        POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    return;
}

# Ports are bound before it answers, so a connection may wait; not every server, and no httpd -X, logs that it is ready.
sub answers {
    my ($self) = @_;
    return !!IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $self->port, Timeout => 1);
}

# What stands before the command, valgrind for one.
sub before { return @{ $_[0]{before} // [] } }

# Seconds of CPU that the server's processes have had. The scheduler's own count is exact to the nanosecond, but
# of threads that live; utime and stime go by ticks of 10 ms.
sub cpu_seconds {
    my ($self) = @_;
    my ($ns, $ticks) = (0, 0);
    for my $pid ($self->{pid}, $self->children) {
        $ns += (split ' ', slurp($_))[0] // 0 for glob "/proc/$pid/task/*/schedstat";
        my @f = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\) //sr;
        $ticks += ($f[11] // 0) + ($f[12] // 0);
    }
    return $ns ? $ns / 1e9 : $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

1;
