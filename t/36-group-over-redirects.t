# SPDX-License-Identifier: Apache-2.0
# Rules of one group share a counter, and each has its say: also when they are looked at one after the other, before and
# behind a redirect inside the server, or before and after authentication. And a rule that was only observed on the way
# is enforced where it is to be.
use RL::Test;
use RL::Stores;

my $conf = <<'END';
RewriteEngine On
ScriptAliasMatch "^/run/" "${CGIBIN}/env.cgi"
<Directory "${DOCROOT}/rw">
    RewriteEngine On
    RewriteRule "^(dear|less|observed|stays|back|clears|missing|penalty|engine|other)$" "/run/$1" [PT]
</Directory>

<Location /rw/dear>
    RateLimit a 10/30d group=dear
</Location>
<Location /run/dear>
    RateLimit b 10/30d group=dear cost=5
</Location>
<Location /rw/less>
    RateLimit a 10/30d group=less cost=5
</Location>
<Location /run/less>
    RateLimit b 10/30d group=less cost=2
</Location>
<Location /rw/observed>
    RateLimit a 2/30d group=observed action=observe
</Location>
<Location /run/observed>
    RateLimit b 2/30d group=observed
</Location>

# Outcomes: what the later rule says counts as well.
<Location /rw/stays>
    RateLimit a 9/30d group=stays count=404
</Location>
<Location /run/stays>
    RateLimit b 9/30d group=stays
</Location>
<Location /rw/back>
    RateLimit a 9/30d group=back count=404
</Location>
<Location /run/back>
    RateLimit b 9/30d group=back count=405 cost=3
</Location>
<Location /rw/clears>
    RateLimit a 9/30d group=clears
</Location>
<Location /run/clears>
    RateLimit b 9/30d group=clears clear=201
</Location>

# A key without a value, and a penalty, which only the later rule knows of.
<Location /rw/missing>
    RateLimit a 9/30d group=missing key=header:X-None
</Location>
<Location /run/missing>
    RateLimit b 9/30d group=missing key=header:X-None missing=deny
</Location>
<Location /rw/penalty>
    RateLimit a 2/s group=penalty
</Location>
<Location /run/penalty>
    RateLimit b 2/s group=penalty penalty=1h
</Location>

# The same rule, observed on the way.
RateLimit server 2/30d key=header:X-Server missing=skip
<Location /rw/engine>
    RateLimitEngine Observe
</Location>

# Buckets of a rate that is computed, of several sizes.
SetEnvIf Request_URI "." RATE=1/30d
<Location /rw/other>
    RateLimit a expr=%{env:RATE} group=other algorithm=token-bucket burst=5
</Location>
<Location /run/other>
    RateLimit b expr=%{env:RATE} group=other algorithm=token-bucket burst=2
</Location>
<Location /ok/both>
    RateLimit a expr=%{env:RATE} group=both algorithm=token-bucket burst=5
    RateLimit b expr=%{env:RATE} group=both algorithm=token-bucket burst=2 "when=-n %{REMOTE_USER}"
    Include conf/auth.conf
</Location>

# Before and after authentication.
<Location /ok/dear>
    Include conf/auth.conf
    RateLimit a 10/30d group=auth-dear
    RateLimit b 10/30d group=auth-dear cost=5 "when=-n %{REMOTE_USER}"
</Location>
<Location /ok/observed>
    Include conf/auth.conf
    RateLimit a 2/30d group=auth-observed action=observe
    RateLimit b 2/30d group=auth-observed "when=%{REMOTE_USER} == 'alice'"
</Location>
END
my @alice = (auth => 'alice:secret');

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $conf, files => { 'htdocs/rw/x' => '' });
    my $left = sub { my (undef, $line) = logged($s, 'GET', @_); return "$line->{status} $line->{remaining}" };
    my $series = sub { my ($n, @get) = @_; return join ', ', map { $left->(@get) } 1 .. $n };

    is $series->(3, '/rw/dear'), '200 5, 200 0, 429 0', "$name: a later rule that costs more: the difference is charged";
    is $left->('/run/dear'), '429 0', "$name: a later rule that costs more: it shares the counter";
    is $series->(2, '/rw/less'), '200 5, 200 0', "$name: a later rule that costs less: nothing more is charged";
    is statuses($s, 4, '/rw/observed'), '200 200 429 429', "$name: two rules of a group, observed on the way, enforced at the target";
    is status($s, '/run/observed'), 429, "$name: two rules of a group, one observed: they share the counter";

    is $series->(3, '/rw/stays'), '200 8, 200 7, 200 6', "$name: an outcome that counts for the later rule stays charged";
    is $series->(2, '/rw/back'), '200 6, 200 6', "$name: an outcome that counts for neither rule is given back";
    is $series->(2, '/rw/back?cgi_status=405'), '405 6, 405 3', "$name: an outcome that counts for the dearer rule stays charged in full";
    is $left->('/rw/back'), '200 0', "$name: an outcome that counted for the dearer rule: what is left";
    is $series->(3, '/rw/clears'), '200 8, 200 7, 200 6', "$name: clear= of the later rule: other outcomes are charged once";
    is $left->('/rw/clears?cgi_status=201'), '201 5', "$name: clear= of the later rule: the outcome that clears is answered";
    is $left->('/rw/clears'), '200 8', "$name: clear= of the later rule has cleared the counter";
    is status($s, '/rw/missing'), 429, "$name: the later rule denies what has no value";
    is status($s, '/run/penalty'), 200, "$name: before it is over its limit there is no penalty";
    ok await(10, sub { status($s, '/run/penalty') == 429 }), "$name: over its limit, the later rule denies";
    sleep 2;
    is status($s, '/rw/penalty'), 429, "$name: the later rule's penalty denies when the window is over";

    my @server = (headers => [ 'X-Server' => 1 ]);
    is statuses($s, 4, '/rw/engine', @server), '200 200 429 429', "$name: one rule, observed on the way, enforced at the target";
    is status($s, '/ok', @server), 429, "$name: one rule, observed on the way: charged once at the target";
    is statuses($s, 4, '/rw/other'), '200 200 429 429', "$name: two rules of a group with buckets of two sizes: the smaller denies";
    is statuses($s, 4, '/ok/both', @alice), '200 200 429 429', "$name: buckets of two sizes before and after authentication: the smaller denies";

    is $series->(3, '/ok/dear', @alice), '200 5, 200 0, 429 0', "$name: a rule after authentication that costs more: the difference is charged";
    is statuses($s, 4, '/ok/observed', @alice), '200 200 429 429', "$name: observed before authentication, enforced after it";
    $s->stop;
}

finish;
