# SPDX-License-Identifier: Apache-2.0
# conf/examples/wordpress.conf with WordPress.
use Apps;
use Apps::WordPress;

my $s  = site('wordpress.conf', before => Apps::WordPress::conf(), modules => [qw(proxy proxy_fcgi)]);
my $wp = Apps::WordPress->install($s);
my $right = 'right-password';
my ($LOGIN, $ADMIN) = ('/wordpress/wp-login.php', '/wordpress/wp-admin/');
my @attack = ($s, 'http-post-form', "$LOGIN:log=^USER^&pwd=^PASS^&wp-submit=Log+In", 'S=Dashboard', 'owner');

sub sign_in {
    my ($p, $password, $name) = @_;
    return $p->submit($p->get($LOGIN), qr/loginform/, { log => $name // 'owner', pwd => $password });
}

sub is_in { my ($p) = @_; return $p->get($ADMIN)->body =~ /<title>Dashboard/ }

sub sign_out {
    my ($p) = @_;
    my ($to) = $p->get($ADMIN)->body =~ /href=["']([^"']*action=logout[^"']*)/;
    return $p->get(Apps::Person::local_path($to =~ s/&amp;|&#038;/&/gr, $ADMIN));
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
sign_in($owner, $right);
for (1 .. 8) { sign_out($owner); sign_in($owner, 'wrong'); sign_in($owner, $right) }
ok is_in($owner), 'eight times mistyped once and then signed in: never denied';

my $forgetful = person($s, from => '192.0.2.77');
$forgetful->submit($forgetful->get("$LOGIN?action=lostpassword"), qr/lostpasswordform/, { user_login => 'guest' });
my ($link) = $wp->mails =~ m{(https?://\S*action=rp\S*)};
my $page = $forgetful->get(Apps::Person::local_path($link // '/none', '/'));
$forgetful->submit($page, qr/resetpassform/, { pass1 => 'new-guest-password', pass2 => 'new-guest-password' });
sign_in($forgetful, 'new-guest-password', 'guest');
like $forgetful->get($ADMIN)->body, qr/<title>(?:Dashboard|Profile)/, 'a password is reset by mail, and signs in';
is join(', ', map { $_->denied } $owner, $forgetful), '', 'nothing of this is denied';

my $browsing = browse($s, [ '/wordpress/album/', '/wordpress/', $ADMIN, '/wordpress/album/' ], headers => { 'X-Client' => '192.0.2.30' },
    sign_in => sub {
        my ($b, $origin) = @_;
        $b->open("$origin$LOGIN");
        $b->fill_in({ log => 'owner', pwd => $right }, '#wp-submit');
        like $b->run('document.title'), qr/Dashboard/, 'the browser has signed in';
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
    $friend->get('/wordpress/album/');
}
my @found = hydra_end($running);
is "@found", '', 'hydra does not find the right password among 200';
is join(', ', $friend->denied), '', 'and the owner, whose browser is known, is denied nothing';
my $reached = let_through($s, 'hydra', sub { $_[0]{method} eq 'POST' });
is $reached, 3, 'three of the guesses reach WordPress: five, with the two that the owner mistyped before his browser was known';

result('WordPress', guesses => $reached, found => @found ? 'yes' : 'no', browsing => $browsing,
    attacked => scalar($friend->denied) . ' of ' . $friend->requests);

# ---- ways around: the limit of the owner's name is used up --------------------------------------------------------

sub form { my ($name, $password, %more) = @_; return { log => $name, pwd => $password, %more } }
sub login { my ($how, %o) = @_; return sub { my ($p, $password) = @_; $p->post($o{at} // $LOGIN, $how->($password)) } }
sub sent { my ($at, $body, %o) = @_; return sub { my ($p, $password) = @_; $p->request($o{method} // 'POST', $at, %o, body => $body->($password)) } }
sub named { my ($name) = @_; return login(sub { form($name, $_[0]) }) }
sub xmlrpc {
    my ($method, @strings) = @_;
    return "<?xml version='1.0'?><methodCall><methodName>$method</methodName><params>"
        . join('', map { "<param><value><string>$_</string></value></param>" } @strings) . '</params></methodCall>';
}
sub multicall {
    my ($password) = @_;
    my $call = sub { my ($guess) = @_; return "<value><struct><member><name>methodName</name><value><string>wp.getUsersBlogs</string></value></member>"
        . "<member><name>params</name><value><array><data><value><string>owner</string></value><value><string>$guess</string></value>"
        . '</data></array></value></member></struct></value>' };
    return "<?xml version='1.0'?><methodCall><methodName>system.multicall</methodName><params><param><value><array><data>"
        . join('', map { $call->("many$_") } 1 .. 20) . $call->($password) . '</data></array></value></param></params></methodCall>';
}
my $multipart = "--b\r\nContent-Disposition: form-data; name=\"log\"\r\n\r\nowner\r\n--b\r\nContent-Disposition: form-data; name=\"pwd\"\r\n\r\n%s\r\n--b--\r\n";
my $junk = 'j=' . 'x' x 70_000;

my $guest = person($s, from => '192.0.2.66');
sign_in($guest, 'new-guest-password', 'guest');

my $around = ways_around($s, sub { scalar(() = $wp->tries) }, $right,
    [ 'the form, from as many networks as guesses', login(sub { form('owner', $_[0]) }) ],
    [ 'action=postpass, then a guess', sub {
        my ($p, $password) = @_;
        $p->post("$LOGIN?action=postpass", form('owner', $password, post_password => 'x'));
        $p->post("$LOGIN?action=postpass", { post_password => 'x' });
        $p->post($LOGIN, form('owner', $password));
    } ],
    [ 'action=lostpassword, then a guess', sub {
        my ($p, $password) = @_;
        $p->post("$LOGIN?action=lostpassword", form('owner', $password, user_login => 'guest'));
        $p->post($LOGIN, form('owner', $password));
    } ],
    [ 'interim-login, redirect_to, reauth', login(sub { form('owner', $_[0], 'interim-login' => 1, redirect_to => '/', reauth => 1) }) ],
    [ 'letter case', named('OwNeR') ], [ 'blanks', named(' owner ') ], [ 'accents', named("\xc3\xb3wn\xc3\xa9r") ],
    [ 'tags', named('ow<b>ner') , 5], [ 'entities', named('ow&x;ner'), 5 ], [ 'escapes twice', named('own%20er'), 5 ], [ 'full width', named("\xef\xbd\x8fwner") ],
    [ 'the name in the query string as well', sub { my ($p, $w) = @_; $p->post("$LOGIN?log=other", form('owner', $w)) }, 5 ],
    [ 'GET', sub { my ($p, $w) = @_; $p->request('GET', "$LOGIN?log=owner&pwd=$w") } ],
    [ 'PUT', sent($LOGIN, sub { "log=owner&pwd=$_[0]" }, method => 'PUT') ],
    [ 'a field twice', sent($LOGIN, sub { "log=other&log=owner&pwd=$_[0]" }), 5 ],
    [ 'a field as a list', sent($LOGIN, sub { "log[]=other&log=owner&pwd=$_[0]" }), 5 ],
    [ 'an escaped name of the field', sent($LOGIN, sub { "%6c%6fg=owner&pwd=$_[0]" }) ],
    [ '70 KB of junk in front', sent($LOGIN, sub { "$junk&log=owner&pwd=$_[0]" }), 5 ],
    [ 'another charset', sent($LOGIN, sub { "log=owner&pwd=$_[0]" }, type => 'application/x-www-form-urlencoded; charset=utf-7'), 5 ],
    [ 'a type that isn\'t a form\'s', sent($LOGIN, sub { "log=owner&pwd=$_[0]" }, type => 'text/plain'), 5 ],
    [ 'multipart', sent($LOGIN, sub { sprintf $multipart, $_[0] }, type => 'multipart/form-data; boundary=b') ],
    [ 'chunked', sent($LOGIN, sub { "log=owner&pwd=$_[0]" }, chunked => 7) ],
    (map { my $at = $_; [ "by $at", login(sub { form('owner', $_[0]) }, at => $at) ] } "$LOGIN/", "$LOGIN/x.css", '//wordpress//wp-login.php',
        '/wordpress/wp-admin/../wp-login.php', '/wordpress/wp%2dlogin.php', '/wordpress/', '/wordpress/login'),
    [ 'xmlrpc.php', sent('/wordpress/xmlrpc.php', sub { xmlrpc('wp.getUsersBlogs', 'owner', $_[0]) }, type => 'text/xml') ],
    [ 'xmlrpc.php, many at once', sent('/wordpress/xmlrpc.php', \&multicall, type => 'text/xml') ],
    (map { my $at = $_; [ "Basic at $at", sub { my ($p, $w) = @_; $p->request('GET', $at, auth => "owner:$w") } ] }
        '/wordpress/wp-json/wp/v2/users/me?context=edit', '/wordpress/?rest_route=/wp/v2/users/me', $ADMIN),
    [ 'what a known browser of another account brings', sub { my ($p, $w) = @_; $p->{jar} = { $guest->cookies }; $p->post($LOGIN, form('owner', $w)) } ],
    [ 'signing out of another account, then a guess', sub {
        my ($p, $w, $n) = @_;
        return if $n > 3;
        my $q = person($s, from => $p->{from}, jar => { $guest->cookies });
        my ($to) = $q->get($ADMIN . 'profile.php')->body =~ /href=["']([^"']*action=logout[^"']*)/;
        $q->post(Apps::Person::local_path(($to // '/none') =~ s/&amp;|&#038;/&/gr, $ADMIN), form('owner', $w));
        $q->post($LOGIN, form('owner', $w));
    } ],
    [ 'the e-mail address of the account has a limit of its own', named('owner@example.com'), 5 ],
);
cmp_ok $around =~ s/ .*//r, '<=', 10, 'of all these, at most five by the address and five that are in doubt are looked at';
result('  ways around it', guesses => $around);

# ---- an account whose name is folded into another one's, and what WordPress makes of names in German ---------------------

$wp->add(jessica => 'right-password', jesica => 'mine', aedmin => 'mine', admin => 'right-password');
$s->write('htdocs/wordpress/wp-content/mu-plugins/german.php', "<?php add_filter('locale', function () { return 'de_DE'; });");
for my $pair ([ 'jessica', 'jesica' ], [ 'admin', "\xc3\xa4dmin" ]) {
    my ($victim, $own) = @$pair;
    my $before = grep { /wrong/ } $wp->tries;
    for my $n (1 .. 20) {
        person($s, from => "172.21.$n.1")->post($LOGIN, form($victim, "guess$n"));
        like(person($s, from => "172.21.$n.1")->post($LOGIN, form($own, 'mine'))->header('Location') // '', qr/wp-admin/, "who owns $own signs in") if $n == 4;
        person($s, from => "172.21.$n.1")->post($LOGIN, form($own, 'mine')) if $n % 4 == 0;
    }
    my $wrong = grep { /wrong/ } $wp->tries;
    is $wrong - $before, 5, "of twenty guesses at $victim five are looked at, though the owner of $own signs in between them";
}
unlink $s->docroot . '/wordpress/wp-content/mu-plugins/german.php';

# ---- forms that PHP doesn't see: WordPress renews the session of who is signed in -----------------------------------------

$wp->add(jane => 'right-password', jack => 'right-password');
for my $case ([ 'jane', 'in chunks', chunked => 4000 ], [ 'jack', 'by post', method => 'post' ]) {
    my ($victim, $how, %o) = @$case;
    my ($before, $known) = scalar grep { /wrong/ } $wp->tries;
    for my $n (1 .. 20) {
        my $q = person($s, from => "172.22.$n.1", jar => { $guest->cookies });
        $q->request($o{method} // 'POST', $LOGIN, type => 'application/x-www-form-urlencoded', body => "log=$victim&j=" . 'j' x 40_000, %o) if $n % 4 == 1;
        $known = $q->cookie('ratelimit-known') // $known;
        person($s, from => "172.22.$n.1", jar => { 'ratelimit-known' => $known // '' })->post($LOGIN, form($victim, "guess$n"));
    }
    my $wrong = grep { /wrong/ } $wp->tries;
    cmp_ok $wrong - $before, '<=', 5, "of twenty guesses at $victim five are looked at, though somebody who is signed in sends the name $how, where WordPress doesn't see it";
}

# ---- many names, and mails ------------------------------------------------------------------------------------------

my $sprayer = person($s, from => '172.16.5.9');
is scalar(grep { $sprayer->post($LOGIN, form("name$_", 'summer'))->status != 429 } 1 .. 100), 20, 'of a hundred names from one network twenty are tried';
my $mailer = person($s, from => '172.16.6.9');
my $mails = () = $wp->mails =~ /^To:/mg;
$mailer->post("$LOGIN?action=lostpassword", { user_login => 'owner' }) for 1 .. 20;
is scalar(() = $wp->mails =~ /^To:/mg) - $mails, 5, 'of twenty mails that a stranger asks for, five are sent';

finish allow => qr/AH01071|AH01630|ratelimit:|AH0290\d|AH10508/;
