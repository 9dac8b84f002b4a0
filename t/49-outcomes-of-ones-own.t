# SPDX-License-Identifier: Apache-2.0
# What a success may clear, and what counts as an outcome, when somebody tries to have another one's failures forgotten.
use RL::Test;
use RL::Stores;
use RL::H2;
use Socket qw(SOL_SOCKET SO_LINGER);

my %files = (
    # 302 for the right password, 200 for a wrong one, whatever the body is.
    'cgi-bin/form.cgi' => <<'END',
#!/bin/sh
case $(cat) in
*password=secret*) printf 'Status: 302 Found\nLocation: /welcome.html\nContent-Type: text/plain\n\nwelcome\n' ;;
*) printf 'Content-Type: text/plain\n\nwrong\n' ;;
esac
END
);
my $rules = <<'END';
ScriptAliasMatch "^/form/" "${CGIBIN}/form.cgi"
<LocationMatch "^/form/(?<KIND>\w+)">
    RateLimit login 3/30d key=expr:%{env:MATCH_KIND}+form:username "count=expr=%{REQUEST_STATUS} != 302" clear=302
</LocationMatch>
<Location /form/skip>
    RateLimit login off
    RateLimit other 3/30d key=header:X-K+query:user "count=expr=%{REQUEST_STATUS} != 302" clear=302
</Location>
END
$rules .= <<'END';

# Basic authentication: what is no proof of a password.
<Location /ok/basic>
    Include conf/auth.conf
    RateLimit login 3/30d key=claimed-user "when=-n %{HTTP:Authorization}" count=401 clear=2xx,3xx
</Location>
<Location /ok/basic/public>
    Require all granted
</Location>
<Location /ok/options>
    Options +Indexes
    AuthType Basic
    AuthName "test"
    AuthBasicProvider file
    AuthUserFile "${ROOT}/conf/users"
    <LimitExcept OPTIONS>
        Require valid-user
    </LimitExcept>
    RateLimit login 3/30d key=ip+claimed-user "when=-n %{HTTP:Authorization}" count=401 clear=2xx,3xx
</Location>
<Location /ok/either>
    Include conf/auth.conf
    Require expr %{QUERY_STRING} == 'free'
    RateLimit login 3/30d key=claimed-user count=401 clear=2xx
</Location>
<Location /ok/document>
    Include conf/auth.conf
    ErrorDocument 401 /cgi-bin/sorry.cgi
    RateLimit login 3/30d key=claimed-user count=all clear=200
</Location>
<Location /sorry>
    Include conf/auth.conf
    ErrorDocument 401 /sorry/sorry.cgi
    RateLimit login 3/30d key=claimed-user count=all clear=200
</Location>
ScriptAlias /sorry/ "${CGIBIN}/"
<Location /ok/late>
    Include conf/auth.conf
    RateLimit login 3/30d key=claimed-user count=200 clear=304 "when=-n %{REMOTE_USER}"
</Location>
END
$files{'cgi-bin/sorry.cgi'} = "#!/bin/sh\nprintf 'Status: 200\\nContent-Type: text/plain\\n\\nsorry\\n'\n";
$rules .= <<'END';

# Whoever breaks off has had the outcome.
<LocationMatch "^/cgi-bin/big.cgi/(?<KIND>\w+)">
    RateLimit big 9/30d key=expr:%{env:MATCH_KIND} count=404
</LocationMatch>
Protocols h2c http/1.1

# Programs that write the header themselves.
<LocationMatch "^/nph/nph-login.cgi/(?<KIND>\w+)">
    RateLimit login 3/30d key=expr:%{env:MATCH_KIND} count=401 clear=302
</LocationMatch>
ScriptAlias /nph/ "${CGIBIN}/"
<Location /nph/nph-none.cgi>
    RateLimit none 3/30d count=404
</Location>
END
# A page of two million bytes, or one of 404.
$files{'cgi-bin/big.cgi'} = <<'END';
#!/bin/sh
[ -z "$QUERY_STRING" ] || printf 'Status: %s\n' "$QUERY_STRING"
printf 'Content-Type: text/plain\n\n'
head -c 2000000 /dev/zero
END
$files{'cgi-bin/nph-login.cgi'} = <<'END';
#!/bin/sh
case "$QUERY_STRING" in
    wrong)  printf 'HTTP/1.1 401 No\r\nContent-Type: text/plain\r\n\r\nno\n';;
    drips)  printf 'HT'; sleep 0.1; printf 'TP/1.0 4'; sleep 0.1; printf '01 No\r\nContent-Type: text/plain\r\n\r\nno\n';;
    right)  printf 'HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n';;
    teapot) printf 'HTTP/1.0 418 \r\n\r\n';;
    *)      printf 'HTTP/1.1  401 No\r\n\r\n';;
esac
END
my @form = (type => 'application/x-www-form-urlencoded');

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => \%files);
    my $series = sub { my ($path, $body, @get) = @_; return join ' ', map { (logged($s, 'POST', $path, @get, body => "$body&password=$_"))[0]->status } qw(guess guess secret guess guess) };

    # ---- a key with a part in doubt, or without a value -----------------------------------------------------------
    my $kept = '200 200 302 200 429';
    is $series->('/form/sure', 'username=a', @form), '200 200 302 200 200', "$name: a success clears the failures of its own account";
    is $series->('/form/missing', 'user=a', @form), $kept, "$name: without the field it clears nobody's";
    is $series->('/form/empty', 'username=%20', @form), $kept, "$name: nor with an empty one";
    is $series->('/form/twice', 'username=a&username=b', @form), $kept, "$name: nor with two of them";
    is $series->('/form/type', 'username=a', type => 'text/plain'), $kept, "$name: nor with a body that can't be read";
    is $series->('/form/encoded', 'username=a', @form, headers => [ 'Content-Encoding' => 'br' ]), $kept, "$name: nor with an encoded one";
    is $series->('/form/skip?user=a', 'x'), $kept, "$name: nor if any part is missing";
    is $series->('/form/skip', 'x', headers => [ 'X-K' => 'a' ]), $kept, "$name: of several";
    is $series->('/form/skip?user=a', 'x', headers => [ 'X-K' => 'b' ]), '200 200 302 200 200', "$name: with all of them it clears";

    # ---- a claimed user ---------------------------------------------------------------------------------------------
    my @wrong = (auth => 'alice:guess');
    my @right = (auth => 'alice:secret');
    my $see = sub { my ($method, $path, @o) = @_; return (logged($s, $method, $path, @o))[0]->status };
    my $between = sub {    # four tries, with something in the middle
        my ($path, @other) = @_;
        return join ' ', $see->('GET', $path, @wrong), $see->('GET', $path, @wrong), $see->(@other), $see->('GET', $path, @wrong), $see->('GET', $path, @wrong);
    };
    is $between->('/ok/basic', 'GET', '/ok/basic', @right), '401 401 200 401 401', "$name: the right password clears";
    is $see->('GET', '/ok/basic', @right), 200, "$name: again";
    is $between->('/ok/basic', 'GET', '/ok/basic/public/x', @wrong), '401 401 200 401 429', "$name: a place that asks for no password doesn't";
    is $between->('/ok/options', 'OPTIONS', '/ok/options', @wrong), '401 401 200 401 429', "$name: nor does a method that needs none";
    is $between->('/ok/either', 'GET', '/ok/either?free', @wrong), '401 401 200 401 429', "$name: nor somebody who is let in without";
    is $between->('/ok/document', 'GET', '/ok/document', @wrong), '200 200 200 429 429', "$name: nor an error document that says 200";
    is $between->('/sorry/env.cgi', 'GET', '/sorry/env.cgi', @wrong), '200 200 200 429 429', "$name: nor one that is protected alike";
    is join(' ', map { $see->('GET', '/ok/late', @right) } 1, 2), '200 200', "$name: a rule that waits for the user";
    my $date = request($s, 'GET', '/ok')->header('Last-Modified');
    is $see->('GET', '/ok/late', @right, headers => [ 'If-Modified-Since' => $date ]), 304, "$name: is cleared";
    is join(' ', map { $see->('GET', '/ok/late', @right) } 1 .. 4), '200 200 200 429', "$name: as well";

    # ---- answers that are broken off ---------------------------------------------------------------------------------
    my $break_off = sub {    # after the beginning of the answer
        my ($path) = @_;
        my $from = $s->access_mark;
        my $c = connection($s);
        $c->send_request('GET', $path);
        sysread $c->{sock}, my $begin, 200;
        setsockopt $c->{sock}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        $c->close;
        await(10, sub { grep { $_->{uri} =~ m{^/cgi-bin/big} } $s->access($from) }) or die "not logged\n";
        return $begin =~ m{^HTTP/1.1 (\d+)} ? $1 : '-';
    };
    my $stream = sub {
        my ($path) = @_;
        my $from = $s->access_mark;
        my $h2 = RL::H2->new(port => $s->port);
        my $id = $h2->headers('GET', $path);
        await(10, sub { $h2->finished($id, 0.1); $h2->{status}{$id} }) or die "no answer\n";
        my $status = $h2->{status}{$id};
        $h2->reset($id);
        $h2->logged($s, $from, qr{ uri=/cgi-bin/big}) or die "not logged\n";
        return $status;
    };
    my $left = sub { my ($kind) = @_; return (logged($s, 'GET', "/cgi-bin/big.cgi/$kind"))[1]{remaining} };
    is join(' ', map { $break_off->('/cgi-bin/big.cgi/one') } 1 .. 3), '200 200 200', "$name: three downloads that are broken off";
    is $left->('one'), 8, "$name: don't count, as none does";
    is join(' ', map { $break_off->('/cgi-bin/big.cgi/one?404') } 1 .. 3), '404 404 404', "$name: three that do";
    is $left->('one'), 5, "$name: count";

    is join(' ', map { $stream->('/cgi-bin/big.cgi/two') } 1 .. 3), '200 200 200', "$name: three streams that are reset";
    is $left->('two'), 8, "$name: don't count";
    is join(' ', map { $stream->('/cgi-bin/big.cgi/two?404') } 1 .. 3), '404 404 404', "$name: three that do";
    is $left->('two'), 5, "$name: count";

    # ---- programs that write the header ------------------------------------------------------------------------------
    my $nph = sub { my ($kind, @tries) = @_; return join ' ', map { (logged($s, 'GET', "/nph/nph-login.cgi/$kind?$_"))[0]->status } @tries };
    is $nph->('a', ('wrong') x 5), '401 401 401 429 429', "$name: nph-: wrong passwords count";
    is $nph->('b', ('right') x 5), '302 302 302 302 302', "$name: nph-: right ones don't";
    is $nph->('c', qw(wrong wrong right wrong wrong)), '401 401 302 401 401', "$name: nph-: and clear";
    is $nph->('d', qw(drips drips drips drips)), '401 401 401 429', "$name: nph-: a status line that drips";
    is $nph->('e', ('teapot') x 5), '418 418 418 418 418', "$name: nph-: without a reason";
    is join(' ', map { status($s, '/nph/nph-login.cgi/f?odd') } 1 .. 4) =~ s/.* //r, 429, "$name: nph-: what can't be read stays charged";
    is join(' ', map { (logged($s, 'GET', '/nph/nph-none.cgi'))[0]->status } 1 .. 4), '404 404 404 429', "$name: nph-: one that isn't there";
    my $h2 = RL::H2->new(port => $s->port);
    my $on_stream = sub {
        my $from = $s->access_mark;
        my $id = $h2->headers('GET', '/nph/nph-login.cgi/g?wrong');
        my $status = ($h2->finished($id, 10) // ['-'])->[0];
        $h2->logged($s, $from);
        return $status;
    };
    is join(' ', map { $on_stream->() } 1 .. 4), '401 401 401 429', "$name: nph-: over HTTP/2";
    my $c = connection($s);
    is join(' ', map { $c->request('GET', $_)->status } qw(/nph/nph-none.cgi/x /ok /nph/nph-none.cgi/x /ok)), '429 200 429 200', "$name: nph-: others on the connection";
    $c->close;
    $s->stop;
}

finish;
