# SPDX-License-Identifier: Apache-2.0
package RL::FakeStatus;

# A server of which rlctl gets answers that no real one gives, or not at will: too long, no JSON, redirects, hostile texts.
#
#   my $f = RL::FakeStatus->start(sub { my ($method, $path, $body) = @_; return (200, 'application/json', '{}') });
#   $f->url('/rl'); $f->requests;    # [ "GET /rl?format=json HTTP/1.1\r\n...", body ], ... so far
#
# It answers one connection after the other, in a process of its own, which ends with the test. An answer may have more
# header lines as its fourth value; a body that is a code reference writes it to the handle it gets.

use strict;
use warnings;
use File::Temp ();
use IO::Socket::IP;
use JSON::PP ();
use POSIX ();

use RL::Httpd qw(slurp);

my @started;

# listen => address (127.0.0.1)
sub start {
    my ($class, $answer, %o) = @_;
    my $host   = $o{listen} // '127.0.0.1';
    my $socket = IO::Socket::IP->new(LocalHost => $host, LocalPort => 0, Listen => 20) or die "no socket on $host: $@\n";
    my $log    = File::Temp->new(TEMPLATE => 'rl-fake-XXXXXXXX', TMPDIR => 1);
    my $self   = bless { host => $host, port => $socket->sockport, log => $log, owner => $$ }, $class;
    $self->{pid} = fork // die "fork: $!";
    if (!$self->{pid}) {
        $SIG{PIPE} = 'IGNORE';
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        serve($socket, $answer, "$log") while 1;
    }
    push @started, $self;
    return $self;
}

sub url {
    my ($self, $path) = @_;
    my $host = $self->{host} =~ /:/ ? "[$self->{host}]" : $self->{host};
    return "http://$host:$self->{port}$path";
}

sub requests { my ($self) = @_; return map { JSON::PP::decode_json($_) } split /\n/, slurp("$self->{log}") }

sub serve {
    my ($socket, $answer, $log) = @_;
    my $client = $socket->accept or return;
    my ($head, $body) = read_request($client) or return;
    open my $fh, '>>', $log or POSIX::_exit(1);
    syswrite $fh, JSON::PP::encode_json([ $head, $body ]) . "\n";
    close $fh;
    my ($method, $path) = $head =~ /\A(\S+) (\S+)/;
    my ($status, $type, $text, @more) = $answer->($method, $path, $body, $head);
    print {$client} join "\r\n", "HTTP/1.1 $status Status", "Content-Type: $type", 'Connection: close', @more, '', '';
    ref $text ? $text->($client) : print {$client} $text;
    close $client;
    return;
}

sub read_request {
    my ($client) = @_;
    my $data = '';
    while ($data !~ /\r\n\r\n/) { sysread($client, $data, 65_536, length $data) or return }
    my ($head, $body) = split /\r\n\r\n/, $data, 2;
    my ($length) = $head =~ /^Content-Length: *([0-9]+)/mi;
    while (length $body < ($length // 0)) { sysread($client, $body, 65_536, length $body) or return }
    return ($head, $body);
}

END {
    my $code = $?;
    for my $self (grep { $_->{owner} == $$ } @started) {
        kill KILL => $self->{pid};
        waitpid $self->{pid}, 0;
    }
    $? = $code;
}

1;
