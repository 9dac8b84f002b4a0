# SPDX-License-Identifier: Apache-2.0
# conf/examples/phpmyadmin.conf with phpMyAdmin. Each login changes its token and the session, which hydra can't follow: the
# guesser is a program that can.
use Apps;
use Apps::PhpMyAdmin;

my $s   = site('phpmyadmin.conf', before => Apps::PhpMyAdmin::conf(), modules => [qw(proxy proxy_fcgi)]);
my $pma = Apps::PhpMyAdmin->install($s);
my ($right, $INDEX) = ('right-password', '/phpmyadmin/index.php');

sub filled { my ($name, $password) = @_; return { pma_username => $name // 'pma_owner', pma_password => $password } }

sub sign_in {
    my ($p, $password, $name) = @_;
    return $p->submit($p->get('/phpmyadmin/'), qr/login_form/, filled($name, $password));
}

sub is_in { my ($p) = @_; return $p->get($INDEX)->body =~ /route=\/logout/ }
sub token { my ($r) = @_; return $r->body =~ /name="token" value="([^"]+)"/ ? $1 : '' }
sub sign_out { my ($p) = @_; return $p->follow($p->post("$INDEX?route=/logout", { token => token($p->get($INDEX)) })) }

# ---- a good user ------------------------------------------------------------------------------------------------

my $owner = person($s);
ok !is_in($owner), 'nobody is signed in at first';
sign_in($owner, "wrong$_") for 1, 2;
ok !is_in($owner), 'two mistyped passwords don\'t sign in';
sign_in($owner, $right);
ok is_in($owner), 'the right one, after two mistyped ones, does';
sign_out($owner);
ok !is_in($owner), 'signed out';
for (1 .. 8) { sign_in($owner, 'wrong'); sign_in($owner, $right); sign_out($owner) }
sign_in($owner, $right);
ok is_in($owner), 'eight times mistyped once and then signed in: never denied';
my $token = token($owner->get($INDEX));
for my $n (1 .. 30) {
    my $r = $owner->post("$INDEX?route=/import", { token => $token, ajax_request => 1, server => 1, sql_query => "SELECT $n" . ' ' x ($n > 25 ? 100_000 : 0) });
    like $r->body, qr/"success":true/, "the owner sends statement $n" if $n == 1 || $n == 30;
}
is join(', ', $owner->denied), '', 'nothing of this is denied';

my $browsing = browse($s, [ map { "$INDEX?route=$_" } qw(/server/databases /server/status /server/databases) ],
    headers => { 'X-Client' => '192.0.2.30' }, sign_in => sub {
        my ($b, $origin) = @_;
        $b->open("$origin/phpmyadmin/");
        $b->fill_in({ pma_username => 'pma_owner', pma_password => $right }, '#input_go');
        ok $b->run('document.body.innerHTML.includes("route=/logout")'), 'the browser has signed in';
    });
like $browsing, qr/\A0 of /, 'signing in and browsing in a real browser: nothing is denied';

# ---- a guesser --------------------------------------------------------------------------------------------------

# Goes on from the page of the last guess, which has the next token.
sub guesser {
    my ($p) = @_;
    my $page = $p->get('/phpmyadmin/');
    return sub {
        my ($password) = @_;
        $page = $p->get('/phpmyadmin/') if $page->body !~ /login_form/;
        $page = $p->submit_only($page, qr/login_form/, filled('pma_owner', $password));
        return $page->status == 302;
    };
}
is guess_with(guesser(person($s, from => '203.0.113.9')), passwords($right, 9)), 9, 'the guesser finds the right password where nothing stops him';

my $before = $pma->tries;
my $attacker = guesser(person($s, from => '198.51.100.7', tag => 'guesser'));
my @list = passwords($right, 180);
my $found = guess_with($attacker, splice @list, 0, 100);
my $friend = person($s, from => '192.0.2.10', jar => { $owner->cookies });
my $asked = 0;
for (1 .. 3) {
    my $mine = $pma->tries;
    sign_out($friend);
    sign_in($friend, 'wrong');
    sign_in($friend, $right);
    ok is_in($friend), 'while somebody guesses, the owner mistypes, and signs in';
    $friend->get("$INDEX?route=/server/databases");
    $asked += $pma->tries - $mine;
    $found ||= guess_with($attacker, splice @list, 0, 34);
}
my $reached = $pma->tries - $before - $asked;
is $found, 0, 'the guesser does not find the right password among 200';
is join(', ', $friend->denied), '', 'and the owner, whose browser is known, is denied nothing';
is $reached, 3, 'three of the guesses reach the database: five, with the two that the owner mistyped before his browser was known';

result('phpMyAdmin', guesses => $reached, found => $found ? 'yes' : 'no', browsing => $browsing,
    attacked => scalar($friend->denied) . ' of ' . $friend->requests);

# ---- an owner who has the cookie pmaAuth still, and a session that PHP has forgotten ------------------------------------

my $late = person($s, from => '192.0.2.10', jar => { $owner->cookies });
sign_in($late, $right);
my ($session) = grep { /^phpMyAdmin/ } keys %{ $late->{jar} };
$late->{jar}{$session} = 'f' x 26;
ok !is_in($late) && $late->cookie('pmaAuth-1'), 'the session is gone, the cookie is not';
for my $n (1 .. 9) {
    my $p = person($s, from => "172.19.$n.1", jar => { 'pmaAuth-1' => 'x' });
    $p->submit_only($p->get('/phpmyadmin/'), qr/login_form/, filled('pma_owner', "guess$n"));
}
sign_in($late, $right);
ok is_in($late), 'the owner signs in, though strangers with such a cookie have used up what they have';
is join(', ', $late->denied), '', 'and is denied nothing';

# ---- ways around: the limit of the owner's name is used up --------------------------------------------------------

# Posts a body with the token of a page that was just fetched: `body` gets (password, token).
sub sent {
    my ($at, $body, %o) = @_;
    return sub {
        my ($p, $w) = @_;
        my $token = token($p->get('/phpmyadmin/'));
        $p->request($o{method} // 'POST', $at =~ s/PASSWORD/$w/r =~ s/TOKEN/$token/r, %o, ref $body ? (body => $body->($w, $token)) : ());
    };
}
sub plain { my ($w, $token, $name) = @_; return Apps::Person::urlencoded([ token => $token, pma_username => $name // 'pma_owner', pma_password => $w ]) }
sub named { my ($name) = @_; return sent("$INDEX?route=/", sub { plain(@_, $name) }) }
sub guest { my $p = person($s, from => $_[0]->{from}); sign_in($p, 'guest-password', 'pma_guest'); return $p }
my ($junk, $more_junk) = ('j=' . 'x' x 70_000, 'j=' . 'x' x 1_100_000);
my $multipart = join '', map { "--b\r\nContent-Disposition: form-data; name=\"$_->[0]\"\r\n\r\n$_->[1]\r\n" } [ token => '%s' ], [ pma_username => 'pma_owner' ], [ pma_password => '%s' ];

my $around = ways_around($s, sub { scalar(() = $pma->tries) }, $right,
    [ 'the form, from as many networks as guesses', sent("$INDEX?route=/", \&plain) ],
    (map { [ "at $_", sent($_, \&plain) ] } "$INDEX", '/phpmyadmin/', "$INDEX?route=/import", "$INDEX?route=/logout", "$INDEX/x.css", "$INDEX?session_expired=1",
        "$INDEX?route=/server/databases&ajax_request=1", '/phpmyadmin/url.php?url=https://example.com/', '/phpmyadmin//index.php', '/phpmyadmin/themes/../index.php'),
    [ 'after a session that timed out', sent("$INDEX?route=/", sub { plain(@_) . '&session_timedout=1&ajax_request=1' }) ],
    [ 'a request of somebody who is signed in, with his name and a wrong token, then a guess', sub {
        my ($p, $w, $n) = @_;
        if ($n % 7 == 1) {
            my $guest = guest($p);
            my ($again) = ($pma->tries);
            for my $route ('/', '/logout', '/collation-connection', '/themes/set') {
                $guest->post("$INDEX?route=$route", { token => 'x', pma_username => 'pma_owner', pma_password => 'x' });
            }
        }
        sent("$INDEX?route=/", \&plain)->($p, $w);
    } ],
    [ 'guesses of somebody who is signed in', sub {
        my ($p, $w, $n) = @_;
        return if $n > 8;
        my $guest = guest($p);
        $guest->post("$INDEX?route=/", { token => token($guest->get($INDEX)), %{ filled('pma_owner', $w) } });
    } ],
    [ 'what a known browser of another account brings', sub {
        my ($p, $w, $n) = @_;
        return if $n > 8;
        my $guest = guest($p);
        sign_out($guest);
        $p->{jar} = { $guest->cookies };
        sent("$INDEX?route=/", \&plain)->($p, $w);
    } ],
    [ 'an invented cookie pmaAuth', sub { my ($p, $w) = @_; $p->{jar}{'pmaAuth-1'} = 'x'; sent("$INDEX?route=/", \&plain)->($p, $w) } ],
    [ 'letter case', named('PMA_owner') ], [ 'blanks', named(' pma_owner ') ], [ 'accents', named("pma_\xc3\xb3wner") ],
    [ 'GET', sent("$INDEX?pma_username=pma_owner&pma_password=PASSWORD&token=TOKEN", undef, method => 'GET') ],
    [ 'in the query string', sent("$INDEX?pma_username=pma_owner&pma_password=PASSWORD", sub { "token=$_[1]" }) ],
    [ 'the password in the query string', sent("$INDEX?pma_password=PASSWORD", sub { "token=$_[1]&pma_username=pma_owner" }) ],
    [ 'another name in the query string', sent("$INDEX?pma_username=other", \&plain) , 30 ],
    [ 'Basic', sub { my ($p, $w) = @_; $p->request('GET', $INDEX, auth => "pma_owner:$w") } ],
    [ 'cookies', sub { my ($p, $w) = @_; $p->request('GET', $INDEX, headers => [ Cookie => "pma_username=pma_owner; pma_password=$w" ]) } ],
    [ 'PUT', sent("$INDEX?route=/", \&plain, method => 'PUT') ],
    [ '70 KB of junk in front', sent("$INDEX?route=/", sub { "$junk&" . plain(@_) }) ],
    [ 'multipart', sent("$INDEX?route=/", sub { sprintf "$multipart--b--\r\n", @_[1, 0] }, type => 'multipart/form-data; boundary=b') ],
    [ 'a type that isn\'t a form\'s', sent("$INDEX?route=/", \&plain, type => 'text/plain') ],
    [ 'another charset', sent("$INDEX?route=/", \&plain, type => 'application/x-www-form-urlencoded; charset=utf-7'), 30 ],
    [ 'a field twice', sent("$INDEX?route=/", sub { 'pma_username=other&' . plain(@_) }), 30 ],
    [ 'over a megabyte of junk in front', sent("$INDEX?route=/", sub { "$more_junk&" . plain(@_) }), 30 ],
);
cmp_ok $around =~ s/ .*//r, '<=', 30, 'of all these, at most the 30 an hour that are in doubt are looked at';
result('  ways around it', guesses => $around);

# ---- what somebody else who is signed in sends in the name of an account ------------------------------------------------

my $signed_in = person($s, from => '192.0.2.67');
sign_in($signed_in, 'guest-password', 'pma_guest');
my $carol = 'pma_username=carol&pma_password=x&j=' . 'j' x 40_000;
for my $jar ({ $signed_in->cookies }, { map { $_ => { $signed_in->cookies }->{$_} } grep { !/pmaAuth/ } keys %{ $signed_in->{jar} } }) {
    knows_nobody($s, $jar,
        (map { my $route = $_; [ "a form with a wrong token to $route" => sub { $_[0]->post("$INDEX?route=$route", { token => 'x', %{ filled('carol', 'x') } }) } ] } qw(/ /logout /themes/set /import)),
        [ 'a form with a right token' => sub { $_[0]->post("$INDEX?route=/", { token => token($_[0]->get($INDEX)), %{ filled('carol', 'x') } }) } ],
        (map { my ($how, $method, @o) = @$_; [ "a form $how" => sub { $_[0]->request($method, "$INDEX?route=/", type => 'application/x-www-form-urlencoded', body => $carol, @o) } ] }
            [ 'in chunks', 'POST', chunked => 4000 ], [ 'by post', 'post' ], [ 'by PUT', 'PUT' ]),
    );
}

my $sprayer = person($s, from => '172.16.5.9');
is scalar(grep { $sprayer->post($INDEX, filled("name$_", 'summer'))->status != 429 } 1 .. 100), 20, 'of a hundred names from one network twenty are tried';

# ---- auth_type http: a password with each request -----------------------------------------------------------------------

$s->write('conf/pma.php', slurp($s->root . '/conf/pma.php') =~ s/'auth_type' => 'cookie'/'auth_type' => 'http'/r);
my $with_http = browse($s, [ map { "$INDEX?route=$_" } qw(/server/databases /server/status /server/databases) ],
    user => 'pma_owner', password => $right, headers => { 'X-Client' => '192.0.2.31' });
like $with_http, qr/\A0 of /, 'auth_type http: browsing in a real browser: nothing is denied';
$before = () = $pma->tries;
my $status = sub { my ($n, $w) = @_; return person($s, from => "172.20.$n.1")->request('GET', $INDEX, auth => "pma_owner:$w")->status };
my @got = map { $status->($_, $_ == 180 ? $right : "guess$_") } 1 .. 200;
is join(' ', map { my $code = $_; scalar(grep { $_ == $code } @got) . " times $code" } 401, 429), '20 times 401 180 times 429', 'auth_type http: of 200 guesses from as many networks twenty are looked at';
$reached = $pma->tries - $before;
is $reached, 20, 'auth_type http: the database is asked twenty times';
result('phpMyAdmin, auth_type http', guesses => $reached, found => (grep { $_ == 200 } @got) ? 'yes' : 'no', browsing => $with_http);

finish allow => qr/AH01071|AH01630|ratelimit:|AH0290\d|AH10508/;
