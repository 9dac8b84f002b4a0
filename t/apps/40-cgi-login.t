# SPDX-License-Identifier: Apache-2.0
# conf/examples/cgi-login.conf with a program of CGI.pm that takes its fields from GET and POST alike.
use Apps;

my $s = site('cgi-login.conf', files => { album('htdocs/private'), 'app/tries' => '', 'app/mails' => '',
    'cgi-bin/login.cgi' => slurp('t/apps/cgi/login.cgi') });
chmod 0777, $s->root . '/app';
chmod 0666, map { $s->root . "/app/$_" } qw(tries mails);
my ($right, $LOGIN) = ('right-password', '/cgi-bin/login.cgi');
my @attack = ($s, 'http-post-form', "$LOGIN:username=^USER^&password=^PASS^", 'S=<title>album', 'owner');
sub tries { return split /\n/, slurp($s->root . '/app/tries') }

sub sign_in {
    my ($p, $password, $name) = @_;
    return $p->submit($p->get($LOGIN), qr/username/, { username => $name // 'owner', password => $password });
}
sub is_in { my ($p) = @_; return ($p->cookie('session') // '') eq 'owner-1' }

# ---- a good user ------------------------------------------------------------------------------------------------

hydra_works(@attack, $right);

my $owner = person($s);
sign_in($owner, "wrong$_") for 1, 2;
ok !is_in($owner), 'two mistyped passwords don\'t sign in';
sign_in($owner, $right);
ok is_in($owner), 'the right one, after two mistyped ones, does';
for (1 .. 8) { $owner->forget('session'); sign_in($owner, 'wrong'); sign_in($owner, $right) }
ok is_in($owner), 'eight times mistyped once and then signed in: never denied';
$owner->get($LOGIN) for 1 .. 40;
like $owner->post($LOGIN, { username => 'owner', forgotten => 1 })->body, qr/mail is on its way/, 'a new password can be asked for';
is join(', ', $owner->denied), '', 'nothing of this is denied';

my $browsing = browse($s, [ '/private/', $LOGIN, '/private/' ], headers => { 'X-Client' => '192.0.2.30' }, sign_in => sub {
    my ($b, $origin) = @_;
    $b->open("$origin$LOGIN");
    $b->fill_in({ username => 'owner', password => $right }, 'input[type=submit]');
    is $b->run('document.title'), 'album', 'the browser has signed in';
});
like $browsing, qr/\A0 of /, 'signing in and browsing in a real browser: nothing is denied';

# ---- a guesser --------------------------------------------------------------------------------------------------

my $running = hydra_begin(@attack, passwords($right, 180));
await(60, sub { grep { $_->{id} eq 'hydra' && $_->{state} eq 'denied' } $s->access(0, 1) });
my $friend = person($s, from => '192.0.2.10', jar => { $owner->cookies });
for (1 .. 3) {
    $friend->forget('session');
    sign_in($friend, 'wrong');
    sign_in($friend, $right);
    ok is_in($friend), 'while hydra guesses, the owner mistypes, and signs in';
    $friend->get('/private/');
}
my @found = hydra_end($running);
is "@found", '', 'hydra does not find the right password among 200';
is join(', ', $friend->denied), '', 'and the owner, whose browser is known, is denied nothing';
my $reached = let_through($s, 'hydra', sub { $_[0]{method} eq 'POST' });
is $reached, 3, 'three of the guesses reach the program: five, with the two that the owner mistyped before his browser was known';

result('CGI.pm', guesses => $reached, found => @found ? 'yes' : 'no', browsing => $browsing,
    attacked => scalar($friend->denied) . ' of ' . $friend->requests);

# ---- ways around: the limit of the owner's name is used up --------------------------------------------------------

sub sent { my ($at, $body, %o) = @_; return sub { my ($p, $w) = @_; $p->request($o{method} // 'POST', $at =~ s/PASSWORD/$w/r, %o, $body ? (body => $body->($w)) : ()) } }
sub plain { my ($w) = @_; return "username=owner&password=$w" }
sub named { my ($name) = @_; return sub { my ($p, $w) = @_; $p->post($LOGIN, { username => $name, password => $w }) } }
my $multipart = join '', map { "--b\r\nContent-Disposition: form-data; name=\"$_->[0]\"\r\n\r\n$_->[1]\r\n" } [ username => 'owner' ], [ password => '%s' ];
my $junk = 'j=' . 'x' x 70_000;

my $around = ways_around($s, sub { scalar grep { /owner/i } tries() }, $right,
    [ 'the form, from as many networks as guesses', sent($LOGIN, \&plain) ],
    (map { [ "$_ with a query string", sent("$LOGIN?username=owner&password=PASSWORD", undef, method => $_) ] } qw(GET HEAD DELETE OPTIONS POST PUT)),
    (map { [ "$_ with a body", sent($LOGIN, \&plain, method => $_) ] } qw(GET PUT PATCH DELETE)),
    [ 'the query string with semicolons', sent("$LOGIN?username=owner;password=PASSWORD", undef, method => 'GET') ],
    [ 'the query string, escaped', sent("$LOGIN?%75sername=owner&password=PASSWORD", undef, method => 'GET') ],
    [ 'the query string without names', sent("$LOGIN?owner+PASSWORD", undef, method => 'GET') ],
    [ 'the password in the query string', sent("$LOGIN?password=PASSWORD", sub { 'username=owner' }) ],
    [ 'another name in the query string', sent("$LOGIN?username=other", \&plain) ],
    [ 'path info', sent("$LOGIN/more/x.css", \&plain) ],
    [ 'path info and a query string', sent("$LOGIN/more?username=owner&password=PASSWORD", undef, method => 'GET') ],
    [ 'letter case', named('OWNER') ], [ 'blanks', named('  owner ') ], [ 'U+0085', named("owner\xc2\x85") ], [ 'U+001C', named("owner\x1c") ],
    [ 'a field twice', sent($LOGIN, sub { 'username=owner&username=other&password=' . $_[0] }), 5 ],
    [ 'semicolons', sent($LOGIN, sub { "x=y;username=owner;password=$_[0]" }), 5 ],
    [ '70 KB of junk in front', sent($LOGIN, sub { "$junk&" . plain(@_) }), 5 ],
    [ 'multipart', sent($LOGIN, sub { sprintf "$multipart--b--\r\n", $_[0] }, type => 'multipart/form-data; boundary=b') ],
    [ 'no type', sent($LOGIN, \&plain, headers => [ 'Content-Type' => '' ]), 5 ],
    [ 'a type that isn\'t a form\'s', sent($LOGIN, \&plain, type => 'text/plain'), 5 ],
    [ 'another charset', sent($LOGIN, \&plain, type => 'application/x-www-form-urlencoded; charset=utf-7'), 5 ],
    [ 'chunked', sent($LOGIN, \&plain, chunked => 5) ],
);
cmp_ok $around =~ s/ .*//r, '<=', 5, 'of all these, at most five that are in doubt are looked at';
result('  ways around it', guesses => $around);

my $sprayer = person($s, from => '172.16.5.9');
is scalar(grep { $sprayer->post($LOGIN, { username => "name$_", password => 'summer' })->status != 429 } 1 .. 100), 20,
    'of a hundred names from one network twenty are tried';

finish allow => qr/AH01630|ratelimit:|AH01797/;
