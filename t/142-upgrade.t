# SPDX-License-Identifier: Apache-2.0
# A graceful reload that loads another build of the module, as an upgrade does: if the cells of the table mean something
# else to it, it counts in a table of its own, and says so once; if they don't, counters go on.
use RL::Test;
use File::Copy qw(copy);
use File::Temp ();

my $dir   = File::Temp::tempdir('rl-upgrade-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my $other = ($ENV{RL_OUT} // 'out') . '/t/other-version/mod_ratelimit_cache.so';
my $told  = qr/another version of mod_ratelimit_cache, which can't read the table/;

sub conf { my ($options) = @_; return "RateLimitStore shm size=1M $options\n<Location /ok/five>\n    RateLimit five 5/30d\n</Location>\n" }

# Puts another build of the module where the server's is, and reloads; what it logs. Never written over: it is mapped.
sub upgrade {
    my ($s, $to) = @_;
    my $from = $s->log_mark;
    copy($to, "$dir/new") and rename("$dir/new", "$dir/module.so") or die $!;
    $s->graceful;
    return join "\n", grep { /ratelimit/ } $s->log_lines($from);
}

my $built = RL::Conf::module();
copy($built, "$dir/module.so") or die $!;
$ENV{RL_MODULE} = "$dir/module.so";
for my $how ('memory', 'a file') {
    my $path = "$dir/table";
    my $s = httpd(conf($how eq 'memory' ? '' : "file=$path"), mpm => 'event');
    is statuses($s, 3, '/ok/five'), '200 200 200', "$how: three of five";
    unlike upgrade($s, $built), $told, "$how: the same version again: nothing is said";
    is statuses($s, 3, '/ok/five'), '200 200 429', "$how: ... and counters go on";

    my $said = upgrade($s, $other);
    is scalar(() = $said =~ /$told/g), 1, "$how: another version says once that counters start anew" or diag $said;
    is statuses($s, 6, '/ok/five'), '200 200 200 200 200 429', "$how: ... and they do";
    unlike upgrade($s, $other), $told, "$how: a reload of that version says nothing";
    is status($s, '/ok/five'), 429, "$how: ... and its counters go on";
    like upgrade($s, $built), $told, "$how: the way back is the same";
    is status($s, '/ok/five'), 200, "$how: ... with a table of its own";
    if ($how eq 'a file') {
        ok -e "$path.aside", "$how: the table that doesn't fit is set aside";
        $s->stop;
        my $from = $s->log_mark;
        $s->start;
        $s->wait_log($from, qr/resuming normal operations/);
        like join("\n", $s->log_lines($from)), qr/counters of 1 keys go on from \Q$path\E, whose last server was stopped; 0 have expired, and 0 were damaged/, "$how: a stop and a start go on with the new one";
    }
    $s->stop;
}

finish allow => qr/\[ratelimit_cache:(?:warn|notice)\]/;
