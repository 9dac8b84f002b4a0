# SPDX-License-Identifier: Apache-2.0
package RL::Httpd;

# One private httpd: its own ServerRoot under the temporary directory, loopback ports, logs, document root and
# cgi-bin, started in a session of its own and stopped by its pid. RL::Test is the door tests come through.
#
# What a configuration fragment finds: ${PORT} and ${PORT2} (both listened on at 127.0.0.1), ${ROOT}, ${DOCROOT},
# ${CGIBIN}; /ok and everything below it is a small text file; /cgi-bin/ holds t/cgi; `Include conf/auth.conf` puts
# Basic authentication (alice:secret, bob:hunter2) where it stands.

use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::SHA ();
use Exporter qw(import);
use File::Basename qw(dirname basename);
use File::Copy qw(copy);
use File::Glob ();
use File::Path qw(make_path remove_tree);
use File::Temp ();
use IO::Socket::IP;
use MIME::Base64 ();
use POSIX qw(WNOHANG);
use Time::HiRes qw(time sleep);

use RL::Conf;

our @EXPORT_OK = qw(await slurp);

umask 022;    # what is written here must be readable to httpd's children

my $TOP = abs_path(dirname(__FILE__) . '/../../..');

# Options: conf (the fragment), mpm (event, worker, prefork; RL_MPM changes the default), modules => [more of httpd's], rl => 0 to leave our
# module out, files => { 'htdocs/a/.htaccess' => text }, cgi => 0 for no CGI (its daemon does not
# survive restarts in quick succession), workers (how many requests at the same time; 64), children => 1 for a single
# child of event or worker, where a test is about what one child knows, unread => 1 for a server in which nobody but
# programs reads RATELIMIT_* (no mod_include, no such variables in the access log), under => [words of a command that runs httpd].
sub new {
    my ($class, %o) = @_;
    my $self = bless {
        mpm => $ENV{RL_MPM} // 'event', rl => 1, cgi => 1, conf => '', modules => [], files => {}, workers => 64, under => [], %o,
        owner => $$, root => new_root(),
    }, $class;
    $self->make_tree;
    return $self;
}

# A directory children running as another user can enter; not removed by File::Temp, but by destroy().
sub new_root {
    my $dir = File::Temp::tempdir('rl-XXXXXXXX', TMPDIR => 1, CLEANUP => 0);
    chmod 0755, $dir;
    return abs_path($dir);
}

sub make_tree {
    my ($self) = @_;
    make_path(map { "$self->{root}/$_" } qw(conf logs run htdocs cgi-bin));
    $self->write('htdocs/index.html', "home\n");
    $self->write('htdocs/ok.txt',     "ok\n");
    $self->write('conf/users', join '', map { "$_->[0]:{SHA}" . MIME::Base64::encode_base64(Digest::SHA::sha1($_->[1])) }
        [ alice => 'secret' ], [ bob => 'hunter2' ]);
    $self->write('conf/auth.conf', <<"END");
AuthType Basic
AuthName "test"
AuthBasicProvider file
AuthUserFile "$self->{root}/conf/users"
Require valid-user
END
    for my $cgi (File::Glob::bsd_glob("$TOP/t/cgi/*.cgi")) {
        copy($cgi, "$self->{root}/cgi-bin/") or die "copy $cgi: $!";
        chmod 0755, "$self->{root}/cgi-bin/" . basename($cgi);
    }
    $self->write($_, $self->{files}{$_}) for keys %{ $self->{files} };
    return;
}

# Writes a file below the server's root (folders are made); *.cgi files become executable.
sub write {
    my ($self, $name, $text) = @_;
    my $path = "$self->{root}/$name";
    make_path(dirname($path));
    open my $fh, '>:raw', $path or die "$path: $!";
    print {$fh} $text;
    close $fh or die "$path: $!";
    chmod 0755, $path if $name =~ /\.cgi\z/;
    return $path;
}

sub root    { $_[0]{root} }
sub port    { $_[0]{ports}[0] }
sub port2   { $_[0]{ports}[1] }
sub pid     { $_[0]{pid} }
sub docroot { "$_[0]{root}/htdocs" }

# Replaces the fragment; takes effect with the next reload or graceful.
sub set_conf {
    my ($self, $conf) = @_;
    $self->{conf} = $conf;
    return $self->write('conf/httpd.conf', RL::Conf::text($self));
}

# ---- starting and stopping ----------------------------------------------------------------------------------

# Starts and waits until it answers. Another process may take a port between the choice and the bind: chosen anew.
sub start {
    my ($self) = @_;
    for my $try (1 .. 5) {
        $self->{ports} = [ free_ports(2) ];
        $self->set_conf($self->{conf});
        $self->launch;
        return $self if await(60, sub { $self->answers || !$self->running }) && $self->running;
        my $said = slurp("$self->{root}/logs/start.out") . slurp("$self->{root}/logs/error.log");
        $self->stop;
        die "httpd did not start:\n$said\n" if $said !~ /address already in use|could not bind/i;
        unlink "$self->{root}/logs/error.log";
    }
    die "httpd found no free port in five tries\n";
}

sub launch {
    my ($self) = @_;
    $self->{launched} = $self->log_mark;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        POSIX::setsid();
        stop_with_parent();
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$self->{root}/logs/start.out";
        open STDERR, '>&', \*STDOUT;
        my @command = (@{ $self->{under} }, RL::Conf::binary());
        { exec { $command[0] } @command, '-d', $self->{root}, '-f', 'conf/httpd.conf', '-DFOREGROUND' }
        POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    return;
}

# Even a test that is killed outright leaves no server: the kernel sends SIGTERM when the parent is gone
# (prctl(PR_SET_PDEATHSIG), where its number is known).
sub stop_with_parent {
    my %prctl = (x86_64 => 157, aarch64 => 167, riscv64 => 167, ppc64le => 171, s390x => 172, i686 => 172);
    my $number = $prctl{ (POSIX::uname())[4] };
    syscall $number, 1, POSIX::SIGTERM(), 0, 0, 0 if $^O eq 'linux' && $number;
    return;
}

sub running {
    my ($self) = @_;
    return 0 if !$self->{pid};
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    $self->{pid} = 0;
    return 0;
}

# Whether it has said so since it was launched: who answers on the port may be another process that was quicker.
sub answers {
    my ($self) = @_;
    return 0 if !grep { /resuming normal operations/ } $self->log_lines($self->{launched});
    return !!IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $self->port, Timeout => 1);
}

# Starts a server that was stopped, or killed, once more; what the module logs of it.
sub start_again {
    my ($self) = @_;
    my $from = $self->log_mark;
    $self->start;
    $self->wait_log($from, qr/resuming normal operations/);
    return join "\n", grep { /ratelimit/ } $self->log_lines($from);
}

# The whole session at once, as a service manager kills a unit: nobody can tidy up.
sub kill_all {
    my ($self) = @_;
    kill KILL => $self->{pid}, $self->children;
    waitpid $self->{pid}, 0;
    $self->{pid} = 0;
    return;
}

# Stops by pid: calmly first (no connection of ours is left open), the whole session when that takes too long.
sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    my $pid = $self->{pid};
    await(2.5, sub { !$self->open_connections });
    $self->{stopped_calmly} = !$self->open_connections;
    kill TERM => $pid;
    await(10, sub { !$self->running }) or do { kill KILL => -$pid; $self->{stopped_calmly} = 0 };
    waitpid $pid, 0 if $self->{pid};
    kill KILL => -$pid;    # what the session may have left behind: CGI scripts, cgid
    $self->{pid} = 0;
    return;
}

# Removes everything on disk.
sub destroy { my ($self) = @_; $self->stop; remove_tree($self->{root}); return }

# Connections to our ports that are still in some state of being open, as the kernel tells.
sub open_connections {
    my ($self) = @_;
    my %port = map { sprintf('%04X', $_) => 1 } @{ $self->{ports} };
    my $n = 0;
    for my $line (map { split /\n/, slurp($_) } '/proc/net/tcp', '/proc/net/tcp6') {
        my (undef, $local, undef, $state) = split ' ', $line;
        next if !defined $state || $state =~ /\A(?:0A|06)\z/;    # LISTEN, TIME_WAIT
        $n++ if $local =~ /:([0-9A-F]{4})\z/ && $port{$1};
    }
    return $n;
}

# ---- restarts -----------------------------------------------------------------------------------------------

sub graceful { return $_[0]->restart('USR1') }
sub reload   { return $_[0]->restart('HUP') }

# Signals, then waits until the new generation serves and the old children, which know the old configuration, are gone.
sub restart {
    my ($self, $signal) = @_;
    my %old = map { $_ => 1 } $self->children;
    my $from = $self->log_mark;
    kill $signal => $self->{pid} or die "httpd is not running\n";
    await(60, sub { join('', $self->log_lines($from)) =~ /resuming normal operations/ || !$self->running });
    die "httpd died on $signal:\n" . slurp("$self->{root}/logs/error.log") if !$self->running;
    await(60, sub { my @now = $self->children; @now && !grep { $old{$_} } @now }) or die "children live on after $signal\n";
    await(20, sub { $self->answers }) or die "httpd does not answer after $signal\n";
    return 1;
}

# The pids of the parent's children that serve requests: all but cgid's daemon, which has one thread.
sub serving {
    my ($self) = @_;
    return $self->children if $self->{mpm} eq 'prefork';
    return grep { slurp("/proc/$_/status") =~ /^Threads:\s+(\d+)/m && $1 > 1 } $self->children;
}

# The pids of the parent's children (with cgid's daemon among them, where it runs).
sub children {
    my ($self) = @_;
    my @found;
    for my $stat (glob '/proc/[0-9]*/stat') {
        my $text = slurp($stat);
        push @found, $1 if $text =~ /\A(\d+) \(.*\) [^ZX] (\d+) /s && $2 == ($self->{pid} // 0);
    }
    return @found;
}

# ---- logs ---------------------------------------------------------------------------------------------------

sub log_file  { return "$_[0]{root}/logs/error.log" }
sub log_mark  { return -s $_[0]->log_file // 0 }
sub log_lines { my ($self, $from) = @_; return lines_from($self->log_file, $from) }

# Error-log lines since `from` that match, once there are at least n of them (or twenty seconds are over).
sub wait_log {
    my ($self, $from, $re, $n) = @_;
    my @hit;
    await(20, sub { @hit = grep { $_ =~ $re } $self->log_lines($from); @hit >= ($n // 1) });
    return @hit;
}

sub access_mark { return -s "$_[0]{root}/logs/access.log" // 0 }

# The access-log lines since `from` as hashes (status, pid, method, uri and the RATELIMIT_ names in lower case:
# state, rule, limit, remaining, reset, retry, key, and id, the header X-Test-Id), once n have been written.
sub access {
    my ($self, $from, $n) = @_;
    my @lines;
    await(20, sub { @lines = lines_from("$self->{root}/logs/access.log", $from); @lines >= ($n // 1) });
    return map { { map { split /=/, $_, 2 } split ' ', $_ } } @lines;
}

sub lines_from {
    my ($file, $from) = @_;
    open my $fh, '<:raw', $file or return;
    seek $fh, $from // 0, 0;
    my @lines = <$fh>;
    pop @lines if @lines && $lines[-1] !~ /\n\z/;
    chomp @lines;
    return @lines;
}

# ---- checking a configuration -------------------------------------------------------------------------------

# `httpd -t` on this server's tree with another fragment: (exit code, everything it printed).
sub check_conf {
    my ($self, $fragment) = @_;
    local $self->{conf} = $fragment;
    $self->{ports} //= [ free_ports(2) ];
    my $file = $self->write('conf/check.conf', RL::Conf::text($self));
    open my $out, '-|', "'" . RL::Conf::binary() . "' -t -d '$self->{root}' -f '$file' 2>&1" or die "httpd -t: $!";
    my $text = do { local $/; <$out> } // '';
    close $out;
    return ($? >> 8 || $? & 127, $text);
}

# ---- small things -------------------------------------------------------------------------------------------

# Polls until `cond` is true; gives its value, false after `seconds`.
sub await {
    my ($seconds, $cond) = @_;
    my $end = time + $seconds;
    while (1) {
        my $v = $cond->();
        return $v if $v || time > $end;
        sleep 0.02;
    }
}

sub slurp {
    my ($file) = @_;
    open my $fh, '<:raw', $file or return '';
    local $/;
    return scalar(<$fh>) // '';
}

# Ports nobody listens on at this moment.
sub free_ports {
    my ($n) = @_;
    my @held = map { IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 1) or die "listen: $@" } 1 .. $n;
    return map { $_->sockport } @held;
}

1;
