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
    $s->stop;
}

finish;
