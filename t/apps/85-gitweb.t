# SPDX-License-Identifier: Apache-2.0
# gitweb, Debian's package, under a flood from thousands of addresses that each ask for one page, and one person who clicks
# through: how long he waits without rules, with COUNT/concurrent, with a challenge for strangers, and with
# conf/examples/gitweb.conf. Few workers, as a small machine has.
use Apps;
use POSIX ();
use Time::HiRes qw(sleep time);

my $GITWEB  = '/usr/lib/cgi-bin/gitweb.cgi';
my $WORKERS = 12;
my $FLOOD   = 6;      # requests of the flood that are under way at any time
my $CLICKS  = 12;
my $html    = 'text/html,*/*;q=0.8';

# A repository with some history, made in a server's directory.
sub repository {
    my ($s) = @_;
    my $dir = $s->root . '/git/project.git';
    my $script = <<'END';
set -e
git init -q -b main "$1.work"
cd "$1.work"
git config user.name a; git config user.email a@example.org
i=0
while [ $i -lt 60 ]; do
    seq $i $((i + 400)) >"file$((i % 7))"
    git add .
    git commit -q -m "change $i"
    i=$((i + 1))
done
git clone -q --bare . "$1"
chmod -R a+rX "$1"
END
    open my $sh, '|-', 'sh', '-s', $dir or die "sh: $!";
    print {$sh} $script;
    close $sh or die "no repository\n";
    $s->write('conf/gitweb.conf', qq(\$projectroot = "@{[ $s->root ]}/git";\n\$feature{'pathinfo'}{'default'} = [0];\n1;\n));
    return;
}

my @PAGES = ('/gitweb?p=project.git', map { "/gitweb?p=project.git;a=$_" } qw(shortlog log tree heads summary commitdiff));
my $base = <<"END";
ScriptAlias /gitweb "$GITWEB"
SetEnv GITWEB_CONFIG "\${ROOT}/conf/gitweb.conf"
SetEnv HOME /nonexistent
<Directory /usr/lib/cgi-bin>
    Require all granted
</Directory>
END

# Keeps the flood going until it is told to stop: each request from another address.
sub flood {
    my ($s) = @_;
    return map {
        my $me = $_;
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            for (my $i = 0; ; $i++) {
                my $from = join '.', 10, $me, $i >> 8 & 255, $i & 255;
                my $status = eval { request($s, 'GET', $PAGES[ ($me + $i) % @PAGES ], from => $from, headers => [ Accept => $html, 'X-Test-Id' => 'flood' ])->status } // 0;
                sleep 0.1 if $status == 429;    # a crawler does something else meanwhile
            }
        }
        $pid;
    } 1 .. $FLOOD;
}

# Clicks through; the seconds that each page took, and how many were denied.
sub click {
    my ($s, $p) = @_;
    my (@took, $denied);
    for my $i (0 .. $CLICKS - 1) {
        my $began = time;
        my $r = $p->request('GET', $PAGES[ $i % @PAGES ], headers => [ Accept => $html ], timeout => 120);
        push @took, time - $began;
        $denied++ if $r->status == 429;
        sleep 0.3;
    }
    @took = sort { $a <=> $b } @took;
    return ($took[ @took / 2 ], $took[-1], $denied // 0);
}

sub press {
    my ($p) = @_;
    my ($token) = $p->request('GET', $PAGES[0], headers => [ Accept => $html ])->body =~ /name="token" value="([\w-]+)"/ or return 0;
    return $p->request('POST', '/.ratelimit/pass', body => "token=$token", headers => [ 'Content-Type' => 'application/x-www-form-urlencoded' ])->status == 303;
}

# Name, rules, whether the person presses a button first.
my @ways = (
    [ 'without a flood' => '', 0, 0 ],
    [ 'no rules' => '', 1, 0 ],
    [ '3/concurrent' => '<Location /gitweb>' . "\n    RateLimit pages 3/concurrent key=all wait=10s queue=4\n</Location>\n", 1, 0 ],
    [ 'a challenge for strangers' => '<Location /gitweb>' . "\n    RateLimit strangers 20/10m key=all action=challenge \"when=%{env:RATELIMIT_PASS} != 'good'\"\n</Location>\n", 1, 1 ],
    [ 'busy=, a challenge meanwhile' => "RateLimitBusy workers=40%\n<Location /gitweb>\n"
        . "    RateLimit strangers 1000/10m busy=20 key=all action=challenge \"when=%{env:RATELIMIT_PASS} != 'good'\"\n</Location>\n", 1, 1 ],
    [ 'gitweb.conf' => "Define GITWEB_ENFORCE\nInclude \"" . example('gitweb.conf') . "\"\n", 1, 1 ],
);
note sprintf '%-28s | %8s | %8s | %6s | %s', 'gitweb under a flood', 'median s', 'worst s', 'denied', 'pages made for the flood';
for my $way (@ways) {
    my ($name, $rules, $flooded, $presses) = @$way;
    my $s = site(undef, after => $base . $rules, workers => $WORKERS, mpm => 'prefork');
    repository($s);
    is request($s, 'GET', $PAGES[0])->status, 200, "$name: gitweb answers";
    my @flood = $flooded ? flood($s) : ();
    sleep 3 if $flooded;
    my $p = person($s, from => '198.51.100.9', tag => 'person');
    ok press($p), "$name: the person presses the button" if $presses && await(20, sub { $p->request('GET', $PAGES[0], headers => [ Accept => $html ])->status == 429 });
    my ($median, $worst, $denied) = click($s, $p);
    kill 'KILL', @flood;
    waitpid $_, 0 for @flood;
    my $made = scalar grep { $_->{id} eq 'flood' && $_->{status} == 200 } $s->access(0, 1);
    note sprintf '%-28s | %8.2f | %8.2f | %6d | %d', $name, $median, $worst, $denied, $made;
    is $denied, 0, "$name: the person is never denied" if $name ne '3/concurrent';    # that protects the machine, not the person
    $s->stop;
}
finish;
