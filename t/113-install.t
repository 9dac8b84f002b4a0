# SPDX-License-Identifier: Apache-2.0
# make install and make uninstall: what they put where, and take away; what they say is missing. With an apxs of our own,
# so that no file of this system is touched.
use RL::Test;
use RL::Conf;
use Cwd qw(abs_path);
use File::Path qw(make_path);
use File::Temp qw(tempdir);

my $dir = abs_path(tempdir(CLEANUP => 1));
my $module = RL::Conf::module();

sub spew {
    my ($file, $text) = @_;
    make_path($file =~ s{/[^/]*\z}{}r);
    open my $fh, '>', $file or die "$file: $!";
    print {$fh} $text;
    close $fh or die "$file: $!";
    chmod 0755, $file;
    return $file;
}

# Another httpd 2.4, below $dir/$name: (its apxs, where it lies).
sub other_httpd {
    my ($name) = @_;
    my $at = "$dir/$name";
    my $apxs = spew("$at/bin/apxs", <<"END");
#!/bin/sh
case \$2 in
LIBEXECDIR) echo '$at/modules' ;;
SYSCONFDIR) echo '$at/conf' ;;
INCLUDEDIR) echo '$at/include' ;;
SBINDIR) echo '$at/bin' ;;
PROGNAME) echo httpd ;;
esac
END
    make_path("$at/conf");
    return ($apxs, $at);
}

# Runs install.sh: (exit code, what it printed).
sub run {
    my ($mode, $apxs, $destdir, $prefix) = @_;
    local $ENV{BINDIR} = "$prefix/bin";
    local $ENV{DATADIR} = "$prefix/share";
    local $ENV{FAIL2BAN} = "$dir/fail2ban";
    local $ENV{DOCDIR} = "$prefix/share/doc/rl";
    my $said = `sh build/install.sh $mode '$apxs' '$destdir' '$module' 2>&1`;
    return ($? >> 8, $said);
}

sub files { my ($at) = @_; return sort map { chomp; s{^\Q$at\E/}{}r } `find '$at' -type f` }

my ($code, $said) = run('check', "$dir/none/apxs", '', "$dir/local");
is $code, 1, 'without an apxs nothing is installed';
like $said, qr{\A\Q$dir\E/none/apxs doesn't answer.*apache2-dev.*APXS=}, 'and it says where apxs comes from';

my ($apxs, $at) = other_httpd('bare');
($code, $said) = run('check', $apxs, '', "$dir/local");
is $code, 1, 'without httpd itself nothing is installed';
like $said, qr{httpd itself isn't installed: there is no \Q$at\E/bin/httpd.*Nothing was installed}s, 'and it says so';
($code) = run('check', $apxs, "$dir/dest", "$dir/local");
is $code, 0, 'with DESTDIR it may be missing';

# ---- into an httpd with its own layout ---------------------------------------------------------------------------

spew("$at/bin/httpd", "#!/bin/sh\n");
spew("$at/conf/httpd.conf", "# nothing\n");
my @before = files($at);
($code, $said) = run('install', $apxs, '', "$dir/local");
is $code, 0, 'into another httpd: installed';
is join(' ', grep { !/bin|conf/ } files($at)), 'include/mod_ratelimit_cache.h modules/mod_ratelimit_cache.so', 'module and header lie where its apxs says';
like $said, qr{httpd\.conf.*LoadModule ratelimit_cache_module "\Q$at\E/modules/mod_ratelimit_cache.so"}s, 'it says the LoadModule line, and where it goes';
like $said, qr{apachectl configtest && }, 'and what to run then';
ok -x "$dir/local/bin/rlctl", 'rlctl can be run';
ok -e "$dir/local/share/doc/rl/examples/fail2ban/jail.d/apache-ratelimit.conf", 'a jail for fail2ban is an example';
ok !-e "$dir/fail2ban", 'and where there is no fail2ban, its directory isn\'t made';
ok -e "$dir/local/share/doc/rl/docs/rules.md", 'the manual is installed';
is join(' ', map { s{.*/}{}r } glob "$dir/local/share/doc/rl/examples/*.conf"),
    join(' ', sort 'ratelimit_cache.conf', map { s{.*/}{}r } glob 'conf/examples/*.conf'), 'and the examples, with every directive';
my @broken = grep { my ($file) = @$_; !-e $file } links("$dir/local/share/doc/rl");
is join(' ', map { $_->[0] } grep { $_->[0] =~ m{/(?:docs|examples)/} } @broken), '', 'links of the manual to itself and to the examples lead somewhere';

spew("$at/conf/more.conf", "LoadModule ratelimit_cache_module modules/mod_ratelimit_cache.so\n");
($code, $said) = run('install', $apxs, '', "$dir/local");
like $said, qr/enabled already/, 'a second time, with the module enabled: it says how the new version begins to run';
($code, $said) = run('uninstall', $apxs, '', "$dir/local");
is $code, 1, 'uninstall: not while the module is enabled';
like $said, qr{enabled, by \Q$at\E/conf/more\.conf.*First.*LoadModule.*Nothing was removed}s, 'and it says where that is, and what to do first';
ok -e "$at/modules/mod_ratelimit_cache.so", 'the module is still there';
spew("$at/conf/more.conf", "# disabled\n");
($code, $said) = run('uninstall', $apxs, '', "$dir/local");
is $code, 0, 'uninstall, once it is disabled';
is join(' ', files($at)), join(' ', sort @before, 'conf/more.conf'), 'takes away what was installed';
is join(' ', files("$dir/local")), '', 'rlctl, manual and examples too';
ok !-e "$dir/local/share/doc/rl", 'with their directories';

# ---- into one with Debian's ---------------------------------------------------------------------------------------

($apxs, $at) = other_httpd('debian');
make_path("$at/conf/mods-available");
my $dest = "$dir/dest";
($code, $said) = run('install', $apxs, $dest, '/usr');
my $available = "$dest$at/conf/mods-available";
is slurp("$available/ratelimit_cache.load"), "LoadModule ratelimit_cache_module $at/modules/mod_ratelimit_cache.so\n", 'for a2enmod: LoadModule names a path without DESTDIR';
spew("$available/ratelimit_cache.conf", "RateLimit mine 5/m\n");
($code, $said) = run('install', $apxs, $dest, '/usr');
like $said, qr/was changed and stays/, 'an edited .conf: it says that this stays';
is slurp("$available/ratelimit_cache.conf"), "RateLimit mine 5/m\n", 'and it does';
is slurp("$available/ratelimit_cache.conf.new"), slurp('conf/ratelimit_cache.conf'), 'the new one is beside it';
($code, $said) = run('uninstall', $apxs, $dest, '/usr');
is join(' ', files($dest)), substr("$at/conf/mods-available/ratelimit_cache.conf", 1), 'uninstall leaves the edited .conf, and nothing else';

# The files that links of installed pages name: [file, page].
sub links {
    my ($top) = @_;
    my @found;
    for my $page (glob "$top/*.md $top/docs/*.md") {
        my $from = $page =~ s{/[^/]*\z}{}r;
        push @found, map { [ "$from/$_", $page ] } grep { !/^\w+:/ } slurp($page) =~ /\]\(([^)#\s]+)/g;
    }
    return map { $_->[0] = clean($_->[0]); $_ } @found;
}

sub clean { my ($path) = @_; 1 while $path =~ s{/[^/]+/\.\./}{/}; return $path }

finish;
