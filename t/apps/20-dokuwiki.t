# SPDX-License-Identifier: Apache-2.0
# conf/examples/dokuwiki.conf with DokuWiki.
use Apps;
use Apps::DokuWiki;

my $s    = site('dokuwiki.conf', before => Apps::DokuWiki::conf(), modules => [qw(proxy proxy_fcgi)]);
my $wiki = Apps::DokuWiki->install($s, remote => 1);
my $right = 'right-password';
my $DOKU  = '/dokuwiki/doku.php';
my @attack = ($s, 'http-post-form', "$DOKU:do=login&id=start&u=^USER^&p=^PASS^", 'S=Logged in as', 'owner');

sub sign_in {
    my ($p, $password, $name) = @_;
    return $p->submit($p->get("$DOKU?id=start&do=login"), qr/dw__login/, { u => $name // 'owner', p => $password });
}

sub is_in { my ($p) = @_; return $p->get("$DOKU?id=start")->body =~ /Logged in as/ }

sub sign_out {
    my ($p) = @_;
    my ($to) = $p->get("$DOKU?id=start")->body =~ /href="([^"]*do=logout[^"]*)"/;
    return $p->get($to =~ s/&amp;/&/gr);
}

# ---- a good user ------------------------------------------------------------------------------------------------

hydra_works(@attack, $right);

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

for my $n (1 .. 12) {
    my $form = $owner->get("$DOKU?id=page$n&do=edit");
    my $text = 'text ' x ($n == 12 ? 60_000 : 10);
    my ($action, $hidden) = Apps::Person::form($form->body, qr/dw__editform/);
    my $saved = $owner->follow($owner->post(Apps::Person::local_path($action, $form->{path}), { %$hidden, wikitext => $text, 'do[save]' => 1 }));
    like $saved->body, qr/text text/, "the owner saves page $n" if $n == 1 || $n == 12;
}

my $forgetful = person($s, from => '192.0.2.77');
$forgetful->submit($forgetful->get("$DOKU?id=start&do=resendpwd"), qr/resendpwd/, { login => 'guest' });
my ($token) = $wiki->mails =~ /pwauth=([0-9a-f]+)/;
my $page = $forgetful->get("$DOKU?id=start&do=resendpwd&pwauth=" . ($token // ''));
$forgetful->submit($page, qr/resendpwd/, { pass => 'new-guest-password', passchk => 'new-guest-password' });
sign_in($forgetful, 'new-guest-password', 'guest');
ok is_in($forgetful), 'a password is reset by mail, and signs in';
is join(', ', map { $_->denied } $owner, $forgetful), '', 'nothing of this is denied';

my $browsing = browse($s, [ map { "$DOKU?id=$_" } qw(album start album) ], headers => { 'X-Client' => '192.0.2.30' }, sign_in => sub {
    my ($b, $origin) = @_;
    $b->open("$origin$DOKU?id=start&do=login");
    $b->fill_in({ u => 'owner', p => $right }, '#dw__login button');
    like $b->run('document.body.innerText'), qr/Logged in as/, 'the browser has signed in';
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
    $friend->get("$DOKU?id=album");
}
my @found = hydra_end($running);
is "@found", '', 'hydra does not find the right password among 200';
is join(', ', $friend->denied), '', 'and the owner, whose browser is known, is denied nothing';
my $reached = let_through($s, 'hydra', sub { $_[0]{method} eq 'POST' });
is $reached, 3, 'three of the guesses reach DokuWiki: five, with the two that the owner mistyped before his browser was known';

result('DokuWiki', guesses => $reached, found => @found ? 'yes' : 'no', browsing => $browsing,
    attacked => scalar($friend->denied) . ' of ' . $friend->requests);

# ---- ways around: the limit of the owner's name is used up --------------------------------------------------------

sub sent { my ($at, $body, %o) = @_; return sub { my ($p, $w) = @_; $p->request($o{method} // 'POST', $at, %o, body => $body->($w)) } }
sub guess { my ($at, %more) = @_; return sub { my ($p, $w) = @_; $p->post($at, { u => 'owner', p => $w, %more }) } }
sub named { my ($name) = @_; return sub { my ($p, $w) = @_; $p->post("$DOKU?id=start", { u => $name, p => $w, do => 'login' }) } }
my $multipart = join '', map { "--b\r\nContent-Disposition: form-data; name=\"$_->[0]\"\r\n\r\n$_->[1]\r\n" } [ u => 'owner' ], [ p => '%s' ];
my $junk = 'j=' . 'x' x 70_000;
my $more_junk = 'j=' . 'x' x 1_100_000;
my $xmlrpc = "<?xml version='1.0'?><methodCall><methodName>dokuwiki.login</methodName><params><param><value><string>owner</string></value></param>"
    . '<param><value><string>%s</string></value></param></params></methodCall>';
my $guest = person($s, from => '192.0.2.66');
sign_in($guest, 'new-guest-password', 'guest');

my $around = ways_around($s, sub { scalar grep { / owner\z/ } $wiki->tries }, $right,
    [ 'the form, from as many networks as guesses', guess("$DOKU?id=start&do=login", do => 'login', id => 'start') ],
    (map { my $do = $_; [ "do=$do", guess("$DOKU?id=start", do => $do, q => 'x') ] } qw(logout subscribe search recent save)),
    [ 'do=logout, then a guess', sub {
        my ($p, $w) = @_;
        $p->post("$DOKU?id=start", { do => 'logout' });
        $p->post("$DOKU?id=start", { do => 'logout', u => 'owner', p => $w });
        $p->get("$DOKU?id=start&do=logout");
        $p->post("$DOKU?id=start", { u => 'owner', p => $w });
    } ],
    (map { my $at = $_; [ "by $at", guess("/dokuwiki/$at") ] } '', 'index.php', 'feed.php', 'lib/exe/fetch.php?media=p1.png', 'lib/exe/ajax.php',
        'lib/exe/detail.php?media=p1.png', 'lib/exe/mediamanager.php', 'lib/exe/taskrunner.php', 'doku.php/start', 'lib/exe/fetch.php/x.png'),
    [ 'in the URL', sub { my ($p, $w) = @_; $p->get("$DOKU?id=start&u=owner&p=$w") } ],
    [ 'in the URL, in pieces', sub { my ($p, $w) = @_; $p->post("$DOKU?id=start&u=owner", { p => $w }) } ],
    [ 'in the URL, escaped', sub { my ($p, $w) = @_; $p->get("$DOKU?id=start&%75=owner&%70=$w") } ],
    [ 'in the URL, with blanks', sub { my ($p, $w) = @_; $p->get("$DOKU?id=start&+u=owner&p=$w") } ],
    [ 'the password in the URL', sub { my ($p, $w) = @_; $p->post("$DOKU?id=start&p=$w", { u => 'owner' }) } ],
    [ 'the URL of feed.php', sub { my ($p, $w) = @_; $p->get("/dokuwiki/feed.php?u=owner&p=$w") } ],
    [ 'Basic', sub { my ($p, $w) = @_; $p->request('GET', "$DOKU?id=start", auth => "owner:$w") } ],
    [ 'Basic for a picture', sub { my ($p, $w) = @_; $p->request('GET', '/dokuwiki/lib/exe/fetch.php?media=p1.png', auth => "owner:$w") } ],
    [ 'cookies', sub { my ($p, $w) = @_; $p->request('GET', "$DOKU?id=start", headers => [ Cookie => "u=owner; p=$w" ]) } ],
    [ 'XML-RPC', sent('/dokuwiki/lib/exe/xmlrpc.php', sub { sprintf $xmlrpc, $_[0] }, type => 'text/xml') ],
    [ 'XML-RPC with a form', guess('/dokuwiki/lib/exe/xmlrpc.php') ],
    [ 'PUT', sent("$DOKU?id=start", sub { "u=owner&p=$_[0]" }, method => 'PUT') ],
    [ 'another action by a header', sent("$DOKU?id=start", sub { "u=owner&p=$_[0]" }, headers => [ 'X-DokuWiki-Do' => 'search' ]) ],
    (map { [ "the name as '$_'", named($_) ] } 'Owner', ' owner ', "\xc3\xb3wn\xc3\xa9r", "\xef\xbd\x8fwner", "own\xc2\xader"),
    [ '70 KB of junk in front', sent("$DOKU?id=start", sub { "$junk&u=owner&p=$_[0]" }) ],
    [ 'multipart', sent("$DOKU?id=start", sub { sprintf "$multipart--b--\r\n", $_[0] }, type => 'multipart/form-data; boundary=b') ],
    [ 'another charset', sent("$DOKU?id=start", sub { "u=owner&p=$_[0]" }, type => 'application/x-www-form-urlencoded; charset=utf-7'), 20 ],
    [ 'a type that isn\'t a form\'s', sent("$DOKU?id=start", sub { "u=owner&p=$_[0]" }, type => 'text/plain') ],
    [ 'what a known browser of another account brings', sub { my ($p, $w) = @_; $p->{jar} = { $guest->cookies }; $p->post("$DOKU?id=start", { u => 'owner', p => $w }) } ],
    [ 'a field twice', sent("$DOKU?id=start", sub { "u=other&u=owner&p=$_[0]" }), 20 ],
    [ 'over a megabyte of junk in front', sent("$DOKU?id=start", sub { "$more_junk&u=owner&p=$_[0]" }), 20 ],
);
cmp_ok $around =~ s/ .*//r, '<=', 20, 'of all these, at most the 20 an hour that are in doubt are looked at';
result('  ways around it', guesses => $around);

# ---- what somebody else who is signed in sends in the name of an account ------------------------------------------------

my $urlencoded = 'application/x-www-form-urlencoded';
my ($jar, $no_session) = ({ $guest->cookies }, { $guest->cookies });
delete $no_session->{DokuWiki};
my @sends = map {
    my $name = $_;
    my $body = "u=$name&p=x&j=" . 'j' x 40_000;
    (   [ "a form with the name $name" => sub { $_[0]->post("$DOKU?id=start", { u => $name, p => 'x' }) } ],
        [ "$name, in chunks" => sub { $_[0]->request('POST', "$DOKU?id=start", type => $urlencoded, body => $body, chunked => 4000) } ],
        [ "$name, by post" => sub { $_[0]->request('post', "$DOKU?id=start", type => $urlencoded, body => $body) } ],
        [ "$name, by PUT" => sub { $_[0]->request('PUT', "$DOKU?id=start", type => $urlencoded, body => $body) } ] )
} 'carol', 'dora';
knows_nobody($s, $jar, @sends[ 0 .. 3 ]);
knows_nobody($s, $no_session, @sends[ 4 .. 7 ]);

# ---- names that DokuWiki changes, and many names --------------------------------------------------------------------

my @same = map { ("owner$_", "${_}owner") } qw(! . - _ : ?), '!!', '??', '--';
my $before = grep { / owner\z/ } $wiki->tries;
my $changer = person($s, from => '172.16.7.9');
$changer->post("$DOKU?id=start", { u => $_, p => 'guess' }) for @same;
my $as_it_is = grep { / owner\z/ } $wiki->tries;
$as_it_is -= $before;
cmp_ok $as_it_is, '>', 0, 'DokuWiki takes owner! for owner';
my ($php) = slurp(example('dokuwiki.conf')) =~ /^# +(<\?php\n(?:# .*\n)+?)#\n/m;
$wiki->protect($php =~ s/^# {0,9}//mgr);
$before = grep { / owner\z/ } $wiki->tries;
for my $n (0 .. $#same) { person($s, from => "172.17.$n.9")->post("$DOKU?id=start", { u => $same[$n], p => $right }) }
is scalar(grep { / owner\z/ } $wiki->tries) - $before, 0, 'with the local.protected.php of the example it takes no such name';
my $another = person($s, from => '192.0.2.78');
sign_in($another, 'new-guest-password', 'guest');
ok is_in($another), 'and those who are called what they are called sign in';
result('  names that it changes (a network)', guesses => "$as_it_is of " . @same);

my $sprayer = person($s, from => '172.16.5.9');
is scalar(grep { $sprayer->post("$DOKU?id=start", { u => "name$_", p => 'summer' })->status != 429 } 1 .. 100), 20,
    'of a hundred names from one network twenty are tried';

finish allow => qr/AH01071|AH01630|ratelimit:|AH0290\d|AH10508/;
