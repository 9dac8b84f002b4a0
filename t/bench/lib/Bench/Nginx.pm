# SPDX-License-Identifier: Apache-2.0
package Bench::Nginx;

# nginx with one worker, which serves the same page. A case adds: http => lines of http {}, location => of location / {}.

use strict;
use warnings;
use parent -norequire, 'Bench::Server';
use Bench::Server;
use Cwd qw(abs_path);
use File::Basename qw(dirname);

use RL::Conf;

my $PEERS = ($ENV{RL_OUT} // abs_path(dirname(__FILE__) . '/../../../..') . '/out') . '/bench/peers';

# What was unpacked for the bench, else what is installed.
sub binary {
    my ($found) = grep { -x } "$PEERS/usr/sbin/nginx", map({ "$_/nginx" } split /:/, $ENV{PATH} // ''), '/usr/sbin/nginx';
    return $found // 'nginx';
}

sub files   { return binary() }
sub command {
    my ($self) = @_;
    return (binary(), '-p', $self->{root}, '-e', 'logs/error.log', '-c', "$self->{root}/conf/server.conf");
}
sub foreground { return () }

sub text {
    my ($self) = @_;
    my $user = $> == 0 ? 'user ' . (RL::Conf::user_lines() =~ /User (\S+)\nGroup (\S+)/ ? "$1 $2" : 'nobody') . ";\n" : '';
    my ($http, $location) = map { $self->{$_} // '' } qw(http location);
    my $temporary = join '', map { "    ${_}_temp_path run/$_;\n" } qw(client_body proxy fastcgi uwsgi scgi);
    return $user . <<"END";
worker_processes 1;
daemon off;
pid run/nginx.pid;
error_log logs/error.log crit;
events { worker_connections 256; }
http {
    types { text/html html; }
    access_log off;
    keepalive_requests 1000000000;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
$temporary$http
    server {
        listen 127.0.0.1:$self->{ports}[0];
        root htdocs;
        location / {
$location
        }
    }
}
END
}

1;
