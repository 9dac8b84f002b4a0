# SPDX-License-Identifier: Apache-2.0
# RateLimitStore shm file=: counters outlive a stop, a killed server, reloads; a file that doesn't fit is set aside, and
# nothing in it is believed.
use RL::Test;
use File::Temp ();
use JSON::PP ();
use POSIX ();
use RL::Memcached;
use RL::Status;

my $dir  = File::Temp::tempdir('rl-file-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my $path = "$dir/table";
my $HEAD = 65536 + 4096;
my $root = $> == 0;

my $rules = <<'END';
LogLevel ratelimit_cache:info
<Location /ok/window>
    RateLimit window 5/30d
</Location>
<Location /ok/sliding>
    RateLimit sliding 5/30d algorithm=sliding-window
</Location>
<Location /ok/bucket>
    RateLimit bucket 5/30d algorithm=token-bucket
</Location>
<Location /ok/first>
    RateLimit first 5/30d window=first
</Location>
<Location /ok/penalty>
    RateLimit penalty 2/s penalty=1h
</Location>
<Location /ok/key>
    RateLimit key 1000/30d key=query:k
</Location>
<Location /ok/exempt>
    RateLimit exempt 1/30d
</Location>
END
$rules .= statuspage();
my $places = qr/window|sliding|bucket|first/;
my @places = qw(window sliding bucket first);

sub store { my ($options) = @_; return "RateLimitStore shm size=4M $options\n" }

# A server with its table in the file, and the lines that it wrote at its start.
sub start_with {
    my ($options, %o) = @_;
    my $s = httpd(store($options) . $rules, cgi => 0, %o);
    return $s if !wantarray;
    return ($s, join "\n", grep { /ratelimit/ } $s->log_lines(0));
}

# What a server logs that doesn't start; '' if it does.
sub refusal {
    my ($options, %o) = @_;
    my $said = eval { my $s = httpd(store($options) . $rules, cgi => 0, %o); $s->stop; '' };
    return defined $said ? '' : join "\n", grep { /ratelimit/ } split /\n/, $@;
}

sub deed {
    my ($s, @fields) = @_;
    my $token = figures($s)->{token};
    my @pairs = (token => $token, @fields);
    my @form;
    while (my ($name, $value) = splice @pairs, 0, 2) { push @form, "$name=" . $value =~ s/([^\w.:-])/sprintf '%%%02X', ord $1/ger }
    return request($s, 'POST', '/rl?format=json', body => join('&', @form),
        headers => [ 'Content-Type' => 'application/x-www-form-urlencoded' ]);
}

sub read_at {
    my ($at, $n) = @_;
    my $bytes;
    open my $fh, '<:raw', $path or die "$path: $!";
    sysseek $fh, $at, 0;
    sysread $fh, $bytes, $n;
    return $bytes;
}

sub write_at {
    my ($at, $bytes) = @_;
    open my $fh, '+<:raw', $path or die "$path: $!";
    sysseek $fh, $at, 0;
    syswrite $fh, $bytes;
    close $fh or die "$path: $!";
    return;
}

# ---- a stop, and a start ------------------------------------------------------------------------------------
my $s = start_with("file=$path");
is sprintf('%04o', (stat $path)[2] & 07777), '0600', 'the file is its owner\'s alone';
is -s $path, $HEAD + 4 * 1024 * 1024, 'the file has the table and a head';
is((stat _)[12] * 512 >= -s _ ? 1 : 0, 1, 'all blocks of the file are reserved');
is statuses($s, 3, "/ok/$_"), '200 200 200', "$_: three of five are admitted" for @places;
statuses($s, 8, '/ok/penalty');
is status($s, '/ok/penalty'), 429, 'a penalty has begun';
is statuses($s, 2, '/ok/exempt'), '200 429', 'a key is at its limit';
like deed($s, action => 'exempt', rule => 'exempt', key => 'ip=127.0.0.1', for => '1h')->body, qr/exempted for 1h/, '... and is exempted by hand';
my (undef, $before) = logged($s, 'GET', '/ok/key?k=secret-value');
$s->stop;
# The second of the rule with a penalty is over by now, or isn't yet.
like $s->start_again, qr/counters of \d+ keys go on from \Q$path\E, whose last server was stopped; [01] have expired, and 0 were damaged/,
    'a start after a stop says that counters go on';
limit_is $s, 2, "/ok/$_", "$_: after a stop and a start" for @places;
is status($s, '/ok/penalty'), 429, 'a penalty holds after a stop and a start';
is statuses($s, 3, '/ok/exempt'), '200 200 200', 'a key that was exempted is exempt after a stop and a start';
my (undef, $after) = logged($s, 'GET', '/ok/key?k=secret-value');
is $after->{key}, $before->{key}, 'the random secret is kept: a key has the same tag after a stop and a start';
is $after->{remaining}, $before->{remaining} - 1, '... and one unit less';
is index(slurp($path), 'secret-value'), -1, 'no value of a key is in the file';

# ---- kill -9 ------------------------------------------------------------------------------------------------
$s->kill_all;
like $s->start_again, qr/whose last server was killed; [01] have expired, and 0 were damaged/, 'a start after kill -9 says so';
is status($s, "/ok/$_"), 429, "$_: after kill -9 of all" for @places;
(undef, $after) = logged($s, 'GET', '/ok/key?k=secret-value');
is $after->{remaining}, $before->{remaining} - 2, 'no unit is lost by kill -9';

# The parent alone: its children serve on.
my @orphans = $s->children;
my $parent = $s->{pid};
kill KILL => $parent;
waitpid $parent, 0;
$s->{pid} = 0;
kill KILL => @orphans;
unlike $s->start_again, qr/in use/, 'after kill -9 of the parent the file is free';
is status($s, '/ok/window'), 429, 'after kill -9 of the parent counters go on';

# A daemon that httpd has forked off and that lives on, such as cgid's, doesn't keep the file.
$s->stop;
my $cgi = start_with("file=$path", cgi => 1);
my %serving = map { $_ => 1 } $cgi->serving;
my @daemons = grep { !$serving{$_} } $cgi->children;
kill KILL => $cgi->{pid}, keys %serving;
waitpid $cgi->{pid}, 0;
$cgi->{pid} = 0;
is refusal("file=$path"), '', 'a daemon of a server that was killed doesn\'t keep the file';
kill KILL => @daemons;
$s->start_again;

# ---- reloads ------------------------------------------------------------------------------------------------
$s->graceful;
(undef, $after) = logged($s, 'GET', '/ok/key?k=secret-value');
is $after->{remaining}, $before->{remaining} - 3, 'graceful: counters go on';
$s->reload;
(undef, $after) = logged($s, 'GET', '/ok/key?k=secret-value');
is $after->{remaining}, $before->{remaining} - 4, 'reload: counters go on';
like refusal("file=$path"), qr/file=\Q$path\E is in use by another server/, 'after a reload the file is still this server\'s';

my $from = $s->log_mark;
$s->set_conf(store("file=$dir/other") . $rules);
$s->graceful;
like join("\n", $s->log_lines($from)), qr/warn.*file= of RateLimitStore is now \Q$dir\E\/other, but the table stays in \Q$path\E/, 'a reload with another file= is warned of';
is status($s, '/ok/window'), 429, '... and counters stay';
ok !-e "$dir/other", '... and no other file is made';
$from = $s->log_mark;
$s->set_conf($rules);
$s->graceful;
like join("\n", $s->log_lines($from)), qr/warn.*file= of RateLimitStore is now gone, but the table stays in \Q$path\E/, 'a reload without file= is warned of';
$s->set_conf(store("file=$path") . $rules);
$s->graceful;
$s->stop;
like $s->start_again, qr/was stopped;/, 'a stop after reloads is one in order';
$s->stop;

# ---- under load ---------------------------------------------------------------------------------------------
$s->set_conf(store("file=$path") . $rules . "<Location /ok/load>\nRateLimit load 100/30d\n</Location>\n");
$s->start_again;
my @answers;
for my $end (sub { $s->stop }, sub { $s->kill_all }, sub { $s->stop }, sub { $s->kill_all }) {
    push @answers, parallel($s, 40, '/ok/load', in_flight => $end);
    $s->start_again;
}
push @answers, map { request($s, 'GET', '/ok/load') } 1 .. 102;
my $h = histogram(@answers);
cmp_ok $h->{200}, '<=', 100, 'stops and kills under load: never more than the limit' or diag explain $h;
cmp_ok $h->{200}, '>=', 100 - ($h->{0} // 0), 'stops and kills under load: not less than the limit, but for what was not answered' or diag explain $h;
cmp_ok $h->{429}, '>=', 1, 'stops and kills under load: the limit is reached';
$s->stop;

# ---- with memcached -----------------------------------------------------------------------------------------
my $m = RL::Memcached->start;
my $host = '<VirtualHost *:${PORT2}>' . "\nServerName two.test\nRateLimitStore memcached " . $m->address . "\n</VirtualHost>\n";
$s->set_conf(store("file=$path") . $rules . $host);
$s->start_again;
is statuses($s, 3, '/ok/window', port => $s->port2), '200 200 200', 'a virtual host with memcached: three of five are admitted';
$s->kill_all;
$s->start_again;
limit_is $s, 2, '/ok/window', 'a virtual host with memcached: after kill -9', port => $s->port2;
$s->kill_all;
$s->start_again;
is status($s, '/ok/window', port => $s->port2), 429, 'a virtual host with memcached: at its limit after kill -9';
$s->stop;

# ---- files that don't fit -----------------------------------------------------------------------------------
my $good = slurp($path);

# Puts the good file back, spoils it, and starts: what is said, whether counters start anew, and what became of the file.
sub set_aside {
    my ($name, $spoil, $reason, %o) = @_;
    unlink $path, "$path.aside";
    open my $fh, '>:raw', $path or die $!;
    print {$fh} $good;
    close $fh or die $!;
    chmod 0600, $path;
    $spoil->();
    my ($t, $said) = start_with($o{options} // "file=$path");
    like $said, qr/warn.*\Q$path\E doesn't fit, so it is now \Q$path\E\.aside, and all counters start anew: $reason/, "$name: is told";
    limit_is $t, 5, '/ok/window', $name;
    ok -l "$path.aside" || -e "$path.aside", "$name: it is set aside";
    is sprintf('%04o', (lstat $path)[2] & 07777), '0600', "$name: another is made";
    $t->stop;
    like $t->start_again, qr/counters of 1 keys go on/, "$name: the new one is good";
    $t->stop;
    return;
}

set_aside('a truncated file', sub { truncate $path, $HEAD + 1_000_000 }, qr/it is shorter or longer/);
set_aside('a file cut within its head', sub { truncate $path, 100 }, qr/it has no head/);
set_aside('a longer file', sub { truncate $path, $HEAD + 8 * 1024 * 1024 }, qr/it is shorter or longer/);
set_aside('another version', sub { write_at(16, pack 'L', 7) }, qr/it is of another version/);
set_aside('another byte order', sub { write_at(20, scalar reverse read_at(20, 4)) }, qr/it was made on another kind of processor/);
set_aside('a damaged head', sub { write_at(90, chr(ord(read_at(90, 1)) ^ 4)) }, qr/its head is damaged/);
set_aside('a head of zeros', sub { write_at(0, "\0" x 512) }, qr/it is no table of counters/);
set_aside('something else', sub { write_at(0, "#!/bin/sh\n") }, qr/it is no table of counters/);
set_aside('another size=', sub { }, qr/it was made with another size=/, options => "size=6M file=$path");
set_aside('another tenants=', sub { }, qr/it was made with another tenants=/, options => "tenants=50% file=$path");
set_aside('a file that others may read', sub { chmod 0644, $path }, qr/its mode isn't 0600/);
set_aside('a file with another name', sub { link $path, "$dir/second" or die $! }, qr/it has another name.*hard link/);
unlink "$dir/second";
set_aside('a file of long ago', sub { utime time, time - 2 * 365 * 86400, $path }, qr/nobody has used it for a year/);
set_aside('a symbolic link', sub { rename $path, "$dir/target"; symlink "$dir/target", $path or die $! }, qr/it is a symbolic link/);
is -s "$dir/target", length $good, 'a symbolic link: what it leads to is left alone';
set_aside('a pipe', sub { unlink $path; POSIX::mkfifo($path, 0600) or die $! }, qr/it is no regular file/);
SKIP: {
    skip 'only root can give files away', 1 if !$root;
    set_aside('another user\'s file', sub { chown 65534, -1, $path }, qr/it belongs to another user/);
}

unlink $path, "$path.aside";
open my $empty, '>', $path;
close $empty;
chmod 0600, $path;
($s, my $said) = start_with("file=$path");
unlike $said, qr/doesn't fit/, 'an empty file is filled';
$s->stop;

# ---- a clock that was set back ------------------------------------------------------------------------------
unlink $path;
$s = start_with("file=$path");
is statuses($s, 3, '/ok/window'), '200 200 200', 'three of five are admitted';
$s->stop;
utime time, time + 3600, $path;
like $s->start_again, qr/warn.*the clock is 3(?:600|5\d\d) seconds behind the last use of \Q$path\E/, 'a clock that was set back is told';
limit_is $s, 2, '/ok/window', 'a clock that was set back';
$s->stop;

# ---- damage in the cells ------------------------------------------------------------------------------------
# Keys with a counter each; then the file is spoiled, and each is asked for again.
sub spoiled {
    my ($name, $spoil) = @_;
    unlink $path;
    my $t = start_with("file=$path");
    status($t, '/ok/window') for 1 .. 5;
    logged($t, 'GET', "/ok/key?k=$_") for 1 .. 40;
    $t->stop;
    $spoil->();
    my $log = $t->start_again;
    my ($kept, $damaged) = $log =~ /counters of (\d+) keys go on.* and (\d+) were damaged/;
    my @units = map { my (undef, $line) = logged($t, 'GET', "/ok/key?k=$_"); 1000 - ($line->{remaining} // 9999) } 1 .. 40;
    is scalar(grep { $_ == 1 || $_ == 2 } @units), 40, "$name: each key has the units it used, or starts anew" or diag "@units";
    my $h = histogram(map { request($t, 'GET', '/ok/window') } 1 .. 8);
    ok !grep({ $_ != 200 && $_ != 429 } keys %$h) && ($h->{200} // 0) <= 5, "$name: a limit is never more than it was" or diag explain $h;
    my $lost = grep { $_ == 1 } @units;
    no_unexpected_log($t, name => "$name: nothing crashes");
    $t->stop;
    like $t->start_again, qr/0 were damaged/, "$name: nothing of it is left for the next start";
    $t->stop;
    return ($kept, $damaged, $lost);
}

my $cells = 4 * 1024 * 1024 / 64;
my ($kept, $damaged, $lost) = spoiled('nothing spoiled', sub { });
is "$kept $damaged $lost", '41 0 0', '41 counters go on';

srand 20;
my $noise = sub { join '', map { pack 'L', int rand 4294967296 } 1 .. $_[0] / 4 };
($kept, $damaged, $lost) = spoiled('random bytes over all cells', sub { write_at($HEAD, $noise->(4 * 1024 * 1024)) });
cmp_ok $kept, '<=', 8, 'random bytes over all cells: nearly none looks like a counter';
cmp_ok $damaged, '>=', $cells - 100, '... and nearly all are found out';
is $lost, 40, '... all keys start anew';

($kept, $damaged, $lost) = spoiled('random bytes over half of the sectors', sub { write_at($HEAD + 1024 * $_, $noise->(512)) for 0 .. 4095 });
cmp_ok $lost, '<', 40, 'random bytes over half of the sectors: the other half goes on';
cmp_ok $lost, '>', 0, '... and what was hit starts anew';

($kept, $damaged, $lost) = spoiled('sectors of zeros', sub { write_at($HEAD + 1024 * $_, "\0" x 512) for 0 .. 4095 });
is $damaged, 0, 'sectors that were never written are no damage';

# One sector is older than its neighbours: a cell is there twice, or has other neighbours.
spoiled('sectors that have changed places', sub {
    for my $n (0 .. 2047) {
        my $pair = read_at($HEAD + 2048 * $n, 1024);
        write_at($HEAD + 2048 * $n, substr($pair, 512) . substr($pair, 0, 512));
    }
});
spoiled('one sector all over', sub {
    my $all = slurp($path);
    my ($at) = grep { substr($all, $_, 512) =~ /[^\0]/ } map { $HEAD + 512 * $_ } 0 .. 8191;
    write_at($HEAD, substr($all, $at, 512) x 8192);
});
spoiled('random words in sound cells', sub {
    my $all = slurp($path);
    for my $at (map { $HEAD + 64 * $_ } 0 .. $cells - 1) {
        next if substr($all, $at, 8) !~ /[^\0]/;
        write_at($at + 8, $noise->(16));
        write_at($at + 32, $noise->(32));
    }
});
spoiled('a state that was never so', sub { write_at(65536, "\xff" x 4096) });

# ---- secrets ------------------------------------------------------------------------------------------------
unlink $path;
sub tag { my ($t) = @_; my (undef, $line) = logged($t, 'GET', '/ok/key?k=one'); $t->stop; return $line->{key} }
my $own = tag(scalar start_with("file=$path"));
is tag(scalar start_with("file=$path")), $own, 'without a RateLimitSecret the file\'s own is used';
my $of_secret = tag(httpd("RateLimitSecret sixteen-bytes-or-more\n" . store('') . $rules, cgi => 0));
($s, $said) = do { my $t = httpd("RateLimitSecret sixteen-bytes-or-more\n" . store("file=$path") . $rules, cgi => 0); ($t, join "\n", $t->log_lines(0)) };
like $said, qr/hashed with another RateLimitSecret/, 'with a RateLimitSecret counters that were hashed with the file\'s own are set aside';
is tag($s), $of_secret, 'with a RateLimitSecret the file\'s own isn\'t used';
like $s->start_again, qr/counters of 1 keys go on/, 'with a RateLimitSecret counters go on';
$s->set_conf("RateLimitSecret another-sixteen-bytes\n" . store("file=$path") . $rules);
$s->graceful;
logged($s, 'GET', '/ok/key?k=one');
$s->stop;
unlike $s->start_again, qr/doesn't fit/, 'a RateLimitSecret that has changed with a reload is that of the file';
$s->stop;

# ---- what httpd refuses -------------------------------------------------------------------------------------
unlink $path, "$path.aside";
like refusal("size=64M file=$path", under => [ 'sh', '-c', 'ulimit -f 16384 && exec "$@"', 'sh' ]), qr/crit.*File too large.*file=\Q$path\E has no room for the table/, 'no room for the file: httpd doesn\'t start, and says why';
ok !-e $path, '... and leaves no part of it';
SKIP: {
    my $small = "$dir/small";
    mkdir $small;
    skip 'no right to mount a file system', 2 if !$root || system("mount -t tmpfs -o size=2m none '$small' 2>/dev/null") != 0;
    like refusal("file=$small/table"), qr/No space left.*has no room for the table/, 'a full disk: httpd doesn\'t start, and says why';
    ok !-e "$small/table", '... and leaves no part of it';
    system "umount '$small'";
}
mkdir "$path.aside";
open my $fh, '>', $path;
print {$fh} 'x' x 100_000;
close $fh;
chmod 0600, $path;
like refusal("file=$path"), qr/can't be renamed to its name with \.aside/, 'a file that can\'t be set aside stops the start';
rmdir "$path.aside";
unlink $path;

my $one = start_with("file=$path");
statuses($one, 3, '/ok/window');
like refusal("file=$path"), qr/is in use by another server/, 'a second server on the same file is refused';
limit_is $one, 2, '/ok/window', 'the first server goes on';
$one->stop;

config_error(store("file=$dir/none/table"), 'RateLimitStore', "file=$dir/none/table", 'a directory that isn\'t there', qr/\Q$dir\E\/none: No such file/);
config_error(store("file=$dir"), 'RateLimitStore', "file=$dir", 'a directory', qr/is a directory/);
config_error(store("file=$0/table"), 'RateLimitStore', '/table', 'a file in a file');
config_error(store('file='), 'RateLimitStore', 'file=', 'no path', qr/must be the path of a file/);
config_error(store("file=$path") . "<VirtualHost *:1>\n" . store("file=$dir/other") . "</VirtualHost>\n", 'RateLimitStore', "file=$dir/other", 'two files', qr/\Q$path\E/);
config_error("RateLimitStore memcached 127.0.0.1 file=$path\n", 'RateLimitStore', "file=$path", 'a file with memcached', qr/not an option/);
config_ok(store("file=$path") . "<VirtualHost *:1>\n" . store("file=$path") . "</VirtualHost>\n", 'the same file in two RateLimitStores');
config_ok(store('file=logs/table'), 'a path relative to ServerRoot');
ok !grep({ -e } "$dir/other", "$dir/none"), 'httpd -t makes no file';

finish allow => qr/\[ratelimit_cache:(?:warn|notice)\]/;
