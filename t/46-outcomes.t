# SPDX-License-Identifier: Apache-2.0
# count= and clear=: a unit is charged before the password is checked, and given back, or the counter cleared, when
# it is known what came of the request.
use RL::Test;
use RL::H2;
use RL::Stores;

my ($nghttp) = grep { -x } map { "$_/nghttp" } split /:/, $ENV{PATH};

my $rules = <<'END';
Protocols h2c http/1.1
SetEnvIf X-Observe "y" OBSERVE
<Location /ok/guess>
    Include conf/auth.conf
    RateLimit login 5/30d count=401
</Location>
<Location /ok/login>
    Include conf/auth.conf
    RateLimit login 5/30d count=401 clear=200
</Location>
<Location /ok/sliding>
    Include conf/auth.conf
    RateLimit login 5/30d count=401 clear=200 algorithm=sliding-window
</Location>
<Location /ok/bucket>
    Include conf/auth.conf
    RateLimit login 1/30d count=401 clear=200 algorithm=token-bucket burst=5
</Location>
<Location /ok/account>
    Include conf/auth.conf
    RateLimit account 3/30d key=claimed-user count=401 clear=200
    RateLimit address 100/30d
</Location>
<Location /ok/password>
    Include conf/auth.conf
    RateLimit login 2/30d key=ip+claimed-user "when=-n %{HTTP:Authorization}" count=401 clear=2xx,3xx
</Location>
<Location /ok/penalty>
    Include conf/auth.conf
    RateLimit login 2/30d count=401 clear=200 penalty=1h
</Location>

# The outcome is the status in the query string: cgi_status=404.
<Location /run/list>
    RateLimit r 99/30d key=header:X-K count=404,5xx
</Location>
<Location /run/expr>
    RateLimit r 99/30d key=header:X-K "count=expr=%{REQUEST_STATUS} -ge 400"
</Location>
<Location /run/dear>
    RateLimit r 10/30d cost=4 count=404
</Location>
<Location /run/clear>
    RateLimit free  10/30d cost=0 count=404 clear=201 group=cleared
    RateLimit paid  10/30d cost=3 group=paid
</Location>
<Location /run/watch>
    RateLimit seen 2/30d action=observe count=404 clear=201
</Location>
<Location /run/watched-all>
    RateLimitEngine Observe
    RateLimit seen 2/30d count=404
</Location>
<Location /run/twins>
    RateLimit one 10/30d group=twins count=404
    RateLimit two 10/30d group=twins count=405
</Location>
<Location /run/lenient>
    RateLimit one 10/30d group=lenient count=404
    RateLimit two 10/30d group=lenient
</Location>
<Location /run/clears>
    RateLimit one 10/30d group=clears count=all
    RateLimit two 10/30d group=clears count=404 clear=201
</Location>
<Location /run/unknown/count>
    RateLimit r 10/30d "count=expr=file('/no/such/file') == 'x'"
</Location>
<Location /run/unknown/clear>
    RateLimit r 10/30d "clear=expr=file('/no/such/file') == 'x'"
</Location>
<Location /run/header>
    RateLimit r 10/30d "count=expr=%{resp:X-Failed} == 'yes'"
    Header always set X-Failed "yes" "expr=%{QUERY_STRING} =~ /failed/"
</Location>
<Location /run/exempt>
    RateLimit r 10/30d clear=201
</Location>
<Location /ok/friend>
    Include conf/auth.conf
    RateLimitExempt "expr=%{REMOTE_USER} == 'bob'"
    RateLimit r 10/30d clear=200
</Location>
<If "%{QUERY_STRING} =~ /free/">
    RateLimitExempt 127.0.0.1
</If>
<Location /run/denied>
    RateLimit tight 1/30d clear=4xx
    RateLimit wide  10/30d count=429
</Location>
<Location /run/missing>
    RateLimit r 2/30d count=404
</Location>
ScriptAliasMatch "^/run/" "${CGIBIN}/env.cgi"

<Directory "${DOCROOT}/tenant">
    AllowOverride Limit
    RateLimit server 10/30d count=429 clear=429
</Directory>
<Directory "${DOCROOT}/tenant3">
    AllowOverride Limit
    RateLimit one 10/30d group=tenants-twins count=404
    RateLimit two 10/30d group=tenants-twins count=405
</Directory>
<Directory "${DOCROOT}/tenant-h2c">
    AllowOverride Limit
</Directory>
<Directory "${DOCROOT}/tenant2">
    AllowOverride Limit
    RateLimit server 10/30d count=200
</Directory>
<Location /ok/static>
    RateLimit r 10/30d count=206,304
</Location>
<Location /ssi>
    Options +Includes
    AddOutputFilter INCLUDES .shtml
    RateLimit r 10/30d count=404
</Location>
<Location /h2>
    RateLimit r 10/30d count=404 key=all
</Location>
<Location /h2c>
    RateLimit r 20/30d count=404 key=all
</Location>
<Location /h2c-clears>
    RateLimit r 20/30d clear=200 key=all group=h2c
</Location>
<Location /ok/h2c-clears>
    RateLimit r 20/30d count=599 key=all group=h2c
</Location>
<Location /cgi-bin/wait.cgi>
    RateLimit r 20/30d count=404 key=all group=reset
</Location>
<Location /ok/reset>
    RateLimit r 20/30d count=599 key=all group=reset
</Location>
END

my %files = (
    'htdocs/tenant/.htaccess' => "RateLimit own 1/30d\n", 'htdocs/tenant/x' => 'x',
    'htdocs/tenant3/.htaccess' => "RateLimit own 1/30d\n", 'htdocs/tenant3/x' => 'x',
    'htdocs/tenant-h2c/.htaccess' => "RateLimit own 2/30d count=404\n", 'htdocs/tenant-h2c/x' => 'x',
    'htdocs/tenant2/.htaccess' => "RateLimit own 1/30d\n", 'htdocs/tenant2/x' => 'x',
    'htdocs/ssi/page.shtml' => '<!--#include virtual="none1.html"--><!--#include virtual="none2.html"-->',
    'htdocs/h2/x' => 'x', 'htdocs/h2c/x' => 'x', 'htdocs/h2c-clears/x' => 'x',
    # Says that it has started, and answers when it may.
    'cgi-bin/wait.cgi' => <<'CGI',
#!/bin/sh
cd "$DOCUMENT_ROOT/../tmp" && mkdir started || exit 1
while [ ! -e go ]; do sleep 0.02; done
printf 'Content-Type: text/plain\n\nhere\n'
CGI
);
my @wrong = (auth => 'alice:wrong');
my @right = (auth => 'alice:secret');

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => \%files);
    my $see = sub { my ($path, %o) = @_; return (logged($s, delete $o{method} // 'GET', $path, %o))[1] };
    my $left = sub { my $l = $see->(@_); return "$l->{status} $l->{remaining}" };
    my $series = sub { my ($n, @get) = @_; return join ' ', map { $see->(@get)->{status} } 1 .. $n };

    # ---- guessing ----------------------------------------------------------------------------------------------
    my $from = $s->log_mark;
    is_deeply histogram(parallel($s, 30, '/ok/guess', @wrong)), { 401 => 5, 429 => 25 }, "$name: of thirty guesses together five are admitted";
    is scalar(grep { /AH01617/ } $s->log_lines($from)), 5, "$name: of thirty guesses together five reach the password check";
    is $series->(2, '/ok/guess', @right), '429 429', "$name: after five guesses the right password is denied";
    is scalar(grep { /AH01617/ } $s->log_lines($from)), 5, "$name: after five guesses no password is checked";

    for my $kind (qw(login sliding bucket)) {
        is $series->(12, "/ok/$kind", @right), join(' ', (200) x 12), "$name: $kind: the right password costs nothing";
        is $series->(4, "/ok/$kind", @wrong), '401 401 401 401', "$name: $kind: four wrong passwords are answered";
        is $see->("/ok/$kind", @right)->{status}, 200, "$name: $kind: after four wrong passwords the right one is admitted";
        is $series->(7, "/ok/$kind", @wrong), '401 401 401 401 401 429 429', "$name: $kind: the right password has cleared the counter";
        is $series->(1, "/ok/$kind", @right), 429, "$name: $kind: after five wrong passwords the right one is denied";
    }
    is $series->(2, '/ok/account', @wrong), '401 401', "$name: two wrong passwords of alice are answered";
    is $series->(3, '/ok/account', auth => 'bob:hunter2'), '200 200 200', "$name: bob's right password is admitted";
    is $series->(2, '/ok/account', @wrong), '401 429', "$name: bob's success has not cleared alice's counter";
    is $left->('/ok/account', auth => 'bob:wrong'), '401 2', "$name: bob's success has not cleared the counter of the address";
    is $series->(4, '/ok/password'), '401 401 401 401', "$name: a request without a password is no try";
    is $series->(3, '/ok/password', @wrong), '401 401 429', "$name: a request with a wrong password is a try";
    is $see->('/ok/penalty', @wrong)->{status}, 401, "$name: penalty=: the first wrong password is answered";
    is $series->(3, '/ok/penalty', @right), '200 200 200', "$name: penalty=: the right password is admitted";
    is $series->(3, '/ok/penalty', @wrong), '401 401 429', "$name: penalty=: a success clears; the third wrong password after it is denied";

    # ---- which outcomes ----------------------------------------------------------------------------------------
    my %counted = (list => { map { $_ => 1 } 404, 500, 503, 599 }, expr => { map { $_ => 1 } 401, 403, 404, 410, 500, 503, 599 });
    for my $rule (sort keys %counted) {
        for my $status (200, 204, 302, 401, 403, 404, 410, 500, 503, 599) {
            my @key = (headers => [ 'X-K' => $status ]);
            is $see->("/run/$rule?cgi_status=$status", @key)->{status}, $status, "$name: $rule: a status of $status is answered";
            is $left->("/run/$rule", @key), $counted{$rule}{$status} ? '200 97' : '200 98',
                "$name: $rule: a status of $status " . ($counted{$rule}{$status} ? 'counts' : 'does not count');
        }
    }
    is $left->('/run/missing'), '200 1', "$name: count=404: while the request runs its unit is taken";
    is $series->(5, '/run/missing'), '200 200 200 200 200', "$name: count=404: the unit of another status is given back";
    is $series->(2, '/run/missing?cgi_status=404'), '404 404', "$name: count=404: two of status 404 are answered";
    is $series->(2, '/run/missing'), '429 429', "$name: count=404: after two of status 404 it is full";
    is $left->('/run/dear'), '200 6', "$name: cost=4: while the request runs four units are taken";
    is $left->('/run/dear?cgi_status=404'), '404 6', "$name: cost=4: all four units had been given back";
    is $left->('/run/dear'), '200 2', "$name: cost=4: all four units of a 404 were kept";
    is $left->('/run/dear'), '200 2', "$name: cost=4: and have been kept once";

    is $left->('/ok/static', headers => [ Range => 'bytes=0-0' ]), '206 9', "$name: count=206,304: a range is answered with 206";
    is $left->('/ok/static'), '200 8', "$name: count=206,304: the 206 has counted";
    my $date = request($s, 'GET', '/ok')->header('Last-Modified');
    is $left->('/ok/static', headers => [ 'If-Modified-Since' => $date ]), '304 8', "$name: count=206,304: what is not modified is answered with 304";
    is $left->('/ok/static', method => 'HEAD'), '200 7', "$name: count=206,304: the 304 has counted";
    is $left->('/ok/static'), '200 7', "$name: count=206,304: a 200 to HEAD has not counted";

    is $left->('/run/header?failed'), '200 9', "$name: count=expr= on a response header: the first request";
    is $left->('/run/header?fine'), '200 8', "$name: count=expr= on a response header: one that failed has counted";
    is $left->('/run/header?fine'), '200 8', "$name: count=expr= on a response header: one that did not has not";
    is join(' ', map { $left->("/run/unknown/$_") } qw(count count)), '200 9 200 8', "$name: count=expr= that can't be evaluated: stays charged";
    is join(' ', map { $left->("/run/unknown/$_") } qw(clear clear)), '200 9 200 8', "$name: clear=expr= that can't be evaluated: is not cleared";
    is $left->('/ssi/page.shtml'), '200 9', "$name: count=404: a page whose includes are missing is a 200";
    is $left->('/ssi/page.shtml'), '200 9', "$name: count=404: missing includes have not counted";

    # ---- several rules -----------------------------------------------------------------------------------------
    is $left->('/run/twins'), '200 9', "$name: two rules on one counter: charged once";
    is $left->('/run/twins?cgi_status=404'), '404 9', "$name: two rules on one counter: given back when neither counts";
    is $left->('/run/twins?cgi_status=405'), '405 8', "$name: two rules on one counter: kept when the first counts";
    is $left->('/run/twins'), '200 7', "$name: two rules on one counter: kept when the second counts";
    is $left->('/run/lenient'), '200 9', "$name: two rules on one counter, one counts all: charged once";
    is $left->('/run/lenient'), '200 8', "$name: two rules on one counter, one counts all: kept";
    is $left->('/run/clears'), '200 9', "$name: two rules on one counter, the second clears: charged once";
    is $left->('/run/clears?cgi_status=201'), '201 8', "$name: two rules on one counter, the second clears: kept before";
    is $left->('/run/clears'), '200 9', "$name: two rules on one counter, the second clears: cleared for both";

    # ---- observed, exempt, free, denied ------------------------------------------------------------------------
    my $states = sub { my ($n, @get) = @_; return join ' ', map { $see->(@get)->{state} } 1 .. $n };
    is $states->(3, '/run/watch'), 'allowed allowed allowed', "$name: action=observe count=404: what does not count is allowed";
    is $states->(4, '/run/watch?cgi_status=404'), 'allowed allowed observed observed', "$name: action=observe count=404: what counts is observed at last";
    is $states->(2, '/run/watch?cgi_status=201'), 'observed allowed', "$name: action=observe clear=201: an overrun is cleared";
    is $states->(4, '/run/watched-all?cgi_status=404'), 'allowed allowed observed observed', "$name: RateLimitEngine Observe count=404: what counts is observed at last";
    is $states->(2, '/run/watched-all'), 'observed observed', "$name: RateLimitEngine Observe count=404: over its limit it stays observed";
    is $series->(1, '/run/watched-all'), 200, "$name: RateLimitEngine Observe count=404: what is observed is served";
    is $left->('/run/exempt'), '200 9', "$name: clear=201: a request that is not exempt is charged";
    is $see->('/run/exempt?free&cgi_status=201')->{state}, 'exempt', "$name: clear=201: an exempt request";
    is $left->('/run/exempt'), '200 8', "$name: clear=201: an exempt request has cleared nothing";
    is $left->('/ok/friend', @wrong), '401 9', "$name: exempt by user: another user is charged";
    is $see->('/ok/friend', auth => 'bob:hunter2')->{state}, 'exempt', "$name: exempt by user: the user is exempt, after the charge";
    is $left->('/ok/friend', @wrong), '401 8', "$name: exempt by user: the charge was taken back, and nothing cleared";
    is $left->('/run/clear'), '200 7', "$name: a rule with cost=0 beside a paid one: the paid one is charged";
    is $series->(3, '/run/denied'), '200 429 429', "$name: clear=4xx: the second request is denied";
    is $see->('/run/denied')->{status}, 429, "$name: clear=4xx: a denial has cleared nothing";
    is $left->('/tenant/x'), '200 0', "$name: a tenant's rule admits the first request";
    is $series->(3, '/tenant/x'), '429 429 429', "$name: a tenant's rule denies the following ones";
    is $series->(3, '/tenant2/x'), '200 429 429', "$name: another tenant's rule denies after the first";
    is $series->(3, '/tenant3/x'), '200 429 429', "$name: a tenant's rule denies beside two rules of the server on one counter";
    for my $t ([ tenant3 => 10, "has not counted denials that neither of two rules counts" ], [ tenant => 7, 'has counted the denials of a tenant that it counts' ], [ tenant2 => 9, 'has not counted the denials of a tenant that it does not count' ]) {
        $s->write("htdocs/$t->[0]/.htaccess", '');
        is $see->("/$t->[0]/x")->{remaining}, $t->[1] - 1, "$name: $t->[0]: the server's rule $t->[2]";
    }

    # ---- HTTP/2 ------------------------------------------------------------------------------------------------
    my $h2 = RL::H2->new(port => $s->port);
    my $stream = sub {    # until it is logged, so that its unit is back: the answer is sent before that
        my ($path) = @_;
        my $mark = $s->access_mark;
        my $a    = $h2->finished($h2->headers('GET', $path), 15);
        $h2->logged($s, $mark, qr/ uri=\Q$path\E /);
        return $a ? $a->[0] : 0;
    };
    is join(' ', map { $stream->("/h2/$_") } qw(x none x none)), '200 404 200 404', "$name: HTTP/2 streams are answered";
    ok await(20, sub { $left->('/h2/x') eq '200 7' }), "$name: HTTP/2 streams count each by its own status";
    is join(' ', map { $stream->('/h2/x') } 1 .. 40), join(' ', (200) x 40), "$name: forty HTTP/2 streams that do not count are admitted, one by one";
    mkdir $s->root . '/tmp';
    chmod 0777, $s->root . '/tmp';
    my $id = $h2->headers('GET', '/cgi-bin/wait.cgi');
    ok await(10, sub { -e $s->root . '/tmp/started' }), "$name: a stream that is in flight";
    $h2->reset($id);
    is $stream->('/h2/x'), 200, "$name: a stream beside one that was reset is answered";
    my $mark = $s->access_mark;
    $s->write('tmp/go', '');
    ok $h2->logged($s, $mark, qr{ uri=/cgi-bin/wait[.]cgi }), "$name: a stream that was reset is over";
    is $left->('/ok/reset'), '200 19', "$name: a stream that was reset goes by the outcome that was known";
    SKIP: {
        skip 'h2c takes nghttp (nghttp2-client) and an MPM with threads', 10 if !$nghttp || ($ENV{RL_MPM} // '') eq 'prefork';
        my $up = sub { my ($path) = @_; my $out = `$nghttp -u -v http://127.0.0.1:@{[ $s->port ]}$path 2>&1`; return join ' ', $out =~ /:status: (\d+)/g };
        is join(' ', map { $up->('/h2c/none') } 1 .. 3), '404 404 404', "$name: three h2c upgrades that count are answered";
        ok await(20, sub { $left->('/h2c/x') eq '200 16' }), "$name: three h2c upgrades that count are counted once each";
        is join(' ', map { $up->('/h2c/x') } 1 .. 5), '200 200 200 200 200', "$name: five h2c upgrades that do not count are answered";
        ok await(20, sub { $left->('/h2c/x') eq '200 16' }), "$name: five h2c upgrades that do not count are given back once each" or diag $left->('/h2c/x');
        is join(' ', map { $up->('/tenant-h2c/x') } 1 .. 5), '200 200 200 200 200', "$name: five h2c upgrades that do not count for a tenant's rule are answered";
        is join(' ', map { $up->('/tenant-h2c/none') || 'denied' } 1 .. 3), '404 404 denied', "$name: of three h2c upgrades that count for a tenant's rule two are answered";
        is join(' ', map { $up->('/h2c-clears/none') } 1 .. 3), '404 404 404', "$name: three h2c upgrades on a rule that clears are answered";
        ok await(20, sub { $left->('/ok/h2c-clears') eq '200 16' }), "$name: three h2c upgrades on a rule that clears are charged";
        is $up->('/h2c-clears/x'), 200, "$name: an h2c upgrade whose status clears is answered";
        ok await(20, sub { $left->('/ok/h2c-clears') eq '200 19' }), "$name: an h2c upgrade whose status clears has cleared" or diag $left->('/ok/h2c-clears');
    }
}

finish allow => qr/include:error|Evaluation of expression .*no.such.file/;
