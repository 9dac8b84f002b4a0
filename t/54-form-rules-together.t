# SPDX-License-Identifier: Apache-2.0
# Form rules beside others: what is charged, what is given back, what is read; before and after authentication, and
# on the targets of internal redirects.
use RL::Test;
use RL::Body;
use POSIX ();

my $cgi = slurp(($0 =~ m{\A(.*)/}s ? $1 : '.') . '/cgi/body-digest.cgi');

# Forty fields, which are read in one go of 32 and another of 8; and two hundred rules of fifteen fields each.
my $many = join '', map { "    RateLimit many$_ 2/30d key=form:f$_\n" } 1 .. 40;
my $wide = join '', map { my $i = $_; "    RateLimit wide$i 1000/30d key=" . join('+', map { "form:f$_" } 1 .. 15) . '+' . ($i % 2 ? 'ip' : 'all') . "\n" } 1 .. 200;
my $s = httpd("<Location /many>\n$many</Location>\n<Location /ok/wide>\n$wide</Location>\n" . <<'END', files => { 'htdocs/di/index.cgi' => $cgi, 'htdocs/mv/body.cgi' => $cgi, 'htdocs/rw/x' => '', 'htdocs/act/a.act' => '' });
ScriptAliasMatch "^/(?:fields|cheap|dear|late|item|nobody|watched|methods|error|many)/(.*)" "${CGIBIN}/$1"
ScriptAlias "/target/" "${CGIBIN}/"
DirectoryIndex index.cgi
Action acting /target/body-digest.cgi
AddHandler acting .act

<Location "/fields">
    RateLimit users 2/30d key=form:user
    RateLimit mails 3/30d key=form:mail
</Location>
<Location "/cheap">
    RateLimit login 1/30d key=form:user
    RateLimit addresses 3/30d
</Location>
<Location "/dear">
    RateLimit login 3/30d key=form:user
    RateLimit addresses 1/30d key=header:X-A
</Location>
<Location "/late">
    Include conf/auth.conf
    RateLimit mine 2/30d key=user
    RateLimit early 100/30d key=form:user
</Location>
<Location "/item">
    Include conf/auth.conf
    RateLimit items 2/30d key=form:item+user
</Location>
<Location "/nobody">
    RateLimit both 2/30d key=form:user+ip+header:X-A
</Location>
<Location "/watched">
    RateLimit seen 1/30d key=form:user action=observe
</Location>
<Location "/methods">
    RateLimit posts 1/30d key=form:user methods=POST
    RateLimit never 0/30d key=form:user "when=%{HTTP:X-Never} == 'y'"
</Location>
<Location "/error">
    RateLimit login 1/30d key=form:user
    ErrorDocument 429 /target/env.cgi
</Location>

# Rules on where a request ends up.
<Location "/target/body-digest.cgi">
    RateLimit target 2/30d key=form:user
</Location>
<Location "/act">
    RateLimit start 3/30d key=form:user
</Location>
<Directory "${DOCROOT}/di">
    Options +ExecCGI
    AddHandler cgi-script .cgi
    <Files "index.cgi">
        RateLimit index 2/30d key=form:user
    </Files>
</Directory>
<Directory "${DOCROOT}/mv">
    Options +ExecCGI +MultiViews
    MultiviewsMatch Handlers
    AddHandler cgi-script .cgi
    <Files "body.cgi">
        RateLimit negotiated 2/30d key=form:user
    </Files>
</Directory>
<Directory "${DOCROOT}/rw">
    RewriteEngine On
    RewriteRule "^to$" "/target/body-digest.cgi" [L]
</Directory>
END
my $CGI = 'body-digest.cgi';

sub post  { my ($path, $body, %o) = @_; return request($s, 'POST', $path, body => $body, %o) }
sub posts { my ($path, $body, $n, %o) = @_; return join ' ', map { post($path, $body, %o)->status } 1 .. $n }

# ---- two fields ---------------------------------------------------------------------------------------------
is posts("/fields/$CGI", 'user=a&mail=m', 3), '200 200 429', 'two rules on two fields: the one on the user denies';
is posts("/fields/$CGI", 'user=b&mail=m', 2), '200 429', 'two rules on two fields: the one on the mail address denies, and was not charged for denials';
is posts("/fields/$CGI", 'mail=n&user=b', 2), '200 429', 'two rules on two fields: the one on the user was not charged for denials either';
is posts("/fields/$CGI", 'user=c&user=c2&mail=k', 3), '200 200 429', 'two rules on two fields: no value for one of them is a key of its own';

# ---- cheaper rules ------------------------------------------------------------------------------------------
is posts("/cheap/$CGI", 'user=a', 5), '200 429 429 429 429', 'a form rule and one of the address: the form rule denies';
my ($r, $line) = logged($s, 'POST', "/cheap/$CGI", body => 'user=a');
is "$line->{state} $line->{rule}", 'denied login', 'a form rule and one of the address: the access log names the form rule';
is join(' ', map { posts("/cheap/$CGI", "user=$_", 1) } 'b' .. 'd'), '200 200 429', 'a form rule and one of the address: the address was not charged for denials';
($r, $line) = logged($s, 'POST', "/cheap/$CGI", body => 'user=d');
is "$line->{state} $line->{rule}", 'denied addresses', 'a form rule and one of the address: the access log names that of the address';
my $a = [ headers => [ 'X-A' => 1 ] ];
is posts("/dear/$CGI", 'user=a', 4, @$a), '200 429 429 429', 'a form rule and one of a header: that of the header denies';
is posts("/dear/$CGI", 'user=a', 1, headers => [ 'X-A' => $_ ]), $_ < 4 ? 200 : 429, "a form rule and one of a header: the user was not charged for denials, other header $_" for 2 .. 4;
my $c = connection($s);
$r = $c->request('POST', "/dear/$CGI", body => 'user=z', expect => 1, @$a);
is $r->status . ' ' . $r->got_100, '429 0', 'a rule that needs no body denies before a 100 Continue';
$c->close;
$c = connection($s);
$r = $c->request('POST', "/dear/$CGI", body => 'user=a', expect => 1, headers => [ 'X-A' => 9 ]);
is $r->status . ' ' . $r->got_100, '429 1', 'a form rule sends 100 Continue';
$c->close;

# ---- authentication -----------------------------------------------------------------------------------------
my @alice = (auth => 'alice:secret');
my @bob   = (auth => 'bob:hunter2');
is posts("/late/$CGI", 'user=x', 3, @alice), '200 200 429', 'a rule of the authenticated user beside a form rule';
(undef, $line) = logged($s, 'POST', "/late/$CGI", body => 'user=x', @bob);
is "$line->{status} $line->{state}", '200 allowed', 'a rule of the authenticated user: another one is admitted';
is posts("/late/$CGI", 'user=x', 2, auth => 'alice:wrong'), '401 401', 'a rule of the authenticated user: a wrong password is a 401';
is posts("/item/$CGI", 'item=1', 3, @alice), '200 200 429', 'field and authenticated user in one key: the third is denied';
is posts("/item/$CGI", 'item=2', 1, @alice), 200, 'field and authenticated user in one key: another field is another key';
is posts("/item/$CGI", 'item=1', 3, @bob), '200 200 429', 'field and authenticated user in one key: another user is another key';
is posts("/item/$CGI", 'item=3', 3), '401 401 401', 'field and authenticated user in one key: without a user it is a 401';
is posts("/item/$CGI", 'item=3', 3, auth => 'alice:wrong'), '401 401 401', 'field and authenticated user in one key: a wrong password is a 401';
is posts("/item/$CGI", 'item=3', 3, @alice), '200 200 429', 'field and authenticated user in one key: a wrong password was not charged to the user';
my (undef, $body) = urlencoded(3000, 'w');
like post("/item/$CGI", "item=w&$body", @bob)->body, qr/\A\Q@{[ seen("item=w&$body") ]}\E /, 'a body looked at after authentication comes whole';
is posts("/nobody/$CGI", 'user=a', 3, headers => [ 'X-A' => 1 ]), '200 200 429', 'field, address and header in one key: the third is denied';
is posts("/nobody/$CGI", 'user=a', 1, headers => [ 'X-A' => 2 ]), 200, 'field, address and header in one key: another header is another key';

# ---- observe, methods, conditions, error documents ----------------------------------------------------------
is posts("/watched/$CGI", 'user=a', 3), '200 200 200', 'a form rule with action=observe never denies';
($r, $line) = logged($s, 'POST', "/watched/$CGI", body => 'user=a');
is "$line->{state} $line->{rule}", 'observed seen', 'a form rule with action=observe: the access log says observed';
like $r->body, qr/\A\Q@{[ seen('user=a') ]}\E /, 'a form rule with action=observe: the body comes whole';
is posts("/methods/$CGI", 'user=a', 2), '200 429', 'a form rule with methods=POST denies';
is request($s, 'PUT', "/methods/$CGI", body => 'user=a')->status, 200, 'a form rule with methods=POST does not deny PUT';
is posts("/methods/$CGI", 'user=b', 1, headers => [ 'X-Never' => 'y' ]), 429, 'a form rule whose when= is true denies';
is posts("/methods/$CGI", 'user=b', 1), 200, 'a form rule whose when= is false does not';
is posts("/error/$CGI", 'user=a', 1), 200, 'a form rule with an error document: the first is admitted';
$r = post("/error/$CGI", 'user=a');
is $r->status, 429, 'a form rule with an error document: the second is denied';
is $r->env->{REQUEST_METHOD} . ' ' . $r->env->{REDIRECT_RATELIMIT_RULE}, 'GET login', 'a form rule with an error document: the document is asked for with GET';

# ---- targets ------------------------------------------------------------------------------------------------
for my $way ([ '/rw/to', 'per-directory rewrite' ], [ '/di/', 'DirectoryIndex' ], [ '/mv/body', 'MultiViews' ]) {
    my ($path, $name) = @$way;
    is posts($path, "user=$path", 3), '200 200 429', "$name: the target's form rule denies the third";
    is posts($path, "user=$path-other", 1), 200, "$name: the target's form rule admits another user";
    my $c2 = connection($s);
    is $c2->request('POST', $path, body => "user=$path")->status, 429, "$name: the target's form rule denies on a connection";
    is $c2->request('POST', $path, body => "user=$path-more")->status, 200, "$name: the connection is kept after that denial";
    $c2->close;
}
is posts('/target/body-digest.cgi', 'user=/rw/to', 1), 429, 'a rewritten and a direct request are of one key';
is posts('/act/a.act', 'user=act', 3), '200 200 429', 'Action: the rule of the target denies';
is posts('/target/body-digest.cgi', 'user=act2', 2), '200 200', 'Action: direct requests to its target are admitted';
is posts('/act/a.act', 'user=act2', 3), '429 429 429', 'Action: what direct requests have used up is denied';
for (1, 2) {
    (undef, $line) = logged($s, 'POST', '/act/a.act', body => 'user=act');
    is "$line->{status} $line->{rule}", '429 target', 'Action: the rule of the start was not charged for denials';
}

# ---- many fields --------------------------------------------------------------------------------------------
my %f = map { ("f$_" => 'x') } 1 .. 40;
my $form = sub { my %g = (%f, @_); return join '&', map { "$_=$g{$_}" } sort keys %g };
is posts("/many/$CGI", $form->(), 3), '200 200 429', 'forty rules on forty fields';
my %other = map { ("f$_" => "other$_") } 1 .. 40;
for my $name (qw(f1 f31 f32 f33 f40)) {
    my %same = (%other, $name => 'x');
    (undef, $line) = logged($s, 'POST', "/many/$CGI", body => $form->(%same));
    is "$line->{status} $line->{rule}", "429 many" . substr($name, 1), "$name is told from the others";
}
is posts("/many/$CGI", $form->(%other), 3), '200 200 429', 'other values of all of them';

# What parses a body again for each of three thousand parts takes over a second of CPU a request.
my $cpu = sub { my $ticks = 0; $ticks += (split ' ', slurp("/proc/$_/stat") =~ s/.*\)//sr)[11] for $s->children; return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK()) };
my $before = $cpu->();
my $large  = substr join('&', map { "g$_=v" } 1 .. 9000), 0, 60_000;
is posts('/ok/wide', "f1=$_&$large", 1), 200, 'a body of 60 KB, and two hundred rules that read fifteen fields' for 1 .. 5;
cmp_ok $cpu->() - $before, '<', 1, 'five of them together take less than a second of CPU';

finish allow => qr/AH01617|AH01276/;
