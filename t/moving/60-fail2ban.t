# SPDX-License-Identifier: Apache-2.0
# fail2ban's apache-auth beside ours: a hundred guesses, twenty a second, and then the right password. A fail2ban of our own
# reads the log; what it would tell the firewall it writes into a file, and nothing of an address in there is sent.
use RL::Test;
use Moving;
use Time::HiRes qw(sleep);

my $server = peer('usr/bin/fail2ban-server') or plan skip_all => 'fail2ban is not here: make test-moving';
my $etc = peer('etc/fail2ban');
my ($theirs, $ours) = blocks('apache-auth');

my $there = apache('', rl => 0);
my $dir   = Moving::new_dir();
my $bans  = "$dir/bans";
mkdir "$dir/$_" for qw(filter.d action.d);
symlink $_, "$dir/" . s{.*/}{}r for "$etc/fail2ban.conf", "$etc/jail.conf", glob "$etc/paths-*.conf";
symlink $_, "$dir/filter.d/" . s{.*/}{}r for glob "$etc/filter.d/*.conf";
Moving::write_to("$dir/action.d/note.conf", "[Definition]\nactionban = echo <ip> >> $bans\nactionunban =\nactionstart =\nactionstop =\nactioncheck =\n");
Moving::write_to("$dir/fail2ban.local", "[Definition]\ndbfile = None\n");
Moving::write_to("$dir/jail.local", $theirs . 'logpath = ' . $there->log_file . "\nbackend = polling\naction = note\nport = http\n");

$ENV{PYTHONPATH} = Moving::peers_dir() . '/usr/lib/python3/dist-packages';
Moving::daemon(0, '', '/usr/bin/python3', $server, '-f', '-c', $dir, '-s', "$dir/socket", '-p', "$dir/pid", '--loglevel', 'INFO', '--logtarget', "$dir/log", '--syslogsocket', 'none');
ok await(20, sub { slurp("$dir/log") =~ /Jail 'apache-auth' started/ }), 'fail2ban reads the log' or diag slurp("$dir/log");

# A request as the firewall lets it through, or not.
sub guarded {
    my ($request) = @_;
    return 429 if -e $bans && slurp($bans) =~ /^\Q$request->{from}\E$/m;
    return play($there, $request);
}

my $A = '127.0.0.2';
my (@t, @h);
my $here = apache($ours);
for (1 .. 100) { push @t, guarded(wrong($A)); push @h, play($here, wrong($A)); sleep 0.05 }
push @t, guarded(right($A));
push @h, play($here, right($A));
compares('fail2ban, apache-auth, twenty guesses a second', \@t, \@h, there => sub { $_[0] > 0 && $_[0] < 96 }, here => 96);

finish;
