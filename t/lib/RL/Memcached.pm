# SPDX-License-Identifier: Apache-2.0
package RL::Memcached;

# A private memcached: on a free loopback port, or on a unix socket in a directory of its own. It ends with the test.
#
#   my $m = RL::Memcached->start(args => ['-m', 4]);    # listen => '::1', or unix => 1; dies when there is none
#   my $s = httpd('RateLimitStore memcached ' . $m->address . "\n");
#   $m->kill; $m->again; $m->pause; $m->resume; $m->flush; $m->stat('curr_items'); $m->keys;

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(remove_tree);
use File::Temp ();
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOCK_STREAM);

use RL::Httpd qw(await slurp);

my @started;

# RL_MEMCACHED, or the first in the usual places.
sub binary {
    my @try = ($ENV{RL_MEMCACHED} // (), map { "$_/memcached" } split(/:/, $ENV{PATH} // ''), '/usr/bin', '/usr/local/bin');
    my ($found) = grep { -f $_ && -x _ } @try;
    return $found // die "no memcached found: install memcached, or set RL_MEMCACHED\n";
}

# Options: unix => 1, listen => address (127.0.0.1), args => [more of memcached's].
sub start {
    my ($class, %o) = @_;
    my $self = bless { listen => '127.0.0.1', args => [], %o, pid => 0, owner => $$ }, $class;
    $self->{dir} = abs_path(File::Temp::tempdir('rl-memcached-XXXXXXXX', TMPDIR => 1, CLEANUP => 0));
    chmod 01777, $self->{dir};
    push @started, $self;
    return $self->again;
}

# Starts it once more, empty, where it was before. The port of a new one may be taken between the choice and the bind:
# whoever answers there must be this process.
sub again {
    my ($self) = @_;
    for my $try (1 .. 5) {
        $self->{port} //= free_port($self->{listen}) if !$self->{unix};
        unlink $self->socket_file if $self->{unix};
        $self->launch;
        if (await(20, sub { !$self->running || ($self->stat('pid') // 0) == $self->{pid} }) && $self->running) {
            $self->{was_up} = 1;
            return $self;
        }
        delete $self->{port} if !$self->{was_up};
        $self->kill;
    }
    die "memcached did not start:\n" . slurp("$self->{dir}/log");
}

sub launch {
    my ($self) = @_;
    my @args = $self->{unix} ? ('-s', $self->socket_file, '-a', '0777') : ('-l', $self->{listen}, '-p', $self->{port}, '-U', 0);
    push @args, '-u', 'nobody' if $> == 0;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        POSIX::setsid();
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>>', "$self->{dir}/log";
        open STDERR, '>&', \*STDOUT;
        { exec { binary() } binary(), @args, @{ $self->{args} } }
        POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    return;
}

sub socket_file { return "$_[0]{dir}/socket" }

# As RateLimitStore wants it.
sub address {
    my ($self) = @_;
    return 'unix:' . $self->socket_file if $self->{unix};
    return ($self->{listen} =~ /:/ ? "[$self->{listen}]" : $self->{listen}) . ":$self->{port}";
}

# Below the ports that the kernel gives to clients: while a memcached is away, nobody takes its port for a connection,
# least of all httpd's attempt to reach it, which would then talk to itself.
sub free_port {
    my ($address) = @_;
    for my $try (1 .. 200) {
        my $port = 10_240 + int rand 22_000;
        return $port if IO::Socket::IP->new(LocalHost => $address, LocalPort => $port, Listen => 1);
    }
    die "no free port on $address\n";
}

# A new connection to it, or nothing.
sub connection {
    my ($self) = @_;
    return IO::Socket::UNIX->new(Peer => $self->socket_file) if $self->{unix};
    return IO::Socket::IP->new(PeerHost => $self->{listen}, PeerPort => $self->{port}, Type => SOCK_STREAM, Timeout => 2);
}

# What it answers to one command: the lines up to the one that ends it.
sub command {
    my ($self, $command) = @_;
    my $sock = $self->connection or return;
    local $SIG{PIPE} = 'IGNORE';
    print {$sock} "$command\r\n";
    my @lines;
    while (defined(my $line = <$sock>)) {
        $line =~ s/\r?\n\z//;
        last if $line eq 'END';
        push @lines, $line;
        last if $line =~ /\A(?:OK|ERROR|CLIENT_ERROR.*|SERVER_ERROR.*|BUSY.*|VERSION.*|RESET|DELETED|NOT_FOUND|STORED|\d+ *)\z/;
    }
    return @lines;
}

sub stat {
    my ($self, $name) = @_;
    my ($value) = map { /\ASTAT \Q$name\E (.*)\z/ ? $1 : () } $self->command('stats');
    return $value;
}

sub flush { my ($self) = @_; return ($self->command('flush_all'))[0] }

# What it remembers: { key => seconds to live, -1 for ever }. Its crawler may be busy with a round of its own, and leaves
# out items that are locked at that moment: asked again until as many came as there are.
sub keys {
    my ($self) = @_;
    my $whole;
    await(5, sub {
        my $ttl = $self->dump or return 0;
        $whole = $ttl;
        return %$ttl == ($self->stat('curr_items') // -1);
    });
    return $whole // die "memcached tells no keys\n";
}

# One try; nothing when it didn't come to its end.
sub dump {
    my ($self) = @_;
    my $now   = time;
    my @lines = $self->command('lru_crawler metadump all');
    my %ttl;
    for (@lines) {
        my ($key, $exp) = /\Akey=(\S+) exp=(-?\d+)/ or return;
        $key =~ s/%([0-9a-fA-F]{2})/chr hex $1/ge;
        $ttl{$key} = $exp < 0 ? -1 : $exp - $now;
    }
    return \%ttl;
}

# The counter with this name, as the number it is.
sub value {
    my ($self, $key) = @_;
    my (undef, $value) = $self->command("get $key");
    return defined $value ? $value =~ s/ +\z//r : undef;
}

# Fills it with n new keys of `size` bytes, as fast as it takes them.
sub flood {
    my ($self, $n, $size) = @_;
    my $sock = $self->connection or die "memcached is gone\n";
    my $value = 'x' x $size;
    my $text = '';
    for my $i (1 .. $n) {
        $text .= "set flood$i 0 0 $size noreply\r\n$value\r\n";
        if (length $text > 100_000 || $i == $n) { print {$sock} $text; $text = '' }
    }
    print {$sock} "version\r\n";
    return scalar <$sock>;
}

# ---- what happens to servers -----------------------------------------------------------------------------------

# Stops it; a signal takes a moment to reach all threads.
sub pause {
    my ($self) = @_;
    CORE::kill(STOP => $self->{pid});
    return waitpid($self->{pid}, POSIX::WUNTRACED()) == $self->{pid};
}

sub resume { my ($self) = @_; return CORE::kill(CONT => $self->{pid}) }

sub running {
    my ($self) = @_;
    return 0 if !$self->{pid};
    return 1 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
    $self->{pid} = 0;
    return 0;
}

# Ends it as a crash would.
sub kill {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    CORE::kill(KILL => $self->{pid});
    waitpid $self->{pid}, 0;
    $self->{pid} = 0;
    return;
}

sub restart { my ($self) = @_; $self->kill; return $self->again }

sub destroy { my ($self) = @_; return if $self->{owner} != $$; $self->kill; remove_tree($self->{dir}); return }

END {
    my $code = $?;
    $_->destroy for @started;
    $? = $code;
}

1;
