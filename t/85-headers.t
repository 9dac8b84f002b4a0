# SPDX-License-Identifier: Apache-2.0
# RateLimitHeaders: what a limited response tells, on which responses, and who wins.
use RL::Test;
use RL::StructuredField qw(parse_list param);

my %files = (
    'cgi-bin/own.cgi' => <<'END',
#!/bin/sh
printf 'Content-Type: text/plain\n'
case $QUERY_STRING in
*standard*) printf 'RateLimit: "own";r=1\n' ;;
esac
case $QUERY_STRING in
*policy*) printf 'ratelimit-policy: "own";q=1\n' ;;
esac
case $QUERY_STRING in
*legacy*) printf 'X-Ratelimit-Used: 7\n' ;;
esac
printf '\nown\n'
END
    'cgi-bin/nph-own.cgi' => "#!/bin/sh\nprintf 'HTTP/1.0 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\nnph\\n'\n",
    'htdocs/sorry.txt'    => "sorry\n",
    'htdocs/di/index.html' => "index\n",
);

my $s = httpd(<<'END', modules => [qw(proxy proxy_http)], files => \%files);
Protocols h2c http/1.1
ScriptAliasMatch "^/(?:own|exempt)/(.*)" "${CGIBIN}/$1"
<Location /ok/none>
    RateLimit r 9/d
</Location>
<Location /ok/unlimited>
    RateLimitHeaders standard legacy
</Location>
<Location /ok/both>
    RateLimitHeaders standard legacy
    RateLimit burst 4/d key=expr:%{QUERY_STRING}
    RateLimit month 100/30d key=expr:%{QUERY_STRING}
</Location>
<Location /ok/both/none>
    RateLimitHeaders none
</Location>
<Location /ok/standard>
    RateLimitHeaders standard
    RateLimit r 9/d
</Location>
<Location /ok/legacy>
    RateLimitHeaders LEGACY
    RateLimit r 9/d
</Location>
<Location /ok/shares>
    RateLimitHeaders standard legacy
    RateLimit wide 100/30d key=expr:%{QUERY_STRING}
    RateLimit same 10/d key=expr:%{QUERY_STRING}
    RateLimit equal 10/2d key=expr:%{QUERY_STRING}
</Location>
<Location /ok/observed>
    RateLimitHeaders standard
    RateLimit watched 1/d action=observe
    RateLimit real 100/d
</Location>
<Location /ok/skipped>
    RateLimitHeaders standard
    RateLimit post 9/d methods=POST
    RateLimit unlimited none
    RateLimit when 9/d "when=%{QUERY_STRING} == 'x'"
</Location>
<Location /own>
    RateLimitHeaders standard legacy
    RateLimit r 99/d
</Location>
<Location /exempt>
    RateLimitHeaders standard legacy
    RateLimitExempt "expr=%{QUERY_STRING} == 'friend'"
    RateLimit r 99/d
</Location>
<Location /ok/auth>
    Include conf/auth.conf
    RateLimitHeaders standard
    RateLimit early 99/d
    RateLimit late 99/d key=user
</Location>
<Location /missing>
    RateLimitHeaders standard legacy
    RateLimit r 99/d
</Location>
<Location /missing/document>
    ErrorDocument 404 /sorry.txt
</Location>
<Location /missing/cgi>
    ErrorDocument 404 /cgi-bin/env.cgi
</Location>
<Location /cgi-bin/env.cgi>
    RateLimitHeaders standard legacy
    RateLimit r 99/d
</Location>
<Location /ok/admin>
    RateLimitHeaders standard legacy
    RateLimit r 99/d
    Header set RateLimit "\"admin\""
    Header always set X-RateLimit-Limit "1"
</Location>
<Location /di>
    RateLimitHeaders standard
    RateLimit directory 99/d
</Location>
<Location /di/index.html>
    RateLimit index 99/d
</Location>
ProxyPass /proxied/ http://127.0.0.1:${PORT2}/own/
<Location /proxied>
    RateLimitHeaders standard legacy
    RateLimit front 99/d
</Location>
<Location /ok/personal>
    RateLimitHeaders standard legacy
    RateLimit claimed 5/d key=claimed-user
</Location>
<Location /ok/query>
    RateLimitHeaders standard legacy
    RateLimit asked 5/d key=query:user
</Location>
<Location /ok/query/dear>
    RateLimit asked off
    RateLimit dear 5/d key=query:user cost=6
</Location>
<Location /ok/mixed>
    RateLimitHeaders standard
    RateLimit account 2/d key=query:user
    RateLimit address 9/d
</Location>
<Location /ok/costs>
    RateLimitHeaders standard legacy
    RateLimit dear 5/30d cost=expr=%{HTTP:X-Cost}
    Header always set X-Remaining %{RATELIMIT_REMAINING}e
</Location>
<Location /ok/bucket>
    RateLimitHeaders standard legacy
    RateLimit bucket 36/h algorithm=token-bucket burst=10 cost=expr=%{HTTP:X-Cost}
</Location>
<Location /ok/sliding>
    RateLimitHeaders standard
    RateLimit sliding 2/30d algorithm=sliding-window
</Location>
<Location /ok/penalty>
    RateLimitHeaders standard
    RateLimit penalty 1/s penalty=2h
</Location>
<Location /cgi-bin/body-digest.cgi>
    RateLimitHeaders standard legacy
    RateLimit account 2/d key=ip+form:user
</Location>
<Location /ok/denied>
    RateLimitHeaders standard legacy
    RateLimit open 99/d
    RateLimit short 0/10s
    RateLimit long 0/30d
</Location>
<Location /ok/denied/document>
    ErrorDocument 429 /sorry.txt
</Location>
<Location /ok/denied/handler>
    RateLimitDenyHandler /sorry.txt
</Location>
<VirtualHost *:${PORT2}>
    ServerName back.test
</VirtualHost>
END
my $url = 'http://127.0.0.1:' . $s->port;
my @NAMES = qw(RateLimit-Policy RateLimit X-RateLimit-Limit X-RateLimit-Remaining X-RateLimit-Reset);

sub items { my ($text) = @_; return join ', ', map { my $m = $_; "$m->{type} $m->{value}" . join '', map { ";$_->[0]=$_->[1]{value}" } @{ $m->{params} } } @{ parse_list($text) } }

# The names of the policies, each field well-formed and there once; and the one state.
sub policies {
    my ($r) = @_;
    my @policy = $r->header('RateLimit-Policy');
    my @state  = $r->header('RateLimit');
    return 'policy fields: ' . @policy . ', states: ' . @state if @policy != 1 || @state > 1;
    my $list = parse_list($policy[0]);
    for my $m (@$list) {
        return "malformed: $policy[0]" if $m->{type} ne 'string' || grep { !defined param($m, $_) || param($m, $_) < 0 } qw(q w);
    }
    return join ' ', map { $_->{value} } @$list if !@state;
    my $told = parse_list($state[0]);
    return "malformed: $state[0]" if @$told != 1 || $told->[0]{type} ne 'string';
    return join ' ', (map { $_->{value} } @$list), '->', $told->[0]{value}, defined param($told->[0], 'r') ? param($told->[0], 'r') : '-';
}

sub none_of { my ($r, $name, @names) = @_; is join(' ', grep { defined $r->header($_) } @names ? @names : @NAMES), '', $name }

# ---- on or off -----------------------------------------------------------------------------------------
none_of request($s, 'GET', '/ok/none'), 'no response fields by default';
none_of request($s, 'GET', '/ok/unlimited'), 'no response fields in a location without rules';
none_of request($s, 'GET', '/ok/both/none'), 'no response fields by RateLimitHeaders none in an inner section';
my $r = request($s, 'GET', '/ok/both?k=1');
is items($r->header('RateLimit-Policy')), 'string burst;q=4;w=86400, string month;q=100;w=2592000', 'RateLimit-Policy has all rules that apply';
like items($r->header('RateLimit')), qr/\Astring burst;r=3;t=\d+\z/, 'RateLimit tells the rule that is closest to its limit';
my $t = param(parse_list($r->header('RateLimit'))->[0], 't');
ok $t >= 1 && $t <= 86_400, 't of RateLimit lies within the window';
is $r->header('X-RateLimit-Limit'), 4, 'X-RateLimit-Limit is that rule\'s';
is $r->header('X-RateLimit-Remaining'), 3, 'X-RateLimit-Remaining is that rule\'s';
cmp_ok abs($r->header('X-RateLimit-Reset') - time - $t), '<=', 2, 'X-RateLimit-Reset is t as a moment';
$r = request($s, 'GET', '/ok/standard');
is policies($r), 'r -> r 8', 'RateLimitHeaders standard: the standard fields';
none_of $r, 'RateLimitHeaders standard: no legacy fields', grep { /^X/ } @NAMES;
$r = request($s, 'GET', '/ok/legacy');
is $r->header('X-RateLimit-Remaining'), 8, 'RateLimitHeaders legacy: the legacy fields';
none_of $r, 'RateLimitHeaders legacy: no standard fields', grep { !/^X/ } @NAMES;

# ---- which rules -----------------------------------------------------------------------------------------
is join(' ', map { policies(request($s, 'GET', '/ok/both?k=2')) } 1 .. 4), join(' ', map { "burst month -> burst $_" } 3, 2, 1, 0), 'r of RateLimit counts down to 0';
$r = request($s, 'GET', '/ok/both?k=2');
is $r->status . ' ' . policies($r), '429 burst month -> burst 0', 'a denial: the rule that denied has r=0';
is items($r->header('RateLimit')), 'string burst;r=0;t=' . $r->header('Retry-After'), 'a denial: t is Retry-After';
is $r->header('X-RateLimit-Remaining'), 0, 'a denial: X-RateLimit-Remaining is 0';
cmp_ok abs($r->header('X-RateLimit-Reset') - time - $r->header('Retry-After')), '<=', 2, 'a denial: X-RateLimit-Reset is the moment of the retry';
is policies(request($s, 'GET', '/ok/shares?a=1')), 'wide same equal -> same 9', 'of rules equally close to their limits the first is told';
is policies(request($s, 'GET', '/ok/observed')), 'watched real -> watched 0', 'a rule with action=observe is told';
$r = request($s, 'GET', '/ok/observed');
is $r->status . ' ' . policies($r), '200 watched real -> watched 0', 'a rule with action=observe is told over its limit';
none_of request($s, 'GET', '/ok/skipped'), 'rules that do not apply are not told';
is policies(request($s, 'GET', '/ok/skipped?x')), 'when -> when 8', 'of several rules the one that applies is told';
$r = request($s, 'GET', '/ok/denied');
is $r->status . ' ' . policies($r), '429 open short long -> long 0', 'of several rules that deny the one with the longest wait is told';
is items($r->header('RateLimit')), 'string long;r=0;t=' . $r->header('Retry-After'), 'of several rules that deny t is Retry-After';

# ---- on every response --------------------------------------------------------------------------------------
is policies(request($s, 'HEAD', '/ok/standard')), 'r -> r 7', 'an answer to HEAD has response fields';
is policies(request($s, 'GET', '/ok/standard', http => '1.0')), 'r -> r 6', 'an answer to HTTP/1.0 has response fields';
$r = request($s, 'GET', '/ok/standard');
$r = request($s, 'GET', '/ok/standard', headers => [ 'If-None-Match' => $r->header('ETag') ]);
$r = request($s, 'GET', '/ok/standard', headers => [ 'If-Modified-Since' => 'Fri, 01 Jan 2100 00:00:00 GMT' ]) if $r->status != 304;
is $r->status . ' ' . (policies($r) =~ /\Ar -> r \d\z/ ? 'told' : policies($r)), '304 told', 'a 304 has response fields';
$r = request($s, 'GET', '/missing/here');
is $r->status . ' ' . policies($r), '404 r -> r 98', 'a 404 has response fields';
$r = request($s, 'GET', '/missing/document');
is $r->status . ' ' . policies($r) . ' ' . $r->body, "404 r -> r 97 sorry\n", 'a 404 with an ErrorDocument has response fields';
$r = request($s, 'GET', '/missing/cgi');
is $r->status . ' ' . policies($r), '404 r -> r 96', 'a 404 with an ErrorDocument that has rules itself has those of the request';
$r = request($s, 'GET', '/cgi-bin/env.cgi?cgi_status=500');
is $r->status . ' ' . policies($r), '500 r -> r 98', 'a CGI\'s 500 has response fields';
$r = request($s, 'GET', '/own/not-there.cgi');
is $r->status . ' ' . policies($r), '404 r -> r 98', 'a CGI that is not there has response fields';
$r = request($s, 'GET', '/ok/auth');
is $r->status . ' ' . policies($r), '401 early -> early 98', 'a 401 tells the rules that were checked before';
$r = request($s, 'GET', '/ok/auth', auth => 'alice:wrong');
is $r->status . ' ' . policies($r), '401 early -> early 97', 'a wrong password tells the rules that were checked before';
$r = request($s, 'GET', '/ok/auth', auth => 'alice:secret');
is $r->status . ' ' . policies($r), '200 early late -> early 96', 'the right password tells rules of users as well';
is policies(request($s, 'GET', '/di/')), 'directory index -> directory 98', 'a DirectoryIndex with rules of its own tells both';
for my $how (qw(document handler)) {
    $r = request($s, 'GET', "/ok/denied/$how");
    is $r->status . ' ' . policies($r) . ' ' . $r->body, "429 open short long -> long 0 sorry\n", "a denial by $how has response fields";
    is scalar(my @all = map { $r->header($_) } @NAMES), 5, "a denial by $how has each field once";
}
my ($nghttp) = grep { -x } map { "$_/nghttp" } split /:/, $ENV{PATH};
SKIP: {
    skip 'nghttp is not here', 2 if !$nghttp;
    my $out = `$nghttp -v $url/ok/both?k=h2 2>&1`;
    like $out, qr/ratelimit-policy: "burst";q=4;w=86400, "month";q=100;w=2592000\s/, 'HTTP/2: RateLimit-Policy';
    like $out, qr/ratelimit: "burst";r=3;t=\d+\s/, 'HTTP/2: RateLimit';
}
none_of request($s, 'GET', '/own/nph-own.cgi'), 'an nph- CGI program, which writes its own header, has no response fields';

# ---- exempt, the application's own, other people's ------------------------------------------------------------
is policies(request($s, 'GET', '/exempt/own.cgi')), 'r -> r 98', 'a request that is not exempt has response fields';
none_of request($s, 'GET', '/exempt/own.cgi?friend'), 'an exempt request has no response fields';
none_of request($s, 'GET', '/exempt/not-there.cgi?friend'), 'an exempt request that is an error has no response fields';
for my $proxied ('own', 'proxied') {
    my $n = $proxied eq 'own' ? 'r' : 'front';
    $r = request($s, 'GET', "/$proxied/own.cgi", host => $proxied eq 'own' ? 'localhost' : 'front.test');
    like policies($r), qr/\Ar -> r \d+\z/, "$proxied: the front server's fields, when the application has none" if $proxied eq 'proxied';
    $r = request($s, 'GET', "/$proxied/own.cgi?standard");
    is $r->header('RateLimit'), '"own";r=1', "$proxied: the application's RateLimit keeps ours out";
    is $r->header('RateLimit-Policy'), undef, "$proxied: the application's RateLimit keeps our RateLimit-Policy out" if $proxied eq 'own';
    ok defined $r->header('X-RateLimit-Limit'), "$proxied: the application's RateLimit leaves our legacy fields";
}
$r = request($s, 'GET', '/own/own.cgi?policy');
is join('|', map { $_ // '-' } $r->header('RateLimit-Policy'), scalar $r->header('RateLimit')), '"own";q=1|-', 'the application\'s RateLimit-Policy keeps our standard fields out';
$r = request($s, 'GET', '/own/own.cgi?legacy');
none_of $r, 'an X-RateLimit- field of the application\'s keeps our legacy fields out', grep { /^X/ } @NAMES;
is $r->header('X-RateLimit-Used'), 7, 'an X-RateLimit- field of the application\'s stays';
like policies($r), qr/\Ar -> r \d+\z/, 'an X-RateLimit- field of the application\'s leaves our standard fields';
$r = request($s, 'GET', '/ok/admin');
is join('|', $r->header('RateLimit'), $r->header('X-RateLimit-Limit')), '"admin"|1', 'what Header sets keeps ours out';
none_of $r, 'what Header sets keeps the whole family out', qw(RateLimit-Policy X-RateLimit-Remaining X-RateLimit-Reset);

# ---- keys that name somebody ----------------------------------------------------------------------------------
$r = request($s, 'GET', '/ok/personal', auth => 'victim:x');
is policies($r), 'claimed', 'key=claimed-user: no item in RateLimit';
none_of $r, 'key=claimed-user: what is left is in no field', qw(RateLimit X-RateLimit-Remaining X-RateLimit-Reset);
is $r->header('X-RateLimit-Limit'), 5, 'key=claimed-user: X-RateLimit-Limit is there';
is policies(request($s, 'GET', '/ok/query?user=victim')), 'asked', 'key=query: no item in RateLimit';
is policies(request($s, 'GET', '/ok/mixed?user=victim')), 'account address -> address 8', 'a rule of the client\'s own is told instead of one keyed by query:';
my %form = (type => 'application/x-www-form-urlencoded', body => 'user=victim');
is policies(request($s, 'POST', '/cgi-bin/body-digest.cgi', %form)), 'account', 'a form field in the key: no item in RateLimit';
request($s, 'POST', '/cgi-bin/body-digest.cgi', %form);
$r = request($s, 'POST', '/cgi-bin/body-digest.cgi', %form);
is $r->status . ' ' . items($r->header('RateLimit')), '429 string account;r=0;t=' . $r->header('Retry-After'), 'a form field in the key: a denial tells r=0 and the wait';
is $r->header('X-RateLimit-Remaining'), 0, 'a form field in the key: a denial has X-RateLimit-Remaining 0';
cmp_ok abs($r->header('X-RateLimit-Reset') - time - $r->header('Retry-After')), '<=', 2, 'a form field in the key: a denial has X-RateLimit-Reset';
$r = request($s, 'GET', '/ok/query/dear?user=victim');
is $r->status . ' ' . items($r->header('RateLimit')), '429 string dear;r=0;t=' . $r->header('Retry-After'), 'key=query: a denial of a cost that is too high tells r=0';

# ---- the true state --------------------------------------------------------------------------------------------
sub state { my ($r) = @_; my $m = parse_list($r->header('RateLimit'))->[0]; return join ' ', $r->status, map { $m->{value} . " r=" . param($m, 'r') } 1 }
sub seconds { my ($r) = @_; return param(parse_list($r->header('RateLimit'))->[0], 't') }
my @costs = map { request($s, 'GET', '/ok/costs', headers => [ 'X-Cost' => $_ ]) } 4, 2, 1, 1;
is join(', ', map { state($_) } @costs), '200 dear r=1, 429 dear r=1, 200 dear r=0, 429 dear r=0', 'a denial of a high cost tells what is left';
is join(' ', map { $_->header('X-RateLimit-Remaining') } @costs), '1 1 0 0', 'a denial of a high cost: X-RateLimit-Remaining tells what is left';
is join(' ', map { $_->header('X-Remaining') } @costs), '1 1 0 0', 'a denial of a high cost: RATELIMIT_REMAINING tells what is left';
my ($first, @others) = map { $_->header('X-RateLimit-Reset') } @costs;
is scalar(grep { $_ != $first } @others), 0, 'X-RateLimit-Reset is the same moment on all of them';
my @tokens = map { request($s, 'GET', '/ok/bucket', headers => [ 'X-Cost' => $_ ]) } 1, 8, 3;
is join(', ', map { state($_) } @tokens), '200 bucket r=9, 200 bucket r=1, 429 bucket r=1', 'a token bucket: r is the tokens that are left';
ok seconds($_) >= 95 && seconds($_) <= 100, 'the next token is not far: ' . seconds($_) for @tokens;
ok $tokens[2]->header('Retry-After') >= 195, 'a token bucket: Retry-After waits for as many tokens as the request costs';
cmp_ok abs($_->header('X-RateLimit-Reset') - time - 98), '<=', 4, 'X-RateLimit-Reset: the next token' for @tokens;
$r = request($s, 'GET', '/ok/bucket', headers => [ 'X-Cost' => 1 ]);
$r = request($s, 'GET', '/ok/bucket', headers => [ 'X-Cost' => 1 ]);
is state($r) . ' ' . seconds($r), '429 bucket r=0 ' . $r->header('Retry-After'), 'an empty token bucket: t is Retry-After';
my @sliding = map { request($s, 'GET', '/ok/sliding') } 1 .. 3;
is join(', ', map { state($_) } @sliding), '200 sliding r=1, 200 sliding r=0, 429 sliding r=0', 'a sliding window: r is what is left';
cmp_ok abs(seconds($sliding[2]) - $sliding[2]->header('Retry-After')), '<=', 0, 'a sliding window that is full: t is Retry-After';
cmp_ok abs(seconds($sliding[1]) - seconds($sliding[2])), '<=', 1, 'a sliding window: t is the same before the denial';
ok await(10, sub { $r = request($s, 'GET', '/ok/penalty'); $r->status == 429 }), 'a penalty';
is state($r), '429 penalty r=0', 'a penalty: nothing is left';
cmp_ok seconds($r), '>=', 7190, 'a penalty: t is its time';
sleep 2;
$r = request($s, 'GET', '/ok/penalty');
is state($r) . ' ' . seconds($r), '429 penalty r=0 ' . $r->header('Retry-After'), 'a penalty after its window: nothing is left while it lasts';

# ---- mistakes ----------------------------------------------------------------------------------------------------
config_error("RateLimitHeaders $_->[0]\n", 'RateLimitHeaders', $_->[1], "RateLimitHeaders $_->[0]", $_->[2]) for (
    [ 'fancy',             'fancy',    qr/none, standard, legacy/ ],
    [ 'standard fancy',    'fancy',    qr/none, standard, legacy/ ],
    [ 'none standard',     'none',     qr/combined/ ],
    [ 'legacy none',       'none',     qr/combined/ ],
    [ 'none none',         'none',     qr/combined/ ],
    [ 'standard standard', 'standard', qr/twice/ ],
    [ 'legacy Legacy',     'Legacy',   qr/twice/ ],
    [ '',                  '',         qr/none, standard, legacy/ ],
);
config_error("<Location />\n<Limit GET>\nRateLimitHeaders none\n</Limit>\n</Location>\n", 'RateLimitHeaders', '', 'RateLimitHeaders in <Limit>');
config_ok("RateLimitHeaders $_\n") for 'none', 'standard', 'legacy', 'standard legacy', 'legacy standard', 'Standard LEGACY', 'NONE';

finish allow => qr/AH\d+|ratelimit:/;
