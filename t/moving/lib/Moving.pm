# SPDX-License-Identifier: Apache-2.0
package Moving;

# What docs/moving.md says is tried: each of its sections "### ..." has a fenced block of somebody else's configuration and
# one of ours. Both are served, the same requests are sent to both, and who was denied is compared.
#
#   my ($theirs, $ours) = blocks('A page');      # the two blocks of a section
#   my $a = apache("LoadModule ...\n$theirs", rl => 0);
#   my $b = apache($ours);
#   compares('mod_evasive, a page', [ play($a, @requests) ], [ play($b, @requests) ], denied => '403', there => 6);
#
# A request is { from => '127.0.0.2', path => '/page', method, headers => [...], body }. Every address of 127.0.0.0/8 is a client
# of its own. Where there and here are to differ, `there` says how many are denied there, `here` how many here.

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use IO::Select;
use IO::Socket::IP;
use Test::More ();
use Time::HiRes qw(time sleep);

use RL::Httpd qw(slurp);
use RL::Manual;
use RL::Test ();

our @EXPORT = qw(blocks apache nginx haproxy peer play at_once compares wrong right peers_dir times);

my (@daemons, @dirs);
END {
    local $?;
    kill TERM => $_ for @daemons;
    waitpid $_, 0 for @daemons;
    require File::Path;
    File::Path::remove_tree(@dirs) if @dirs;
}

sub peers_dir { return $ENV{RL_PEERS} // abs_path('out/moving') // 'out/moving' }

# A file of the peers' packages, unpacked or installed; undef where it isn't. The path may have a *, of Debian's names of machines.
sub peer {
    my ($path) = @_;
    return (grep { -e } map { glob } peers_dir() . "/$path", "/$path")[0];
}

# ---- the manual -------------------------------------------------------------------------------------------------------

sub blocks {
    my ($heading) = @_;
    my ($section) = slurp('docs/moving.md') =~ /^### \Q$heading\E\n(.*?)(?=^##|\z)/ms or die "docs/moving.md has no section $heading\n";
    my @blocks = grep { $_->[0] ne 'prose' } RL::Manual::pieces($section);
    my ($ours)   = map { $_->[1] } grep { $_->[0] eq 'apache' } @blocks;
    my ($theirs) = map { $_->[1] } grep { $_->[0] ne 'apache' } @blocks;
    return ($theirs, $ours);
}

# ---- servers ------------------------------------------------------------------------------------------------------------

# An httpd with a login (/private, alice's password is secret), something slow (/slow, half a second), and /login, /page, /api.
sub apache {
    my ($conf, %o) = @_;
    return RL::Test::httpd($conf . <<'END', %o, files => { 'cgi-bin/slow.cgi' => "#!/bin/sh\nsleep 0.5\nprintf 'Content-Type: text/plain\\n\\nslow\\n'\n" });
AliasMatch "^/(?:login|page|other|api|private)" "${DOCROOT}/ok.txt"
ScriptAlias /slow "${CGIBIN}/slow.cgi"
<Location "/private">
    Include conf/auth.conf
</Location>
END
}

sub free_port { return IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 1)->sockport }

sub new_dir {
    my $dir = RL::Httpd::new_root();
    push @dirs, $dir;
    return $dir;
}

sub write_to { my ($path, $text) = @_; open my $fh, '>', $path or die "$path: $!"; print {$fh} $text; close $fh; return $path }

sub daemon {
    my ($port, $libraries, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        RL::Httpd::stop_with_parent();
        $ENV{LD_LIBRARY_PATH} = $libraries;
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>&', \*STDOUT if !$ENV{V};
        { exec { $command[0] } @command }
        POSIX::_exit(127);
    }
    push @daemons, $pid;
    RL::Httpd::await(20, sub { !$port || IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port, Timeout => 1) }) or die "$command[0] did not start\n";
    return $port;
}

sub libraries { return join ':', glob peers_dir() . '/usr/lib/*-linux-gnu' }

# Lines of http, up to the first "location", and lines of a server; requests go on to an httpd.
sub nginx {
    my ($conf) = @_;
    my ($dir, $port, $app) = (new_dir(), free_port(), apache('', rl => 0));
    my ($http, $server) = $conf =~ /\A(.*?)(^location .*)\z/ms;
    my $file = write_to("$dir/nginx.conf", <<"END");
daemon off; pid $dir/pid; error_log $dir/error.log; worker_processes 1;
events {}
http {
    access_log off; client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
    upstream application { server 127.0.0.1:@{[ $app->port ]}; }
    $http
    server { listen 127.0.0.1:$port; $server }
}
END
    return daemon($port, libraries(), peer('usr/sbin/nginx'), '-p', $dir, '-e', "$dir/error.log", '-c', $file);
}

sub haproxy {
    my ($conf) = @_;
    my ($dir, $port, $app) = (new_dir(), free_port(), apache('', rl => 0));
    $conf =~ s/bind :80\b/bind 127.0.0.1:$port/ or die "no bind :80 in\n$conf";
    my $file = write_to("$dir/haproxy.cfg", <<"END");
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
$conf
backend application
    server a 127.0.0.1:@{[ $app->port ]}
END
    return daemon($port, libraries(), peer('usr/sbin/haproxy'), '-db', '-f', $file);
}

# ---- requests -----------------------------------------------------------------------------------------------------------

sub times { my ($n, $request) = @_; return ($request) x $n }

# A guess at /private, and alice's password.
sub wrong { my ($from) = @_; return { from => $from, path => '/private', headers => [ Authorization => 'Basic YWxpY2U6d3Jvbmc=' ] } }
sub right { my ($from) = @_; return { from => $from, path => '/private', headers => [ Authorization => 'Basic YWxpY2U6c2VjcmV0' ] } }

sub open_to {
    my ($server, $request) = @_;
    my $port = ref $server ? $server->port : $server;
    my $c = IO::Socket::IP->new(LocalHost => $request->{from}, PeerHost => '127.0.0.1', PeerPort => $port, Timeout => 10) or die "from $request->{from}: $@\n";
    my @headers = @{ $request->{headers} // [] };
    my $text = ($request->{method} // 'GET') . " $request->{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) { $text .= "$name: $value\r\n" }
    $text .= 'Content-Length: ' . length($request->{body}) . "\r\nContent-Type: application/x-www-form-urlencoded\r\n" if defined $request->{body};
    syswrite $c, "$text\r\n" . ($request->{body} // '');
    return $c;
}

sub status_of {
    my ($c) = @_;
    my $in = '';
    1 while IO::Select->new($c)->can_read(20) && sysread $c, $in, 65_536, length $in;
    return $in =~ m{\AHTTP/\S+ (\d+)} ? $1 : 0;
}

# The statuses of requests, one after the other, or all of them at once.
sub play    { my ($server, @requests) = @_; return map { status_of(open_to($server, $_)) } @requests }
sub at_once { my ($server, @requests) = @_; return map { status_of($_) } map { open_to($server, $_) } @requests }

# ---- the comparison -------------------------------------------------------------------------------------------------------

# Whether the same requests were denied there and here, or as many as `there` and `here` say; a row of the table.
sub compares {
    my ($name, $theirs, $ours, %o) = @_;
    my $denied = sub { my ($codes, @s) = @_; return join '', map { /\A(?:$codes)\z/ ? 'x' : '.' } @s };
    my ($there, $here) = ($denied->($o{denied} // 429, @$theirs), $denied->(429, @$ours));
    my ($n, $nt, $nh) = (length $here, $there =~ tr/x//, $here =~ tr/x//);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    if (exists $o{there}) {
        my $is = ref $o{there} ? $o{there}->($nt) : $nt == $o{there};
        Test::More::ok($is, "$name: denied there") or Test::More::diag("$nt: @$theirs");
        Test::More::is($nh, $o{here}, "$name: denied here") or Test::More::diag("@$ours");
    }
    else {
        Test::More::is($here, $there, "$name: the same requests are denied") or Test::More::diag("there @$theirs\nhere  @$ours");
        Test::More::cmp_ok($nh, '>', 0, "$name: and some are");
    }
    my $line = sprintf "%-46s | %8d | %12d | %11d\n", $name, $n, $nt, $nh;
    Test::More::note($line);
    if ($ENV{RL_MOVING_RESULTS}) { open my $fh, '>>', $ENV{RL_MOVING_RESULTS} or die $!; print {$fh} $line }
    return;
}

1;
