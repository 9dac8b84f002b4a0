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
    is join(' ', map { $see->('/ok/three')->{remaining} } 1 .. 3), '7 4 1', "$name: cost=3 takes three units a request";
    is status($s, '/ok/three'), 429, "$name: cost=3: denied when one unit is left";
    is statuses($s, 4, '/ok/free'), '200 200 200 200', "$name: cost=0 is never denied";
    is $told->('/ok/free'), '200 10 10', "$name: cost=0 takes no units";
    limit_is $s, 0, '/ok/never', "$name: cost=0 with COUNT 0";
    limit_is $s, 0, '/ok/dear', "$name: a cost above COUNT";
    is join(' ', map { $see->('/ok/both')->{remaining} } 1, 2), '6 2', "$name: two rules, each with its own cost";
    is status($s, '/ok/both'), 429, "$name: two rules of different costs: denied when one of them is full";
    is join(' ', map { $see->('/ok/shared')->{remaining} } 1 .. 3), '6 3 0', "$name: rules that share a counter: the highest cost is charged";
    is join(' ', map { status($s, "/ok/cost/$_") } 10, 10), '200 429', "$name: a computed cost of all units";
    is statuses($s, 4, '/ok/cost/3'), '200 200 200 429', "$name: a computed cost of 3, with 10 units";
    is statuses($s, 4, '/ok/cost/0'), '200 200 200 200', "$name: a computed cost of 0 is never denied";
    is status($s, '/ok/upload', method => 'POST', body => 'x' x 600), 200, "$name: the cost is Content-Length: 600 of 1000 are admitted";
    is status($s, '/ok/upload', method => 'POST', body => 'x' x 600), 429, "$name: the cost is Content-Length: 600 more are denied";
    is status($s, '/ok/upload', method => 'POST', body => 'x' x 400), 200, "$name: the cost is Content-Length: 400 more are admitted";
    my $from = $s->log_mark;
    my $i = 0;
    for my $cost ('', 'abc', '-1', '1.5', '4294967296', '1 2', '0x1', '9' x 70) {
        is $told->('/ok/asked?k=' . ++$i, 'X-Cost' => $cost), '200 100 99', "$name: a computed cost of '$cost' is taken for 1";
    }
    is $told->('/ok/asked?k=none'), '200 100 99', "$name: a computed cost without a value is taken for 1";
    is $told->('/ok/asked?k=five', 'X-Cost' => ' 5 '), '200 100 95', "$name: blanks around a computed cost are ignored";
    is $told->('/ok/asked?k=all', 'X-Cost' => '4294967295'), '429 100 100', "$name: the highest cost there is does not fit";
    parallel($s, 20, '/ok/asked?k=more');
    is scalar $s->wait_log($from, qr/ratelimit: rule r: cost=/), 1, "$name: a cost that is none is logged once, by all children together";
    ok !(grep { /cost=.*(?:abc|99999|1\.5)/ } $s->log_lines($from)), "$name: a cost that is none is logged without its value";

    # ---- rate --------------------------------------------------------------------------------------------------
    my @plan = ('X-Plan');
    is $told->('/ok/plan', @plan, '3/30d'), '200 3 2', "$name: a computed rate of 3/30d";
    is $told->('/ok/plan', @plan, '5/30d'), '200 5 3', "$name: a computed rate of another COUNT keeps what is counted";
    is $told->('/ok/plan', @plan, '2/30d'), '429 2 0', "$name: a computed rate of a lower COUNT denies";
    is $told->('/ok/plan', @plan, ' 3/720h '), '200 3 0', "$name: a computed rate of the same period in other words keeps what is counted";
    is $told->('/ok/plan', @plan, '3/29d'), '200 3 2', "$name: a computed rate of another period has its own counter";
    is $told->('/ok/plan', @plan, '0/29d'), '429 0 0', "$name: a computed rate of COUNT 0 denies";
    is $told->('/ok/plan', @plan, $_), '200 - -', "$name: a computed rate of '$_': the rule does not apply" for 'none', 'None', '', '  ';
    is $told->('/ok/plan'), '200 - -', "$name: a computed rate without a value: the rule does not apply";
    is $told->('/ok/plan?k=2', @plan, '3/30d'), '200 3 2', "$name: a computed rate: another key has its own counter";
    is $told->('/ok/setenv'), '200 - -', "$name: a computed rate from SetEnv, which comes too late: the rule does not apply";
    is join(' ', map { $see->('/ok/sliding', @plan, '2/30d')->{status} } 1 .. 3), '200 200 429', "$name: a computed rate of a sliding window";
    is $told->('/ok/bucket', @plan, '3/30d'), '200 3 2', "$name: a computed rate of a token bucket, which holds COUNT";
    is $told->('/ok/bucket', @plan, '4/30d'), '200 4 3', "$name: a computed rate of a token bucket: another size is another bucket";
    is $told->('/ok/bucket', @plan, '3/30d'), '200 3 1', "$name: a computed rate of a token bucket: the first size is as it was";
    is $told->('/ok/bucket', @plan, '0/30d'), '429 0 0', "$name: a computed rate of a token bucket: COUNT 0 denies";
    is join(' ', map { $told->('/ok/sized', @plan, '3/30d') } 1 .. 3), '200 5 1 200 5 0 429 5 0', "$name: a computed rate of a token bucket with burst= and initial=";
    is $told->('/ok/initial', @plan, '9/30d'), '200 9 3', "$name: a computed rate of a token bucket with initial= alone";
    is $told->('/ok/initial', @plan, '2/30d'), '200 2 1', "$name: a computed rate of a token bucket: initial= is no more than it holds";

    $from = $s->log_mark;
    is $told->('/ok/off', @plan, $_), '200 - -', "$name: '$_' is no rate: the rule does not apply"
        for '5/week', '5', '-1/m', '5/31d', '1.5/s', 'expr=1/m', '5/m' . 'm' x 80, '5/m x';
    parallel($s, 20, '/ok/off', headers => [ 'X-Plan' => 'secret-of-somebody' ]);
    my @lines = $s->wait_log($from, qr/ratelimit: rule plan: .*is not a rate/);
    is scalar @lines, 1, "$name: a rate that is none is logged once, by all children together" or diag join "\n", @lines;
    like $lines[0], qr/expr=%\{env:PLAN_RATE\}.*COUNT\/PERIOD|period/, "$name: a rate that is none is logged with the expression and what is wrong";
    ok !(grep { /week|secret-of/ } $s->log_lines($from)), "$name: a rate that is none is logged without its value";

    $from = $s->access_mark;
    my ($r, $line) = logged($s, 'GET', '/ok/strict', headers => [ 'X-Plan' => '5/week' ]);
    is $r->status . ' ' . $r->header('Retry-After'), '503 1', "$name: on-error=deny: a rate that is none is a 503";
    is "$line->{state} $line->{rule} $line->{limit} $line->{retry}", 'error plan - 1', "$name: on-error=deny: RATELIMIT_ of a rate that is none";
    is $told->('/ok/strict', @plan, '9/30d'), '200 9 8', "$name: on-error=deny: with a rate, the rule is charged";
    is $see->('/ok/strict', @plan, 'none')->{remaining}, 98, "$name: on-error=deny: the rule beside it was not charged for the 503";
    is $see->('/ok/strict/seen', @plan, 'x')->{status}, 200, "$name: on-error=deny action=observe: a rate that is none is served";
    is $see->('/ok/strict/seen', @plan, 'x')->{state}, 'error', "$name: on-error=deny action=observe: RATELIMIT_STATUS is error";
    is $see->('/ok/everywhere', @plan, 'x')->{status}, 503, "$name: RateLimitOnError deny: a rate that is none is a 503";
    is $see->('/ok/everywhere', @plan, '')->{status}, 200, "$name: RateLimitOnError deny: an empty rate is served";

    # ---- the authenticated user --------------------------------------------------------------------------------
    is statuses($s, 3, '/ok/user'), '401 401 401', "$name: without a user no rate is computed";
    is statuses($s, 3, '/ok/user', auth => '2:wrong'), '401 401 401', "$name: with a wrong password no rate is computed";
    is statuses($s, 4, '/ok/user', auth => '3:x'), '200 200 200 429', "$name: a rate computed from the user holds for this user";
    is status($s, '/ok/user', auth => '2:x'), 429, "$name: a rate computed from the user holds for another user";

    # ---- groups ------------------------------------------------------------------------------------------------
    is $told->('/ok/static'), '200 5 4', "$name: a rule of a group at 5/30d";
    is $told->('/ok/computed', @plan, '5/30d'), '200 5 3', "$name: a computed rate of the same group shares its counter";
    is $told->('/ok/computed', @plan, '6/30d'), '200 6 5', "$name: a computed rate of the same group at another COUNT has its own counter";
    is $told->('/ok/together', @plan, '5/30d'), '200 5 2', "$name: two rules of a group, one of them computed: charged once";
    is $told->('/rw/by-group', @plan, '5/30d'), '200 5 1', "$name: two rules of a group, the computed one on the target of a rewrite: charged once";
    is $told->('/rw/from', @plan, '7/29d'), '200 7 6', "$name: a computed rate before and after a rewrite: charged once";
    is $told->('/rw/from', @plan, '7/29d'), '200 7 5', "$name: a computed rate before and after a rewrite: the second request is charged once";
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
limit_is $s, 2, '/a/x', 'a computed rate in an .htaccess', @plan;
limit_is $s, 2, '/b/x', 'the same computed rate in another .htaccess has its own counter', @plan;
is status($s, "/$_/x"), 500, "$_/.htaccess: an expression that reads a file is a 500" for 'c' .. 'f';

finish allow => qr/AH0052[0-9]|not a valid httpd expression|\.htaccess|AH00124/;
