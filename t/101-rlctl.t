# SPDX-License-Identifier: Apache-2.0
# rlctl's commands that ask a running server: what they show, find, clear and exempt on one server and on a fleet; which
# server they ask; and what they make of servers that answer something else.
use RL::Test;
use RL::FakeStatus;
use RL::Memcached;
use RL::Rlctl;
use RL::Status;
use RL::Stores;
use File::Temp ();
use JSON::PP ();
use utf8;

sub json { my ($r) = @_; return eval { JSON::PP::decode_json($r->{out}) } // {} }

sub said {
    my ($r) = @_;
    return "$r->{status}: $r->{out}$r->{err}";
}

# The command that was proposed, as words.
sub proposed {
    my ($r, $what) = @_;
    my ($line) = $r->{out} =~ /^$what: +rlctl (.*)$/m;
    return split ' ', $line // '';
}

sub file_of {
    my ($text) = @_;
    my $file = File::Temp->new;
    print {$file} $text;
    close $file;
    return $file;
}

# ---- one server of each store ---------------------------------------------------------------------------------
my $rules = statuspage() . <<'END';
RateLimitLog warn keys
<Location "/ok/login">
    RateLimit login 3/30d key=ip/24/48+query:user penalty=1h
    RateLimit hourly 1000/30d
</Location>
<Location "/ok/watch">
    RateLimit watch 1/30d key=query:user action=observe
</Location>
<Location "/ok/all">
    RateLimit everybody 2/30d key=all
</Location>
<Location "/ok/closed">
    RateLimit closed 0/h
</Location>
END

for (stores()) {
    my ($name, $store) = @$_;
    my $s   = httpd($store . $rules);
    my @url = ('--url', 'http://127.0.0.1:' . $s->port . '/rl');
    my $run = sub { return rlctl($_[0], @url, @_[ 1 .. $#_ ]) };
    is said($run->('top')), "0: No requests in the last minutes. `rlctl show` shows the rules, and their figures of the last hour.\n", "$name: top, without any";
    like said($run->('top', '--denied')), qr/\A0: No key was over its limit/, "$name: top --denied, without any";

    is statuses($s, 5, '/ok/login?user=Admin'), '200 200 200 429 429', "$name: a person is limited";
    is statuses($s, 2, "/ok/watch?user=o'neil"), '200 200', "$name: one is only observed";
    await(20, sub { my $f = figures($s); rule($f, 'login')->{denied} == 2 && rule($f, 'watch')->{observed} == 1 });
    my $show = $run->('show');
    like $show->{out}, qr/^RULE +LIMIT +FOR EACH +ACTION +ALLOWED\/5M +DENIED\/5M +ALLOWED\/H +DENIED\/H +SECTION$/m, "$name: show, its columns";
    like $show->{out}, qr/^login +3\/30d +ip\/24\/48\+query:user +3 +2 +3 +2 +<Location "\/ok\/login">$/m, "$name: show, a rule";
    like $show->{out}, qr/^watch +1\/30d +query:user +observe +1 +1 +1 +1 +</m, "$name: show, one that observes";
    like $show->{out}, qr/^table: [\d,]+ of [\d,]+ cells in use$/m, "$name: show, the table";
    my $keys = $run->('show', 'login');
    like $keys->{out}, qr/^Rule login: .*\nSince the start: 3 allowed, 2 denied\.\n\nTAG +NOW +USED +REQUESTS +DENIED +LAST SEEN +KEY\n/m, "$name: show RULE";
    like $keys->{out}, qr/^([0-9a-f]{12}) +penalty \d+ \w+ +3 of 3 +5 +2 +\d+ s ago +ip=127\.0\.0\.0\/24 query:user=admin$/m, "$name: show RULE, a key";
    my ($tag) = $keys->{out} =~ /^([0-9a-f]{12}) +penalty/m;

    my $why = $run->('why', $tag // '');
    like $why->{out}, qr/\A$tag is a key of the rule login: 3\/30d for each ip\/24\/48\+query:user, in <Location "\/ok\/login">\./, "$name: why, which rule and limit";
    like $why->{out}, qr/^It is denied from \S+ until .*\(another \d+ \w+(?: \d+ \w+)?\), which is a penalty.* It has used 3 of 3\.$/m, "$name: why, since when and until when";
    like $why->{out}, qr/^It made 5 requests lately, 2 of them over the limit;/m, "$name: why, how much";
    like $why->{out}, qr/^Its values: ip=127\.0\.0\.0\/24 query:user=admin$/m, "$name: why, who";
    is join(' ', proposed($why, 'To free it')), "@url clear login ip=127.0.0.0 query:user=admin", "$name: why, how to free it";
    like said($run->('show', 'login', 'ip=127.0.0.9', 'query:user= ADMIN')), qr/\A0: $tag is a key .*\nIt is denied /, "$name: show by values, which are folded and cut";

    is said(rlctl(proposed($why, 'To look closer'))) =~ s/\n.*//sr, "0: $tag is a key of the rule login: 3/30d for each ip/24/48+query:user, in <Location \"/ok/login\">.", "$name: what is proposed can be run";
    like said(rlctl(proposed($why, 'To free it'))), qr/\A0: 1 key cleared\.\nRULE +TAG +USED .*\nlogin +$tag +0 of 3 /, "$name: clear";
    is statuses($s, 4, '/ok/login?user=admin'), '200 200 200 429', "$name: the person is free, and counted anew";
    like said($run->('clear', $tag)), qr/\A0: 1 key cleared\./, "$name: clear by tag";
    is statuses($s, 1, '/ok/login?user=admin'), '200', "$name: free again";
    like said($run->('exempt', 'login', 'query:user=admin', 'ip=127.0.0.1', '--for', '2h')), qr/\A0: 1 key exempted for 2h\.\n.*\nlogin +$tag +exempt [12] h /, "$name: exempt";
    is statuses($s, 5, '/ok/login?user=admin'), '200 200 200 200 200', "$name: the limit doesn't hold";
    like $run->('why', $tag)->{out}, qr/^It is exempt until \S+ \(another [12] h/m, "$name: why, of an exempt key";
    like said($run->('exempt', $tag, '--for', '0')), qr/\A0: 1 key no longer exempt\./, "$name: an exemption is ended";
    like $run->('show', 'watch', "query:user=O'Neil")->{out}, qr/^It is over its limit .*only observes\./m, "$name: a rule that observes denies nobody";
    is statuses($s, 3, '/ok/all'), '200 200 429', "$name: a rule for everybody";
    like said($run->('clear', 'everybody')), qr/\A0: 1 key cleared\./, "$name: it is cleared without a value";

    my $closed = $run->('show', 'closed', 'ip=127.0.0.1');
    like $closed->{out}, qr/^This rule has a COUNT of 0: /m, "$name: a rule of COUNT 0";
    like said(rlctl(proposed($closed, 'To free it'))), qr/\A0: 1 key exempted for 1h\./, "$name: which only an exemption passes";
    is status($s, '/ok/closed'), 200, "$name: as it does";

    my $json = json($run->('show', 'login', '--json'));
    is join(' ', map { $_->{name} } @{ $json->{rules} }), 'login', "$name: show RULE --json has that rule";
    is join(' ', sort keys %$json), 'busy busy_for keys measures requests rules stores table time version', "$name: it is the server's, but for the token";
    is json($run->('clear', '--json', $tag))->{text}, '1 key cleared.', "$name: clear --json";
    my @by = map { $_->{denied} } @{ json($run->('top', '--denied', '--json'))->{keys} };
    is "@by", join(' ', sort { $b <=> $a } @by), "$name: top --denied --json, the most denied first";
    is scalar(@{ json($run->('top', '--json', '--lines', 1))->{keys} }), 1, "$name: top --lines";

    # ---- what is not found -----------------------------------------------------------------------------------
    like said($run->('show', 'nope')), qr/\A1: rlctl: no rule is called nope\. These are: login, hourly, watch, everybody, closed\n\z/, "$name: show, no such rule";
    like said($run->('show', $tag)), qr/\A1: rlctl: no rule is called $tag; `rlctl why $tag` looks/, "$name: show, a tag";
    like said($run->('show', 'nope', 'ip=192.0.2.1')), qr/\A1: rlctl: There is no rule nope\. `rlctl show` lists/, "$name: show by values, no such rule";
    like said($run->('why', '0123456789ab')), qr/\A1: rlctl: No key of this tag .*`rlctl top --denied` lists/, "$name: why, no such tag";
    like said($run->('clear', 'login', 'ip=127.0.0.1')), qr/\A2: rlctl: The key of rule login is ip\/24\/48\+query:user: give a value for each part; query:user has none/, "$name: clear, a value is missing";
    like said($run->('exempt', 'login', 'ip=127.0.0.1', 'query:user=x', '--for', 'ever')), qr/\A2: rlctl: for=ever: /, "$name: exempt, no such duration";
    like said($run->('top', '--rule', 'nope')), qr/\A1: rlctl: no rule is called nope; `rlctl show` lists them\n\z/, "$name: top, no such rule";
    my $refused = $run->('clear', '--json', 'nope', 'a=b');
    is $refused->{status} . json($refused)->{action}, '1clear', "$name: a refusal as JSON";

    my ($access) = join '', map { "$_\n" } grep { /POST/ } split /\n/, slurp($s->root . '/logs/access_log');
    unlike $access, qr/admin/i, "$name: values stand in no URL";
    $s->stop;
}

# ---- a fleet --------------------------------------------------------------------------------------------------
my $m = RL::Memcached->start;
my @fleet = map { httpd('RateLimitStore memcached ' . $m->address . " timeout=1s\nRateLimitSecret fleet\n" . $rules) } 1, 2;
my @urls = map { 'http://127.0.0.1:' . $_->port . '/rl' } @fleet;
is statuses($fleet[0], 4, '/ok/login?user=Zo%C3%AB'), '200 200 200 429', 'a fleet: a person is limited on one server';
ok await(10, sub { status($fleet[1], '/ok/login?user=Zo%C3%AB') == 429 }), 'a fleet: and on the other';
my @zoe = ('login', 'ip=127.0.0.1', 'query:user=ZOË');
utf8::encode($_) for @zoe;
like said(rlctl({ RLCTL_URL => $urls[1] }, 'show', @zoe)), qr/\A0: .*\nIt is denied /, 'a fleet: the other server finds them by value';
like said(rlctl({ RLCTL_URL => $urls[1] }, 'clear', @zoe)), qr/\A0: 1 key cleared/, 'a fleet: and frees them';
ok await(10, sub { status($_, '/ok/login?user=zoe') == 200 }), 'a fleet: everywhere' for @fleet;

my $health = sub { return join ' ', map { rlctl('health', '--url', $_)->{status} } @urls };
is $health->(), '0 0', 'health: 0 while memcached answers';
is said(rlctl('health', '--url', $urls[0])), "0: healthy\nmemcached " . $m->address . " answers\n", 'health: what it says';
$m->pause;
is $health->(), '1 1', 'health: 1 while memcached is stopped';
like said(rlctl('health', '--url', $urls[0])), qr/\A1: not healthy\nmemcached \S+ does not answer/, 'health: what it says then';
is json(rlctl('health', '--url', $urls[0], '--json'))->{healthy}, JSON::PP::false, 'health --json';
like said(rlctl('clear', '--url', $urls[0], @zoe)), qr/\A0: 1 key cleared\. The shared store did not answer/, 'clear: says if only this server knows';
$m->resume;
ok await(20, sub { $health->() eq '0 0' }), 'health: 0 when it goes on';
$_->stop for @fleet;

# ---- several virtual hosts --------------------------------------------------------------------------------------
my $s = httpd(statuspage() . <<'END');
<Location "/ok">
    RateLimit same 1/30d key=query:user
</Location>
<VirtualHost *:${PORT2}>
    ServerName two.test
    <Location "/ok">
        RateLimit same 1/30d key=query:user
    </Location>
</VirtualHost>
<Location "/secret">
    SetHandler ratelimit-status
    Include conf/auth.conf
</Location>
<Location "/hidden">
    SetHandler ratelimit-status
    Require all denied
</Location>
Redirect "/moved" "http://elsewhere.test/rl"
END
my $base = 'http://127.0.0.1:' . $s->port;
status($s, '/ok?user=x', port => $s->port2) for 1 .. 2;
my @same = ('--url', "$base/rl", 'clear', 'same', 'query:user=x');
like said(rlctl(@same)), qr/\A2: rlctl: Several virtual hosts have a rule same, such as \S+ and \S+: say which\.\nrlctl: --vhost says which one\n\z/, 'two virtual hosts: which?';
like said(rlctl(@same, '--vhost', 'two.test')), qr/\A0: 1 key cleared/, 'two virtual hosts: --vhost says it';
is status($s, '/ok?user=x', port => $s->port2), 200, 'two virtual hosts: it is cleared there';
like rlctl('show', '--url', "$base/rl")->{out}, qr/^same +.* two\.test +<Location "\/ok">$/m, 'two virtual hosts: show has a column for them';

# ---- which server -----------------------------------------------------------------------------------------------
my $conf = file_of("# which server\nurl = $base/rl\n");
my $bad  = file_of("url = $base/rl\nuser dave\n");
is rlctl('health', '--url', "$base/rl")->{status}, 0, '--url';
is rlctl('--url', "$base/rl", 'health')->{status}, 0, '--url in front of the command';
is rlctl({ RLCTL_URL => "$base/rl" }, 'health')->{status}, 0, 'RLCTL_URL';
is rlctl({ RLCTL_CONF => "$conf" }, 'health')->{status}, 0, 'the file';
is rlctl({ RLCTL_URL => "$base/rl", RLCTL_CONF => "$bad" }, 'health')->{status}, 0, 'RLCTL_URL wins over the file, which is not read';
is rlctl({ RLCTL_URL => "$base/nothing" }, 'health', '--url', "$base/rl")->{status}, 0, '--url wins over RLCTL_URL';
is rlctl('health', '--url', "$base/rl?format=html#top")->{status}, 0, 'a query and a fragment are set aside';
like said(rlctl({ RLCTL_CONF => "$bad" }, 'health')), qr/\A2: rlctl: \S+, line 2: not of the form NAME = VALUE\n/, 'a file with a mistake';
like said(rlctl('health')), qr/\A2: rlctl: which server\? Say --url URL, set RLCTL_URL, or write/, 'no server';
like said(rlctl('health', '--url', 'ftp://host/')), qr/\A2: .*must begin with http/, 'no HTTP';
like said(rlctl('health', '--url', 'localhost/rl')), qr/\A2: .*must begin with http/, 'no scheme';
like said(rlctl('health', '--url', 'http://me:secret@127.0.0.1/rl')), qr/\A2: .*--password-file/, 'a password in the URL is refused';
is rlctl({ http_proxy => 'http://127.0.0.1:1/' }, 'health', '--url', "$base/rl")->{status}, 0, 'no proxy is asked for this machine';

# ---- passwords, pages that aren't there -------------------------------------------------------------------------
my ($right, $wrong) = (file_of("secret\nmore\n"), file_of("closed\n"));
like said(rlctl('show', '--url', "$base/secret")), qr/\A1: .*asks for a user name and password: say --user NAME --password-file FILE/, '401: what to say';
is rlctl('show', '--url', "$base/secret", '--user', 'alice', '--password-file', "$right")->{status}, 0, 'a password';
like said(rlctl('show', '--url', "$base/secret", '--user', 'alice', '--password-file', "$wrong")), qr/\A1: .*refuses this user name and password/, 'a wrong one';
is rlctl({ RLCTL_CONF => '' . ($conf = file_of("url=$base/secret\nuser=alice\npassword-file=$right\n")) }, 'show')->{status}, 0, 'the file has the password';
is rlctl({ RLCTL_CONF => "$conf", RLCTL_URL => "$base/secret" }, 'show')->{status}, 1, 'which is only for the URL of the file';
like said(rlctl('show', '--url', "$base/hidden")), qr/\A1: .*does not let you see the page: Require/, '403: says what decides';
like said(rlctl('show', '--url', "$base/nothing")), qr/\A1: .*has no page there/, '404: asks if that is the page';
like said(rlctl('show', '--url', "$base/ok")), qr/\A1: .*does not answer as a status page does/, 'another page';
like said(rlctl('health', '--url', "$base/ok")), qr/\A1: .*no answer about health/, 'another page, about health';
like said(rlctl('show', '--url', "$base/moved")), qr/\A1: .*is redirected, and that isn't followed; if it is meant, say --url http:\/\/elsewhere\.test\/rl/, 'a redirect';
like said(rlctl('show', '--url', 'http://127.0.0.1:1/rl')), qr/\A1: rlctl: http:\/\/127\.0\.0\.1:1\/rl: no answer\. /, 'no server';
like said(rlctl('show', '--url', 'https://127.0.0.1:' . $s->port . '/rl')), qr/\A1: .*no answer\. /, 'no TLS';

# ---- TLS --------------------------------------------------------------------------------------------------------
SKIP: {
    my $dir = File::Temp->newdir;
    my ($key, $cert) = ("$dir/key.pem", "$dir/cert.pem");
    system "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=here -addext subjectAltName=IP:127.0.0.1 -keyout $key -out $cert >$dir/said 2>&1";
    skip 'no openssl here', 3 if $?;
    skip 'no mod_ssl here', 3 if !RL::Conf::has_module('ssl');
    my $tls = httpd(statuspage() . <<"END", modules => ['ssl']);
<VirtualHost *:\${PORT2}>
    SSLEngine On
    SSLCertificateFile "$cert"
    SSLCertificateKeyFile "$key"
</VirtualHost>
END
    my @url = ('--url', 'https://127.0.0.1:' . $tls->port2 . '/rl');
    like said(rlctl('health', @url)), qr/\A1: .*the certificate is not trusted; --cacert names one that is\./, 'TLS: a certificate that nobody vouches for';
    is rlctl('health', @url, '--cacert', $cert)->{status}, 0, 'TLS: one that is trusted';
    like said(rlctl('health', $url[0], $url[1] =~ s/127\.0\.0\.1/localhost/r, '--cacert', $cert)), qr/\A1: .*certificate/, 'TLS: one of another name';
}

# ---- servers that are not what they seem ------------------------------------------------------------------------
my %report = (version => '1', time => 1_795_699_244, token => 'a' x 40, requests => {}, stores => [], table => {},
    rules => [ { name => "e\e[31mvil\x{9b}2J", vhost => "two\nlines", section => "<Location \x{202e}>", rate => '5/m', key => 'all', algorithm => 'fixed-window',
                 minutes => { allowed => [ (1) x 60 ], denied => [ (1_000_000) x 60 ], observed => [ (0) x 60 ] } } ],
    keys => [ map { { rule => "e\e[31mvil\x{9b}2J", vhost => "two\nlines", section => "<Location \x{202e}>", tag => "tag\a$_", used => 5, limit => 5, reset => 40,
                      requests => 9 + $_, denied => $_, seen => 1_795_699_240, values => [ $_ == 1 ? "ip=\$(reboot)`x`\e" : "form:user=漢字 $_" ] } } 1 .. 3 ]);
my $endless = sub { my ($fh) = @_; print {$fh} '[' . '"x",' x 4000 or return for 1 .. 4000; return };
my $deep = '{"rules":' . '[' x 100_000;
my %answers = (
    '/rl'      => [ 200, 'application/json', JSON::PP->new->utf8->encode(\%report) ],
    '/untold'  => [ 200, 'application/json', JSON::PP->new->utf8->encode({ %report, token => undef }) ],
    '/html'    => [ 200, 'text/html', '<html><body>Hello</body></html>' ],
    '/cut'     => [ 200, 'application/json', '{"rules":[' ],
    '/list'    => [ 200, 'application/json', '[1,2]' ],
    '/types'   => [ 200, 'application/json', '{"rules":[1,null,{"name":7,"minutes":[],"rate":{}}],"keys":{"a":1},"table":[],"stores":[3],"time":"x"}' ],
    '/deep'    => [ 200, 'application/json', $deep ],
    '/long'    => [ 200, 'application/json', ' ' x 10_000_000 . JSON::PP->new->utf8->encode(\%report) ],
    '/endless' => [ 200, 'application/json', $endless ],
    '/slow'    => [ 200, 'application/json', sub { sleep 3; return } ],
    '/to'      => [ 302, 'text/html', '', 'Location: /rl' ],
    '/health'  => [ 503, 'text/plain', "not healthy\nmemcached \e]0;x\a does not answer\n" ],
);
my $f = RL::FakeStatus->start(sub {
    my ($method, $path) = @_;
    return (403, 'application/json', '{"action":"clear","done":false,"text":"No \u001b[1m more.","keys":[]}') if $method eq 'POST';
    return @{ $answers{ $path =~ s/\?.*//r } // [ 404, 'text/plain', '' ] };
});
my $ask = sub { my ($path, $command, @more) = @_; return rlctl($command, '--url', $f->url($path), @more) };
my $show = $ask->('/rl', 'show');
is $show->{status}, 0, 'hostile texts: show';
like $show->{out}, qr/^e\\x1b\[31mvil\\xc2\\x9b2J +5\/m .* 5 +5,000,000 +60 +60,000,000 /m, 'hostile texts: they are told as what they are';
like $ask->('/rl', 'top', '--denied')->{out}, qr/tag\\x073 .*\n.*tag\\x072 .*\n.*tag\\x071 /, 'top --denied: in order';
my $clean = sub { my ($r) = @_; my $text = $r->{out} . $r->{err}; utf8::decode($text); return $text !~ /[^\n\PC]/ };
my @hostile = ([ '/rl', 'show' ], [ '/rl', 'top' ], [ '/rl', 'show', "e\e[31mvil\xc2\x9b2J" ], [ '/untold', 'why', "tag\a1" ], [ '/untold', 'why', "tag\a2" ],
    [ '/rl', 'clear', "\e" ], [ '/rl', 'show', '--json' ], [ '/health', 'health' ], [ "/\e[1m", 'show' ], [ '/rl', "\e" ]);
ok $clean->($ask->(@$_)), "hostile texts: no control character is let through by $_->[1] of $_->[0]" =~ s/\e/ESC/gr for @hostile;
unlike $ask->('/untold', 'why', "tag\a1")->{out}, qr/rlctl.*reboot/, 'hostile texts: none of them is proposed to be pasted';
like said($ask->('/rl', 'clear', 'x')), qr/\A1: rlctl: No \\x1b\[1m more\.\n\z/, 'a refusal: its reason';
like said($ask->('/untold', 'clear', 'x')), qr/\A1: rlctl: this server only tells/, 'a server without a token';
like said($ask->("/$_", 'show')), qr/\A1: .*does not answer as a status page does/, "not a report: $_" for qw(html cut list deep);
is $ask->('/types', 'show')->{status} . $ask->('/types', 'top')->{status}, '00', 'members of other types';
is $ask->('/long', 'show')->{status}, 0, 'ten megabytes are read';
like said($ask->('/endless', 'show')), qr/\A1: .*the answer is longer than 16 MB/, 'an endless answer is not';
like said($ask->('/slow', 'show', '--timeout', '0.3')), qr/\A1: .*no answer in time; --timeout gives it more/, 'a slow server';
like said($ask->('/to', 'show')), qr/\A1: .*say --url http:\/\/127\.0\.0\.1:\d+\/rl/, 'a redirect within the server is not followed either';
my @posts = grep { $_->[0] =~ /\APOST/ } $f->requests;
is $posts[0][1], 'token=' . 'a' x 40 . '&action=clear&tag=%1B', 'what is sent';
ok !(grep { $_->[0] =~ /\A\S+ \S*(?:token|tag)/ } @posts), 'nothing of it stands in the URL';
ok !(grep { $_->[0] =~ /^(?:Origin|Referer|Cookie):/mi } $f->requests), 'and no field says that a page sent it';

# An IPv6 address.
SKIP: {
    my $six = eval { RL::FakeStatus->start(sub { return @{ $answers{'/rl'} } }, listen => '::1') } or skip 'no IPv6 here', 1;
    is rlctl('show', '--url', $six->url('/rl'))->{status}, 0, 'an IPv6 address';
}

# ---- on a terminal ----------------------------------------------------------------------------------------------
for my $columns (20, 40, 60, 80, 132) {
    for my $command ([ 'show' ], [ 'top' ], [ 'top', '--denied' ]) {
        my $text = on_terminal($columns, @$command, '--url', $f->url('/rl'));
        utf8::decode($text);
        $text =~ s/\e\[[0-9]*m//g;
        $text =~ s/[\x{4e00}-\x{9fff}]/xx/g;
        my @wide = grep { length > $columns } split /\n/, $text;
        ok !@wide || $columns == 20, "@$command fits a terminal of $columns columns" or diag $text;
        ok !($text =~ / $/m), "@$command: no line ends with a blank ($columns columns)";
    }
}
like on_terminal(80, 'show', '--url', $f->url('/rl')), qr/\A\e\[1mRULE\e\[0m /, 'colours on a terminal';
unlike on_terminal(80, 'show', '--color', 'never', '--url', $f->url('/rl')), qr/\e/, '--color never';
unlike $ask->('/rl', 'show')->{out}, qr/\e/, 'no colours elsewhere';
like $ask->('/rl', 'show', '--color', 'always')->{out}, qr/\e\[31m/, '--color always';
{
    local $ENV{NO_COLOR} = 1;
    my $clean_environment = \&RL::Rlctl::clean_environment;
    no warnings 'redefine';
    local *RL::Rlctl::clean_environment = sub { $clean_environment->(@_); $ENV{NO_COLOR} = 1 };
    unlike on_terminal(80, 'show', '--url', $f->url('/rl')), qr/\e/, 'NO_COLOR';
}

# ---- usage ------------------------------------------------------------------------------------------------------
my @commands = qw(health show top why clear exempt check networks replay);
like rlctl('--help')->{out}, qr/^  \Q$_\E +\S/m, "--help names $_" for @commands;
for my $command (@commands) {
    like said(rlctl($command, '--help')), qr/\A0: usage: rlctl \Q$command\E /, "$command --help";
    like said(rlctl($command, '--bogus')), qr/\A2: rlctl \Q$command\E: unrecognized option '--bogus'\n/, "$command: an unknown option";
}
like said(rlctl('--version')), qr/\A0: rlctl \d+\.\d+\.\d+(?:-dev)?\n\z/, '--version';
like said(rlctl(@$_)), qr/\A2: /, "wrong usage: @$_" for [], ['bogus'], ['why'], ['clear'], [ 'why', 'a', 'b' ], [ 'health', 'x' ], [ 'top', 'x' ], [ 'exempt', 'a' ],
    [ 'show', '--for', '1h' ], [ 'top', '--lines', '0' ], [ 'show', '--timeout', 'x' ], [ 'show', '--timeout', '-1' ], [ 'show', '--color', 'blue' ], ['--url'], [ '--url', $base ];

# ---- completion -------------------------------------------------------------------------------------------------
sub complete_line {
    my ($line) = @_;
    my $script = 'source conf/rlctl.bash; compopt() { :; }; COMP_LINE=$1; COMP_POINT=${#1}; _rlctl "$2"; echo "${COMPREPLY[*]}"';
    local %ENV = (%ENV, RLCTL_URL => "$base/rl");
    open my $fh, '-|', 'bash', '--norc', '-c', $script, 'bash', $line, RL::Rlctl::program() or die "bash: $!\n";
    my $text = <$fh> // '';
    close $fh;
    chomp $text;
    return $text;
}
is complete_line('rlctl '), "@commands", 'completion: commands';
is complete_line('rlctl sho'), 'show', 'completion: a command';
like complete_line("rlctl $_ --"), qr/--help\b/, "completion: options of $_" for @commands;
# On a busy machine half a second may be too short for an answer.
sub completes {
    my ($line, $want, $name) = @_;
    my $got;
    await(20, sub { ($got = complete_line($line)) =~ $want });
    return like $got, $want, "completion: $name";
}
completes('rlctl show s', qr/\Asame\z/, 'rules, which the server is asked for');
completes('rlctl clear same ', qr/\Aquery:user=\z/, 'the parts of a key');
completes('rlctl clear same query:us', qr/\Auser=\z/, 'bash has its own idea of words');
completes('rlctl why ', qr/\A[0-9a-f]{12}/, 'tags');
is complete_line('rlctl --url ' . $f->url('/rl') . ' show '), '', 'completion: names that a shell would read are left out';
is complete_line('rlctl --url http://127.0.0.1:1/ show '), '', 'completion: nothing without a server';
is complete_line('rlctl show --color '), 'auto always never', 'completion: values of an option';

# Each option that a command has stands in its help, in the manual page, and in the completion.
my $page = slurp('docs/rlctl.1');
for my $command (@commands) {
    for my $option (rlctl($command, '--help')->{out} =~ /(?<![\w-])--([a-z]+(?:-[a-z]+)*)/g) {
        like $page, qr/Fl -\Q$option\E\b/, "the manual page has --$option of $command";
        like complete_line("rlctl $command --$option"), qr/--\Q$option\E\b/, "the completion has --$option of $command";
    }
}
SKIP: {
    skip 'no mandoc here', 1 if !grep { -x "$_/mandoc" } split /:/, $ENV{PATH};
    is join('', grep { !/mandoc\.db/ } `mandoc -T lint -W warning docs/rlctl.1 2>&1`), '', 'the manual page is well-formed';
}

finish allow => qr/does not answer as it should/;
