# SPDX-License-Identifier: Apache-2.0
# A page that includes a program runs it: each include is charged to the rules of its URL, whatever the page is. Files that
# are included, and look-ups, cost nothing.
use RL::Test;
use RL::Stores;

sub includes { return join "\n", map { qq(<!--#include virtual="$_" -->) } @_ }
my %files = (
    # 302 for the right password, 401 for a wrong one; tells each run.
    'cgi-bin/login.cgi' => <<'END',
#!/bin/sh
echo "run $QUERY_STRING" >> "$DOCUMENT_ROOT/../tmp/guesses"
case "$QUERY_STRING" in
*to=*)     printf 'Location: /cgi-bin/login.cgi/redirected?%s\n\n' "${QUERY_STRING#to=}" ;;
*secret*)  printf 'Status: 302 Found\nContent-Type: text/plain\n\n[welcome]\n' ;;
*)         printf 'Status: 401 No\nContent-Type: text/plain\n\n[wrong]\n' ;;
esac
END
    'htdocs/p/guesses.shtml' => includes(map { "/login/all?u=admin&p=guess$_" } 1 .. 20),
    'htdocs/p/failed.shtml'  => includes(map { "/login/failed?u=admin&p=$_" } qw(guess secret guess guess guess guess)),
    'htdocs/p/right.shtml'   => includes(('/login/failed?secret') x 8),
    'htdocs/p/account.shtml' => includes(map { ("/login/account?u=a&p=$_", "/login/account?u=b&p=$_") } 1 .. 5),
    'htdocs/p/redirect.shtml' => includes(map { "/login/redirect?to=$_" } 1 .. 5),
    'htdocs/p/files.shtml'   => includes(('/ok/denied', '/p/part.html') x 5),
    'htdocs/p/nested.shtml'  => includes('/p/inner.shtml'),
    'htdocs/p/inner.shtml'   => includes(('/login/nested') x 5),
    'htdocs/p/exempt.shtml'  => includes(('/login/exempt') x 5),
    'htdocs/p/watched.shtml' => includes(('/login/watched') x 5),
    'htdocs/p/lost.shtml'    => includes(('/login/lost') x 5),
    'htdocs/same/page.shtml' => includes(('/same/login') x 5),
    'htdocs/same/query.shtml' => includes(map { "/same/login/query?u=$_" } 1, 1, 1, 2),
    'htdocs/p/part.html'     => "[part]\n",
);
my $rules = <<'END';
ScriptAliasMatch "^/login/(.*)" "${CGIBIN}/login.cgi/$1"
ScriptAliasMatch "^/same/login(.*)" "${CGIBIN}/login.cgi$1"
<Directory "${DOCROOT}">
    Options +Includes
    AddType text/html .shtml
    AddOutputFilter INCLUDES .shtml
</Directory>
<Location /login/all>
    RateLimit all 3/30d
</Location>
<Location /login/failed>
    RateLimit failed 3/30d key=ip count=401 clear=302
</Location>
<Location /login/account>
    RateLimit account 2/30d key=query:u
</Location>
<Location /login/redirect>
    RateLimit start 99/30d
</Location>
<LocationMatch "^/cgi-bin/login.cgi/redirected">
    RateLimit end 2/30d count=401
</LocationMatch>
<Location /login/nested>
    RateLimit nested 2/30d
</Location>
<Location /login/exempt>
    RateLimitExempt 127.0.0.1
    RateLimit exempt 0/30d
</Location>
<Location /login/watched>
    RateLimitEngine Observe
    RateLimit watched 2/30d
</Location>
<Location /login/lost>
    RateLimit lost 0/30d
</Location>
ErrorDocument 404 /p/lost.shtml
<LocationMatch "^/(ok/denied|p/part)">
    RateLimit never 0/30d
</LocationMatch>
<Location /same/>
    RateLimit same 9/30d
</Location>
<LocationMatch "^/same/(query|login/query)">
    RateLimit same off
    RateLimit query 2/30d key=query:u
</LocationMatch>
END

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => \%files);
    mkdir $s->root . '/tmp';
    chmod 0777, $s->root . '/tmp';
    # What a page shows, and how often the program ran.
    my $page = sub {
        my ($path) = @_;
        $s->write('tmp/guesses', '');
        chmod 0666, $s->root . '/tmp/guesses';
        my ($r) = logged($s, 'GET', $path);
        my $shown = join '', map { substr $_, 0, 1 } $r->body =~ /\[(wrong|welcome|part|an error)/g;
        return join ' ', $r->status, $shown =~ s/((.)\2*)/"$2" . (length $1)/ger, scalar(() = slurp($s->root . '/tmp/guesses') =~ /^./mg);
    };
    is $page->('/p/guesses.shtml'), '200 w3a17 3', "$name: twenty guesses in a page: the limit holds";
    is $page->('/p/guesses.shtml'), '200 a20 0', "$name: for the next page, too";
    is status($s, '/login/all?x'), 429, "$name: it is the program's own counter";
    is $page->('/p/right.shtml'), '200 w8 8', "$name: an outcome that doesn't count";
    is $page->('/p/failed.shtml'), '200 w5a1 5', "$name: some that do, and one that clears";
    is status($s, '/login/failed?guess'), 429, "$name: the same from outside";
    is $page->('/p/account.shtml'), '200 w4a6 4', "$name: by what is asked of the program";
    is $page->('/p/redirect.shtml'), '200 w2 7', "$name: where a program sends the include on to";
    is $page->('/p/nested.shtml'), '200 w2a3 2', "$name: a page in a page";
    is $page->('/p/exempt.shtml'), '200 w5 5', "$name: exempt";
    is $page->('/p/watched.shtml'), '200 w5 5', "$name: observed";
    is $page->('/p/nowhere'), '404 w5 5', "$name: an error document's includes aren't checked";
    like request($s, 'GET', '/p/files.shtml')->body, qr/\A(ok\n+\[part\]\n+){5}\z/, "$name: nor are files";
    is $page->('/same/page.shtml'), '200 w5 5', "$name: a rule that the page has paid for";
    is +(logged($s, 'GET', '/same/login'))[1]{remaining}, 7, "$name: is paid once";
    is $page->('/same/query.shtml?u=0'), '200 w2a1w1 3', "$name: unless the key is another";
    $s->stop;
}

finish allow => qr/include|AH0\d+/;
