# SPDX-License-Identifier: Apache-2.0
# A client request is charged once, whatever it causes inside httpd; and rules on where it ends up are not passed by.
use RL::Test;

my %files = (
    'htdocs/rw/to.txt'            => "to\n",
    'htdocs/di/index.cgi'         => "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nindex\\n'\n",
    'htdocs/mv/page.html'         => "page\n",
    'htdocs/ssi/page.shtml'       => join('', map { qq(<!--#include virtual="part$_.html"-->) } 1 .. 5),
    'htdocs/act/thing.act'        => "thing\n",
    (map { ("htdocs/list/file$_.txt" => "$_\n") } 1 .. 6),
    (map { ("htdocs/ssi/part$_.html" => "part$_\n") } 1 .. 5),
    'htdocs/err/404.html'         => "lost\n",
    'htdocs/fallback/front.txt'   => "front\n",
    'htdocs/target/fallback/front.txt' => "front\n",
);
for my $dir (qw(di mv rw ssi list act)) {    # the same again, below /target, for rules on the target
    $files{ s{^htdocs/}{htdocs/target/}r } = $files{$_} for grep { m{^htdocs/$dir/} } keys %files;
}

my $conf = <<'END';
Protocols h2c http/1.1
RateLimit all 100/30d key=header:X-K missing=skip
ErrorDocument 404 /err/404.html
Action acting /cgi-bin/action.cgi
AddHandler acting .act

ScriptAlias /local/ "${CGIBIN}/"
<Directory "${DOCROOT}/fallback">
    FallbackResource /fallback/front.txt
</Directory>
<Directory "${DOCROOT}/target/fallback">
    FallbackResource /target/fallback/front.txt
</Directory>

# Rules on targets that are to apply.
<Location /target/fallback/front.txt>
    RateLimit target 2/30d
</Location>
<Location /ok/target/local>
    RateLimit target 2/30d
</Location>
<Location /target/di/index.cgi>
    RateLimit target 2/30d
</Location>
<Location /target/mv/page.html>
    RateLimit target 2/30d
</Location>
<Location /target/rw/to.txt>
    RateLimit target 2/30d
</Location>
<Location /target/act/thing.act>
    RateLimit target 2/30d
</Location>
<Directory "${DOCROOT}/di">
    <Files "index.cgi">
        RateLimit by-file 2/30d "when=%{HTTP:X-Files} == 'y'"
    </Files>
</Directory>
<Location /target/rw/chain>
    RateLimit start 50/30d group=start
</Location>
<Location /ok/start>
    RateLimit start 50/30d group=start
</Location>

# Rules on look-ups, includes and error documents, which are not to apply.
<LocationMatch "^/target/(ssi/part|list/file)">
    RateLimit not-here 0/30d
</LocationMatch>
<Directory "${DOCROOT}/target/list">
    <Files "file*">
        RateLimit not-here 0/30d
    </Files>
</Directory>
<Location /err/>
    RateLimit not-here 0/30d
</Location>
END
for my $dir ('htdocs', 'htdocs/target') {
    $conf .= <<"END";
<Directory "\${ROOT}/$dir/rw">
    RewriteEngine On
    RewriteRule "^from\$" "to.txt"
    RewriteRule "^chain\$" "from"
</Directory>
<Directory "\${ROOT}/$dir/di">
    Options +ExecCGI
    AddHandler cgi-script .cgi
    DirectoryIndex index.html index.cgi
</Directory>
<Directory "\${ROOT}/$dir/mv">
    Options +MultiViews
</Directory>
<Directory "\${ROOT}/$dir/ssi">
    Options +Includes
    AddType text/html .shtml
    AddOutputFilter INCLUDES .shtml
</Directory>
<Directory "\${ROOT}/$dir/list">
    Options +Indexes
    IndexOptions FancyIndexing
</Directory>
END
}
my $s = httpd($conf, files => \%files);

# How many units the requests `do` makes with the header X-K: name took, told by a probe of the same counter.
sub charged {
    my ($name, $do) = @_;
    $do->("X-K", $name);
    my (undef, $line) = logged($s, 'GET', '/ok', headers => [ 'X-K' => $name ]);
    return 99 - $line->{remaining};
}

# Asserts that a GET of path is answered with this status and body, and charged once.
sub once {
    my ($path, $status, $body, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $r;
    my $n = charged($name, sub { $r = request($s, 'GET', $path, headers => [@_]) });
    is $n, 1, "$name: charged once";
    is $r->status, $status, "$name: answered with $status" or diag $r->as_string;
    like $r->body, $body, "$name: answered with the right body";
}

once '/ok',             200, qr/ok/,         'a plain file';
once '/cgi-bin/env.cgi', 200, qr/PATH=/,     'a CGI';
once '/rw/from',        200, qr/\Ato/,       'a per-directory rewrite';
once '/rw/chain',       200, qr/\Ato/,       'two per-directory rewrites';
once '/di/',            200, qr/index/,      'DirectoryIndex';
once '/di',             301, qr/moved/i,     'a missing slash';
once '/mv/page',        200, qr/page/,       'MultiViews';
once '/nowhere',        404, qr/lost/,       'an error document';
once '/list/',          200, qr/file6\.txt/, 'autoindex with six files';
once '/ssi/page.shtml', 200, qr/part1.*part5/s, 'five includes';
once '/fallback/a/b',    200, qr/front/,     'FallbackResource';
once '/local/redirect.cgi?/ok/here', 200, qr/\Aok/, 'a CGI that redirects inside the server';
once '/act/thing.act',  200, qr{handled /act/thing\.act}, 'an Action handler';

my $c = connection($s);
is charged('three on one connection', sub { $c->request('GET', '/ok', headers => [@_]) for 1 .. 3 }), 3, 'three requests on one connection are charged three times';
$c->close;

SKIP: {
    my $nghttp = grep { -x "$_/nghttp" } split /:/, $ENV{PATH};
    skip 'nghttp (nghttp2-client) is not here', 3 if !$nghttp;
    my $go = sub {
        my ($flags, @h) = @_;
        return `nghttp -v $flags -H '$h[0]: $h[1]' http://127.0.0.1:@{[ $s->port ]}/ok 2>&1`;
    };
    my $out;
    is charged('h2 stream', sub { $out = $go->('', @_) }), 1, 'an HTTP/2 stream is charged once';
    like $out, qr/:status: 200/, 'an HTTP/2 stream is served' or diag $out;
    is charged('h2c upgrade', sub { $out = $go->('-u', @_) }), 1, 'an h2c upgrade is charged once';
    like $out, qr/:status: 200/, 'an h2c upgrade is served' or diag $out;
    is charged('three streams', sub { $out = $go->('-m 3', @_) }), 3, 'three HTTP/2 streams are charged three times';
}

# ---- rules on the target ------------------------------------------------------------------------------------
limit_is $s, 2, '/target/di/',           'a rule on what DirectoryIndex finds';
limit_is $s, 2, '/target/mv/page',       'a rule on what MultiViews finds';
limit_is $s, 2, '/target/rw/from',       'a rule on the target of a per-directory rewrite';
limit_is $s, 2, '/target/fallback/x',    'a rule on the FallbackResource';
limit_is $s, 2, '/local/redirect.cgi?/ok/target/local', 'a rule on where a CGI redirects to';
limit_is $s, 2, '/target/act/thing.act', 'a rule on what an Action is for';
limit_is $s, 2, '/di/', 'a rule in <Files> on what DirectoryIndex finds', headers => [ 'X-Files' => 'y' ];
is status($s, '/target/di/index.cgi'), 429, 'what DirectoryIndex finds has the same counter when asked for directly';
is status($s, '/target/rw/to.txt'),    429, 'a rewrite\'s target has the same counter when asked for directly';
my ($r, $line) = logged($s, 'GET', '/target/rw/from');
is "$line->{state} $line->{rule}", 'denied target', 'denied by the target\'s rule: the access log names it';
like $r->header('Retry-After') // '', qr/\A[1-9]/, 'denied by the target\'s rule: with Retry-After';

# A denial by the target's rule takes back what the start was charged.
is statuses($s, 5, '/target/rw/chain'), '429 429 429 429 429', 'a rule at the end of two rewrites denies';
(undef, $line) = logged($s, 'GET', '/ok/start');
is $line->{remaining}, 49, 'what the end of two rewrites denied was not charged at the start';
my $n = charged('denied at the target', sub { request($s, 'GET', '/target/di/', headers => [@_]) });
is $n, 0, 'what the target\'s rule denied was not charged to an inherited rule';

# ---- rules on look-ups --------------------------------------------------------------------------------------
$r = request($s, 'GET', '/target/ssi/page.shtml');
like $r->body, qr/part1.*part5/s, 'rules on included files are not applied to the page';
$r = request($s, 'GET', '/target/list/');
is scalar(() = $r->body =~ /href="file\d\.txt"/g), 6, 'rules on listed files are not applied to the listing';
is status($s, '/target/list/file1.txt'), 429, 'a rule on a listed file is applied to the file itself';
$r = request($s, 'GET', '/nowhere');
is $r->status . ' ' . $r->body, "404 lost\n", 'a rule on an error document is not applied to the error';
is status($s, '/err/404.html'), 429, 'a rule on an error document is applied to the page itself';

finish;
