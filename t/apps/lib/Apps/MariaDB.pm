# SPDX-License-Identifier: Apache-2.0
package Apps::MariaDB;

# A private MariaDB on a unix socket: its data, log and socket lie in a directory of its own, and it ends with the process
# that started it. `make test-apps` starts one for all tests (RL_APPS_DB tells where); a test that is run alone starts its
# own.
#
#   my $db = Apps::MariaDB->get;
#   $db->sql("CREATE DATABASE wiki");
#   $db->socket

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(remove_tree);
use File::Temp ();
use POSIX ();

use RL::Httpd qw(await slurp);

my @started;

# The one that runs, or a new one.
sub get {
    my ($class) = @_;
    return bless { dir => $ENV{RL_APPS_DB}, pid => 0, owner => 0 }, $class if $ENV{RL_APPS_DB};
    return $class->start;
}

sub dir    { return $_[0]{dir} }
sub socket { return "$_[0]{dir}/socket" }

sub start {
    my ($class) = @_;
    my $dir = abs_path(File::Temp::tempdir('rl-mariadb-XXXXXXXX', TMPDIR => 1, CLEANUP => 0));
    my $self = bless { dir => $dir, pid => 0, owner => $$ }, $class;
    push @started, $self;
    my @user = as_user($dir);
    $self->run_quietly('mariadb-install-db', '--no-defaults', @user, "--datadir=$dir/data",
        '--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve');
    $self->launch(@user);
    await(60, sub { -S $self->socket || !$self->running });
    die "mariadbd did not start:\n" . slurp("$dir/log") if !$self->running;
    return $self;
}

# As root it runs as the user that Debian made for it.
sub as_user {
    my ($dir) = @_;
    mkdir "$dir/data";
    chmod 0755, $dir;
    return if $> != 0;
    my ($uid, $gid) = (getpwnam 'mysql')[2, 3] or die "no user mysql (Debian: mariadb-server)\n";
    chown $uid, $gid, $dir, "$dir/data";
    return '--user=mysql';
}

sub launch {
    my ($self, @user) = @_;
    my $dir = $self->{dir};
    my ($binary) = grep { -x } map { "$_/mariadbd" } split(/:/, $ENV{PATH} // ''), '/usr/sbin', '/usr/libexec';
    die "no mariadbd found (Debian: mariadb-server)\n" if !$binary;
    $self->{pid} = fork // die "fork: $!";
    return if $self->{pid};
    POSIX::setsid();
    RL::Httpd::stop_with_parent();
    open STDIN,  '<',  '/dev/null';
    open STDOUT, '>>', "$dir/log";
    open STDERR, '>&', \*STDOUT;
    { exec {$binary} $binary, '--no-defaults', @user, "--datadir=$dir/data", "--socket=$dir/socket", "--pid-file=$dir/pid",
          '--skip-networking', '--skip-name-resolve', '--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=64M',
          '--performance-schema=OFF' }
    POSIX::_exit(127);
}

# Statements, as its root.
sub sql {
    my ($self, $text) = @_;
    open my $in, '|-', 'mariadb', '--no-defaults', '-u', 'root', '-S', $self->socket or die "mariadb: $!\n";
    print {$in} $text;
    close $in or die "mariadb refused: $text\n";
    return;
}

# A new, empty database with a user of the same name and the password `secret`.
sub database {
    my ($self, $name) = @_;
    $self->sql("DROP DATABASE IF EXISTS $name; CREATE DATABASE $name CHARACTER SET utf8mb4;"
        . "CREATE OR REPLACE USER $name\@localhost IDENTIFIED BY 'secret'; GRANT ALL ON $name.* TO $name\@localhost;");
    return;
}

sub run_quietly {
    my ($self, @command) = @_;
    my $log = "$self->{dir}/log";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>>', $log;
        open STDERR, '>&', \*STDOUT;
        { exec { $command[0] } @command }
        POSIX::_exit(127);
    }
    waitpid $pid, 0;
    die "$command[0] failed:\n" . slurp($log) if $? != 0;
    return;
}

sub running {
    my ($self) = @_;
    return $self->{pid} && waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
}

sub stop {
    my ($self) = @_;
    return if $self->{owner} != $$;
    if ($self->{pid}) {
        kill TERM => $self->{pid};
        await(20, sub { !$self->running }) or kill KILL => $self->{pid};
        waitpid $self->{pid}, 0;
        $self->{pid} = 0;
    }
    remove_tree($self->{dir});
    return;
}

END {
    my $code = $?;
    $_->stop for @started;
    $? = $code;
}

1;
