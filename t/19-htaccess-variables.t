# SPDX-License-Identifier: Apache-2.0
# What an .htaccess does to environment variables and header fields makes no difference to the server's rules; what the
# server's own sections do to variables counts.
use RL::Test;

# Each directory has a file and an .htaccess; "index" ones are asked for as a directory.
my %tenant = (
    'none'      => 'SetEnvIf Request_URI . PLAN=none',
    'high'      => 'SetEnvIf Request_URI . PLAN=999/30d',
    'unset'     => 'SetEnvIf Request_URI . !PLAN',
    'browser'   => 'BrowserMatch . PLAN=none',
    'nocase'    => 'SetEnvIfNoCase Request_URI . PLAN=none',
    'expr'      => 'SetEnvIfExpr "true" PLAN=none',
    'files'     => qq(<Files "*">\nSetEnvIf Request_URI . PLAN=none\n</Files>),
    'if'        => qq(<If "true">\nSetEnvIf Request_URI . PLAN=none\n</If>),
    'ifmodule'  => qq(<IfModule ratelimit_cache_module>\nSetEnvIf Request_URI . PLAN=none\n</IfModule>),
    'setenv'    => 'SetEnv PLAN none',
    'unsetenv'  => 'UnsetEnv PLAN',
    'rewrite'   => "RewriteEngine On\nRewriteRule . - [E=PLAN:none]",
    'zero'      => 'SetEnvIf Request_URI . PLAN=0',
    'harmless'  => 'AddType text/x-tenant .txt',
);
my %files;
for my $kind (keys %tenant) {
    for my $place (qw(server directory location nested late index when unless cost key keyexpr exempt exexpr form)) {
        $files{"htdocs/$place/$kind/.htaccess"} = "$tenant{$kind}\n";
        $files{"htdocs/$place/$kind/a.txt"}     = "a\n";
        $files{"htdocs/$place/$kind/index.html"} = "index\n";
    }
}
$files{"htdocs/$_/plain/a.txt"} = "a\n" for qw(server directory location nested late);
$files{'htdocs/index/plain/index.html'} = "index\n";
$files{'htdocs/fallback/to/.htaccess'} = "SetEnv PLAN none\n";
$files{'htdocs/fallback/to/x.txt'}     = "x\n";
$files{'htdocs/own/.htaccess'} = qq(SetEnvIf X-Mine "(.+)" MINE=\$1\nRateLimit mine expr=%{env:MINE} key=env:MINE\n);
$files{'htdocs/own/a.txt'}     = "a\n";
my $forged = "RequestHeader set X-Api-Key expr=%{REMOTE_PORT}\nRequestHeader set Cookie expr=id=%{REMOTE_PORT}\n";
$files{'htdocs/keys/.htaccess'} = $forged . "DirectoryIndex b.txt\nRewriteEngine On\nRewriteRule ^x b.txt\nHeader set X-Shown expr=%{HTTP:X-Api-Key}\n";
$files{'htdocs/keys/b.txt'}     = "b\n";
$files{'htdocs/link/.htaccess'}    = "Options +FollowSymLinks\nSetEnvIf Request_URI . PLAN=none\n";
$files{'htdocs/link/real/a.txt'}   = "a\n";
$files{'htdocs/pretty/.htaccess'}  = "RewriteEngine On\nRewriteRule ^[0-9]+\$ a.txt [E=PLAN:none]\n";
$files{'htdocs/pretty/a.txt'}      = "a\n";
$files{'htdocs/shown/.htaccess'} = qq(SetEnvIf Request_URI . PLAN=tenant\nHeader set X-Shown "%{PLAN}e"\n);
$files{'htdocs/shown/a.txt'}     = "a\n";

my $s = httpd(<<'END', modules => [qw(headers)], files => \%files);
<Directory "${DOCROOT}">
    AllowOverride All
</Directory>
SetEnvIf X-Plan "(.+)" PLAN=$1
<Location /server>
    RateLimit r expr=%{env:PLAN} key=expr:%{REQUEST_URI}
</Location>
<Directory "${DOCROOT}/directory">
    SetEnvIf Request_URI . PLAN=2/30d
    RateLimit r "expr=%{reqenv:PLAN}" key=expr:%{REQUEST_URI}
</Directory>
<Location /location>
    SetEnvIf Request_URI . PLAN=2/30d
    RateLimit r expr=%{ENV:PLAN} key=expr:%{REQUEST_URI}
</Location>
<Directory "${DOCROOT}/nested">
    <Files "a.txt">
        SetEnvIf Request_URI . PLAN=2/30d
    </Files>
    <If "%{REQUEST_URI} =~ /a.txt/">
        SetEnvIf Request_URI . SECOND=yes
    </If>
    RateLimit r "expr=%{env:PLAN}" key=expr:%{REQUEST_URI} "when=%{env:SECOND} == 'yes'"
</Directory>
<Directory "${DOCROOT}/late">
    Include conf/auth.conf
    SetEnv PLAN 2/30d
    RateLimit r expr=%{env:PLAN} key=user+expr:%{REQUEST_URI}
</Directory>
<Directory "${DOCROOT}/index">
    DirectoryIndex index.html
    <Files "index.html">
        RateLimit r expr=%{env:PLAN} key=expr:%{REQUEST_FILENAME}
    </Files>
</Directory>
<Location /when>
    RateLimit r 2/30d "when=%{env:PLAN} == '2/30d'" key=expr:%{REQUEST_URI}
</Location>
<Location /unless>
    RateLimit r 2/30d "unless=%{env:PLAN} =~ /none|999/ || -z %{env:PLAN}" key=expr:%{REQUEST_URI}
</Location>
<Location /cost>
    RateLimit r 2/30d "cost=expr=%{env:PLAN}" key=expr:%{REQUEST_URI}
</Location>
<Location /key>
    RateLimit r 2/30d key=env:PLAN+path missing=skip
</Location>
<Location /keyexpr>
    RateLimit r 2/30d key=expr:%{env:PLAN}+path missing=skip
</Location>
<Location /exempt>
    RateLimitExempt env=FREE
    RateLimit r 2/30d key=path
</Location>
<Location /exexpr>
    RateLimitExempt "expr=%{env:PLAN} == 'none'"
    RateLimit r 2/30d key=path
</Location>
<Location /form>
    RateLimit r 2/30d key=form:u+path "when=%{env:PLAN} == '2/30d'" missing=deny
</Location>
<Directory "${DOCROOT}/link">
    Options None
    SetEnvIf Request_URI . PLAN=2/30d
    RateLimit r expr=%{env:PLAN} key=all
</Directory>
<Files "a.txt">
    RateLimit pretty expr=%{env:PLAN} key=all "when=%{REQUEST_URI} =~ m#^/pretty/#"
</Files>
<Files "b.txt">
    RateLimit header 4/30d key=header:X-Api-Key missing=skip
    RateLimit cookie 4/30d key=cookie:id missing=skip
    RateLimit expr   4/30d key=expr:%{HTTP:X-Third} missing=skip
</Files>
<Directory "${DOCROOT}/fallback">
    FallbackResource /fallback/to/x.txt
    <Files "x.txt">
        RateLimit r expr=%{env:PLAN} key=all
    </Files>
</Directory>
END
symlink 'real', "$s->{root}/htdocs/link/to" or die "symlink: $!\n";
my @plan = (headers => [ 'X-Plan' => '2/30d' ]);

for my $kind ('plain', sort keys %tenant) {
    limit_is $s, 2, "/server/$kind/a.txt",    "$kind: variables of the server",           @plan;
    limit_is $s, 2, "/directory/$kind/a.txt", "$kind: variables of a <Directory>";
    limit_is $s, 2, "/location/$kind/a.txt",  "$kind: variables of a <Location>";
    limit_is $s, 2, "/nested/$kind/a.txt",    "$kind: variables of <Files> and <If>";
    limit_is $s, 2, "/late/$kind/a.txt",      "$kind: SetEnv and a rule of users",         auth => 'alice:secret';
    limit_is $s, 2, "/index/$kind/",          "$kind: the target of a directory index",   @plan;
}
for my $kind (qw(none zero unset files setenv rewrite)) {
    limit_is $s, 2, "/when/$kind/a.txt",    "$kind: when=",      @plan;
    limit_is $s, 2, "/unless/$kind/a.txt",  "$kind: unless=",    @plan;
    limit_is $s, 2, "/cost/$kind/a.txt",    "$kind: cost=",      headers => [ 'X-Plan' => '1' ];
    limit_is $s, 2, "/key/$kind/a.txt",     "$kind: key=env:",   @plan;
    limit_is $s, 2, "/keyexpr/$kind/a.txt", "$kind: key=expr:",  @plan;
    limit_is $s, 2, "/exexpr/$kind/a.txt",  "$kind: an exemption by expression", @plan;
    limit_is $s, 2, "/form/$kind/a.txt",    "$kind: a form is read for the rule", @plan, method => 'POST', body => 'u=x';
}
limit_is $s, 2, '/fallback/nowhere', 'the target of a FallbackResource with an .htaccess of its own', @plan;

limit_is $s, 2, '/link/to/a.txt', 'a symbolic link that only the .htaccess allows';
limit_is $s, 2, '/pretty/1', 'the target of a rewrite', @plan;

# DirectoryIndex, and an internal redirect, when the .htaccess has had its say; two of each, and one without a detour.
for my $field ([ 'X-Api-Key' => 'k' ], [ 'Cookie' => 'id=1' ], [ 'X-Third' => 't' ]) {
    my @paths = ('/keys/', '/keys/x1', '/keys/', '/keys/x2', '/keys/b.txt', '/keys/', '/keys/x3');
    is join(' ', map { status($s, $_, headers => $field) } @paths), '200 200 200 200 429 429 429', "$field->[0]: as the client sent it";
}
like request($s, 'GET', '/keys/')->header('X-Shown'), qr/\A[0-9]+\z/, 'everybody else sees the field that was set';

limit_is $s, 3, '/own/a.txt', 'a tenant\'s rule sees the tenant\'s variables', headers => [ 'X-Mine' => '3/30d' ];
is statuses($s, 3, '/own/a.txt'), '200 200 200', 'without them it does not apply';
is request($s, 'GET', '/shown/a.txt', @plan)->header('X-Shown'), 'tenant', 'and everybody else sees them';

finish;
