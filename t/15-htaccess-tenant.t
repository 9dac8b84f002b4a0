# .htaccess belongs to a tenant: it may add rules and change its own, and cannot weaken the server's.
use RL::Test;

my %files = (
    'add'             => 'RateLimit mine 2/30d',
    'add2'            => 'RateLimit mine 2/30d',
    'deep'            => "RateLimit mine 1/30d\nRateLimit other 900/30d",
    'deep/replace'    => 'RateLimit mine 3/30d',
    'deep/replace/in' => 'RateLimit mine 4/30d',
    'deep/drop'       => "RateLimit mine off",
    'weaken'          => 'RateLimit server 1000/30d',
    'weaken-off'      => 'RateLimit server off',
    'weaken-none'     => 'RateLimit server none',
    'weaken-files'    => qq(<Files "*">\nRateLimit server off\n</Files>),
    'weaken-if'       => qq(<If "true">\nRateLimit server 1000/30d\n</If>),
    'stricter'        => 'RateLimit own 1/30d',
    'group1'          => 'RateLimit g 2/30d group=shared',
    'group2'          => 'RateLimit g 2/30d group=shared',
    'group1/below'    => 'RateLimit h 2/30d group=shared',
    'group3'          => qq(<Files "a.txt">\nRateLimit g 2/30d group=own\n</Files>\n<Files "b.txt">\nRateLimit h 2/30d group=own\n</Files>),
    'fields'          => join("\n", (map { my $i = $_; "RateLimit r$i 900/30d key=" . join('+', map { "form:f${i}x$_" } 1 .. 16) } 1 .. 4), 'RateLimit extra 0/30d key=form:more', 'RateLimit last 0/30d key=query:last missing=skip'),
    'fields/below'    => 'RateLimit r1 off',
    'fields/deeper'   => "RateLimit r1 900/30d key=form:one\nRateLimit more 0/30d key=form:more",
    'guesses'         => 'RateLimit g 2/30d group=login key=query:u count=404',
    'cleaner'         => 'RateLimit g 2/30d group=login key=query:u clear=200',
    'group-key'       => 'RateLimit g 2/30d group=server-wide',
    'file'            => qq(RateLimit f 0/30d "when=file('/etc/passwd') =~ /root/"),
    'file2'           => qq(RateLimit f 0/30d "when=-f '/etc/passwd'"),
    'file3'           => qq(RateLimit f 5/30d "key=expr:%{file:/etc/passwd}"),
    'header-expr'     => qq(RateLimit f 0/30d "when=%{HTTP:X-Bot} == 'yes'"),
    'engine'          => 'RateLimitEngine Off',
    'inherit'         => 'RateLimitInherit Off',
    'exempt'          => 'RateLimitExempt 127.0.0.1',
    'prefix'          => 'RateLimitIPv4Prefix 0',
    'store'           => 'RateLimitStore shm',
    'status'          => "RateLimitDenyStatus 420\nRateLimit mine 0/30d",
    'wrong'           => 'RateLimit mine 5/week',
    'twice'           => "RateLimit mine 5/30d\nRateLimit mine 6/30d",
    'noverride'       => 'RateLimit mine 0/30d',
    'authonly'        => 'RateLimit mine 0/30d',
    'listed'          => 'RateLimit mine 2/30d',
    'files'           => qq(<Files "a.txt">\nRateLimit mine 2/30d\n</Files>),
);
my %tree;
for my $dir (keys %files) {
    for my $root ('htdocs', $dir =~ /^(?:group|add)/ ? 'other' : ()) {
        $tree{"$root/$dir/.htaccess"} = "$files{$dir}\n";
        $tree{"$root/$dir/a.txt"}     = "a\n";
    }
}
$tree{'htdocs/add/sub/a.txt'} = "a\n";
$tree{'htdocs/files/b.txt'}   = $tree{'htdocs/group3/b.txt'} = "b\n";

my $conf = join '', map { <<"END" } qw(weaken weaken-off weaken-none weaken-files weaken-if stricter);
<Directory "\${DOCROOT}/$_">
    RateLimit server 2/30d
</Directory>
END
my $s = httpd($conf . <<'END', files => \%tree);
<Directory "${DOCROOT}">
    AllowOverride Limit
</Directory>
<Directory "${DOCROOT}/noverride">
    AllowOverride None
</Directory>
<Directory "${DOCROOT}/listed">
    AllowOverride None
    AllowOverrideList RateLimit
</Directory>
<Directory "${DOCROOT}/authonly">
    AllowOverride AuthConfig
</Directory>
<Directory "${ROOT}/other">
    AllowOverride Limit
</Directory>
<Location /ok/server-wide>
    RateLimit g 2/30d group=server-wide
</Location>
<VirtualHost *:${PORT}>
    ServerName one.test
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName two.test
    DocumentRoot "${ROOT}/other"
</VirtualHost>
END

limit_is $s, 2, '/add/a.txt', 'a tenant adds a rule; it counts over requests though the file is read for each';
is status($s, '/add/sub/a.txt'), 429, 'and over what lies below it';
limit_is $s, 2, '/add2/a.txt', 'the same rule in another directory has its own counter';
limit_is $s, 2, '/add/a.txt', 'and in another virtual host', host => 'two.test';

limit_is $s, 1, '/deep/a.txt', 'a tenant\'s rule';
limit_is $s, 3, '/deep/replace/a.txt', 'replaced by a deeper file';
limit_is $s, 4, '/deep/replace/in/a.txt', 'replaced again';
is statuses($s, 3, '/deep/drop/a.txt'), '200 200 200', 'dropped by a deeper file';

# The server's rule stands, and that is logged once, not with every request.
for my $dir (qw(weaken weaken-off weaken-none weaken-files weaken-if)) {
    my $from = $s->log_mark;
    limit_is $s, 2, "/$dir/a.txt", "$dir: the server's rule stands";
    my @lines = $s->wait_log($from, qr/ratelimit:.*\bserver\b.*htaccess/);
    is scalar @lines, 1, "$dir: logged once" or diag join "\n", $s->log_lines($from);
}
limit_is $s, 1, '/stricter/a.txt', 'a tenant may be stricter';

limit_is $s, 2, '/group1/a.txt', 'a tenant\'s group';
limit_is $s, 2, '/group2/a.txt', 'is not shared with another .htaccess of the virtual host';
is statuses($s, 3, '/group1/below/a.txt'), '429 429 429', 'a deeper .htaccess has a group of its own, beside the rule that it inherits';
for my $path (qw(/fields/a.txt /fields/below/a.txt)) {
    my $mark = $s->log_mark;
    is status($s, $path, method => 'POST', body => 'more=1'), 200, "$path: a tenant's rules read 64 fields of a form";
    ok scalar $s->wait_log($mark, qr/ratelimit: rule extra .*64 form/), '... the next rule is logged' if $path =~ m#^/fields/a#;
}
is status($s, '/fields/a.txt?last=1', method => 'POST', body => 'more=1'), 429, 'and those that read none count';
is status($s, '/fields/deeper/a.txt', method => 'POST', body => 'more=1'), 429, 'a deeper .htaccess that replaces some makes room';

limit_is $s, 2, '/group3/a.txt', 'a group of one .htaccess';
is status($s, '/group3/b.txt'), 429, 'is shared by its sections';
is statuses($s, 3, '/guesses/none?u=admin'), '404 404 429', 'a tenant counts guesses';
is status($s, '/cleaner/a.txt?u=admin'), 200, 'another clears a group of the same name';
logged($s, 'GET', '/cleaner/a.txt?u=admin');
is status($s, '/guesses/none?u=admin'), 429, 'which is another group';
limit_is $s, 2, '/group1/a.txt', 'and not with another virtual host', host => 'two.test';
limit_is $s, 2, '/group-key/a.txt', 'a tenant\'s group of a name the server uses';
limit_is $s, 2, '/ok/server-wide', 'does not reach the server\'s counters';

is status($s, "/$_/a.txt"), 500, "$_: an expression that reads files is refused" for qw(file file2 file3);
is status($s, '/header-expr/a.txt', headers => [ 'X-Bot' => 'yes' ]), 429, 'others are fine';
is status($s, '/header-expr/a.txt'), 200, 'and do what they say';

for my $dir (qw(engine inherit exempt prefix store)) {
    my $from = $s->log_mark;
    is status($s, "/$dir/a.txt"), 500, "$dir: $files{$dir} is not for .htaccess";
    ok scalar $s->wait_log($from, qr/\.htaccess.*not allowed here/), "$dir: httpd says so";
}
is status($s, '/status/a.txt'), 420, 'RateLimitDenyStatus is';
my $from = $s->log_mark;
is status($s, '/wrong/a.txt'), 500, 'a mistake';
ok scalar $s->wait_log($from, qr{\.htaccess.*RateLimit.*5/week}), 'is explained in the log';
is status($s, '/twice/a.txt'), 500, 'a name twice is a mistake';
is status($s, '/noverride/a.txt'), 200, 'AllowOverride None: not read';
is status($s, '/authonly/a.txt'), 500, 'AllowOverride without Limit: not allowed';
limit_is $s, 2, '/listed/a.txt', 'AllowOverrideList RateLimit';
limit_is $s, 2, '/files/a.txt', 'Files in .htaccess';
is status($s, '/files/b.txt'), 200, 'and only these';

finish allow => qr/\.htaccess/;
