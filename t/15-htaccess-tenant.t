# SPDX-License-Identifier: Apache-2.0
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
    'fields'          => join("\n", (map { my $i = $_; "RateLimit r$i 900/30d key=" . join('+', map { "form:f${i}x$_" } 1 .. 16) } 1 .. 4), 'RateLimit extra 0/30d key=form:more', 'RateLimit asked 0/30d key=query:asked missing=skip', 'RateLimit last 0/30d key=header:X-Last missing=skip'),
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
    'many'            => join("\n", map { "RateLimit many$_ 900/30d" } 1 .. 200),
    'many/in'         => 'RateLimit surplus 0/30d',
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

limit_is $s, 2, '/add/a.txt', 'a tenant\'s rule counts over requests, though its file is read for each';
is status($s, '/add/sub/a.txt'), 429, 'a tenant\'s rule counts what lies below its directory as well';
limit_is $s, 2, '/add2/a.txt', 'a tenant\'s rule in another directory has its own counter';
limit_is $s, 2, '/add/a.txt', 'a tenant\'s rule in another virtual host has its own counter', host => 'two.test';

limit_is $s, 1, '/deep/a.txt', 'a tenant\'s rule stands';
limit_is $s, 3, '/deep/replace/a.txt', 'a deeper .htaccess replaces a tenant\'s rule';
limit_is $s, 4, '/deep/replace/in/a.txt', 'a still deeper .htaccess replaces it again';
is statuses($s, 3, '/deep/drop/a.txt'), '200 200 200', 'a deeper .htaccess drops a tenant\'s rule';

# The server's rule stands, and that is logged once, not with every request.
for my $dir (qw(weaken weaken-off weaken-none weaken-files weaken-if)) {
    my $from = $s->log_mark;
    limit_is $s, 2, "/$dir/a.txt", "$dir: the server's rule stands";
    my @lines = $s->wait_log($from, qr/ratelimit:.*\bserver\b.*htaccess/);
    is scalar @lines, 1, "$dir: that the server's rule stands is logged once" or diag join "\n", $s->log_lines($from);
}
limit_is $s, 1, '/stricter/a.txt', 'a tenant\'s rule may be stricter than the server\'s';

# More than 200 rules would have to be looked at with each request.
{
    my $from = $s->log_mark;
    is statuses($s, 2, '/many/in/a.txt'), '200 200', 'a tenant\'s rule after 200 others has no effect';
    my @lines = $s->wait_log($from, qr/ratelimit: rule surplus\b.*htaccess/);
    is scalar @lines, 1, 'a tenant\'s rule after 200 others is logged once' or diag join "\n", $s->log_lines($from);
    like "@lines", qr/no more than 200 rules/, 'the log says why that rule has no effect';
}

limit_is $s, 2, '/group1/a.txt', 'a tenant\'s rule in a group';
limit_is $s, 2, '/group2/a.txt', 'two .htaccess of one virtual host do not share a group';
is statuses($s, 3, '/group1/below/a.txt'), '429 429 429', 'a deeper .htaccess has a group of its own, beside the rule that it inherits';
for my $path (qw(/fields/a.txt /fields/below/a.txt)) {
    my $mark = $s->log_mark;
    is status($s, $path, method => 'POST', body => 'more=1'), 200, "$path: a tenant's rules read 64 fields of a form";
    ok scalar $s->wait_log($mark, qr/ratelimit: rule asked .*64 form: and query:/), "$path: a tenant's rule that reads a 65th field is logged" if $path =~ m#^/fields/a#;
}
is status($s, '/fields/a.txt', method => 'POST', headers => [ 'X-Last' => 1 ], body => 'more=1'), 429, 'a tenant\'s rules that read no field count after 64 fields';
is status($s, '/fields/a.txt?asked=1'), 200, 'a field of the query string is one as well';
is status($s, '/fields/deeper/a.txt', method => 'POST', body => 'more=1'), 429, 'a deeper .htaccess that replaces rules makes room for fields';

limit_is $s, 2, '/group3/a.txt', 'a group in one .htaccess';
is status($s, '/group3/b.txt'), 429, 'sections of one .htaccess share a group';
is statuses($s, 3, '/guesses/none?u=admin'), '404 404 429', 'a tenant counts guesses';
is status($s, '/cleaner/a.txt?u=admin'), 200, 'a tenant\'s rule with clear= in a group of the same name';
logged($s, 'GET', '/cleaner/a.txt?u=admin');
is status($s, '/guesses/none?u=admin'), 429, 'one tenant\'s clear= does not reach another tenant\'s group';
limit_is $s, 2, '/group1/a.txt', 'tenants of two virtual hosts do not share a group', host => 'two.test';
limit_is $s, 2, '/group-key/a.txt', 'a tenant\'s group of a name the server uses';
limit_is $s, 2, '/ok/server-wide', 'the server\'s group of a name that a tenant uses is left alone';

is status($s, "/$_/a.txt"), 500, "$_: an expression that reads files is refused" for qw(file file2 file3);
is status($s, '/header-expr/a.txt', headers => [ 'X-Bot' => 'yes' ]), 429, 'a tenant\'s when= on a request header denies when it holds';
is status($s, '/header-expr/a.txt'), 200, 'a tenant\'s when= on a request header admits when it does not';

for my $dir (qw(engine inherit exempt prefix store)) {
    my $from = $s->log_mark;
    is status($s, "/$dir/a.txt"), 500, "$dir: $files{$dir} is not for .htaccess";
    ok scalar $s->wait_log($from, qr/\.htaccess.*not allowed here/), "$dir: httpd logs that it is not allowed there";
}
is status($s, '/status/a.txt'), 420, 'RateLimitDenyStatus is allowed in .htaccess';
my $from = $s->log_mark;
is status($s, '/wrong/a.txt'), 500, 'a wrong rate in .htaccess is a 500';
ok scalar $s->wait_log($from, qr{\.htaccess.*RateLimit.*5/week}), 'a wrong rate in .htaccess is explained in the log';
is status($s, '/twice/a.txt'), 500, 'a rule twice in one .htaccess is a 500';
is status($s, '/noverride/a.txt'), 200, 'AllowOverride None: .htaccess is not read';
is status($s, '/authonly/a.txt'), 500, 'AllowOverride without Limit: a rule in .htaccess is a 500';
limit_is $s, 2, '/listed/a.txt', 'AllowOverrideList RateLimit: a tenant\'s rule stands';
limit_is $s, 2, '/files/a.txt', 'a rule in <Files> in .htaccess stands';
is status($s, '/files/b.txt'), 200, 'a rule in <Files> in .htaccess is not for other files';

finish allow => qr/\.htaccess/;
