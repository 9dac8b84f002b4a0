# SPDX-License-Identifier: Apache-2.0
# RateLimitDenyHandler: somebody else writes the denial. The status stays the denial's, nothing is swallowed first,
# nothing loops, and when that somebody fails there is the default answer.
use RL::Test;
use Time::HiRes qw(time);

my %files = (
    'htdocs/sorry.txt'      => "sorry\n",
    'htdocs/secret/page.txt' => "the secret page\n",
    'cgi-bin/says.cgi'      => <<'END',
#!/bin/sh
test -z "$QUERY_STRING" || printf 'Status: %s Said So\n' "$QUERY_STRING"
case $QUERY_STRING in 50[024]) printf 'Content-Encoding: gzip\nContent-Length: 999\n' ;; esac
printf 'Content-Type: text/plain\nX-From: handler\n\nthe handler says %s\n' "$QUERY_STRING"
END
    'cgi-bin/dies.cgi'      => "#!/bin/sh\nexit 1\n",
    'cgi-bin/hangs.cgi'     => "#!/bin/sh\nexec sleep 30\n",
    'cgi-bin/body.cgi'      => "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nn=`cat | wc -c`\necho \$REQUEST_METHOD \$n\n",
    'cgi-bin/runs.cgi'      => "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nthe program itself\\n'\n",
);

sub section { my ($path, $handler, @more) = @_; return join "\n", "<Location $path>", 'RateLimit r 0/h', "RateLimitDenyHandler $handler", @more, "</Location>\n" }

my $s = httpd(<<'END' . join('', section('/ok/page', '/sorry.txt'),
Protocols h2c http/1.1
RateLimitHeaders standard
Action denial "/cgi-bin/denied.cgi" virtual
Action failing "/cgi-bin/dies.cgi" virtual
Action absent "/cgi-bin/not-there.cgi" virtual
<Location /cgi-bin/hangs.cgi>
    CGIDScriptTimeout 1s
</Location>
<Location /cgi-bin/guarded.cgi>
    Include conf/auth.conf
</Location>
<Location /cgi-bin/limited.cgi>
    RateLimit own 0/h
    RateLimitDenyHandler /cgi-bin/limited.cgi
</Location>
<Location /outer>
    RateLimit r 0/h
    RateLimitDenyHandler /sorry.txt
    ErrorDocument 429 "an ErrorDocument"
</Location>
<Location /outer/back>
    RateLimitDenyHandler default
</Location>
<Location /outer/back/plain>
    ErrorDocument 429 default
</Location>
<Location /secret/>
    Include conf/auth.conf
    RateLimit r 0/h
    RateLimitDenyHandler no-such-handler
</Location>
<Location /secret/own/>
    RateLimitDenyHandler denial
</Location>
<Location /satisfy/>
    Include conf/auth.conf
    Satisfy Any
    Require ip 10.0.0.1
    RateLimit r 0/h
    RateLimitDenyHandler denial
</Location>
<Location /user/>
    Include conf/auth.conf
    RateLimit r 0/h key=user
    RateLimitDenyHandler denial
</Location>
ProxyPass /proxied/ http://127.0.0.1:${PORT2}/ok/
END
    section('/ok/cgi', '/cgi-bin/denied.cgi?from=here'), section('/ok/unnamed', '/sorry.txt', 'RateLimitDenyStatus 430'),
    (map { section("/ok/says$_", "/cgi-bin/says.cgi?$_") } qw(200 403 404 418 429 503 500 502 504)),
    section('/ok/self', '/ok/self/page'), section('/ok/absent', '/not/there'), section('/ok/forbidden', '/cgi-bin'),
    section('/ok/dies', '/cgi-bin/dies.cgi'), section('/ok/hangs', '/cgi-bin/hangs.cgi'), section('/ok/guarded', '/cgi-bin/guarded.cgi'),
    section('/ok/body', '/cgi-bin/body.cgi'), section('/ok/limited', '/cgi-bin/limited.cgi'),
    section('/ok/named', 'denial'), section('/ok/named-dies', 'failing', 'ErrorDocument 429 "not this"'), section('/ok/named-absent', 'absent'),
    section('/ok/unknown', 'no-such-handler'), section('/cgi-bin/runs.cgi', 'no-such-handler'), section('/proxied', 'denial'),
    section('/ok/refused', '/refused/'), section('/ok/named430', 'denial', 'RateLimitDenyStatus 430'),
    section('/ok/500', '/cgi-bin/says.cgi?500', 'RateLimitDenyStatus 500'), "ProxyPass /refused/ http://127.0.0.1:1/\n"),
    modules => [qw(proxy proxy_http)], files => \%files);

my %TYPE = ('text/plain; charset=utf-8' => 'text', 'text/html; charset=utf-8' => 'html', 'application/problem+json' => 'problem');
sub get { my ($path, %o) = @_; return request($s, delete $o{method} // 'GET', $path, %o, headers => [ Accept => 'application/json', @{ $o{headers} // [] } ]) }

# The default answer, as the problem document that we ask for, and whole.
sub is_default {
    my ($r, $name, $status) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $type = $TYPE{ $r->header('Content-Type') // '' } // '-';
    is join(' ', $r->status, $type, $r->body =~ /\A\{.*\}\n\z/s ? 'whole' : 'not whole'), ($status // 429) . ' problem whole', "$name: the default answer" or diag $r->as_string;
    ok +($r->header('Retry-After') // 0) > 0 && $r->header('Cache-Control') eq 'no-store' && $r->header('Content-Length') == length $r->body, "$name: the default answer has its header fields";
}

# ---- URL paths ----------------------------------------------------------------------------------------------
my $r = get('/ok/page');
is $r->status . ' ' . $r->body, "429 sorry\n", 'a page as deny handler: its body, with the status of the denial';
ok $r->header('Retry-After') > 0 && $r->header('Cache-Control') eq 'no-store', 'a page as deny handler keeps Retry-After and no-store';
like $r->header('RateLimit') // '', qr/\A"r";r=0;t=\d+\z/, 'a page as deny handler has RateLimit fields';
like $r->line, qr{\AHTTP/1.1 429 Too Many Requests}, 'a page as deny handler: the status line is the denial\'s';
$r = get('/ok/page', method => 'HEAD');
is $r->status . $r->body, '429', 'a page as deny handler, HEAD: no body';
$r = get('/ok/unnamed');
is $r->line . ' ' . $r->body, "HTTP/1.1 430 Too Many Requests sorry\n", 'a page as deny handler: a status that httpd has no name for';
my ($d, $line) = logged($s, 'GET', '/ok/cgi');
is $d->status, 429, 'a CGI program as deny handler: the status is the denial\'s';
my $env = $d->env;
is $env->{"RATELIMIT_$_"} . '|' . $env->{"REDIRECT_RATELIMIT_$_"}, join('|', ($line->{ lc((split /_/)[0]) }) x 2), "a CGI program as deny handler sees RATELIMIT_$_" for qw(RULE LIMIT REMAINING RETRY_AFTER KEY);
is "$env->{REDIRECT_STATUS} $env->{REDIRECT_URL} $env->{REDIRECT_RATELIMIT_STATUS}", '429 /ok/cgi denied', 'a CGI program as deny handler sees REDIRECT_ variables';
is "$line->{status} $line->{state}", '429 denied', 'a CGI program as deny handler: the access log has the denial';
$r = get("/ok/says$_"), is "$_ " . $r->status . ' ' . $r->body, "$_ $_ the handler says $_\n", "the status is the handler's: $_" for qw(200 403 404 418 429 503);
is_default(get("/ok/says$_"), "a handler that says $_") for qw(500 502 504);
is join(' ', grep { defined get('/ok/says500')->header($_) } qw(X-From Content-Encoding)), '', 'a handler that says 500: nothing of its header is left';
$r = get('/ok/500');
is $r->status . ' ' . $r->header('Content-Encoding'), '500 gzip', 'a handler that says 500, which is the status of the denial: its header stands';
is_default(get('/ok/absent'), 'a page that is not there');
is_default(get('/ok/forbidden'), 'a page that may not be sent');
is_default(get('/ok/dies'), 'a program that dies');
is_default(get('/ok/dies', method => 'POST', body => 'x=y'), 'a program that dies after a POST');
is_default(get('/ok/guarded'), 'a program that asks for a password');
is_default(get('/ok/refused'), 'a proxied server that does not answer');
my $before = time;
is_default(get('/ok/hangs'), 'a program that hangs');
cmp_ok time - $before, '<', 10, 'a program that hangs is given up by its time-out';
$r = get('/ok/dies', method => 'HEAD');
is join('|', $r->status, $r->body, $TYPE{ $r->header('Content-Type') }), '429||problem', 'a program that dies, HEAD: the default answer without a body';
is_default(get('/ok/dies', http => '1.0'), 'a program that dies, HTTP/1.0');
$r = get('/ok/self');
is $r->status . ' ' . $r->body, "429 ok\n", 'a page under the rule itself: no loop, not limited';
my @limited = map { get('/ok/limited') } 1 .. 3;
is_default($_, 'a handler with a rule of its own that is not there') for $limited[0];
is_default(get('/cgi-bin/limited.cgi'), 'a deny handler that is asked for itself');

# ---- the body ---------------------------------------------------------------------------------------------------
$r = get('/ok/body', method => 'POST', body => 'x' x 100);
is $r->status . ' ' . $r->body, "429 GET 0\n", 'a POST is answered by a GET, without its body';
my $dripped = sub { my ($path) = @_; least(1.5, sub { $r = get($path, method => 'POST', pieces => [ ('x' x 200) x 100 ], delay => 0.02); return $r->total }) };
my $took = $dripped->('/ok/body');
is $r->status . ' ' . $r->body, "429 GET 0\n", 'a POST whose body dribbles in is answered by a GET';
cmp_ok $took, '<', 1.5, 'a URL path as deny handler does not wait for a body that dribbles in';
$took = $dripped->('/ok/named');
is $r->status, 429, 'a handler by its name: a POST whose body dribbles in is denied';
cmp_ok $took, '<', 1.5, 'a handler by its name does not wait for a body that dribbles in';

# ---- handlers by name ----------------------------------------------------------------------------------------------
($d, $line) = logged($s, 'GET', '/ok/named');
$env = $d->env;
is $d->status . ' ' . ($d->body =~ /\A(.*)/)[0], '429 sorry from a CGI', 'a handler by its name: its body, with the status of the denial';
is "$env->{RATELIMIT_STATUS} $env->{RATELIMIT_RULE} $env->{RATELIMIT_KEY}", "denied r $line->{key}", 'a handler by its name sees RATELIMIT_';
ok $d->header('Retry-After') > 0 && $d->header('Cache-Control') eq 'no-store', 'a handler by its name keeps Retry-After and no-store';
like $d->header('RateLimit') // '', qr/\A"r";r=0;t=\d+\z/, 'a handler by its name has RateLimit fields';
is "$line->{status} $line->{state}", '429 denied', 'a handler by its name: the access log has the denial';
is get('/ok/named430')->status, 430, 'a handler by its name: RateLimitDenyStatus 430 is answered';
is get('/ok/named', method => 'HEAD')->status, 429, 'a handler by its name, HEAD: the status is the denial\'s';
is_default(get('/ok/named-dies'), 'a handler by its name that dies');
is_default(get('/ok/named-absent'), 'a handler by its name whose program is not there');
is_default(get('/ok/unknown'), 'a handler by a name that nobody handles, on a file');
is_default(get('/cgi-bin/runs.cgi'), 'a handler by a name that nobody handles, on a program');
is get('/proxied/x')->status . ' ' . (get('/proxied/x')->body =~ /\A(.*)/)[0], '429 sorry from a CGI', 'a handler by its name in front of mod_proxy, to which nothing is passed on';
is_default(get('/secret/page.txt'), 'a handler by a name that nobody handles, on a protected page');
is_default(get('/secret/page.txt', auth => 'alice:secret'), 'a handler by a name that nobody handles, on a protected page with the password');
is get('/secret/own/x')->status, 429, 'a handler by its name answers before any password check';
is get('/satisfy/x')->status, 429, 'a handler by its name under Satisfy Any, anonymous: denied';
is get('/satisfy/x', auth => 'alice:secret')->status, 429, 'a handler by its name under Satisfy Any, authenticated: denied';
is get('/user/x')->status, 401, 'a handler by its name, a rule of users: the password is asked for first';
is get('/user/x', auth => 'alice:secret')->status, 429, 'a handler by its name, a rule of users: denied with the password';
my $c = connection($s);
is join(' ', map { $c->request('GET', "/ok/$_")->status } qw(named unknown named plain absent page plain)), '429 429 429 200 429 429 200', 'seven requests on one connection, six of them denied by handlers';
$c->close;
my ($nghttp) = grep { -x } map { "$_/nghttp" } split /:/, $ENV{PATH};
SKIP: {
    skip 'nghttp is not here', 1 if !$nghttp;
    my $url = 'http://127.0.0.1:' . $s->port;
    my $out = `$nghttp -v $url/ok/named $url/ok/cgi $url/ok/unknown $url/ok/says500 $url/ok/page 2>&1`;
    is join(' ', $out =~ /:status: (\d+)/g), join(' ', (429) x 5), 'HTTP/2: five streams are denied by handlers';
}

# ---- ErrorDocument, and sections ---------------------------------------------------------------------------------------
is get('/outer')->body, "sorry\n", 'a deny handler prevails over an ErrorDocument';
is get('/outer/back')->body, 'an ErrorDocument', 'RateLimitDenyHandler default: the ErrorDocument is the body';
is_default(get('/outer/back/plain'), 'RateLimitDenyHandler default and ErrorDocument 429 default');

my @failures = grep { /RateLimitDenyHandler/ } $s->log_lines(0);
my %once;
is scalar(grep { $once{ s/.*RateLimitDenyHandler//r }++ } grep { m{/cgi-bin/dies\.cgi} } @failures), 0, 'a deny handler that fails is logged once a day and rule';
ok scalar(@failures), 'a deny handler that fails is logged';

config_error("<Location />\nRateLimitDenyHandler $_->[0]\n</Location>\n", 'RateLimitDenyHandler', $_->[1], "RateLimitDenyHandler $_->[0]", $_->[2]) for (
    [ 'http://elsewhere.test/', 'http://elsewhere.test/', qr/local/ ],
    [ 'HTTPS://elsewhere.test/', 'HTTPS://elsewhere.test/', qr/local/ ],
    [ 'default-handler',        'default-handler',        qr/was denied/ ],
);

finish allow => qr/AH\d+|ratelimit:|dies\.cgi|hangs\.cgi/;
