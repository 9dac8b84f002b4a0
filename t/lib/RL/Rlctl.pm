# SPDX-License-Identifier: Apache-2.0
package RL::Rlctl;

# Runs rlctl, which `make` built, without what the environment of whoever runs the tests says to it.
#
#   my $r = rlctl('show', '--url', $url);      # $r->{status}, $r->{out}, $r->{err}
#   my $r = rlctl({ RLCTL_URL => $url }, 'show');
#   my $text = on_terminal(40, 'show', '--url', $url);    # what a terminal of so many columns gets

use strict;
use warnings;
use Exporter qw(import);
use File::Temp ();
use POSIX ();

use RL::Httpd qw(slurp);

our @EXPORT = qw(rlctl on_terminal);

sub program {
    my $program = ($ENV{RL_OUT} // 'out') . '/rlctl';
    die "no $program: run make first\n" if !-x $program;
    return $program;
}

sub clean_environment {
    my (%more) = @_;
    delete @ENV{qw(RLCTL_URL NO_COLOR COLUMNS http_proxy https_proxy all_proxy)};
    my %environment = (RLCTL_CONF => '/nonexistent', TZ => 'UTC', LC_ALL => 'C.UTF-8', TERM => 'xterm', %more);
    @ENV{ keys %environment } = values %environment;
    return;
}

sub rlctl {
    my $more = ref $_[0] ? shift : {};
    my @arguments = @_;
    my ($out, $err) = (File::Temp->new, File::Temp->new);
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        clean_environment(%$more);
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$out";
        open STDERR, '>', "$err";
        { exec { program() } 'rlctl', @arguments }
        POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return { status => $? & 127 ? "signal $?" : $? >> 8, out => slurp("$out"), err => slurp("$err") };
}

sub on_terminal {
    my ($columns, @arguments) = @_;
    my $command = join ' ', map { s/'/'\\''/gr =~ s/\A|\z/'/gr } program(), @arguments;
    pipe my $silent, my $open or die "pipe: $!\n";    # at the end of its input, script would type a ^D
    my $pid = open(my $fh, '-|') // die "fork: $!\n";
    if (!$pid) {
        clean_environment();
        open STDIN, '<&', $silent;
        { exec 'script', '-qec', "stty cols $columns; $command", '/dev/null' }
        POSIX::_exit(127);
    }
    local $/;
    my $text = <$fh>;
    close $fh;
    close $open;
    return $text =~ s/\r\n/\n/gr;
}

1;
