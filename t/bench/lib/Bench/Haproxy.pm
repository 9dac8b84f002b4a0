# SPDX-License-Identifier: Apache-2.0
package Bench::Haproxy;

# HAProxy with one thread, which serves the same page from memory. A case adds: rules => lines of the frontend, tables => lines
# of the whole.

use strict;
use warnings;
use parent -norequire, 'Bench::Server';
use Bench::Server;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Glob qw(bsd_glob);

use RL::Conf;

my $PEERS = ($ENV{RL_OUT} // abs_path(dirname(__FILE__) . '/../../../..') . '/out') . '/bench/peers';

# What was unpacked for the bench, else what is installed.
sub binary {
    my ($found) = grep { -x } "$PEERS/usr/sbin/haproxy", map({ "$_/haproxy" } split /:/, $ENV{PATH} // ''), '/usr/sbin/haproxy';
    return $found // 'haproxy';
}

# Its libraries were unpacked beside it.
sub libraries {
    my @dirs = bsd_glob("$PEERS/usr/lib/*-linux-*");
    return @dirs ? ('env', 'LD_LIBRARY_PATH=' . join ':', @dirs) : ();
}

sub files   { return binary() }
sub command { my ($self) = @_; return (libraries(), binary(), '-db', '-f', "$self->{root}/conf/server.conf") }
sub check   { return '-c' }
sub foreground { return () }

sub text {
    my ($self) = @_;
    my ($rules, $tables) = map { $self->{$_} // '' } qw(rules tables);
    my ($user, $group) = RL::Conf::user_lines() =~ /User (\S+)\nGroup (\S+)/;
    my $owner = $> == 0 && defined $user ? "    user $user\n    group $group\n" : '';
    return <<"END";
global
    nbthread 1
$owner
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend bench
    bind 127.0.0.1:$self->{ports}[0]
    http-request set-src req.hdr(X-Forwarded-For) if { req.hdr(X-Forwarded-For) -m found }
$rules
    http-request return status 200 content-type text/html file "$self->{root}/htdocs/index.html"
$tables
END
}

1;
