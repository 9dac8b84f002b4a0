# SPDX-License-Identifier: Apache-2.0
package Bench::Httpd;

# httpd as all its cases have it: event MPM, one child, so that all of it runs on the server's core; no access log, and
# no line in the error log for a request. Each has the one <Location>, because walking and merging sections costs something
# by itself, and mod_remoteip, which is how one wrk can be 100,000 clients. The Server field names no modules: its length
# would be counted as theirs.
#
# A case adds: modules => [ours, or a peer's], libraries => [what those need], conf => the server's lines,
# location => those of <Location "/">, which find ${STORE} and ${HUNG} (a memcached, and one that hangs) and ${STATE} (a
# directory).

use strict;
use warnings;
use parent -norequire, 'Bench::Server';
use Bench::Server;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Glob qw(bsd_glob);

use RL::Conf;

my $PEERS = ($ENV{RL_OUT} // abs_path(dirname(__FILE__) . '/../../../..') . '/out') . '/bench/peers';
my @STOCK = qw(mpm_event unixd authz_core authz_host mime dir remoteip setenvif reflector);

# The file of a module of a case: what was unpacked for the bench, else what is installed.

sub module_file {
    my ($name) = @_;
    return RL::Conf::module() if $name eq 'ratelimit_cache';
    my ($found) = grep { -e } map { "$_/mod_$name.so" } "$PEERS/usr/lib/apache2/modules", RL::Conf::moddir();
    return $found // RL::Conf::moddir() . "/mod_$name.so";
}

# A name without a path is looked for where the system has its libraries.
sub library_file { my ($name) = @_; return (bsd_glob("$PEERS/usr/lib/*-linux-*/$name"))[0] // $name }

sub files   { my ($self) = @_; return map { module_file($_) } @{ $self->{modules} // [] } }
sub command { my ($self) = @_; return (RL::Conf::binary(), '-d', $self->{root}, '-f', "$self->{root}/conf/server.conf") }
sub foreground { my ($self) = @_; return $self->{single} ? '-X' : '-DFOREGROUND' }

sub load_lines {
    my ($self) = @_;
    return join '', (map { RL::Conf::load($_) } @STOCK), (map { "LoadFile \"@{[ library_file($_) ]}\"\n" } @{ $self->{libraries} // [] }),
        map { "LoadModule ${_}_module \"" . module_file($_) . "\"\n" } @{ $self->{modules} // [] };
}

sub text {
    my ($self) = @_;
    my ($conf, $location) = map { $self->{$_} // '' } qw(conf location);
    my $define = join '', map { "Define $_ \"$self->{define}{$_}\"\n" } sort keys %{ $self->{define} // {} };
    return $define . qq(Define STATE "$self->{root}/state"\n) . $self->load_lines
        . RL::Conf::user_lines() . <<"END";
ServerRoot "$self->{root}"
ServerName localhost
Listen 127.0.0.1:$self->{ports}[0]
PidFile run/httpd.pid
DefaultRuntimeDir "$self->{root}/run"
ErrorLog logs/error.log
LogLevel notice
ServerTokens Prod
TypesConfig /dev/null
AddType text/html .html
DocumentRoot "$self->{root}/htdocs"
ServerLimit 1
StartServers 1
ThreadsPerChild 32
MaxRequestWorkers 32
MinSpareThreads 1
MaxSpareThreads 32
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 30
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
<Directory "/">
    AllowOverride None
    Require all denied
</Directory>
<Directory "$self->{root}/htdocs">
    Require all granted
</Directory>
$conf
<Location "/">
LogLevel crit
$location
</Location>
<Location "/form">
SetHandler reflector
</Location>
END
}

1;
