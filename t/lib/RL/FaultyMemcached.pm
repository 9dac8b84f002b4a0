# SPDX-License-Identifier: Apache-2.0
package RL::FaultyMemcached;

# A server that speaks memcached's text protocol and does what real servers and networks do on bad days. It counts
# the commands it gets and remembers keys with their TTLs.
#
#   my $f = RL::FaultyMemcached->start;    # unix => 1: on a unix socket
#   $f->mode('delay', 30);     # see %MODE
#   my $n = $f->count;         # { incr => 3, add => 1, ... } since the last reset_count
#   my $k = $f->keys;          # { key => TTL it was added with }
#
# It is a process of its own, with one loop; the test talks to it over a socket pair.

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

# How a mode answers: a sub from (client, command's name, right answer, argument).
my %MODE = (
    ok       => \&answer,
    delay    => sub { my ($c, undef, $text, $ms) = @_; answer_in($c, $ms / 1000, $text) },
    hang     => sub { },
    reset    => sub { reset_connection($_[0]) },
    close    => sub { drop($_[0]) },
    half     => sub { my ($c, undef, $text) = @_; answer($c, undef, substr $text, 0, 3); drop($c) },
    memory   => sub { my ($c, $name, $text) = @_; answer($c, undef, $name =~ /add|set/ ? "SERVER_ERROR out of memory storing object\r\n" : $text) },
    error    => sub { answer($_[0], undef, "ERROR\r\n") },
    client   => sub { answer($_[0], undef, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n") },
    http     => sub { answer($_[0], undef, "HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"); drop($_[0]) },
    missing  => sub { my ($c, $name, $text) = @_; answer($c, undef, $name =~ /add|set/ ? "NOT_FOUND\r\n" : $text) },
    locked   => sub { answer($_[0], undef, "CLIENT_ERROR unauthenticated\r\n") },
    server   => sub { answer($_[0], undef, "SERVER_ERROR something is wrong\r\n") },
    says     => sub { my ($c, undef, undef, @words) = @_; answer($c, undef, "SERVER_ERROR @words\r\n") },
    routed   => sub { my ($c, undef, undef, @words) = @_; answer($c, undef, "SERVER_ERROR @words\r\n") },    # as `says`, heeds noreply
    misses   => sub { my ($c, $name) = @_; answer($c, undef, $name =~ /incr|decr/ ? "NOT_FOUND\r\n" : $name =~ /get/ ? "END\r\n" : "SERVER_ERROR unavailable\r\n") },
    garbage  => sub { answer($_[0], undef, join('', map { chr rand 256 } 1 .. 40) =~ tr/\r\n//dr . "\r\n") },
    empty    => sub { answer($_[0], undef, "\r\n") },
    # would end a child that reads it: libmemcached's assertions, see docs/security.md; `value` as the answer to add does
    long     => sub { answer($_[0], undef, 'x' x ($_[3] // 1200) . "\r\n") },
    value    => sub { my ($c, $name, $text) = @_; answer($c, undef, $name =~ /incr|decr/ ? "VALUE x 0 1\r\n1\r\nEND\r\n" : $text) },
    number   => sub { my ($c, $name, $text, $number) = @_; answer($c, undef, $name =~ /incr|decr/ ? "$number\r\n" : $text) },
    twice    => sub { my ($c, undef, $text) = @_; answer($c, undef, $text . $text) },
    drip     => sub { my ($c, undef, $text, $ms) = @_; my $t = 0; answer_in($c, $t += $ms / 1000, $_) for split //, $text },
);

# Whether a command that wants no answer gets none, as from a memcached; one that hits on an error says so all the same.
# `noreply` is a server that doesn't know the word.
my %OBEYS = map { $_ => 1 } qw(ok delay memory missing value number twice drip routed misses);
$MODE{noreply} = \&answer;

my ($sockets, @started) = (0);

# ---- the test's side -------------------------------------------------------------------------------------------

sub start {
    my ($class, %o) = @_;
    my $path = $o{unix} ? "/tmp/rl-faulty-$$-" . ++$sockets : undef;
    my $listen = $path ? IO::Socket::UNIX->new(Local => $path, Listen => 512)
        : IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 512, ReuseAddr => 1);
    $listen or die "listen: $@";
    chmod 0777, $path if $path;
    socketpair(my $ours, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $ours;
        serve($listen, $its);
        POSIX::_exit(0);
    }
    close $its;
    my $self = bless { pid => $pid, owner => $$, path => $path, port => $path ? 0 : $listen->sockport, control => $ours }, $class;
    push @started, $self;
    return $self;
}

sub address { return $_[0]{path} ? "unix:$_[0]{path}" : "127.0.0.1:$_[0]{port}" }

sub ask {
    my ($self, $text) = @_;
    syswrite $self->{control}, "$text\n";
    my $in = '';
    while ($in !~ /\n\.\n\z/) { sysread($self->{control}, $in, 65536, length $in) or die "the faulty memcached is gone\n" }
    $in =~ s/\n?\.\n\z//;
    return $in;
}

sub mode        { my ($self, @mode) = @_; return $self->ask("mode @mode") }
sub reset_count { my ($self) = @_; return $self->ask('reset') }
sub forget      { my ($self) = @_; return $self->ask('forget') }
sub count { my ($self) = @_; return { map { split / / } split /\n/, $self->ask('count') } }
sub keys  { my ($self) = @_; return { map { (split / /)[ 0, 1 ] } split /\n/, $self->ask('keys') } }

# { key => value }
sub values { my ($self) = @_; return { map { (split / /)[ 0, 2 ] } split /\n/, $self->ask('keys') } }

# Commands that wanted an answer since reset_count: each is waited for.
sub trips { my ($self) = @_; return $self->ask('trips') }

# All commands since reset_count.
sub commands { my ($self) = @_; my $n = 0; $n += $_ for CORE::values %{ $self->count }; return $n }

sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    kill KILL => $self->{pid};
    waitpid $self->{pid}, 0;
    $self->{pid} = 0;
    unlink $self->{path} if $self->{path};
    return;
}

END {
    my $code = $?;
    $_->stop for @started;
    $? = $code;
}

# ---- the server's side -----------------------------------------------------------------------------------------

my ($select, %clients, %memory, %count, @due, @mode);
my $trips = 0;
my $versions = 0;

sub serve {
    my ($listen, $control) = @_;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    $SIG{PIPE} = 'IGNORE';
    @mode   = ('ok');
    $select = IO::Select->new($listen, $control);
    while (1) {
        my $left = @due ? $due[0][0] - time : 5;
        for my $sock ($select->can_read($left > 0 ? $left : 0)) {
            if    ($sock == $listen)  { welcome($listen) }
            elsif ($sock == $control) { obey($control) or return }
            else                      { listen_to($clients{$sock}) if $clients{$sock} }
        }
        while (@due && $due[0][0] <= time) { my (undef, $client, $text) = @{ shift @due }; answer($client, undef, $text) }
    }
}

sub obey {
    my ($control) = @_;
    sysread($control, my $text, 4096) or return 0;
    my ($what, @args) = split ' ', $text;
    my $said = '';
    if    ($what eq 'mode')   { $MODE{ $args[0] } or die "no such mode: $args[0]\n"; @mode = @args }
    elsif ($what eq 'reset')  { %count  = (); $trips = 0 }
    elsif ($what eq 'trips')  { $said = $trips }
    elsif ($what eq 'forget') { %memory = () }
    elsif ($what eq 'count')  { $said = join "\n", map { "$_ $count{$_}" } CORE::keys %count }
    elsif ($what eq 'keys')   { $said = join "\n", map { "$_ $memory{$_}{ttl} $memory{$_}{value}" } CORE::keys %memory }
    syswrite $control, "$said\n.\n";
    return 1;
}

sub welcome {
    my ($listen) = @_;
    my $sock = $listen->accept or return;
    $sock->blocking(0);
    $clients{$sock} = { sock => $sock, in => '' };
    $select->add($sock);
    return;
}

sub listen_to {
    my ($client) = @_;
    my $n = sysread $client->{sock}, $client->{in}, 65536, length $client->{in};
    return drop($client) if !$n;
    while ($client->{in} =~ s/\A([^\r\n]*)\r?\n//) {
        my ($name, @args) = split ' ', $1;
        next if !defined $name;
        if ($name =~ /\A(?:add|set|cas)\z/ && $client->{in} !~ s/\A(.{$args[3]})\r\n//s) {
            $client->{in} = "$name @args\r\n$client->{in}";    # its data is still to come
            return;
        }
        my $data = $1 // '';
        my $quiet = @args && $args[-1] eq 'noreply';
        $count{$name}++;
        $trips++ if !$quiet;
        my $text = respond($name, [ @args, $data ]);
        next if $quiet && $OBEYS{ $mode[0] };
        $MODE{ $mode[0] }->($client, $name, $text, @mode[ 1 .. $#mode ]);
        return if !$client->{sock};
    }
    return;
}

# The right answer, and what it does.
sub respond {
    my ($name, $args) = @_;
    my ($key, @more) = @$args;
    my $item = defined $key ? $memory{$key} : undef;
    if ($name =~ /\A(?:add|set|cas)\z/) {
        return "NOT_STORED\r\n" if $name eq 'add' && $item;
        return $item ? "EXISTS\r\n" : "NOT_FOUND\r\n" if $name eq 'cas' && (!$item || $item->{version} != $more[3]);
        return "STORED\r\n" if $mode[0] eq 'memory';
        $memory{$key} = { ttl => $more[1], value => $more[-1], version => ++$versions };
        return "STORED\r\n";
    }
    if ($name eq 'incr' || $name eq 'decr') {
        return "NOT_FOUND\r\n" if !$item;
        $item->{value} = $name eq 'incr' ? $item->{value} + $more[0] : $item->{value} > $more[0] ? $item->{value} - $more[0] : 0;
        $item->{version} = ++$versions;
        return "$item->{value}\r\n";
    }
    if ($name eq 'get' || $name eq 'gets') {
        my $found = '';
        for my $wanted (grep { length && $memory{$_} } @$args) {
            my ($value, $version) = @{ $memory{$wanted} }{qw(value version)};
            $found .= "VALUE $wanted 0 " . length($value) . ($name eq 'gets' ? " $version" : '') . "\r\n$value\r\n";
        }
        return "${found}END\r\n";
    }
    return $name eq 'version' ? "VERSION 1.6.0\r\n" : "ERROR\r\n";
}

sub answer {
    my ($client, undef, $text) = @_;
    syswrite $client->{sock}, $text if $client->{sock};
    return;
}

sub answer_in {
    my ($client, $seconds, $text) = @_;
    @due = sort { $a->[0] <=> $b->[0] } @due, [ time + $seconds, $client, $text ];
    return;
}

sub drop {
    my ($client) = @_;
    my $sock = delete $client->{sock} or return;
    $select->remove($sock);
    delete $clients{$sock};
    close $sock;
    return;
}

sub reset_connection {
    my ($client) = @_;
    setsockopt $client->{sock}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return drop($client);
}

1;
