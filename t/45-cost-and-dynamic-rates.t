# SPDX-License-Identifier: Apache-2.0
# cost=: what a request costs, fixed or computed; RATE expr=: what it may cost, computed for each request.
use RL::Test;
use RL::Stores;

my $rules = <<'END';
<LocationMatch "^/ok/cost/(?<n>[0-9]+)$">
    RateLimit r 10/30d key=path "cost=expr=%{env:MATCH_N}"
</LocationMatch>
<Location /ok/three>
    RateLimit r 10/30d cost=3
</Location>
<Location /ok/free>
    RateLimit r 10/30d cost=0
</Location>
<Location /ok/never>
    RateLimit r 0/30d cost=0
</Location>
<Location /ok/dear>
    RateLimit r 10/30d cost=11
</Location>
<Location /ok/asked>
    RateLimit r 100/30d key=query:k "cost=expr=%{HTTP:X-Cost}"
</Location>
<Location /ok/upload>
    RateLimit bytes 1000/30d "cost=expr=%{HTTP:Content-Length}" methods=POST
</Location>
<Location /ok/both>
    RateLimit tight 10/30d cost=4
    RateLimit wide 100/30d
</Location>
<Location /ok/shared>
    RateLimit free   9/30d group=shared cost=0
    RateLimit dear   9/30d group=shared cost=3
    RateLimit plain  9/30d group=shared
</Location>

SetEnvIf X-Plan "(.*)" PLAN_RATE=$1
<LocationMatch "^/ok/(?:plan|off|late)">
    RateLimit plan expr=%{env:PLAN_RATE} key=query:k
</LocationMatch>
<Location /ok/sliding>
    RateLimit plan expr=%{env:PLAN_RATE} algorithm=sliding-window
</Location>
<Location /ok/bucket>
    RateLimit plan expr=%{env:PLAN_RATE} algorithm=token-bucket key=query:k
</Location>
<Location /ok/sized>
    RateLimit plan expr=%{env:PLAN_RATE} algorithm=token-bucket burst=5 initial=2
</Location>
<Location /ok/initial>
    RateLimit plan expr=%{env:PLAN_RATE} algorithm=token-bucket initial=4
</Location>
<Location /ok/strict>
    RateLimit plan expr=%{env:PLAN_RATE} on-error=deny
    RateLimit other 100/30d
</Location>
<Location /ok/strict/seen>
    RateLimit plan expr=%{env:PLAN_RATE} on-error=deny action=observe
</Location>
<Location /ok/everywhere>
    RateLimitOnError deny
    RateLimit plan expr=%{env:PLAN_RATE}
</Location>
<Location /ok/setenv>
    SetEnv LATE_RATE 1/30d
    RateLimit plan expr=%{env:LATE_RATE}
</Location>
<Location /ok/user>
    Include conf/auth.conf
    AuthUserFile "${ROOT}/conf/plans"
    RateLimit mine "expr=%{REMOTE_USER}/30d" key=all
    RateLimit theirs 100/30d key=all "cost=expr=%{REMOTE_USER}"
</Location>
<Location /ok/static>
    RateLimit one 5/30d group=g
</Location>
<Location /ok/computed>
    RateLimit two expr=%{env:PLAN_RATE} group=g
</Location>
<Location /ok/together>
    RateLimit one 5/30d group=g
    RateLimit two expr=%{env:PLAN_RATE} group=g
</Location>
RewriteEngine On
<Directory "${DOCROOT}/rw">
    RateLimit two expr=%{env:PLAN_RATE}
    RewriteEngine On
    RewriteRule "^from$" "to.txt"
    RewriteRule "^by-group$" "/ok/computed" [PT]
</Directory>
<Location /rw/by-group>
    RateLimit one 5/30d group=g
</Location>
END

my $plans = join '', map { "$_:{SHA}" . MIME::Base64::encode_base64(Digest::SHA::sha1('x')) } 2, 3;

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => { 'conf/plans' => $plans, 'htdocs/rw/to.txt' => 'to', 'htdocs/rw/by-group' => 'x' });
    my $see = sub { my ($path, @h) = @_; return (logged($s, 'GET', $path, headers => [@h]))[1] };
    my $told = sub { my $l = $see->(@_); return "$l->{status} $l->{limit} $l->{remaining}" };

    # ---- cost --------------------------------------------------------------------------------------------------
    is join(' ', map { $see->('/ok/three')->{remaining} } 1 .. 3), '7 4 1', "$name: cost=3";
    is status($s, '/ok/three'), 429, "$name: the last unit isn't enough";
    is statuses($s, 4, '/ok/free'), '200 200 200 200', "$name: cost=0 is free";
    is $told->('/ok/free'), '200 10 10', "$name: and takes nothing";
    limit_is $s, 0, '/ok/never', "$name: cost=0 and COUNT 0";
    limit_is $s, 0, '/ok/dear', "$name: dearer than the limit";
    is join(' ', map { $see->('/ok/both')->{remaining} } 1, 2), '6 2', "$name: each rule has its own cost";
    is status($s, '/ok/both'), 429, "$name: denied by one";
    is join(' ', map { $see->('/ok/shared')->{remaining} } 1 .. 3), '6 3 0', "$name: rules that share a counter: the dearest";
    is join(' ', map { status($s, "/ok/cost/$_") } 10, 10), '200 429', "$name: a computed cost: all at once";
    is statuses($s, 4, '/ok/cost/3'), '200 200 200 429', "$name: a computed cost: three times";
    is statuses($s, 4, '/ok/cost/0'), '200 200 200 200', "$name: a computed cost: nothing";
    is status($s, '/ok/upload', method => 'POST', body => 'x' x 600), 200, "$name: by size";
    is status($s, '/ok/upload', method => 'POST', body => 'x' x 600), 429, "$name: too much";
    is status($s, '/ok/upload', method => 'POST', body => 'x' x 400), 200, "$name: just enough";
    my $from = $s->log_mark;
    my $i = 0;
    for my $cost ('', 'abc', '-1', '1.5', '4294967296', '1 2', '0x1', '9' x 70) {
        is $told->('/ok/asked?k=' . ++$i, 'X-Cost' => $cost), '200 100 99', "$name: a cost of '$cost' is one";
    }
    is $told->('/ok/asked?k=none'), '200 100 99', "$name: as is none at all";
    is $told->('/ok/asked?k=five', 'X-Cost' => ' 5 '), '200 100 95', "$name: blanks around it are nothing";
    is $told->('/ok/asked?k=all', 'X-Cost' => '4294967295'), '429 100 100', "$name: the highest";
    parallel($s, 20, '/ok/asked?k=more');
    is scalar $s->wait_log($from, qr/ratelimit: rule r: cost=/), 1, "$name: logged once a minute, by all children together";
    ok !(grep { /cost=.*(?:abc|99999|1\.5)/ } $s->log_lines($from)), "$name: without the value";

    # ---- rate --------------------------------------------------------------------------------------------------
    my @plan = ('X-Plan');
    is $told->('/ok/plan', @plan, '3/30d'), '200 3 2', "$name: a computed rate";
    is $told->('/ok/plan', @plan, '5/30d'), '200 5 3', "$name: another COUNT keeps the count";
    is $told->('/ok/plan', @plan, '2/30d'), '429 2 0', "$name: also a lower one";
    is $told->('/ok/plan', @plan, ' 3/720h '), '200 3 0', "$name: the same period in other words";
    is $told->('/ok/plan', @plan, '3/29d'), '200 3 2', "$name: another period counts apart";
    is $told->('/ok/plan', @plan, '0/29d'), '429 0 0', "$name: nothing at all";
    is $told->('/ok/plan', @plan, $_), '200 - -', "$name: '$_': the rule does not apply" for 'none', 'None', '', '  ';
    is $told->('/ok/plan'), '200 - -', "$name: nor without a value";
    is $told->('/ok/plan?k=2', @plan, '3/30d'), '200 3 2', "$name: another key";
    is $told->('/ok/setenv'), '200 - -', "$name: SetEnv comes too late";
    is join(' ', map { $see->('/ok/sliding', @plan, '2/30d')->{status} } 1 .. 3), '200 200 429', "$name: a sliding window";
    is $told->('/ok/bucket', @plan, '3/30d'), '200 3 2', "$name: a token bucket holds COUNT";
    is $told->('/ok/bucket', @plan, '4/30d'), '200 4 3', "$name: one of another size is another";
    is $told->('/ok/bucket', @plan, '3/30d'), '200 3 1', "$name: the first is as it was";
    is $told->('/ok/bucket', @plan, '0/30d'), '429 0 0', "$name: a bucket of nothing";
    is join(' ', map { $told->('/ok/sized', @plan, '3/30d') } 1 .. 3), '200 5 1 200 5 0 429 5 0', "$name: with burst= and initial=";
    is $told->('/ok/initial', @plan, '9/30d'), '200 9 3', "$name: with initial= alone";
    is $told->('/ok/initial', @plan, '2/30d'), '200 2 1', "$name: which is no more than the bucket holds";

    $from = $s->log_mark;
    is $told->('/ok/off', @plan, $_), '200 - -', "$name: '$_' is no rate: the rule does not apply"
        for '5/week', '5', '-1/m', '5/31d', '1.5/s', 'expr=1/m', '5/m' . 'm' x 80, '5/m x';
    parallel($s, 20, '/ok/off', headers => [ 'X-Plan' => 'secret-of-somebody' ]);
    my @lines = $s->wait_log($from, qr/ratelimit: rule plan: .*is not a rate/);
    is scalar @lines, 1, "$name: logged once a minute, by all children together" or diag join "\n", @lines;
    like $lines[0], qr/expr=%\{env:PLAN_RATE\}.*COUNT\/PERIOD|period/, "$name: with the expression and what is wrong";
    ok !(grep { /week|secret-of/ } $s->log_lines($from)), "$name: without the value";

    $from = $s->access_mark;
    my ($r, $line) = logged($s, 'GET', '/ok/strict', headers => [ 'X-Plan' => '5/week' ]);
    is $r->status . ' ' . $r->header('Retry-After'), '503 1', "$name: on-error=deny: no rate, no service";
    is "$line->{state} $line->{rule} $line->{limit} $line->{retry}", 'error plan - 1', "$name: in the environment";
    is $told->('/ok/strict', @plan, '9/30d'), '200 9 8', "$name: the rule beside it was charged nothing";
    is $see->('/ok/strict', @plan, 'none')->{remaining}, 98, "$name: really";
    is $see->('/ok/strict/seen', @plan, 'x')->{status}, 200, "$name: what is observed isn't denied";
    is $see->('/ok/strict/seen', @plan, 'x')->{state}, 'error', "$name: but told";
    is $see->('/ok/everywhere', @plan, 'x')->{status}, 503, "$name: RateLimitOnError deny";
    is $see->('/ok/everywhere', @plan, '')->{status}, 200, "$name: an empty rate is none, not an error";

    # ---- the authenticated user --------------------------------------------------------------------------------
    is statuses($s, 3, '/ok/user'), '401 401 401', "$name: without a user no rate is computed";
    is statuses($s, 3, '/ok/user', auth => '2:wrong'), '401 401 401', "$name: nor with a wrong password";
    is statuses($s, 4, '/ok/user', auth => '3:x'), '200 200 200 429', "$name: the rate of the user";
    is status($s, '/ok/user', auth => '2:x'), 429, "$name: of each user";

    # ---- groups ------------------------------------------------------------------------------------------------
    is $told->('/ok/static'), '200 5 4', "$name: a rule of a group";
    is $told->('/ok/computed', @plan, '5/30d'), '200 5 3', "$name: a computed rate of the same group shares its counter";
    is $told->('/ok/computed', @plan, '6/30d'), '200 6 5', "$name: at another rate it doesn't";
    is $told->('/ok/together', @plan, '5/30d'), '200 5 2', "$name: both rules: charged once";
    is $told->('/rw/by-group', @plan, '5/30d'), '200 5 1', "$name: also when the second is on the target of a rewrite";
    is $told->('/rw/from', @plan, '7/29d'), '200 7 6', "$name: a rewrite: charged once";
    is $told->('/rw/from', @plan, '7/29d'), '200 7 5', "$name: each time";
}

# A tenant's expressions are restricted, and computed rates of tenants are counted apart.
my $s = httpd(<<'END', files => {
SetEnvIf X-Plan "(.*)" PLAN_RATE=$1
<Directory "${DOCROOT}">
    AllowOverride Limit
</Directory>
END
    'htdocs/a/.htaccess' => "RateLimit plan expr=%{env:PLAN_RATE} cost=expr=%{HTTP:X-Cost}\n", 'htdocs/a/x' => 'a',
    'htdocs/b/.htaccess' => "RateLimit plan expr=%{env:PLAN_RATE}\n", 'htdocs/b/x' => 'b',
    map { ("htdocs/$_->[0]/.htaccess" => $_->[1] . "\n", "htdocs/$_->[0]/x" => 'x') }
        [ c => q{RateLimit plan "expr=%{file:/etc/hostname}"} ], [ d => q{RateLimit plan 5/m "cost=expr=%{file:/etc/hostname}"} ],
        [ e => q{RateLimit plan 5/m "count=expr=file('/etc/hostname') == 'x'"} ], [ f => q{RateLimit plan 5/m "clear=expr=-f '/etc/hostname'"} ],
});
my @plan = (headers => [ 'X-Plan' => '2/30d' ]);
limit_is $s, 2, '/a/x', 'a computed rate in .htaccess', @plan;
limit_is $s, 2, '/b/x', 'has a counter of its own', @plan;
is status($s, "/$_/x"), 500, "$_: no files through expressions" for 'c' .. 'f';

finish allow => qr/AH0052[0-9]|not a valid httpd expression|\.htaccess|AH00124/;
