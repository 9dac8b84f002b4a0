# SPDX-License-Identifier: Apache-2.0
# conf/examples/auth-form.conf with mod_auth_form and mod_session_cookie.
use Apps;

my $form = <<'END';
<!DOCTYPE html><title>login</title><form id="login" method="POST" action="/dologin">
<input name="httpd_username"><input type="password" name="httpd_password"><input type="submit" value="Go"></form>
END
my $s = site('auth-form.conf', modules => [qw(auth_form session session_cookie request)],
    files => { album('htdocs/private'), 'htdocs/login.html' => $form }, before => <<'END');
<Location "/private">
    AuthType form
    AuthName "private"
    AuthFormProvider file
    AuthUserFile "${ROOT}/conf/users"
    AuthFormLoginRequiredLocation "/login.html"
    Session On
    SessionMaxAge 3600
    SessionCookieName session path=/;httponly
    Require valid-user
</Location>
<Location "/dologin">
    SetHandler form-login-handler
    AuthType form
    AuthName "private"
    AuthFormProvider file
    AuthUserFile "${ROOT}/conf/users"
    AuthFormLoginRequiredLocation "/login.html?referer=%{escape:%{HTTP:Referer}}"
    AuthFormLoginSuccessLocation "/private/"
    Session On
    SessionMaxAge 3600
    SessionCookieName session path=/;httponly
</Location>
END
my ($right, $LOGIN) = ('secret', '/dologin');
my @attack = ($s, 'http-post-form', "$LOGIN:httpd_username=^USER^&httpd_password=^PASS^", 'S=<title>album', 'alice');

sub sign_in {
    my ($p, $password, $name) = @_;
    $p->forget('session');
    return $p->submit($p->get('/login.html'), qr/dologin/, { httpd_username => $name // 'alice', httpd_password => $password });
}
sub is_in { my ($p) = @_; return $p->get('/private/')->body =~ /<title>album/ }

# ---- a good user ------------------------------------------------------------------------------------------------

hydra_works(@attack, $right);

my $owner = person($s);
sign_in($owner, "wrong$_") for 1, 2;
ok !is_in($owner), 'two mistyped passwords don\'t sign in';
sign_in($owner, $right);
ok is_in($owner), 'the right one, after two mistyped ones, does';
for (1 .. 8) { sign_in($owner, 'wrong'); sign_in($owner, $right) }
ok is_in($owner), 'eight times mistyped once and then signed in: never denied';
is join(', ', $owner->denied), '', 'nothing of this is denied';

my $browsing = browse($s, [ '/private/', '/private/' ], headers => { 'X-Client' => '192.0.2.30' }, sign_in => sub {
    my ($b, $origin) = @_;
    $b->open("$origin/private/");
    $b->fill_in({ httpd_username => 'alice', httpd_password => $right }, 'input[type=submit]');
    is $b->run('document.title'), 'album', 'the browser has signed in';
});
like $browsing, qr/\A0 of /, 'signing in and browsing in a real browser: nothing is denied';

# ---- a guesser --------------------------------------------------------------------------------------------------

my $running = hydra_begin(@attack, passwords($right, 180));
await(60, sub { grep { $_->{id} eq 'hydra' && $_->{state} eq 'denied' } $s->access(0, 1) });
my $friend = person($s, from => '192.0.2.10', jar => { $owner->cookies });
for (1 .. 3) {
    sign_in($friend, 'wrong');
    sign_in($friend, $right);
    ok is_in($friend), 'while hydra guesses, the owner mistypes, and signs in';
    $friend->get("/private/$_.png") for 1 .. 10;
}
my @found = hydra_end($running);
is "@found", '', 'hydra does not find the right password among 200';
is join(', ', $friend->denied), '', 'and the owner, whose browser is known, is denied nothing';
my $reached = let_through($s, 'hydra', sub { $_[0]{method} eq 'POST' });
is $reached, 3, 'three of the guesses reach the handler: five, with the two that the owner mistyped before his browser was known';

result('mod_auth_form', guesses => $reached, found => @found ? 'yes' : 'no', browsing => $browsing,
    attacked => scalar($friend->denied) . ' of ' . $friend->requests);

# ---- ways around: the limit of the owner's name is used up --------------------------------------------------------

sub sent { my ($at, $body, %o) = @_; return sub { my ($p, $w) = @_; $p->request($o{method} // 'POST', $at =~ s/PASSWORD/$w/r, %o, $body ? (body => $body->($w)) : ()) } }
sub plain { my ($w, $name) = @_; return Apps::Person::urlencoded([ httpd_username => $name // 'alice', httpd_password => $w ]) }
sub named { my ($name) = @_; return sent($LOGIN, sub { plain($_[0], $name) }) }
my $junk = 'j=' . 'x' x 70_000;
my $guest = person($s, from => '192.0.2.66');
sign_in($guest, 'hunter2', 'bob');

my $around = ways_around($s, sub { return let_through($s, 'trick', sub { $_[0]{uri} !~ /login\.html/ && $_[0]{status} != 405 }) }, $right,
    [ 'the form, from as many networks as guesses', sent($LOGIN, \&plain) ],
    [ 'a referer like the success', sent($LOGIN, \&plain, headers => [ Referer => 'http://localhost/private/' ]) ],
    [ 'the location of the success in the query string', sent("$LOGIN?httpd_location=/private/&referer=/private/", \&plain) ],
    [ 'a location of one\'s own', sent($LOGIN, sub { plain(@_) . '&httpd_location=/private/' }) ],
    [ 'path info', sent("$LOGIN/x.css", \&plain) ],
    [ 'letter case', named('ALICE') ], [ 'blanks', named(' alice ') ], [ 'accents', named("al\xc3\xafce") ],
    [ 'GET', sent("$LOGIN?httpd_username=alice&httpd_password=PASSWORD", undef, method => 'GET') ],
    [ 'malformed escapes', sent($LOGIN, sub { "httpd_userna%m1e=x&" . plain(@_) }), 5 ],
    [ 'a field twice', sent($LOGIN, sub { 'httpd_username=other&' . plain(@_) }), 5 ],
    [ '70 KB of junk in front', sent($LOGIN, sub { "$junk&" . plain(@_) }), 5 ],
    [ 'a type that isn\'t a form\'s', sent($LOGIN, \&plain, type => 'text/plain'), 5 ],
    [ 'somebody who is signed in, whose session is written anew', sub { my ($p, $w) = @_; $p->{jar} = { $guest->cookies }; sent($LOGIN, \&plain)->($p, $w) } ],
    [ 'in a form for a protected page, which has a limit of its own', sent('/private/', \&plain), 5 ],
    [ 'in a form for another protected page', sent('/private/1.png', \&plain), 5 ],
);
cmp_ok $around =~ s/ .*//r, '<=', 15, 'of all these, at most five in a form for a page, and those in doubt, are looked at';
result('  ways around it', guesses => $around);

# ---- somebody who is signed in posts another name to a protected page ------------------------------------------------

my @jars = map {
    my $q = person($s, from => "172.22.$_.1", jar => { $guest->cookies });
    $q->forget('ratelimit-known');
    $q->post('/private/', { httpd_username => 'carol', httpd_password => 'x' });
    $q->request('POST', $LOGIN, type => 'multipart/form-data; boundary=b', body => "--b\r\nContent-Disposition: form-data; name=\"httpd_username\"\r\n\r\ncarol\r\n--b--\r\n");
    { 'ratelimit-known' => $q->cookie('ratelimit-known') // '' }
} 1 .. 4;
for my $at ('/private/', $LOGIN) {
    my $looked = grep { person($s, from => "172.23.$_.1", jar => $jars[ $_ % 4 ])->post($at, { httpd_username => 'carol', httpd_password => "guess$_" })->status != 429 } 1 .. 20;
    cmp_ok $looked, '<=', 5, "$at: of twenty guesses five are looked at, though somebody who is signed in sent the name before";
}

my $baker = person($s, from => '172.16.9.9');
my @baked = map { $baker->{jar} = { session => "private-user=alice&private-pw=guess$_" }; $baker->request('GET', '/private/')->status } 1 .. 40;
is scalar(grep { $_ != 429 } @baked), 20, 'with cookies one network tries twenty passwords an hour';

my $sprayer = person($s, from => '172.16.5.9');
is scalar(grep { $sprayer->post($LOGIN, { httpd_username => "name$_", httpd_password => 'summer' })->status != 429 } 1 .. 100), 20,
    'of a hundred names from one network twenty are tried';

finish allow => qr/AH0161[478]|AH018\d\d|ratelimit:|AH02617/;
