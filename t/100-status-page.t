# SPDX-License-Identifier: Apache-2.0
# The status page as people get it: well-formed, strict in its policy, harmless whatever anything is called, and with the
# same figures as its JSON. t/apps/80-status-page.t opens it in a browser.
use RL::Test;
use RL::Html;
use RL::Status;
use Digest::SHA qw(sha256_base64);

my $EVIL = q{<script>alert(1)</script>&amp;'};
my $s = httpd(statuspage() . <<"END", workers => 64);
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
RateLimitLog warn keys
UseCanonicalName Off
<Location "/ok/login">
    RateLimit login 5/30d key=ip/24+header:X-Who
</Location>
<Location "/ok/api">
    RateLimit api 1000/30d key=all
</Location>
<Location "/ok/watch">
    RateLimit watch 2/30d action=observe
</Location>
<Location "/ok/$EVIL">
    RateLimit evil 5/30d key=cookie:'<b>\\"
</Location>
<VirtualHost *:\${PORT2}>
    ServerName "two.test\\"><img src=x>"
    RateLimit host 1/30d key=all
</VirtualHost>
END

sub page { my (%o) = @_; return request($s, 'GET', '/rl', %o) }
sub parsed {
    my ($text, $name) = @_;
    my $page = eval { RL::Html->new($text) };
    ok $page, "$name: well-formed" or diag $@;
    is $page && $page->complaints, '', "$name: ids, names, tables and headings";
    return $page;
}
sub number { my ($text) = @_; return $text =~ s/,//gr }

# ---- nothing has happened -------------------------------------------------------------------------------------
my $calm = parsed(page()->body, 'calm');
like RL::Html::text(($calm->find('title'))[0]), qr/\ANothing limited - /, 'calm: the title';
like RL::Html::text($calm->one('section', 'id', qr/\Anow\z/)), qr/No request was over a limit in the last five minutes/, 'calm: it says so';

# ---- an attack ------------------------------------------------------------------------------------------------
asked($s, 3, '/ok/login', from => '192.0.2.1', headers => [ 'X-Who' => 'carol' ]);
asked($s, 9, '/ok/login', from => '198.51.100.7', headers => [ 'X-Who' => 'admin' ]);
asked($s, 6, '/ok/login', from => '198.51.100.8', headers => [ 'X-Who' => '<script>alert(2)</script>' ]);
asked($s, 40, '/ok/api');
asked($s, 5, '/ok/watch', from => '192.0.2.9');
asked($s, 3, '/ok', port => $s->port2);

# Both of one minute, so that they tell of the same ones.
my ($answer, $figures);
await(20, sub {
    my $before = int(time / 60);
    ($answer, $figures) = (page(), figures($s));
    return int(time / 60) == $before;
});
my $page = parsed($answer->body, 'attack');

# ---- what it may do -------------------------------------------------------------------------------------------
sub hash_of { my ($text) = @_; my $sum = sha256_base64($text); $sum .= '=' while length($sum) % 4; return "'sha256-$sum'" }
my %inline = map { my ($e) = $page->one($_); ($_ => hash_of($e->{kids}[0])) } qw(style script);
is $answer->header('Content-Security-Policy'), "default-src 'none'; style-src $inline{style}; script-src $inline{script}; connect-src 'self'; "
    . "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    'the policy allows the page its style and script, and asking this server';
my %has = map { my $e = $_; map { ("$e->{name} $_" => 1) } keys %{ $e->{attr} } } @{ $page->{all} };
is join(', ', grep { / (?:on\w+|style|src|srcset|action|formaction)\z/ } sort keys %has), '', 'no handlers, styles or resources in attributes';
is join(', ', map { $_->{attr}{href} } $page->find('*', 'href', qr/\A[^?#]/)), '', 'links lead nowhere else';

# ---- nothing is markup that isn't ours ------------------------------------------------------------------------
is scalar($page->find('script')) . scalar($page->find('img')), '10', 'one script, and no picture';
like $answer->body, qr/&lt;script&gt;alert\(1\)/, 'a section is told as text';
like $answer->body, qr/header:x-who=%3Cscript%3Ealert/, 'values are escaped as in the log';
like $answer->body, qr/two\.test.*?&quot;&gt;&lt;img/, 'a host is told as text';
my $asked = page(host => 'x"><img src=x onerror=alert(3)>');
unlike $asked->body, qr/<img/, 'a Host is no markup';

# ---- what it says ---------------------------------------------------------------------------------------------
is RL::Html::text(($page->find('title'))[0]) =~ s/ - .*//r, '3 keys limited', 'the title says how many keys are limited';
is RL::Html::text($page->one('p', 'id', qr/\Astate\z/)), '3 keys limited', 'so does the head';
my $now = RL::Html::text($page->one('section', 'id', qr/\Anow\z/));
like $now, qr/Keys over their limits now .* 5 of 5 limited .* 2 of 2 observed/, 'keys that are limited stand at the top, those observed after them';
like $now, qr/ip=198\.51\.100\.0\/24 header:x-who=admin/, 'with their values';
unlike $now, qr/carol/, 'others do not';
like $now, qr/Rules over a limit in the last five minutes .* login on /, 'rules over a limit, too';

sub card { my ($name) = @_; return grep { RL::Html::text((RL::Html::within($_, 'h3'))[0]) =~ /\A\Q$name\E on / } $page->find('li', 'id', qr/\Ar\d+\z/) }
for my $rule (@{ $figures->{rules} }) {
    my ($card) = card($rule->{name});
    my $text = RL::Html::text($card);
    is join(' ', map { $text =~ /$_ ([\d,]+) / ? number($1) : 'none' } qw(Allowed Denied Observed Checked)), join(' ', map { $rule->{$_} } qw(allowed denied observed checked)),
        "$rule->{name}: figures as in JSON";
    my $recent = join ' ', map { my $of = $_; my $sum = 0; $sum += $_ for @{ $rule->{minutes}{$of} }[ -5 .. -1 ]; $sum } qw(allowed denied observed);
    is join(' ', $text =~ /([\d,]+) in 5 min/g), $recent, "$rule->{name}: the last five minutes as in JSON";
    like $text, qr/\Q$rule->{rate}\E for each \Q$rule->{key}\E/, "$rule->{name}: its limit";
}
for my $key (@{ $figures->{keys} }) {
    my ($row) = $page->find('tr', 'id', qr/\Ak\d+-\Q$key->{tag}\E\z/);
    my @cells = map { RL::Html::text($_) } RL::Html::within($row, 'td');
    is number("$cells[0] / $cells[2] / $cells[3]"), "$key->{used} of $key->{limit} / $key->{denied} / $key->{requests}", "key $key->{tag} of $key->{rule}: as in JSON";
}
my $n = @{ $figures->{requests}{minutes}{allowed} };
my ($minutes) = RL::Html::within($page->one('details', 'id', qr/\Aplot-hour-table\z/), 'tbody');
my @rows = map { [ map { RL::Html::text($_) } RL::Html::within($_, 'td') ] } RL::Html::within($minutes, 'tr');
is scalar(@rows), $n, 'an hour has 60 minutes';
for my $i (0, 1) {
    is "@{ $rows[$i] }", join(' ', map { $figures->{requests}{minutes}{$_}[ $n - 1 - $i ] } qw(allowed denied observed)), "the minutes of the plot are those of JSON: $i";
}
my ($svg) = $page->find('svg', 'class', qr/\Abars\z/);
is RL::Html::text((RL::Html::within($svg, 'desc'))[0]) =~ s/;.*//r, join(', ', map { "$figures->{requests}{$_} $_" } qw(allowed denied observed)), 'the plot says in words what it shows';

finish;
