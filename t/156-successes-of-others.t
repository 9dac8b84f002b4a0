# SPDX-License-Identifier: Apache-2.0
# known=: a success gives the browser a counter of its own, and its own unit back. It wipes nothing of what strangers have
# used up: not for whoever owns a name that is folded into the same one, nor for a guesser who waits for the owner's clients
# without cookies to sign in.
use RL::Test;
use RL::Stores;

my %files = ('cgi-bin/form.cgi' => <<'END');
#!/bin/sh
case $(cat) in
user=jesica\&password=mine|user=jessica\&password=right|user=%C3%A4dmin\&password=mine)
    printf 'Set-Cookie: session=1\nContent-Type: text/plain\n\nwelcome\n' ;;
*)  printf 'Content-Type: text/plain\n\nwrong\n' ;;
esac
END
my $how = 'methods=POST key=form:user clear=set-cookie:session';
my $rules = <<"END";
ScriptAliasMatch "^/login" "\${CGIBIN}/form.cgi"
<LocationMatch "^/login/\\d+">
    RateLimit account 5/30d $how known=30d
</LocationMatch>
<Location "/login/first">
    RateLimit account 5/30d window=first $how known=30d
</Location>
<Location "/login/bucket">
    RateLimit account 5/30d algorithm=token-bucket $how known=30d
</Location>
<Location "/login/all">
    RateLimit account 5/30d $how
</Location>
<Location /ok/basic>
    Include conf/auth.conf
    RateLimit account 5/30d key=claimed-user count=auth-failed clear=auth-ok known=30d
</Location>
END

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => \%files);
    my $try = sub {
        my ($at, $user, $password, @cookie) = @_;
        return (logged($s, 'POST', "/login/$at", body => "user=$user&password=$password", headers => [ map { (Cookie => $_) } @cookie ]))[0];
    };
    my $tries = sub { my ($n, @try) = @_; return join ' ', map { $try->(@try)->status } 1 .. $n };
    my $cookie = sub { my ($r) = @_; return map { /\A(ratelimit-known=[^;]+)/ ? $1 : () } $r->header('Set-Cookie') };

    # ---- names that are folded into one ----------------------------------------------------------------------------
    for my $at (qw(first bucket)) {
        my $tried = 0;
        for my $n (1 .. 20) {
            $tried += $try->($at, 'jessica', "guess$n")->status == 200;
            $try->($at, 'jesica', 'mine') if $n % 4 == 0;
        }
        is $tried, 5, "$name: $at: of twenty guesses at jessica five are tried, though the owner of jesica signs in between them";
    }
    my $tried = 0;
    for my $n (1 .. 20) { $tried += $try->(1, 'admin', "guess$n")->status == 200; $try->(1, '%C3%A4dmin', 'mine') if $n % 4 == 0 }
    is $tried, 5, "$name: nor is anything cleared by a name with accents, which an application may take for another one";

    # ---- successes of strangers ------------------------------------------------------------------------------------
    is $tries->(12, 2, 'jessica', 'right'), join(' ', (200) x 12), "$name: who brings no cookies may sign in any number of times: each success gives its unit back";
    is $tries->(4, 2, 'jessica', 'guess'), '200 200 200 200', "$name: four guesses";
    my $r = $try->(2, 'jessica', 'right');
    my ($known) = $cookie->($r);
    like $known // '', qr/=[\w+\/]{40}\z/, "$name: the owner signs in, and is known";
    is $tries->(3, 2, 'jessica', 'guess'), '200 429 429', "$name: which leaves the guesser what he had: one";
    is $tries->(4, 2, 'jessica', 'mistyped', $known), '200 200 200 200', "$name: the owner's browser has a counter of its own";
    is $try->(2, 'jessica', 'right', $known)->status, 200, "$name: and signs in";
    is $tries->(6, 2, 'jessica', 'mistyped', $known), '200 200 200 200 200 429', "$name: which clears its own counter";
    is $tries->(1, 2, 'jessica', 'right'), '429', "$name: not the strangers'";

    # ---- Basic: a client without cookies that comes again and again -------------------------------------------------
    my $basic = sub { return (logged($s, 'GET', '/ok/basic', auth => "alice:$_[0]"))[0]->status };
    $tried = grep { $basic->('secret') if $_ % 2; $basic->("guess$_") == 401 } 1 .. 20;
    is $tried, 5, "$name: auth-ok: of twenty guesses five are tried, though a client of the owner's signs in between them";

    # ---- without known= ----------------------------------------------------------------------------------------------
    is $tries->(4, 'all', 'jessica', 'guess') . ' ' . $try->('all', 'jessica', 'right')->status . ' ' . $tries->(6, 'all', 'jessica', 'guess'), '200 200 200 200 200 200 200 200 200 200 429',
        "$name: without known= a success clears the counter";
    $s->stop;
}

finish;
