# SPDX-License-Identifier: Apache-2.0
# conf/examples/django.conf with Django's admin behind mod_wsgi.
use Apps;
use Apps::Django;

my $s    = site('django.conf', before => Apps::Django::conf(), modules => ['wsgi'], files => { Apps::Django::files() });
my $site = Apps::Django->install($s);
my ($right, $LOGIN, $ADMIN) = ('right-password', '/site/admin/login/', '/site/admin/');

sub sign_in {
    my ($p, $password, $name) = @_;
    return $p->submit($p->get("$LOGIN?next=$ADMIN"), qr/login-form/, { username => $name // 'owner', password => $password });
}
sub is_in { my ($p) = @_; return $p->get($ADMIN)->body =~ /Site administration/ }
sub sign_out { my ($p) = @_; return $p->get('/site/admin/logout/') }

my $visitor = person($s, from => '198.51.100.7');
$visitor->get($LOGIN);
my $token = $visitor->cookie('csrftoken');
my @attack = ({ headers => [ Cookie => "csrftoken=$token" ] }, $s, 'http-post-form',
    "$LOGIN:csrfmiddlewaretoken=$token&username=^USER^&password=^PASS^&next=/site/none/:2=", 'S=sessionid', 'owner');

# ---- a good user ------------------------------------------------------------------------------------------------

hydra_works(@attack, $right);

my $owner = person($s);
ok !is_in($owner), 'nobody is signed in at first';
sign_in($owner, "wrong$_") for 1, 2;
ok !is_in($owner), 'two mistyped passwords don\'t sign in';
sign_in($owner, $right);
ok is_in($owner), 'the right one, after two mistyped ones, does';
for (1 .. 8) { sign_out($owner); sign_in($owner, 'wrong'); sign_in($owner, $right) }
ok is_in($owner), 'eight times mistyped once and then signed in: never denied';

my $forgetful = person($s, from => '192.0.2.77');
$forgetful->submit($forgetful->get('/site/admin/password_reset/'), qr/email/, { email => 'guest@example.com' });
my ($link) = $site->mails =~ m{http://[^/\s]+(/site/reset/\S+)};
$forgetful->submit($forgetful->get($link // '/none'), qr/new_password1/, { new_password1 => 'new-guest-password', new_password2 => 'new-guest-password' });
sign_in($forgetful, 'new-guest-password', 'guest');
ok is_in($forgetful), 'a password is reset by mail, and signs in';
is join(', ', map { $_->denied } $owner, $forgetful), '', 'nothing of this is denied';

my $browsing = browse($s, [ map { "$ADMIN$_" } '', 'auth/user/', 'auth/user/1/change/', '' ], headers => { 'X-Client' => '192.0.2.30' }, sign_in => sub {
    my ($b, $origin) = @_;
    $b->open("$origin$LOGIN?next=$ADMIN");
    $b->fill_in({ username => 'owner', password => $right }, 'input[type=submit]');
    like $b->run('document.title'), qr/Site administration/, 'the browser has signed in';
});
like $browsing, qr/\A0 of /, 'signing in and browsing in a real browser: nothing is denied';

# ---- a guesser --------------------------------------------------------------------------------------------------

my $running = hydra_begin(@attack, passwords($right, 180));
await(60, sub { grep { $_->{id} eq 'hydra' && $_->{state} eq 'denied' } $s->access(0, 1) });
my $friend = person($s, from => '192.0.2.10', jar => { $owner->cookies });
for (1 .. 3) {
    sign_out($friend);
    sign_in($friend, 'wrong');
    sign_in($friend, $right);
    ok is_in($friend), 'while hydra guesses, the owner mistypes, and signs in';
}
my @found = hydra_end($running);
is "@found", '', 'hydra does not find the right password among 200';
is join(', ', $friend->denied), '', 'and the owner, whose browser is known, is denied nothing';
my $reached = let_through($s, 'hydra', sub { $_[0]{method} eq 'POST' });
is $reached, 3, 'three of the guesses reach Django: five, with the two that the owner mistyped before his browser was known';

result('Django', guesses => $reached, found => @found ? 'yes' : 'no', browsing => $browsing,
    attacked => scalar($friend->denied) . ' of ' . $friend->requests);

# ---- ways around: the limit of the owner's name is used up --------------------------------------------------------

sub sent {
    my ($at, $body, %o) = @_;
    return sub {
        my ($p, $w) = @_;
        my $jar = $p->{jar};
        $jar->{csrftoken} = $token;
        $p->request($o{method} // 'POST', $at =~ s/PASSWORD/$w/r, %o, headers => [ 'X-CSRFToken' => $token, @{ $o{headers} // [] } ], $body ? (body => $body->($w)) : ());
    };
}
sub plain { my ($w, $name) = @_; return Apps::Person::urlencoded([ username => $name // 'owner', password => $w ]) }
sub named { my ($name) = @_; return sent($LOGIN, sub { plain($_[0], $name) }) }
my ($junk, $multipart) = ('j=' . 'x' x 70_000,
    join '', map { "--b\r\nContent-Disposition: form-data; name=\"$_->[0]\"\r\n\r\n$_->[1]\r\n" } [ username => 'owner' ], [ password => '%s' ]);
my $guest = person($s, from => '192.0.2.66');
sign_in($guest, 'new-guest-password', 'guest');

my $around = ways_around($s, sub { scalar grep { /'owner'/ } $site->tries }, $right,
    [ 'the form, from as many networks as guesses', sent($LOGIN, \&plain) ],
    (map { [ "at $_", sent($_, \&plain) ] } "$LOGIN?next=/x", '/site/admin//login/', '/site//admin/login/', '/site/admin/x/../login/', '/site/admin/login%2f',
        '/site/admin/', '/site/admin/login'),
    [ 'the name in the query string', sent("$LOGIN?username=owner", sub { "password=$_[0]" }) ],
    [ 'GET', sent("$LOGIN?username=owner&password=PASSWORD", undef, method => 'GET') ],
    [ 'PUT', sent($LOGIN, \&plain, method => 'PUT') ],
    (map { [ "the name as '$_'", named($_) ] } ' owner ', "owner\x1c", "owner\xc2\x85", "owner\xe2\x80\xa8", "\xef\xbd\x8fwner", "\xe2\x93\x9ewner"),
    [ 'a field twice', sent($LOGIN, sub { 'username=other&' . plain(@_) }), 5 ],
    [ 'another charset', sent($LOGIN, \&plain, type => 'application/x-www-form-urlencoded; charset=utf-16'), 5 ],
    [ 'a name of the field with a blank', sent($LOGIN, sub { sprintf($multipart, $_[0]) =~ s/"username"/"username "/r . "--b--\r\n" }, type => 'multipart/form-data; boundary=b'), 5 ],
    [ '70 KB of junk in front', sent($LOGIN, sub { "$junk&" . plain(@_) }), 5 ],
    [ 'multipart', sent($LOGIN, sub { sprintf "$multipart--b--\r\n", $_[0] }, type => 'multipart/form-data; boundary=b') ],
    [ 'a type that isn\'t a form\'s', sent($LOGIN, \&plain, type => 'application/json') ],
    [ 'somebody else who is signed in', sub { my ($p, $w) = @_; $p->{jar} = { $guest->cookies }; sent($LOGIN, \&plain)->($p, $w) } ],
    [ 'signing in as somebody else, then a guess', sub {
        my ($p, $w, $n) = @_;
        sign_in($p, 'new-guest-password', 'guest') if $n % 7 == 1;
        sent($LOGIN, \&plain)->($p, $w);
    } ],
);
cmp_ok $around =~ s/ .*//r, '<=', 5, 'of all these, at most five that are in doubt are looked at';
result('  ways around it', guesses => $around);

# ---- what somebody else who is signed in sends in the name of an account ------------------------------------------------

my $carol = { username => 'carol', password => 'x' };
knows_nobody($s, { $guest->cookies },
    [ 'the form' => sub { $_[0]->submit_only($_[0]->get('/site/admin/password_change/'), qr/./, {}); my $p = $_[0]; $p->post($LOGIN, { %$carol, csrfmiddlewaretoken => $p->cookie('csrftoken') }) } ],
    [ 'a form without a token' => sub { $_[0]->post($LOGIN, $carol) } ],
    (map { my ($how, $method, @o) = @$_; [ "a form $how" => sub { my ($p) = @_; $p->request($method, $LOGIN, type => 'application/x-www-form-urlencoded',
        headers => [ 'X-CSRFToken' => $p->cookie('csrftoken') ], body => 'username=carol&password=x&j=' . 'j' x 40_000, @o) } ] }
        [ 'in chunks', 'POST', chunked => 4000 ], [ 'by post', 'post' ], [ 'by PUT', 'PUT' ]),
    [ 'a name in a part of another type' => sub { my ($p) = @_; $p->request('POST', $LOGIN, type => 'multipart/form-data; boundary=b', headers => [ 'X-CSRFToken' => $p->cookie('csrftoken') ],
        body => sprintf("$multipart--b--\r\n", 'x') =~ s/owner/carol/r) } ],
);

my $sprayer = person($s, from => '172.16.5.9');
is scalar(grep { sent($LOGIN, sub { plain('summer', "name$_[0]") })->($sprayer, $_)->status != 429 } 1 .. 100), 20, 'of a hundred names from one network twenty are tried';
my $before = () = $site->mails =~ /^To: owner/mg;
sent('/site/admin/password_reset/', sub { 'email=owner%40example.com' })->(person($s, from => "172.18.$_.1")) for 1 .. 20;
is scalar(() = $site->mails =~ /^To: owner/mg) - $before, 5, 'of twenty mails that strangers ask for, five are sent';

finish allow => qr/wsgi:error|ratelimit:|AH01630/;
