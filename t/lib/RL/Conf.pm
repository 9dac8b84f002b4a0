# SPDX-License-Identifier: Apache-2.0
package RL::Conf;

# Where this system keeps httpd and its modules, and the configuration every private server starts from.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);

my $TOP = abs_path(dirname(__FILE__) . '/../../..');

my @STOCK = qw(unixd authn_core authz_core authn_file authz_user authz_host access_compat auth_basic mime dir alias
    env setenvif log_config headers rewrite negotiation autoindex include actions remoteip http2);
my @CHECK = qw(unixd authn_core authz_core access_compat mime dir alias env setenvif log_config headers rewrite);

# Every module's switch for `apxs -q`, read once.
my %apxs;
sub apxs { my ($what) = @_; return $apxs{$what} //= do { my $v = `apxs -q $what 2>/dev/null` // ''; chomp $v; $v } }

# The httpd binary: RL_HTTPD, or where apxs says, or the first in PATH.
my $binary;
sub binary {
    return $binary //= do {
        my @try = ($ENV{RL_HTTPD} // (), apxs('SBINDIR') . '/' . apxs('PROGNAME'),
            map { ("$_/apache2", "$_/httpd") } split(/:/, $ENV{PATH} // ''), '/usr/sbin', '/usr/local/sbin');
        my ($found) = grep { -f $_ && -x _ } @try;
        $found // die "no httpd found: set RL_HTTPD\n";
    };
}

sub moddir { return $ENV{RL_LIBEXECDIR} // (apxs('LIBEXECDIR') || '/usr/lib/apache2/modules') }

# The module under test: RL_MODULE, or what `make` built.
sub module { return $ENV{RL_MODULE} // "$TOP/out/mod_ratelimit_cache.so" }

sub has_module { my ($name) = @_; return -e moddir() . "/mod_$name.so" || static_list() =~ /^\s*mod_\Q$name\E\.c$/m }
sub has_mpm    { my ($mpm)  = @_; return -e moddir() . "/mod_mpm_$mpm.so" || static_list() =~ /^\s*(?:mod_mpm_)?\Q$mpm\E\.c$/m }

my $static;
sub static_list { my $httpd = binary(); return $static //= `'$httpd' -l 2>/dev/null` // '' }

# A LoadModule line, or nothing for a module that is compiled in.
sub load {
    my ($name) = @_;
    return '' if static_list() =~ /^\s*mod_\Q$name\E\.c$/m;
    my $file = moddir() . "/mod_$name.so";
    die "httpd has no mod_$name (looked for $file)\n" if !-e $file;
    return "LoadModule ${name}_module \"$file\"\n";
}

# The whole configuration of an RL::Httpd.
sub text {
    my ($s) = @_;
    return join "\n", modules($s), base($s), mpm($s), logs($s), content($s), '# ---- the test', $s->{conf}, '';
}

sub modules {
    my ($s) = @_;
    my @stock = grep { $_ ne 'include' || !$s->{unread} } @STOCK;
    my @names = $s->{check_only} ? @CHECK : (@stock, !$s->{cgi} ? () : $s->{mpm} eq 'prefork' ? 'cgi' : 'cgid');
    my %seen;
    my $text = load("mpm_$s->{mpm}") . join '', map { load($_) } grep { !$seen{$_}++ } @names, @{ $s->{modules} };
    $text .= 'LoadModule ratelimit_cache_module "' . module() . "\"\n" if $s->{rl};
    return $text;
}

# As root, httpd's children need another user: the first of these this system knows.
sub user_lines {
    return '' if $> != 0;
    my ($user) = grep { defined getpwnam $_ } qw(www-data apache nobody daemon);
    my $group = getgrgid((getpwnam $user)[3]);
    return "User $user\nGroup $group\n";
}

sub base {
    my ($s) = @_;
    my ($port, $port2) = @{ $s->{ports} };
    return <<"END" . user_lines();
Define ROOT "$s->{root}"
Define DOCROOT "$s->{root}/htdocs"
Define CGIBIN "$s->{root}/cgi-bin"
Define PORT $port
Define PORT2 $port2
ServerRoot "$s->{root}"
ServerName localhost
Listen 127.0.0.1:$port
Listen 127.0.0.1:$port2
PidFile run/httpd.pid
DefaultRuntimeDir "$s->{root}/run"
Timeout 20
KeepAliveTimeout 5
MaxKeepAliveRequests 0
GracefulShutdownTimeout 3
END
}

# Two children or more from the start (unless a test asks for one), so that nothing passes that counts per child; all of
# them for prefork, which would need seconds to grow to a burst.
sub mpm {
    my ($s) = @_;
    my $n = $s->{workers};
    return "StartServers $n\nMinSpareServers 4\nMaxSpareServers $n\nServerLimit $n\nMaxRequestWorkers $n\n"
        if $s->{mpm} eq 'prefork';
    return "StartServers 1\nServerLimit 1\nThreadsPerChild $n\nThreadLimit $n\nMaxRequestWorkers $n\nMinSpareThreads 1\nMaxSpareThreads $n\n"
        if ($s->{children} // 2) == 1;
    my $per = int(($n + 1) / 2);
    return "StartServers 2\nServerLimit 4\nThreadsPerChild $per\nThreadLimit $per\nMaxRequestWorkers " . 4 * $per
        . "\nMinSpareThreads $per\nMaxSpareThreads " . 4 * $per . "\n";
}

sub logs {
    my ($s) = @_;
    my $env = join ' ', map { lc((split /_/)[0]) . "=%{RATELIMIT_$_}e" } qw(RULE LIMIT REMAINING RESET RETRY_AFTER KEY);
    my $sock = $s->{mpm} eq 'prefork' || $s->{check_only} || !$s->{cgi} ? '' : qq(ScriptSock "$s->{root}/run/cgid.sock"\n);
    $env = $s->{unread} ? '' : "state=%{RATELIMIT_STATUS}e $env";
    return <<"END" . $sock;
LogLevel info
ErrorLog logs/error.log
LogFormat "status=%>s $env method=%m uri=%U pid=%{pid}P id=%{X-Test-Id}i" rl
CustomLog logs/access.log rl
END
}

sub content {
    my ($s) = @_;
    my $types = -e '/etc/mime.types' ? '/etc/mime.types' : '/dev/null';
    my $cgi = $s->{check_only} ? '' : qq(ScriptAlias /cgi-bin/ "$s->{root}/cgi-bin/"\n);
    return <<"END" . $cgi;
TypesConfig $types
DocumentRoot "$s->{root}/htdocs"
DirectoryIndex index.html
AliasMatch "^/ok(?:/.*)?\$" "$s->{root}/htdocs/ok.txt"
<Directory />
    AllowOverride None
    Require all denied
</Directory>
<Directory "$s->{root}">
    Options FollowSymLinks
    Require all granted
</Directory>
END
}

1;
