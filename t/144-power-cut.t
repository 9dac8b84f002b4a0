# SPDX-License-Identifier: Apache-2.0
# RateLimitStore shm file=: stops and kills under load, after which the count goes on exactly; and what a power cut leaves,
# as far as it can be made: pages of the file that are of different moments, some never written, some noise.
# SEED=n: another one (1).
use RL::Test;
use File::Temp ();

my $dir   = File::Temp::tempdir('rl-cut-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my $path  = "$dir/table";
my $seed  = $ENV{SEED} // 1;
my $HEAD  = 65536 + 4096;    # of which the first part is written whole
my $PAGE  = 4096;
my $KEYS  = 60;
my $rules = <<"END";
LogLevel ratelimit_cache:info
RateLimitStore shm size=1M file=$path
<Location /ok/key>
    RateLimit key 1000000/30d key=query:k
</Location>
<Location /ok/five>
    RateLimit five 5/30d
</Location>
END

# The parent alone is killed; its children serve on until they are killed, too.
sub kill_parent {
    my ($s) = @_;
    my @orphans = $s->children;
    kill KILL => $s->{pid};
    waitpid $s->{pid}, 0;
    $s->{pid} = 0;
    kill KILL => @orphans;
    return;
}

sub units {
    my ($s, $k) = @_;
    my (undef, $line) = logged($s, 'GET', "/ok/key?k=$k");
    return 999_999 - ($line->{remaining} // 1_000_000);
}

# ---- under load ------------------------------------------------------------------------------------------------------
my $s = httpd($rules, cgi => 0);
like join("\n", $s->log_lines(0)), qr/:info\].*the table has pages of \d+ kB: a file has no others/, 'the log says what pages the table has';
my ($answered, $lost) = (0, 0);
for my $case ([ 'a stop', sub { $s->stop } ], [ 'kill -9 of all', sub { $s->kill_all } ], [ 'a stop again', sub { $s->stop } ], [ 'kill -9 of the parent', \&kill_parent ]) {
    my ($name, $end) = @$case;
    my $h = histogram(parallel($s, 50, '/ok/key?k=load', in_flight => sub { $end->($s) }));
    $answered += $h->{200} // 0;
    $lost     += $h->{0} // 0;
    like $s->start_again, qr/0 have expired, and 0 were damaged/, "$name under load: the next start finds no damage";
    my $units = units($s, 'load');
    cmp_ok $units, '>=', $answered, "$name under load: no unit is missing";
    cmp_ok $units, '<=', $answered + $lost, "$name under load: none is there that nobody used";
    $answered = $units + 1;    # the one that asked
    $lost = 0;
}

# ---- power cuts ------------------------------------------------------------------------------------------------------
sub noise { return join '', map { pack 'L', int rand 4294967296 } 1 .. $_[0] / 4 }

# One page of the file: of one of the copies, of several, never written, or noise.
sub page {
    my ($at, $copies, $worst) = @_;
    my $any = sub { substr $copies->[ rand @$copies ], $at + $_[0], $_[1] };
    my $kind = $worst ? int rand 12 : 0;
    return $kind == 11 ? noise($PAGE) : $kind == 10 ? "\0" x $PAGE : $kind == 9 ? join('', map { $any->(512 * $_, 512) } 0 .. 7) : $any->(0, $PAGE);
}

for my $cut (0 .. 3) {
    my $worst = $cut % 2;
    my $name  = $worst ? 'a power cut at its worst' : 'a power cut';
    srand $seed * 100 + $cut;
    $s->stop;
    unlink $path;
    $s->start_again;
    is statuses($s, 6, '/ok/five'), '200 200 200 200 200 429', "$name: a key is at its limit";
    my (@copies, %sent);
    for my $round (1 .. 5) {
        my @k = map { 1 + int rand $KEYS } 1 .. 40;
        $sent{$_}++ for @k;
        parallel($s, scalar @k, sub { ('GET', "/ok/key?k=$k[ $_[0] ]") }, in_flight => sub { push @copies, slurp($path) });
    }
    push @copies, slurp($path);
    $s->kill_all;
    my $left = substr $copies[-1], 0, $HEAD - $PAGE;
    $left .= page(length $left, \@copies, $worst) while length $left < length $copies[-1];
    open my $fh, '+<:raw', $path or die "$path: $!";
    print {$fh} $left;
    close $fh or die "$path: $!";

    my ($kept, $damaged) = $s->start_again =~ /counters of (\d+) keys go on from \Q$path\E, whose last server was killed; 0 have expired, and (\d+) were damaged and start anew/;
    cmp_ok $kept // 0, '>', 10, "$name: counters go on";
    $worst ? cmp_ok($damaged, '>', 500, "$name: noise is found out") : is($damaged, 0, "$name: pages of other moments are no damage");
    my %units = map { $_ => units($s, $_) } 1 .. $KEYS;
    my @more = grep { $units{$_} > ($sent{$_} // 0) } keys %units;
    ok !@more, "$name: no key has more units than it used" or diag "@more";
    cmp_ok scalar(grep { $units{$_} == ($sent{$_} // 0) } keys %units), '>', $KEYS / 10, "$name: keys whose page was written have all of them";
    my $h = histogram(map { request($s, 'GET', '/ok/five') } 1 .. 8);
    ok !grep({ $_ != 200 && $_ != 429 } keys %$h) && ($h->{200} // 0) <= 5, "$name: nobody gets more than his limit" or diag explain $h;
    $s->stop;
    like $s->start_again, qr/0 were damaged/, "$name: nothing of it is left for the next start";
}
no_unexpected_log($s, allow => qr/\[ratelimit_cache:(?:warn|notice)\]/);
$s->stop;

finish allow => qr/\[ratelimit_cache:(?:warn|notice)\]/;
