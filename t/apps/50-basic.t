# SPDX-License-Identifier: Apache-2.0
# conf/examples/basic-auth.conf with httpd's own Basic authentication.
use Apps;

my $bcrypt = `htpasswd -nbBC 8 owner right-password`;
my $s = site('basic-auth.conf', files => { album('htdocs/private'), album('htdocs/private/quick'), 'conf/owner' => $bcrypt =~ s/\n+/\n/r }, before => <<'END');
<Location "/private">
    AuthType Basic
    AuthName "private"
    AuthBasicProvider file
    AuthUserFile "${ROOT}/conf/owner"
    Require valid-user
</Location>
<Location "/private/quick">
    AuthUserFile "${ROOT}/conf/users"
</Location>
END
my $right = 'right-password';
my @attack = ($s, 'http-get', '/private/', 'A=BASIC', 'owner');
sub visit { my ($p, $password, $name, $at) = @_; return $p->request('GET', $at // '/private/', auth => ($name // 'owner') . ":$password")->status }

# ---- a good user ------------------------------------------------------------------------------------------------

hydra_works(@attack, $right);

my $owner = person($s);
is join(' ', map { $owner->request('GET', '/private/')->status } 1 .. 20), join(' ', (401) x 20), 'requests without a password aren\'t tries';
is join(' ', map { visit($owner, $_) } 'wrong1', 'wrong2', $right), '401 401 200', 'the right password, after two mistyped ones';
is join(' ', map { (visit($owner, 'wrong'), visit($owner, $right)) } 1 .. 8), join(' ', ('401 200') x 8), 'eight times mistyped once and then signed in: never denied';
is join(', ', $owner->denied), '', 'nothing of this is denied';

my %owner = (user => 'owner', password => $right, headers => { 'X-Client' => '192.0.2.30' });
my $browsing = browse($s, [ '/private/', '/private/' ], %owner);
like $browsing, qr/\A0 of /, 'forty pictures in a real browser, with a password that is slow to check: nothing is denied';
# All may come to one child, of whose 64 threads half may wait: 5 and 32.
is_deeply histogram(parallel($s, 37, '/private/1.png', from => '192.0.2.31', auth => "owner:$right")), { 200 => 37 },
    '37 pictures at the same moment, each on a connection of its own: nothing is denied';
is_deeply histogram(parallel($s, 100, '/private/quick/1.png', from => '192.0.2.31', auth => 'alice:secret')), { 200 => 100 },
    'a hundred, with a password that is quick to check: nothing is denied';

# ---- a guesser --------------------------------------------------------------------------------------------------

my $running = hydra_begin(@attack, passwords($right, 180));
await(60, sub { grep { $_->{id} eq 'hydra' && $_->{state} eq 'denied' } $s->access(0, 1) });
my $friend = person($s, from => '192.0.2.10', jar => { $owner->cookies });
is join(' ', map { (visit($friend, 'wrong'), map { visit($friend, $right, 'owner', "/private/$_.png") } 1 .. 10) } 1 .. 3),
    join(' ', ('401', ('200') x 10) x 3), 'while hydra guesses, the owner mistypes, and sees pictures';
my $attacked = browse($s, '/private/', %owner, sign_in => sub { my ($b, $origin) = @_; $b->give_cookies($origin, $owner->cookies) });
like $attacked, qr/\A0 of /, 'forty pictures in a known browser, while the limit is used up';
my @found = hydra_end($running);
is "@found", '', 'hydra does not find the right password among 200';
is join(', ', $friend->denied), '', 'and the owner, whose browser is known, is denied nothing';
my $reached = let_through($s, 'hydra');
is $reached, 3, 'three of the guesses are checked: five, with the two that the owner mistyped before his browser was known';

result('Basic', guesses => $reached, found => @found ? 'yes' : 'no', browsing => $browsing, attacked => $attacked);

# ---- ways around: the limit of the owner's name is used up --------------------------------------------------------

my $tricks = sub { return let_through($s, 'trick', sub { $_[0]{uri} =~ /private/ }) };
sub basic { my ($text) = @_; return MIME::Base64::encode_base64($text, '') }
sub with { my ($make, %o) = @_; return sub { my ($p, $w) = @_; $p->request($o{method} // 'GET', $o{at} // '/private/', headers => [ Authorization => $make->($w) ]) } }
my $guest = person($s, from => '192.0.2.66');
visit($guest, 'secret', 'alice', '/private/quick/');

my $around = ways_around($s, $tricks, $right,
    [ 'from as many networks as guesses', with(sub { 'Basic ' . basic("owner:$_[0]") }) ],
    (map { my $m = $_; [ $m, with(sub { 'Basic ' . basic("owner:$_[0]") }, method => $m) ] } qw(HEAD POST OPTIONS PROPFIND)),
    (map { my $at = $_; [ "at $at", with(sub { 'Basic ' . basic("owner:$_[0]") }, at => $at) ] } '/private/1.png', '/private', '/private/none', '//private/', '/ok/../private/'),
    (map { my $name = $_; [ "the name '$name'", with(sub { 'Basic ' . basic("$name:$_[0]") }) ] } 'Owner', ' owner', "owner\xcc\x81"),
    (map { my ($what, $make) = @$_; [ $what, with($make), 6 ] } [ 'another scheme in front', sub { 'Digest x, Basic ' . basic("owner:$_[0]") } ],
        [ 'two blanks', sub { 'Basic  ' . basic("owner:$_[0]") } ], [ 'unclean base64', sub { 'Basic ' . basic("owner:$_[0]") =~ s/^(....)/$1!/r } ],
        [ 'no padding', sub { 'Basic ' . basic("owner:$_[0]") =~ s/=+\z//r . '' } ], [ 'small letters', sub { 'basic ' . basic("owner:$_[0]") } ],
        [ 'a NUL', sub { 'Basic ' . basic("owner\0x:$_[0]") } ]),
    [ 'an OPTIONS that is answered, then a guess', sub { my ($p, $w) = @_; $p->request('OPTIONS', '/ok', auth => "owner:$w"); visit($p, $w) } ],
    [ 'what a known browser of another account brings', sub { my ($p, $w) = @_; $p->{jar} = { $guest->cookies }; visit($p, $w) } ],
);
cmp_ok $around =~ s/ .*//r, '<=', 7, 'of all these, at most five wrong ones that are in doubt are checked';
result('  ways around it', guesses => $around);

my $sprayer = person($s, from => '172.16.5.9');
is scalar(grep { visit($sprayer, 'summer', "name$_") != 429 } 1 .. 100), 20, 'of a hundred names from one network twenty are tried';

finish allow => qr/AH0161[478]|ratelimit:|AH01617/;
