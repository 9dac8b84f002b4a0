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
    is_deeply histogram(parallel($s, 30, '/ok/guess', @wrong)), { 401 => 5, 429 => 25 }, "$name: thirty guesses together";
    is scalar(grep { /AH01617/ } $s->log_lines($from)), 5, "$name: five of them reach the password";
    is $series->(2, '/ok/guess', @right), '429 429', "$name: then the right one is refused as well";
    is scalar(grep { /AH01617/ } $s->log_lines($from)), 5, "$name: unseen";

    for my $kind (qw(login sliding bucket)) {
        is $series->(12, "/ok/$kind", @right), join(' ', (200) x 12), "$name: $kind: the right password costs nothing";
        is $series->(4, "/ok/$kind", @wrong), '401 401 401 401', "$name: $kind: four wrong ones";
        is $see->("/ok/$kind", @right)->{status}, 200, "$name: $kind: the right one";
        is $series->(7, "/ok/$kind", @wrong), '401 401 401 401 401 429 429', "$name: $kind: clears, and five more are free";
        is $series->(1, "/ok/$kind", @right), 429, "$name: $kind: none is left for the right one";
    }
    is $series->(2, '/ok/account', @wrong), '401 401', "$name: two wrong ones of alice";
    is $series->(3, '/ok/account', auth => 'bob:hunter2'), '200 200 200', "$name: bob's success";
    is $series->(2, '/ok/account', @wrong), '401 429', "$name: clears his own counter only";
    is $left->('/ok/account', auth => 'bob:wrong'), '401 2', "$name: bob goes on";
    is $series->(4, '/ok/password'), '401 401 401 401', "$name: without a password it is no try";
    is $series->(3, '/ok/password', @wrong), '401 401 429', "$name: with one it is";
    is $see->('/ok/penalty', @wrong)->{status}, 401, "$name: one wrong, with a penalty";
    is $series->(3, '/ok/penalty', @right), '200 200 200', "$name: the right one";
    is $series->(3, '/ok/penalty', @wrong), '401 401 429', "$name: clears; then the penalty";

    # ---- which outcomes ----------------------------------------------------------------------------------------
    my %counted = (list => { map { $_ => 1 } 404, 500, 503, 599 }, expr => { map { $_ => 1 } 401, 403, 404, 410, 500, 503, 599 });
    for my $rule (sort keys %counted) {
        for my $status (200, 204, 302, 401, 403, 404, 410, 500, 503, 599) {
            my @key = (headers => [ 'X-K' => $status ]);
            is $see->("/run/$rule?cgi_status=$status", @key)->{status}, $status, "$name: $rule: an outcome of $status";
            is $left->("/run/$rule", @key), $counted{$rule}{$status} ? '200 97' : '200 98',
                "$name: $rule: " . ($counted{$rule}{$status} ? 'counts' : 'does not count');
        }
    }
    is $left->('/run/missing'), '200 1', "$name: while it runs the unit is taken";
    is $series->(5, '/run/missing'), '200 200 200 200 200', "$name: afterwards it is given back";
    is $series->(2, '/run/missing?cgi_status=404'), '404 404', "$name: unless it counts";
    is $series->(2, '/run/missing'), '429 429', "$name: full";
    is $left->('/run/dear'), '200 6', "$name: a cost of four";
    is $left->('/run/dear?cgi_status=404'), '404 6', "$name: is given back whole";
    is $left->('/run/dear'), '200 2', "$name: or kept whole";
    is $left->('/run/dear'), '200 2', "$name: once";

    is $left->('/ok/static', headers => [ Range => 'bytes=0-0' ]), '206 9', "$name: a 206";
    is $left->('/ok/static'), '200 8', "$name: has counted";
    my $date = request($s, 'GET', '/ok')->header('Last-Modified');
    is $left->('/ok/static', headers => [ 'If-Modified-Since' => $date ]), '304 8', "$name: a 304";
    is $left->('/ok/static', method => 'HEAD'), '200 7', "$name: has counted too";
    is $left->('/ok/static'), '200 7', "$name: an answer to HEAD has not";

    is $left->('/run/header?failed'), '200 9', "$name: what a response header says";
    is $left->('/run/header?fine'), '200 8', "$name: has counted";
    is $left->('/run/header?fine'), '200 8', "$name: or has not";
    is join(' ', map { $left->("/run/unknown/$_") } qw(count count)), '200 9 200 8', "$name: charged when the expression fails";
    is join(' ', map { $left->("/run/unknown/$_") } qw(clear clear)), '200 9 200 8', "$name: and not cleared";
    is $left->('/ssi/page.shtml'), '200 9', "$name: missing includes";
    is $left->('/ssi/page.shtml'), '200 9', "$name: are not the request's outcome";

    # ---- several rules -----------------------------------------------------------------------------------------
    is $left->('/run/twins'), '200 9', "$name: two rules on one counter";
    is $left->('/run/twins?cgi_status=404'), '404 9', "$name: neither counted, so it was given back";
    is $left->('/run/twins?cgi_status=405'), '405 8', "$name: one counted, so it stays";
    is $left->('/run/twins'), '200 7', "$name: either of them";
    is $left->('/run/lenient'), '200 9', "$name: one that counts all";
    is $left->('/run/lenient'), '200 8', "$name: has its way";
    is $left->('/run/clears'), '200 9', "$name: one counter, which only the second";
    is $left->('/run/clears?cgi_status=201'), '201 8', "$name: clears";
    is $left->('/run/clears'), '200 9', "$name: for both";

    # ---- observed, exempt, free, denied ------------------------------------------------------------------------
    my $states = sub { my ($n, @get) = @_; return join ' ', map { $see->(@get)->{state} } 1 .. $n };
    is $states->(3, '/run/watch'), 'allowed allowed allowed', "$name: observed: what doesn't count";
    is $states->(4, '/run/watch?cgi_status=404'), 'allowed allowed observed observed', "$name: and what does";
    is $states->(2, '/run/watch?cgi_status=201'), 'observed allowed', "$name: an overrun is cleared too";
    is $states->(4, '/run/watched-all?cgi_status=404'), 'allowed allowed observed observed', "$name: RateLimitEngine Observe";
    is $states->(2, '/run/watched-all'), 'observed observed', "$name: as served as ever";
    is $series->(1, '/run/watched-all'), 200, "$name: really";
    is $left->('/run/exempt'), '200 9', "$name: not exempt";
    is $see->('/run/exempt?free&cgi_status=201')->{state}, 'exempt', "$name: exempt";
    is $left->('/run/exempt'), '200 8', "$name: an exempt request clears nothing";
    is $left->('/ok/friend', @wrong), '401 9', "$name: exempt by its name, which is known after the charge";
    is $see->('/ok/friend', auth => 'bob:hunter2')->{state}, 'exempt', "$name: when it was charged already";
    is $left->('/ok/friend', @wrong), '401 8', "$name: takes its charge back, and clears nothing";
    is $left->('/run/clear'), '200 7', "$name: a free rule beside a paid one";
    is $series->(3, '/run/denied'), '200 429 429', "$name: a denial";
    is $see->('/run/denied')->{status}, 429, "$name: clears nothing, though 429 is in the list";
    is $left->('/tenant/x'), '200 0', "$name: a tenant's rule denies from here on";
    is $series->(3, '/tenant/x'), '429 429 429', "$name: denied by the tenant";
    is $series->(3, '/tenant2/x'), '200 429 429', "$name: denied by another tenant";
    is $series->(3, '/tenant3/x'), '200 429 429', "$name: denied, and the server's rules are two on one counter";
    for my $t ([ tenant3 => 10, "doesn't count them for either" ], [ tenant => 7, 'counts the denials that it was to count' ], [ tenant2 => 9, 'and not those that it was not' ]) {
        $s->write("htdocs/$t->[0]/.htaccess", '');
        is $see->("/$t->[0]/x")->{remaining}, $t->[1] - 1, "$name: the server's rule $t->[2]";
    }

    # ---- HTTP/2 ------------------------------------------------------------------------------------------------
    my $h2 = RL::H2->new(port => $s->port);
    my $stream = sub { my ($path) = @_; my $id = $h2->headers('GET', $path); my $a = $h2->finished($id, 5); return $a ? $a->[0] : 0 };
    is join(' ', map { $stream->("/h2/$_") } qw(x none x none)), '200 404 200 404', "$name: streams";
    ok await(5, sub { $left->('/h2/x') eq '200 7' }), "$name: each by its outcome";
    is join(' ', map { $stream->('/h2/x') } 1 .. 40), join(' ', (200) x 40), "$name: forty that do not count, one by one";
    mkdir $s->root . '/tmp';
    chmod 0777, $s->root . '/tmp';
    my $id = $h2->headers('GET', '/cgi-bin/wait.cgi');
    ok await(10, sub { -e $s->root . '/tmp/started' }), "$name: a stream in flight";
    $h2->reset($id);
    is $stream->('/h2/x'), 200, "$name: is reset";
    my $mark = $s->access_mark;
    $s->write('tmp/go', '');
    ok await(10, sub { grep { $_->{uri} eq '/cgi-bin/wait.cgi' } $s->access($mark) }), "$name: and over";
    is $left->('/ok/reset'), '200 19', "$name: its outcome is known all the same";
    SKIP: {
        skip 'h2c takes nghttp (nghttp2-client) and an MPM with threads', 10 if !$nghttp || ($ENV{RL_MPM} // '') eq 'prefork';
        my $up = sub { my ($path) = @_; my $out = `$nghttp -u -v http://127.0.0.1:@{[ $s->port ]}$path 2>&1`; return join ' ', $out =~ /:status: (\d+)/g };
        is join(' ', map { $up->('/h2c/none') } 1 .. 3), '404 404 404', "$name: three h2c upgrades";
        ok await(5, sub { $left->('/h2c/x') eq '200 16' }), "$name: counted once each";
        is join(' ', map { $up->('/h2c/x') } 1 .. 5), '200 200 200 200 200', "$name: five that do not count";
        ok await(5, sub { $left->('/h2c/x') eq '200 16' }), "$name: given back once each" or diag $left->('/h2c/x');
        is join(' ', map { $up->('/tenant-h2c/x') } 1 .. 5), '200 200 200 200 200', "$name: five that do not count for a tenant";
        is join(' ', map { $up->('/tenant-h2c/none') || 'denied' } 1 .. 3), '404 404 denied', "$name: and two that do";
        is join(' ', map { $up->('/h2c-clears/none') } 1 .. 3), '404 404 404', "$name: three that count";
        ok await(5, sub { $left->('/ok/h2c-clears') eq '200 16' }), "$name: count";
        is $up->('/h2c-clears/x'), 200, "$name: one that clears";
        ok await(5, sub { $left->('/ok/h2c-clears') eq '200 19' }), "$name: clears" or diag $left->('/ok/h2c-clears');
    }
}

finish allow => qr/include:error|Evaluation of expression .*no.such.file/;
