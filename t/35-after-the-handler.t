# SPDX-License-Identifier: Apache-2.0
# A request that has reached a program is charged for it, wherever the program sends it on to inside the server: the
# program has had its guess, and its answer tells by how it ends.
use RL::Test;
use RL::Stores;

my %files = (
    'htdocs/rw/x'       => '',
    'cgi-bin/guess.cgi' => <<'CGI',
#!/bin/sh
echo "$QUERY_STRING" >> "$DOCUMENT_ROOT/../tmp/guesses"
case "$QUERY_STRING" in
    *secret*) printf 'Content-Type: text/plain\n\nwelcome\n';;
    *)        printf 'Location: %s\n\n' "$PATH_INFO";;
esac
CGI
);
my $conf = <<'END';
RewriteEngine On
ScriptAliasMatch "^/(?:guess|some|found|hops)(/.*|$)" "${CGIBIN}/guess.cgi$1"
<LocationMatch "^/guess/">
    RateLimit login 3/30d
</LocationMatch>
<Location /some/>
    RateLimit some 3/30d count=401
</Location>
<Location /found/>
    RateLimit found 9/30d group=found count=404
</Location>
<Location /ok/found>
    RateLimit found 9/30d group=found
</Location>
<Location /ok/failed>
    RateLimit page 2/30d
</Location>
<Location /ok/free>
    RateLimitExempt "expr=true"
    RateLimit free 100/30d
</Location>
<Location /gone/free>
    RateLimitExempt "expr=true"
    RateLimit free 100/30d
</Location>

# A program that goes on to a rewrite, which ends at the page.
<Location /hops/>
    RateLimit hops 3/30d
</Location>
<Directory "${DOCROOT}/rw">
    RewriteEngine On
    RewriteRule "^to-failed$" "/ok/failed" [PT]
    RewriteRule "^to-free$" "/ok/free" [PT]
</Directory>
<LocationMatch "^/rw/to-">
    RateLimit way 3/30d group=way
</LocationMatch>
<Location /ok/way>
    RateLimit way 3/30d group=way
</Location>
END

for (stores()) {
    my ($name, $store) = @$_;
    my $s;
    my $start = sub {
        my ($secret) = @_;
        $s = httpd($store =~ s/Secret fleet/Secret $secret/r . $conf, files => \%files);
        mkdir $s->root . '/tmp';
        chmod 0777, $s->root . '/tmp';
    };
    # The answers, and how many of the requests reached the program.
    my $reached = sub {
        my ($path, $n) = @_;
        $s->write('tmp/guesses', '');
        chmod 0666, $s->root . '/tmp/guesses';
        my $got = join ' ', map { (logged($s, 'GET', "$path?wrong$_"))[0]->status } 1 .. $n;
        return $got . ': ' . scalar(() = slurp($s->root . '/tmp/guesses') =~ /^./mg);
    };
    my $left = sub { my (undef, $line) = logged($s, 'GET', $_[0]); return "$line->{status} $line->{remaining}" };

    $start->('one');
    is statuses($s, 3, '/ok/failed'), '200 200 429', "$name: the page that the program redirects to is at its limit";
    is $reached->('/guess/ok/failed', 6), '429 429 429 429 429 429: 3', "$name: guesses that are denied after the program has run are charged";
    is status($s, '/guess/x?secret'), 429, "$name: after those the right guess is denied";
    is $reached->('/some/ok/failed', 6), '429 429 429 429 429 429: 3', "$name: count=401: what is denied after the program has run is charged";
    is $reached->('/hops/rw/to-failed', 6), '429 429 429 429 429 429: 3', "$name: guesses that are denied at the end of a rewrite after the program are charged";
    is statuses($s, 5, '/rw/to-failed'), '429 429 429 429 429', "$name: a rewrite without a program that leads to a denial is denied";
    is $left->('/ok/way'), '200 2', "$name: a rewrite without a program that leads to a denial is charged nothing";
    is statuses($s, 5, '/rw/to-free'), '200 200 200 200 200', "$name: a rewrite without a program that leads to an exemption is served";
    is $left->('/ok/way'), '200 1', "$name: a rewrite without a program that leads to an exemption is charged nothing";
    $s->stop;

    $start->('two');
    is $reached->('/guess/ok/free', 6), '200 200 200 429 429 429: 3', "$name: guesses that are exempt after the program has run are charged";
    is $reached->('/found/ok/free', 4), '200 200 200 200: 4', "$name: exempt after the program, with an outcome that does not count: all are served";
    is $left->('/ok/found'), '200 8', "$name: exempt after the program, with an outcome that does not count: given back";
    is $reached->('/found/gone/free', 2), '404 404: 2', "$name: exempt after the program, with an outcome that counts: answered";
    is $left->('/ok/found'), '200 5', "$name: exempt after the program, with an outcome that counts: they stay charged";
}

finish;
