# SPDX-License-Identifier: Apache-2.0
package RL::Test;

# Tests of the module through a real httpd. A simple one:
#
#   use RL::Test;
#
#   my $s = httpd(<<'END');
#   <Location /ok/login>
#       RateLimit login 3/d
#   </Location>
#   END
#
#   limit_is $s, 3, '/ok/login', 'three logins a day';
#   is status($s, '/ok/else'), 200, 'another location is not limited';
#   finish;
#
# Servers are stopped and their directories removed at the end, also when a test dies or is interrupted; a failing
# test keeps the directory and shows the end of the error log. Exports Test::More besides what is listed below.
#
# A fixed window is staggered by its key, so it may end at any moment: tests count in windows of a day or more.

use strict;
use warnings;
use Exporter ();
use Test::More ();
use Time::HiRes ();

use RL::Client;
use RL::Conf;
use RL::Httpd ();

our @EXPORT = qw(httpd request status statuses logged asked limit_is parallel histogram connection await_each_child least configtest config_error
    config_ok no_unexpected_log await slurp finish);

my (@servers, $checker, $interrupted);

sub import {
    strict->import;
    warnings->import;
    Test::More->export_to_level(1);
    goto &Exporter::import;
}

*await = \&RL::Httpd::await;
*slurp = \&RL::Httpd::slurp;

# Starts a server: httpd($fragment, %options of RL::Httpd). Dies (and so fails the test) when it does not come up.
sub httpd {
    my ($conf, %o) = @_;
    need_module() if $o{rl} // 1;
    my $s = RL::Httpd->new(conf => $conf, %o);
    push @servers, $s;
    return $s->start;
}

sub need_module {
    return if -e RL::Conf::module();
    Test::More::BAIL_OUT('no module at ' . RL::Conf::module() . ': run make first');
}

# ---- requests -----------------------------------------------------------------------------------------------

# One request on a connection of its own: request($s, 'POST', '/path', %options of RL::Client); its RL::Response.
# Besides: port => (default the server's first), from => address (an X-Client header, for mod_remoteip).
sub request {
    my ($s, $method, $path, %o) = @_;
    my $c = connection($s, %o);
    return $c->request($method, $path, keepalive => 0, options(%o));
}

sub options {
    my (%o) = @_;
    $o{headers} = [ @{ $o{headers} // [] }, 'X-Client' => $o{from} ] if defined $o{from};
    return %o;
}

# A connection for several requests: connection($s)->request(...).
sub connection {
    my ($s, %o) = @_;
    return RL::Client->new(port => $o{port} // $s->port);
}

# The status of one request (GET, unless method => says otherwise).
sub status {
    my ($s, $path, %o) = @_;
    return request($s, delete $o{method} // 'GET', $path, %o)->status;
}

my $id = 0;    # of requests that are looked for in the access log

# One request: its response, and its line of the access log (see RL::Httpd's access). Lines are written after the
# answer, so that of an earlier request may come late: the header X-Test-Id tells them apart.
sub logged {
    my ($s, $method, $path, %o) = @_;
    my $from = $s->access_mark;
    my $tag  = $$ . '.' . ++$id;
    my $r    = request($s, $method, $path, %o, headers => [ @{ $o{headers} // [] }, 'X-Test-Id' => $tag ]);
    my $line;
    await(20, sub { ($line) = grep { $_->{id} eq $tag } $s->access($from, 1) });
    return ($r, $line // {});
}

# n requests one after the other, and their lines of the access log, once all are there: what they tell has been counted.
# Lines aren't just awaited by their number: that of an earlier request may come late.
sub asked {
    my ($s, $n, $path, %o) = @_;
    my $method = delete $o{method} // 'GET';
    my $from   = $s->access_mark;
    my @tags   = map { $$ . '.' . ++$id } 1 .. $n;
    my %line;
    request($s, $method, $path, %o, headers => [ @{ $o{headers} // [] }, 'X-Test-Id' => $_ ]) for @tags;
    await(20, sub { %line = map { $_->{id} => $_ } $s->access($from, $n); @tags == grep { $line{$_} } @tags });
    return map { $line{$_} // {} } @tags;
}

# The statuses of n requests one after the other, as '200 200 429'.
sub statuses {
    my ($s, $n, $path, %o) = @_;
    return join ' ', map { status($s, $path, %o) } 1 .. $n;
}

# Asserts that exactly n requests are admitted with 200 (or ok => status) and that the two after them get 429 (or
# denied => status). More options are the request's. The name says of what; "exactly n admitted" is added.
sub limit_is {
    my ($s, $n, $path, $name, %o) = @_;
    my ($ok, $denied) = (delete $o{ok} // 200, delete $o{denied} // 429);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::is(statuses($s, $n + 2, $path, %o), join(' ', ($ok) x $n, ($denied) x 2), "$name: exactly $n admitted");
}

# n requests in flight together: every connection is open before the first request is sent, and every request is
# sent before the first answer is read. `what` is a path or a sub from 0..n-1 to (method, path, options).
sub parallel {
    my ($s, $n, $what, %o) = @_;
    my @conns = map { connection($s, %o) } 1 .. $n;
    for my $i (0 .. $n - 1) {
        my ($method, $path, %more) = ref $what ? $what->($i) : ('GET', $what);
        $conns[$i]->send_request($method, $path, keepalive => 0, options(%o, %more));
    }
    $o{in_flight}->() if $o{in_flight};
    return map { $_->read_response } @conns;
}

# What a child knows by itself (that a store fails, that it is back), the others need not know. Polls until `cond`, which
# gets a connection, has been true for every child; false when one takes longer than `seconds`. Event MPM.
sub await_each_child {
    my ($s, $seconds, $cond) = @_;
    for my $pid ($s->serving) {
        my $c = connection_to($s, $pid);
        await($seconds, sub { $c = connection_to($s, $pid) if $c->closed(0); $cond->($c) }) or return 0;
        $c->close;
    }
    return 1;
}

# A connection that this child has taken, and keeps as long as it is used: the others are stopped meanwhile.
sub connection_to {
    my ($s, $pid) = @_;
    my @others = grep { $_ != $pid } $s->serving;
    my $c;
    local $@;
    my $met = eval {
        kill STOP => @others if @others;
        await(10, sub { !grep { !stopped($_) } @others });
        $c = connection($s);
        $c->request('GET', '/', headers => [ 'X-Test-Id' => "$$." . ++$id ]);
        1;
    };
    my $why = $@;
    kill CONT => @others if @others;
    die $why if !$met;
    my $line;
    await(20, sub { ($line) = grep { $_->{id} eq "$$.$id" } $s->access(0, 1) });
    die "child $pid takes no connection\n" if ($line->{pid} // 0) != $pid;
    return $c;
}

# Whether all threads of a process are stopped.
sub stopped {
    my ($pid) = @_;
    return !grep { RL::Httpd::slurp($_) =~ /\A\d+ \(.*\) [^TZX] /s } glob "/proc/$pid/task/*/stat";
}

# The least that `measure` gives in some tries, seconds mostly: it stops at the first that is below `bound`. A delay that
# is built in shows in each of them; one that a busy machine makes does not.
sub least {
    my ($bound, $measure) = @_;
    my $least;
    for (1 .. 8) {
        my $value = $measure->();
        $least = $value if !defined $least || $value < $least;
        last if $least < $bound;
    }
    return $least;
}

# How often each status came: { 200 => 10, 429 => 40 }.
sub histogram {
    my %h;
    $h{ $_->status }++ for @_;
    return \%h;
}

# ---- configurations -----------------------------------------------------------------------------------------

# `httpd -t` on a fragment: (exit code, output).
sub configtest {
    my ($fragment) = @_;
    need_module();
    $checker //= do {
        my $c = RL::Httpd->new(check_only => 1);
        push @servers, $c;
        my ($rc, $out) = $c->check_conf('');
        die "a configuration without any rule does not pass -t:\n$out" if $rc != 0;
        $c;
    };
    return $checker->check_conf($fragment);
}

sub config_ok {
    my ($fragment, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($rc, $out) = configtest($fragment);
    return Test::More::ok($rc == 0, 'accepted: ' . ($name // $fragment =~ s/\s*\n\s*/ | /gr)) || Test::More::diag("exit $rc\n$out");
}

# Asserts that -t fails ("refused, with a reason" is put in front of the name), and that one line of what it prints names the directive, the offending token and, besides
# these, a reason of a few words; `also` is a further regex for that line.
sub config_error {
    my ($fragment, $directive, $token, $name, $also) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($rc, $out) = configtest($fragment);
    my ($line) = grep { /\b\Q$directive\E\b/ && index($_, $token) >= 0 } split /\n/, $out;
    my $good = $rc != 0 && defined $line && gives_reason($line, $directive, $token) && (!$also || $line =~ $also);
    Test::More::ok($good, 'refused, with a reason: ' . ($name // $fragment =~ s/\s*\n\s*/ | /gr))
        || Test::More::diag("want: a failing -t with one line naming '$directive', '$token'"
            . ($also ? " and matching $also" : '') . ", and a reason\nexit $rc\n$out");
    return $good;
}

# What remains of the line without directive and token is a reason when it has two words or more.
sub gives_reason {
    my ($line, $directive, $token) = @_;
    $line =~ s/\Q$_\E//g for grep { length } $directive, $token;
    my @words = $line =~ /[A-Za-z]{2,}/g;
    return @words >= 2;
}

# ---- logs and the end ---------------------------------------------------------------------------------------

my $CRASH = qr/AH00052|exit signal|Segmentation fault|AddressSanitizer|runtime error:|assertion|glibc detected|corrupt/i;
# Failed log-ins, refused directories, CGI's stderr; and what a child of event says that is told to end while it closes
# connections: it has closed their poll set before them; and a prefork server all of whose children are busy.
my $COMMON = qr/AH0161[478]|AH01617|AH01797|AH01630|AH01276|AH00127|AH01215|AH02811|AH03092|AH00161/;

# Asserts that nothing crashed and that no line at level error or above is there but those of `allow` and what
# httpd itself says ($COMMON).
sub no_unexpected_log {
    my ($s, %o) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @bad = unexpected($s, $o{from} // 0, $o{allow});
    return Test::More::ok(!@bad, $o{name} // 'nothing unexpected in the error log')
        || Test::More::diag(join "\n", @bad);
}

sub unexpected {
    my ($s, $from, $allow) = @_;
    return grep { !($allow && $_ =~ $allow) }
        grep { $_ =~ $CRASH || (/\[[\w-]*:(?:error|crit|alert|emerg)\]/ && $_ !~ $COMMON) } $s->log_lines($from);
}

# Ends a test file: logs are looked at, servers stop, and a stop with no connection open must not crash either.
# allow => regex of error-log lines this test provokes.
sub finish {
    my (%o) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    for my $s (grep { $_->{pid} } @servers) {
        no_unexpected_log($s, %o);
        my $from = $s->log_mark;
        $s->stop;
        next if !$s->{stopped_calmly};
        my @bad = grep { $_ =~ $CRASH } $s->log_lines($from);
        Test::More::ok(!@bad, 'httpd stops without a crash') || Test::More::diag(join "\n", @bad);
    }
    Test::More::done_testing();
    return;
}

# Stops everything; a failure keeps the directory and shows where.
sub clean_up {
    my ($failed) = @_;
    for my $s (splice @servers) {
        next if $s->{owner} != $$;
        $s->stop;
        if (!$failed || $s->{check_only}) { $s->destroy; next }
        my @tail = $s->log_lines(0);
        splice @tail, 0, @tail - 25 if @tail > 25;
        Test::More::diag(join "\n", "kept: $s->{root}", 'the end of its error log:', @tail);
    }
    return;
}

END {
    my $code = $?;
    clean_up(!$interrupted && ($code || !Test::More->builder->is_passing)) if @servers;
    $? = $code;
}

$SIG{$_} = sub { $interrupted = 1; exit 1 } for qw(INT TERM HUP PIPE);

1;
