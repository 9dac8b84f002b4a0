# SPDX-License-Identifier: Apache-2.0
package Apps;

# The door for tests with real applications: everything of RL::Test, and
#
#   my $s = site('wordpress.conf', %options of RL::Httpd);      # a server that includes conf/examples/wordpress.conf as it is,
#                                                               # with HTTP/1.1 on its first port, HTTP/2 and TLS on the second
#   my $owner = person($s, from => '192.0.2.10');               # Apps::Person
#   my $seen = browse($s, '/album/', %options of Apps::Chromium);    # 'denied of requests' in a real browser, over both
#   my @list = passwords('right one', 180);                     # 200 passwords, the right one as the 180th
#   guessing($s, 'hydra') > 20                                  # of the access log: the guesses that were let through
#   result('WordPress', guesses => 10, found => 'no', browsing => '0 of 130', attacked => '0 of 60');    # a line of the table

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter ();
use File::Basename qw(dirname);

use Apps::Chromium;
use Apps::MariaDB;
use Apps::Person;
use POSIX ();
use RL::Httpd ();
use RL::Test;

our @EXPORT = (@RL::Test::EXPORT, qw(site person browser browse passwords guess_with hydra hydra_begin hydra_end hydra_works ways_around knows_nobody let_through png album result example));

my $TOP = abs_path(dirname(__FILE__) . '/../../..');

sub import {
    strict->import;
    warnings->import;
    Test::More->export_to_level(1);
    goto &Exporter::import;
}

sub example { my ($file) = @_; return ($ENV{RL_APPS_EXAMPLES} // "$TOP/conf/examples") . "/$file" }

# Options besides those of RL::Httpd: before, after => text around the Include. Without a file: no rules.
sub site {
    my ($file, %o) = @_;
    my ($before, $after) = map { delete $o{$_} // '' } qw(before after);
    my $include = defined $file ? 'Include "' . example($file) . "\"\n" : '';
    my $modules = [ qw(ssl socache_shmcb), @{ delete $o{modules} // [] } ];
    my %files = (certificate(), %{ delete $o{files} // {} });
    return httpd(<<"END", modules => $modules, files => \%files, workers => 128, %o);
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
RateLimitExempt 203.0.113.0/24
RateLimitSecret "a secret of the tests"
Protocols h2 http/1.1
H2Direct on
<VirtualHost *:\${PORT2}>
    SSLEngine on
    SSLCertificateFile "\${ROOT}/conf/tls.pem"
</VirtualHost>
<VirtualHost *:\${PORT}>
</VirtualHost>
$before
$include
$after
END
}

my $pem;

sub certificate {
    $pem //= `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout - 2>/dev/null`;
    die "openssl made no certificate\n" if $pem !~ /BEGIN CERT/;
    return ('conf/tls.pem' => $pem);
}

sub person { my ($s, %o) = @_; return Apps::Person->new($s, %o) }

# ---- browsing -------------------------------------------------------------------------------------------------

# A small picture, and a folder of an index page with 40 of them: files for RL::Httpd.
sub png { return pack 'H*', '89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc00000030101'
    . '0018dd8db00000000049454e44ae426082' }

sub album {
    my ($folder) = @_;
    my $images = join "\n", map { qq(<img src="$_.png" alt="">) } 1 .. 40;
    return ("$folder/index.html" => "<!DOCTYPE html><title>album</title>\n$images\n", map { ("$folder/$_.png" => png()) } 1 .. 40);
}

sub browser { my ($s, %o) = @_; return Apps::Chromium->start($s, %o) }

# Opens pages in a browser, over HTTP/1.1 and over HTTP/2, a fresh browser each; `sign_in` gets (browser, origin) first. Says
# 'DENIED of ALL' requests; diag() tells which, and it fails where nothing came by the protocol.
sub browse {
    my ($s, $pages, %o) = @_;
    my $sign_in = delete $o{sign_in};
    my ($denied, $all) = (0, 0);
    for my $way ([ 'http/1.1', 'http://127.0.0.1:' . $s->port ], [ h2 => 'https://127.0.0.1:' . $s->port2 ]) {
        my ($protocol, $origin) = @$way;
        my $b = browser($s, %o);
        $sign_in->($b, $origin) if $sign_in;
        $b->open("$origin$_") for ref $pages ? @$pages : $pages;
        my @refused = grep { !/favicon/ } $b->refused;
        Test::More::diag("$protocol: $_") for @refused;
        Test::More::ok($b->protocols->{$protocol}, "the browser spoke $protocol");
        $denied += @refused;
        $all += $_ for values %{ $b->statuses };
        $b->stop;
    }
    return "$denied of $all";
}

# ---- guessing -------------------------------------------------------------------------------------------------

# 200 passwords, the right one at its place.
sub passwords {
    my ($right, $place) = @_;
    my @list = map { "guess$_" } 1 .. 200;
    $list[ $place - 1 ] = $right;
    return @list;
}

# Gives each of the list to `try`, which says whether it got in; how many it takes to get in, 0 if it never did.
sub guess_with {
    my ($try, @list) = @_;
    for my $n (1 .. @list) { return $n if $try->($list[ $n - 1 ]) }
    return 0;
}

# hydra with a list: hydra($s, 'http-post-form', '/login:user=^USER^&password=^PASS^', 'S=welcome', 'admin', @list). Options in
# front as a hash: from, tag, tasks, headers => [more]. The passwords that it says are right.
sub hydra { return hydra_end(hydra_begin(@_)) }

my $hydras = 0;

# The same, while something else goes on: the attack is under way until hydra_end().
sub hydra_begin {
    my $o = ref $_[0] eq 'HASH' ? shift : {};
    my ($s, $module, $what, $condition, $name, @list) = @_;
    my $dir = 'guesser' . ++$hydras;
    my $words = $s->write("$dir/words", join '', map { "$_\n" } @list);
    my %headers = ('X-Client' => $o->{from} // '198.51.100.7', 'X-Test-Id' => $o->{tag} // 'hydra', @{ $o->{headers} // [] });
    my $headers = join '', map { ":H=$_\\: " . $headers{$_} =~ s/:/\\:/gr } sort keys %headers;
    my $attack = { dir => $s->root . "/$dir" };
    $attack->{pid} = fork // die "fork: $!";
    return $attack if $attack->{pid};
    chdir $attack->{dir};
    open STDIN,  '<', '/dev/null';
    open STDOUT, '>', 'said';
    open STDERR, '>&', \*STDOUT;
    { exec 'hydra', '-I', '-V', '-l', $name, '-P', $words, '-o', 'found', '-t', $o->{tasks} // 4, '-s', $s->port, '127.0.0.1',
          $module, "$what$headers:$condition" }
    POSIX::_exit(127);
}

sub hydra_end {
    my ($attack) = @_;
    waitpid $attack->{pid}, 0;
    Test::More::diag(slurp("$attack->{dir}/said")) if $? != 0 && slurp("$attack->{dir}/said") !~ /valid password/;
    return map { /password: (.*)/ ? $1 : () } split /\n/, slurp("$attack->{dir}/found");
}

# Whether a guesser who may do as he likes finds the right password with this tool at all: otherwise it proves nothing.
# Addresses of 203.0.113.0/24 are exempt on a site().
sub hydra_works {
    my (@what) = @_;
    my $o = ref $what[0] eq 'HASH' ? shift @what : {};
    my $right = pop @what;
    my @found = hydra({ %$o, from => '203.0.113.9', tag => 'exempt' }, @what, 'guess-a', 'guess-b', $right);
    return Test::More::is("@found", $right, 'hydra finds the right password where nothing stops it');
}

# Tricks, each with twenty guesses of wrong passwords from as many networks and the right one at the end. `checked` says how many passwords
# the application has looked at. A trick is [ name => sub (person, password, number) { ... }, most ]: what it does must not make the application
# look at more than `most` passwords (0). Gives how many were looked at, of how many.
sub ways_around {
    my ($s, $checked, $right, @tricks) = @_;
    my ($sum, $all, $network) = (0, 0, 0);
    for my $trick (@tricks) {
        my ($name, $try, $most) = @$trick;
        my $before = $checked->();
        $network++;
        for my $n (1 .. 21) {
            my $p = person($s, from => "10.$network.$n.1", tag => 'trick');
            $try->($p, $n == 21 ? $right : "guess$n", $n);
        }
        my $looked_at = $checked->() - $before;
        Test::More::cmp_ok($looked_at, '<=', $most // 0, "$name: " . ($most // 0) . ' guesses at most are looked at');
        Test::More::note("  $looked_at were") if $looked_at;
        $sum += $looked_at;
        $all += 21;
    }
    return "$sum of $all";
}

# What somebody who is signed in as another may send to be known as the owner of an account, or to clear its counter. A way is
# [ name => sub (person) { ... } ]; each has a fresh person with the cookies in `jar`, but not that of a known browser. None may get that cookie.
sub knows_nobody {
    my ($s, $jar, @ways) = @_;
    my $n = 0;
    for my $way (@ways) {
        my ($name, $try) = @$way;
        my $p = person($s, from => '172.24.' . $n++ . '.1', jar => {%$jar});
        $p->forget('ratelimit-known');
        $try->($p);
        Test::More::is($p->cookie('ratelimit-known'), undef, "$name: of somebody who is signed in as another makes no browser known");
    }
    return;
}

# The lines of the access log with a tag that were let through; `want` looks at a line (status, method, uri ...).
sub let_through {
    my ($s, $tag, $want) = @_;
    my @lines = grep { $_->{id} eq $tag && $_->{state} ne 'denied' } $s->access(0, 1);
    return scalar grep { !$want || $want->($_) } @lines;
}

# ---- the table --------------------------------------------------------------------------------------------------

# A line of the table: of 200 guesses, how many reached the application; whether the right password was found; what was denied
# to a good user who browsed, and to the owner while the attack went on.
sub result {
    my ($what, %r) = @_;
    my $line = sprintf '%-34s | %-7s | %-5s | %-12s | %-12s', $what, map { $r{$_} // '' } qw(guesses found browsing attacked);
    Test::More::note($line);
    if (my $file = $ENV{RL_APPS_RESULTS}) {
        open my $fh, '>>', $file or die "$file: $!";
        print {$fh} "$line\n";
        close $fh;
    }
    return;
}

1;
