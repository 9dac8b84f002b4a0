# SPDX-License-Identifier: Apache-2.0
package RL::Fpm;

# A private php-fpm for mod_proxy_fcgi: its socket, log and configuration lie in the directory of an RL::Httpd,
# and it ends with the test.
#
#   my $fpm = RL::Fpm->start($s);      # dies, naming the package, when there is no php-fpm
#
# In a fragment: SetHandler "proxy:unix:${ROOT}/run/fpm.sock|fcgi://localhost/"

use strict;
use warnings;
use POSIX ();

use RL::Httpd qw(await slurp);

my @started;

# RL_PHP_FPM, or the newest in the usual places.
sub binary {
    my @try = ($ENV{RL_PHP_FPM} // (), map { reverse sort glob "$_/php-fpm*" } split(/:/, $ENV{PATH} // ''), '/usr/sbin',
        '/usr/local/sbin');
    my ($found) = grep { -f $_ && -x _ } @try;
    return $found // die "no php-fpm found: install php-fpm (Debian: php8.2-fpm), or set RL_PHP_FPM\n";
}

# Options: children (8), system => 1 for the extensions and settings of the system's php.ini (else PHP knows what is compiled
# in), php => { setting => value }.
sub start {
    my ($class, $s, %o) = @_;
    my $self = bless { pid => 0, owner => $$, socket => $s->root . '/run/fpm.sock', log => $s->root . '/logs/fpm.log' }, $class;
    my $binary = binary();
    push @started, $self;
    my $conf = $s->write('conf/fpm.conf', $self->conf($o{children} // 8, %{ $o{php} // {} }));
    $self->{pid} = fork // die "fork: $!";
    if (!$self->{pid}) {
        POSIX::setsid();
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>>', $self->{log};
        open STDERR, '>&', \*STDOUT;
        { exec { $binary } $binary, $o{system} ? () : '-n', '-F', '-y', $conf }
        POSIX::_exit(127);
    }
    return $self if await(20, sub { $self->is_ready || !$self->running }) && $self->running;
    die "php-fpm did not start:\n" . slurp($self->{log});
}

# The socket is there before it belongs to whom it should; the log says when all is done.
sub is_ready { my ($self) = @_; return -S $self->{socket} && slurp($self->{log}) =~ /ready to handle connections/ }

# enable_post_data_reading: otherwise PHP parses a multipart body itself, and php://input is empty.
sub conf {
    my ($self, $children, %php) = @_;
    %php = (enable_post_data_reading => 'off', memory_limit => '256M', %php);
    my $settings = join '', map { "php_admin_value[$_] = $php{$_}\n" } sort keys %php;
    my $user = '';
    if ($> == 0) {
        my ($name) = grep { defined getpwnam $_ } qw(www-data apache nobody daemon);
        $user = "user = $name\nlisten.owner = $name\n";
    }
    return <<"END";
[global]
error_log = $self->{log}
daemonize = no
[test]
${user}listen = $self->{socket}
listen.mode = 0600
pm = static
pm.max_children = $children
catch_workers_output = yes
$settings
END
}

sub running {
    my ($self) = @_;
    return $self->{pid} && waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
}

sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    kill TERM => $self->{pid};
    await(5, sub { !$self->running }) or kill KILL => -$self->{pid};
    waitpid $self->{pid}, 0;
    $self->{pid} = 0;
    return;
}

END {
    my $code = $?;
    $_->stop for @started;
    $? = $code;
}

1;
