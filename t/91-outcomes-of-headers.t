# SPDX-License-Identifier: Apache-2.0
# set-cookie: and location: in count= and clear=: what cookies the answer sets, where it sends the client.
use RL::Test;
use RL::H2;
use RL::Stores;

# Answers with the header lines that the query string has, one for each h=.
my $answer = <<'END';
#!/usr/bin/perl
my @lines = map { s/%([0-9a-f]{2})/chr hex $1/gier } ($ENV{QUERY_STRING} // '') =~ /(?:\A|&)h=([^&]*)/g;
my $nph = $ENV{SCRIPT_FILENAME} =~ m{/nph-[^/]*\z};
$| = 1 if $nph;
my ($status) = map { /\AStatus: (\d+)/ } @lines;
print 'HTTP/1.1 ', $status // 200, " As Asked\r\n" if $nph;
print map { "$_\r\n" } grep { !$nph || !/\AStatus:/ } @lines;
print "Content-Type: text/plain\r\n\r\nbody\n";
END

my $rules = <<'END';
Protocols h2c http/1.1
<LocationMatch "^/(run|proxied|nph|unset|set)/sid">
    RateLimit r 99/30d key=header:X-K count=set-cookie:sid
</LocationMatch>
<LocationMatch "^/(run|proxied|nph)/glob">
    RateLimit r 99/30d key=header:X-K count=set-cookie:wordpress_logged_in_*,set-cookie:s?d
</LocationMatch>
<LocationMatch "^/(run|proxied|nph|page|doc)/to">
    RateLimit r 99/30d key=header:X-K "count=location:*/login*,401"
</LocationMatch>
<Location "/run/clear">
    RateLimit r 3/30d key=header:X-K "count=location:*/login*,401" clear=set-cookie:sid,location:*/wp-admin/*
</Location>
<LocationMatch "^/run/mixed">
    RateLimit r 99/30d key=header:X-K count=5xx,set-cookie:sid,Location:/x
</LocationMatch>
<LocationMatch "^/(doc|page)">
    ErrorDocument 404 /run/doc?h=Set-Cookie:%20sid=1
</LocationMatch>
<Location "/doc/sid">
    RateLimit r 99/30d key=header:X-K count=set-cookie:sid
</Location>
Redirect 302 /page/to/login /somewhere/login
<Location "/unset">
    Header always unset Set-Cookie
    Header unset Set-Cookie
</Location>
<Location "/set">
    Header add Set-Cookie "sid=1"
</Location>
ScriptAliasMatch "^/(run|unset|set)/" "${CGIBIN}/answer.cgi"
ScriptAliasMatch "^/nph/" "${CGIBIN}/nph-answer.cgi"
<Location "/run/other">
    RequestHeader unset X-Test-Id
</Location>
ProxyPass "/proxied/" "http://127.0.0.1:${PORT2}/run/other/"
<Directory "${DOCROOT}/see">
    RewriteEngine On
    RewriteRule "^x$" "/run/inner?h=Set-Cookie:sid=1" [PT]
    RateLimit r 99/30d key=header:X-K count=set-cookie:sid
</Directory>
<Directory "${DOCROOT}/static">
    Header always set Set-Cookie "sid=1"
    RateLimit r 99/30d key=header:X-K count=set-cookie:sid
</Directory>
END

my %files = (
    'cgi-bin/answer.cgi' => $answer, 'cgi-bin/nph-answer.cgi' => $answer,
    'htdocs/see/y' => 'y', 'htdocs/static/x' => 'x',
);
my $n = 0;

sub query { return join '&', map { my $line = $_; $line =~ s/([^\w:.\/=-])/sprintf '%%%02x', ord $1/ge; "h=$line" } @_ }

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => \%files, modules => [qw(proxy proxy_http)]);
    my $see = sub { my ($path, $key, %o) = @_; return (logged($s, 'GET', $path, %o, headers => [ 'X-K' => $key, @{ $o{headers} // [] } ])) };
    # 1 if the answer with these header lines counts. The rule has 99 units, and a request holds one while it runs.
    my $counts = sub {
        my ($path, @lines) = @_;
        my $key = 'k' . ++$n;
        $see->("$path?" . query(@lines), $key);
        my ($r, $line) = $see->("$path?" . query('X-Nothing: 1'), $key);
        return $line->{remaining} eq '97' ? 1 : $line->{remaining} eq '98' ? 0 : "? $line->{remaining}";
    };

    # ---- cookies ---------------------------------------------------------------------------------------------------
    my @cookies = (
        [ 1, 'sets it', 'Set-Cookie: sid=1' ],
        [ 0, 'sets another', 'Set-Cookie: sidx=1' ],
        [ 0, 'sets one in other letters', 'Set-Cookie: SID=1' ],
        [ 0, 'has it as a value', 'Set-Cookie: a=sid=1; sid' ],
        [ 1, 'sets it among several', 'Set-Cookie: a=1', 'Set-Cookie: sid=1; Path=/; HttpOnly', 'Set-Cookie: b=1' ],
        [ 0, 'empties it', 'Set-Cookie: sid=; Path=/' ],
        [ 1, 'sets it to "deleted"', 'Set-Cookie: sid=deleted' ],
        [ 0, 'deletes it as PHP does', 'Set-Cookie: sid=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0; path=/' ],
        [ 0, 'lets it expire', 'Set-Cookie: sid=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT' ],
        [ 0, 'gives it no time', 'Set-Cookie: sid=1; Max-Age=0' ],
        [ 1, 'gives it a minute', 'Set-Cookie: sid=1; Max-Age=60' ],
        [ 0, 'sets it and removes it', 'Set-Cookie: sid=1; Path=/', 'Set-Cookie: sid=; Path=/' ],
        [ 1, 'removes it and sets it', 'Set-Cookie: sid=; Path=/', 'Set-Cookie: sid=1; Path=/' ],
        [ 1, 'removes it elsewhere', 'Set-Cookie: sid=1; Path=/', 'Set-Cookie: sid=; Path=/x' ],
        [ 1, 'sets it with an error', 'Status: 403', 'Set-Cookie: sid=1' ],
        [ 1, 'sets it with a redirect', 'Status: 302', 'Location: http://127.0.0.1/x', 'Set-Cookie: sid=1' ],
        [ 0, 'sets none' ],
    );
    for my $c (@cookies) {
        my ($expected, $what, @lines) = @$c;
        is $counts->("/$_/sid", @lines), $expected, "$name: set-cookie: an answer of /$_ that $what " . ($expected ? 'counts' : "doesn't count") for qw(run nph);
    }
    is $counts->('/run/glob', "Set-Cookie: $_=1"), 1, "$name: set-cookie: the pattern covers $_" for qw(wordpress_logged_in_ab12 wordpress_logged_in_ sid sxd);
    is $counts->('/run/glob', "Set-Cookie: $_=1"), 0, "$name: set-cookie: the pattern doesn't cover $_" for qw(wordpress_sec_ab wordpress_logged_in xsid sd sidd);
    is $counts->('/run/mixed', @$_[1 .. $#$_]), $$_[0], "$name: a list of all kinds: @$_[1 .. $#$_]"
        for [ 1, 'Status: 503' ], [ 1, 'Set-Cookie: sid=1' ], [ 1, 'Status: 307', 'Location: /x' ], [ 0, 'Set-Cookie: x=1' ];
    is $counts->('/unset/sid', 'Set-Cookie: sid=1'), 0, "$name: set-cookie: a cookie that mod_headers takes away doesn't count";
    my $key = 'k' . ++$n;
    $see->('/set/sid', $key);
    is(($see->('/set/sid', $key))[1]{remaining}, 97, "$name: set-cookie: one that mod_headers adds counts");

    my $date = (request($s, 'GET', '/static/x'))->header('Last-Modified');
    $key = 'k' . ++$n;
    is(($see->('/static/x', $key, headers => [ 'If-Modified-Since' => $date ]))[0]->status, 304, "$name: set-cookie: an answer of 304");
    is(($see->('/static/x', $key))[1]{remaining}, 97, "$name: set-cookie: counts");
    $key = 'k' . ++$n;
    $see->('/see/x', $key);
    is(($see->('/see/y', $key))[1]{remaining}, 97, "$name: set-cookie: what an internal redirect leads to counts");
    $key = 'k' . ++$n;
    $see->('/doc/sid/none', $key);
    is(($see->('/doc/sid/none', $key))[1]{remaining}, 97, "$name: set-cookie: what an error document sets counts");

    # ---- redirects -------------------------------------------------------------------------------------------------
    my @to = (
        [ 1, 'to the login', 'Status: 302', 'Location: http://a.example/login' ],
        [ 1, 'with more after it', 'Status: 303', 'Location: http://a.example/login?again=1' ],
        [ 0, 'to another place', 'Status: 302', 'Location: http://a.example/welcome' ],
        [ 0, 'in other letters', 'Status: 302', 'Location: http://a.example/Login' ],
        [ 1, 'that is permanent', 'Status: 301', 'Location: http://a.example/login' ],
        [ 1, 'that keeps the method', 'Status: 307', 'Location: http://a.example/login' ],
        [ 0, 'that is none: 201', 'Status: 201', 'Location: http://a.example/login' ],
        [ 1, 'that is none, of a status in the list', 'Status: 401', 'WWW-Authenticate: x' ],
    );
    for my $t (@to) {
        my ($expected, $what, @lines) = @$t;
        is $counts->("/$_/to", @lines), $expected, "$name: location: a redirect of /$_ $what " . ($expected ? 'counts' : "doesn't count") for qw(run nph);
    }
    $key = 'k' . ++$n;
    is(($see->('/page/to/login', $key))[0]->status, 302, "$name: location: mod_alias redirects before any rule");

    # ---- proxied ---------------------------------------------------------------------------------------------------
    is $counts->('/proxied/sid', 'Set-Cookie: a=1', 'Set-Cookie: sid=1'), 1, "$name: set-cookie: a cookie of a proxied answer counts";
    is $counts->('/proxied/sid', 'Set-Cookie: sid=; Max-Age=0'), 0, "$name: set-cookie: one that it removes doesn't";
    is $counts->('/proxied/to', 'Status: 302', 'Location: http://a.example/login'), 1, "$name: location: a proxied redirect counts";

    # ---- clearing --------------------------------------------------------------------------------------------------
    my $fail = query('Status: 302', 'Location: http://a.example/login?failed');
    my $series = sub {
        my ($k, @tries) = @_;
        return join ' ', map { ($see->("/run/clear?$_", $k))[0]->status } @tries;
    };
    is $series->('c1', ($fail) x 5), '302 302 302 429 429', "$name: count=location: what fails counts";
    my $cookie = query('Set-Cookie: a=1', 'Set-Cookie: sid=1');
    is $series->('c2', $fail, $fail, $cookie, ($fail) x 4), '302 302 200 302 302 302 429', "$name: clear=set-cookie: a cookie clears";
    my $admin = query('Status: 302', 'Location: http://a.example/wp-admin/profile.php');
    is $series->('c3', $fail, $fail, $admin, ($fail) x 4), '302 302 302 302 302 302 429', "$name: clear=location: a redirect clears";
    my $out = query('Set-Cookie: sid=; Max-Age=0');
    is $series->('c4', $fail, $fail, $out, ($fail) x 2), '302 302 200 302 429', "$name: clear=set-cookie: a logout doesn't";

    my $h2 = RL::H2->new(port => $s->port);
    my $stream = sub {
        my $from = $s->access_mark;
        my $id = $h2->headers('GET', "/run/clear?$_[0]", 'x-k' => 'c5');
        my $status = ($h2->finished($id, 10) // ['-'])->[0];
        $h2->logged($s, $from);
        return $status;
    };
    is join(' ', map { $stream->($_) } $fail, $fail, $cookie, ($fail) x 4), '302 302 200 302 302 302 429', "$name: over HTTP/2 alike";
    $s->stop;
}

finish;
