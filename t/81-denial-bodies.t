# SPDX-License-Identifier: Apache-2.0
# The default answer to a denial: its form by Accept, the same at every place a denial comes from, and out of the way
# where the administrator has an ErrorDocument. Waiting as long as it says gets in.
use RL::Test;
use JSON::PP ();
use Time::HiRes qw(time sleep);

# Other algorithms than fixed windows in the test of Retry-After.
my $ALL_ALGORITHMS = 1;

my $s = httpd(<<'END' . ($ALL_ALGORITHMS ? <<'ALGORITHMS' : ''), modules => [qw(proxy proxy_http)], files => { 'htdocs/sorry.txt' => "sorry\n" });
Protocols h2c http/1.1
<Location /ok/zero>
    RateLimit login 0/30d
</Location>
<Location /ok/several>
    RateLimit open 99/h
    RateLimit short 0/10s
    RateLimit watched 0/h action=observe
    RateLimit long_-9 0/30d
</Location>
<Location /ok/many>
    RateLimit r 0/1m status=403
</Location>
<Location /ok/unnamed>
    RateLimit r 0/h status=430
</Location>
<Location /ok/500>
    RateLimit r 0/h status=500
</Location>
<Location /ok/satisfy>
    Include conf/auth.conf
    Satisfy Any
    Require ip 10.0.0.1
    RateLimit r 0/h
</Location>
<Location /ok/user>
    Include conf/auth.conf
    RateLimit r 0/h key=user
</Location>
<Location /cgi-bin>
    RateLimit r 0/h
</Location>
<Location /proxied>
    RateLimit r 0/h
</Location>
<VirtualHost *:${PORT2}>
    RateLimitStore memcached 127.0.0.1:1 timeout=20ms
    RateLimitOnError deny
    RateLimitHeaders standard legacy
</VirtualHost>
ProxyPass /proxied/ http://127.0.0.1:${PORT2}/ok/
<Location /ok/text>
    RateLimit r 0/h
    ErrorDocument 429 "<own> text"
</Location>
<Location /ok/local>
    RateLimit r 0/h
    ErrorDocument 429 /sorry.txt
</Location>
<Location /ok/broken>
    RateLimit r 0/h
    ErrorDocument 429 /not/there.txt
</Location>
<Location /ok/external>
    RateLimit r 0/h
    ErrorDocument 429 http://elsewhere.test/sorry
</Location>
<Location /ok/back>
    RateLimit r 0/h
    ErrorDocument 429 "hidden"
</Location>
<Location /ok/back/default>
    ErrorDocument 429 default
</Location>
<Location /ok/other>
    RateLimit r 0/h
    ErrorDocument 500 "for other errors"
    ErrorDocument 503 "for other errors"
</Location>
<Location /ok/wait>
    RateLimit two 2/2s key=query:k
    RateLimit one 1/4s key=query:k
</Location>
END
<Location /ok/sliding>
    RateLimit sliding 3/3s algorithm=sliding-window key=query:k
</Location>
<Location /ok/bucket>
    RateLimit bucket 1/2s algorithm=token-bucket burst=2 key=query:k
</Location>
<Location /ok/three>
    RateLimit fixed 2/2s key=query:k
    RateLimit sliding 3/4s algorithm=sliding-window key=query:k
    RateLimit bucket 1/3s algorithm=token-bucket burst=2 key=query:k
</Location>
ALGORITHMS

sub get  { my ($path, $accept, %o) = @_; return request($s, delete $o{method} // 'GET', $path, %o, headers => [ defined $accept ? (Accept => $accept) : (), @{ $o{headers} // [] } ]) }
my %TYPE = ('text/plain; charset=utf-8' => 'text', 'text/html; charset=utf-8' => 'html', 'application/problem+json' => 'problem');

# The form of an answer: its Content-Type, if the body is that and all that every denial has is there.
sub form {
    my ($r, $status) = @_;
    my $type = $TYPE{ $r->header('Content-Type') // '' } // return 'type ' . ($r->header('Content-Type') // 'none');
    my ($retry, $body) = ($r->header('Retry-After') // 0, $r->body);
    my @wrong = grep { length } (
        $r->status != ($status // 429)                                    ? 'status ' . $r->status : '',
        $retry !~ /\A[1-9]\d*\z/                                          ? 'no Retry-After'       : '',
        $body !~ /\b$retry seconds?\b/                                    ? 'no wait'              : '',
        $body !~ /\b[0-9a-f]{12}\b/                                       ? 'no tag'               : '',
        ($r->header('Cache-Control') // '') ne 'no-store'                 ? 'no no-store'          : '',
        ($r->header('Vary') // '') !~ /\bAccept\b/                        ? 'no Vary'              : '',
        ($r->header('Content-Length') // -1) != length $body              ? 'no Content-Length'    : '',
        length $body > 1000                                               ? 'large'                : '',
        $type eq 'html' && $body !~ m{\A<!DOCTYPE html>.*</html>\n\z}s    ? 'no document'          : '',
        $type eq 'html' && $body =~ m{src=|href=|url\(|<script|https?:}i  ? 'loads something'      : '',
        $type eq 'text' && $body =~ /[<>&{]/                              ? 'markup'               : '',
        $type eq 'problem' && !eval { JSON::PP::decode_json($body) }      ? 'not JSON'             : '',
    );
    return join ', ', $type, @wrong;
}

# ---- by Accept (t/unit/denial.c has many more) -----------------------------------------------------------
is form(get('/ok/zero', $_->[0])), $_->[1], 'Accept: ' . ($_->[0] // '(none)') for (
    [ undef,                                  'text' ],
    [ '*/*',                                  'text' ],
    [ 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html' ],
    [ 'application/json',                     'problem' ],
    [ 'application/problem+json',             'problem' ],
    [ 'application/json, text/plain, */*',    'problem' ],
    [ 'text/html;q=0.4, application/json;q=0.5', 'problem' ],
    [ 'text/html;q=0, */*',                   'text' ],
    [ 'image/png',                            'text' ],
    [ 'text/html;q=nonsense',                 'text' ],
    [ 'x' x 4000,                             'text' ],
    [ 'text/html;a="' . ',' x 4000,           'text' ],
);
is form(get('/ok/zero', undef, headers => [ Accept => 'text/plain;q=0.1', Accept => 'text/html' ])), 'html', 'two Accept fields: the preferred type of both';
is form(get('/ok/zero', 'text/html', http => '1.0')), 'html', 'HTTP/1.0 with Accept: text/html';
my $r    = get('/ok/zero', 'text/html', method => 'HEAD');
my $same = get('/ok/zero', 'text/html');
is join('|', $r->status, $r->body, map { $r->header($_) // '-' } qw(Content-Type Vary)), '429||text/html; charset=utf-8|Accept', 'HEAD: the same header without a body';
cmp_ok abs($r->header('Content-Length') - length $same->body), '<=', 20, 'HEAD: the length of the body it would have';

$r = get('/ok/several', 'application/json');
my $problem = JSON::PP::decode_json($r->body);
is $problem->{type}, 'https://iana.org/assignments/http-problem-types#quota-exceeded', 'problem: type';
is "$problem->{status} $problem->{title}", '429 Too many requests', 'problem: status and title';
is_deeply $problem->{'violated-policies'}, [ 'short', 'long_-9' ], 'problem: violated-policies are all that deny, none that observes or admits';
like $problem->{detail}, qr/\b@{[ $r->header('Retry-After') ]} seconds/, 'problem: detail tells the longest wait';
my (undef, $line) = logged($s, 'GET', '/ok/several');
like get('/ok/several')->body, qr/\b$line->{key}\b/, 'the tag in a denial\'s body is that of the access log';

# ---- wherever a denial comes from --------------------------------------------------------------------------
is form(get('/ok/many', 'text/html'), 403), 'html', 'a denial with status=403';
is form(get('/ok/unnamed', 'text/html'), 430), 'html', 'a denial with a status that httpd has no name for';
is form(get('/ok/500', 'application/json'), 500), 'problem', 'a denial with status=500';
is form(get('/ok/satisfy', 'text/html')), 'html', 'a denial under Satisfy Any, anonymous';
is form(get('/ok/satisfy', 'text/html', auth => 'alice:secret')), 'html', 'a denial under Satisfy Any, authenticated';
is form(get('/ok/user', 'text/html', auth => 'alice:secret')), 'html', 'a denial after authentication';
is form(get('/proxied/x', 'text/html')), 'html', 'a denial in front of mod_proxy';
is form(get('/ok/other', 'text/html')), 'html', 'a denial beside ErrorDocuments for other errors';
is form(get('/cgi-bin/env.cgi', 'application/json', method => 'POST', body => 'x=y')), 'problem', 'a denial of a POST';
my $c = connection($s);
is form($c->request('GET', '/ok/zero', headers => [ Accept => 'text/html' ])), 'html', 'the first denial on a kept connection';
is form($c->request('GET', '/ok/zero', headers => [ Accept => 'application/json' ])), 'problem', 'the second denial on a kept connection, in another form';
is $c->request('GET', '/ok')->body, "ok\n", 'a request after two denials on a kept connection is served';
$c->close;
my $took = least(1.5, sub {
    $r = get('/cgi-bin/env.cgi', 'text/html', method => 'POST', pieces => [ ('x' x 200) x 100 ], delay => 0.02);
    return $r->total;
});
is form($r), 'html', 'a denial of a POST whose body dribbles in';
cmp_ok $took, '<', 1.5, 'a denial does not wait for a body that dribbles in';

# The store doesn't answer: not the client's doing, and nothing was counted that could be told.
$r = get('/ok/wait?k=store', 'application/json', port => $s->port2);
is form($r, 503), 'problem', 'a denial because the shared store does not answer';
like $r->body, qr/#temporary-reduced-capacity",/, 'no store: the problem is temporary-reduced-capacity';
unlike $r->body, qr/violated/, 'no store: the problem has no violated-policies';
is join('|', map { $r->header($_) // '-' } qw(RateLimit-Policy RateLimit X-RateLimit-Limit)), '"two";q=2;w=2, "one";q=1;w=4|-|-', 'no store: policies, but no state, in the response fields';

my ($nghttp) = grep { -x } map { "$_/nghttp" } split /:/, $ENV{PATH};
SKIP: {
    skip 'nghttp is not here', 3 if !$nghttp;
    my $out = `$nghttp -v -H'accept: application/json' http://127.0.0.1:@{[ $s->port ]}/ok/zero 2>&1`;
    like $out, qr/:status: 429/, 'HTTP/2: denied with 429';
    like $out, qr{content-type: application/problem\+json}, 'HTTP/2: the type of a problem document';
    like $out, qr/"violated-policies":\["login"\]/, 'HTTP/2: the problem document comes whole';
}

# ---- ErrorDocument is httpd's ------------------------------------------------------------------------------
$r = get('/ok/text', 'application/json');
is join('|', $r->status, $r->body, $r->header('Vary') // '-'), '429|<own> text|-', 'ErrorDocument with a text is left to httpd';
like $r->header('Content-Type'), qr{\Atext/html}, 'ErrorDocument with a text has the type that httpd gives it';
$r = get('/ok/local', 'application/json');
is join('|', $r->status, $r->body, $r->header('Retry-After') ? 'wait' : ''), "429|sorry\n|wait", 'ErrorDocument with a local page is left to httpd';
$r = get('/ok/broken', 'application/json');
is $r->status, 429, 'ErrorDocument with a local page that is not there: the status is the denial\'s';
like $r->body, qr/Additionally, a \d{3} .* was encountered/s, 'ErrorDocument with a local page that is not there: httpd says so';
$r = get('/ok/external', 'application/json');
is $r->status . ' ' . $r->header('Location'), '302 http://elsewhere.test/sorry', 'ErrorDocument with an external page is left to httpd';
is form(get('/ok/back', 'application/json')), 'type text/html; charset=iso-8859-1', 'ErrorDocument of an outer section is left to httpd';
is form(get('/ok/back/default', 'application/json')), 'problem', 'ErrorDocument 429 default: the default answer';

# ---- waiting as long as it says ------------------------------------------------------------------------------
# Rules, and what they are called; each is used up, and asked again and again until it admits. Windows are staggered by
# the key, so several keys see different parts of them. What is asked when the machine lets it: an answer that was there
# more than a second before Retry-After is over is a denial, and one that was asked for afterwards is none.
my @waits = (
    [ 'stacked fixed windows' => '/ok/wait' ],
    $ALL_ALGORITHMS ? ([ 'a sliding window' => '/ok/sliding' ], [ 'a token bucket' => '/ok/bucket' ],
        [ 'all three' => '/ok/three' ]) : (),
);
for (@waits) {
    my ($name, $path) = @$_;
    my (%until, %wrong);
    for my $k (1 .. 6) {
        my ($denied, $n) = (undef, 0);
        ($denied = get("$path?k=$k")) while (!$denied || $denied->status == 200) && $n++ < 20;
        $until{$k} = time + ($denied->header('Retry-After') // 0);
    }
    my %waiting = %until;
    while (%waiting) {
        for my $k (sort keys %waiting) {
            my $asked  = time;
            my $status = get("$path?k=$k")->status;
            $wrong{$k} //= 'admitted too early' if $status == 200 && time < $until{$k} - 1;
            $wrong{$k} //= "$status after it"   if $status != 200 && $asked > $until{$k};
            delete $waiting{$k} if $status == 200 || $asked > $until{$k};
        }
        sleep 0.02;
    }
    is $wrong{$_}, undef, "$name, key $_: denied until a second before Retry-After is over, admitted afterwards" for 1 .. 6;
}

finish allow => qr/AH\d+|ratelimit:/;
