# What a success may clear, and what counts as an outcome, when somebody tries to have another one's failures forgotten.
use RL::Test;
use RL::Stores;

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
    $s->stop;
}

finish;
