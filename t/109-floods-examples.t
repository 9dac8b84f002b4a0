# SPDX-License-Identifier: Apache-2.0
# conf/examples/gitweb.conf, wiki.conf and shop.conf as they stand: they only observe; enforced, floods from thousands of
# addresses leave the programs to those they are for.
use RL::Test;
use RL::Status;
use Cwd qw(abs_path);

# Answers at once, or waits until its file is there (wait=NAME).
my $program = <<'END';
#!/usr/bin/perl
use Time::HiRes qw(sleep);
1 while read STDIN, my $body, 4096;
my ($go) = ($ENV{QUERY_STRING} // '') =~ /wait=(\w+)/;
for (1 .. 1000) { last if !defined $go || -e "$ENV{DOCUMENT_ROOT}/../tmp/$go"; sleep 0.02 }
print "Content-Type: text/html\r\n\r\npage\n";
END
my $html = 'text/html,*/*;q=0.8';

sub site {
    my ($name, $define) = @_;
    return httpd("RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1\n" . ($define ? "Define $define\n" : '')
        . 'Include "' . abs_path("conf/examples/$name.conf") . "\"\n" . "ScriptAlias /gitweb \"\${CGIBIN}/program.cgi\"\nScriptAlias /wiki \"\${CGIBIN}/program.cgi\"\nScriptAlias /shop.php \"\${CGIBIN}/program.cgi\"\n" . statuspage() =~ s{</Location>}{    RateLimitEngine Off\n</Location>}r,
        files => { 'cgi-bin/program.cgi' => $program, 'tmp/.keep' => '', 'htdocs/style.css' => 'x' }, workers => 128);
}
sub get { my ($s, $path, $from, @headers) = @_; return request($s, 'GET', $path, from => $from, headers => [ Accept => $html, @headers ]) }
sub told_of { my ($s, $rule) = @_; return (grep { /rule $rule, .*would deny/ } $s->log_lines(0)) ? 1 : 0 }

# n requests that are under way, from as many addresses.
sub hold {
    my ($s, $n, $path, @headers) = @_;
    my @c = map { connection($s) } 1 .. $n;
    $c[$_]->send_request('GET', $path, keepalive => 0, headers => [ Accept => $html, 'X-Client' => "10.1.$_.1", @headers ]) for 0 .. $#c;
    return @c;
}
sub statuses_of { return histogram(map { $_->read_response } @_) }

# One request each from n addresses; how often each status came.
sub flood {
    my ($s, $n, $path) = @_;
    my ($c, %n) = (connection($s));
    for my $i (1 .. $n) {
        $c = connection($s) if $c->closed(0);
        $n{ $c->request('GET', $path, headers => [ Accept => $html, 'X-Client' => join '.', 10, $i >> 16, $i >> 8 & 255, $i & 255 ])->status }++;
    }
    return join ' ', map { "$n{$_}x$_" } sort keys %n;
}

sub get_pass {
    my ($s, $path, $from) = @_;
    my ($token) = get($s, $path, $from)->body =~ /name="token" value="([\w-]+)"/ or return;
    my $r = request($s, 'POST', '/.ratelimit/pass', body => "token=$token", from => $from);
    return $r->header('Set-Cookie') =~ /\A(ratelimit-pass=[^;]+)/ ? $1 : undef;
}

# ---- gitweb ---------------------------------------------------------------------------------------------------
my $s = site('gitweb');
is flood($s, 305, '/gitweb'), '305x200', 'gitweb: as it stands it only observes';
ok told_of($s, 'strangers'), 'gitweb: and says what it would do';
$s = site('gitweb', 'GITWEB_ENFORCE');
is flood($s, 305, '/gitweb'), '300x200 5x429', 'gitweb: enforced: a flood of which each address sends one request';
my $pass = get_pass($s, '/gitweb?p=x.git', '198.51.100.9');
ok defined $pass, 'gitweb: a visitor presses the button';
is get($s, '/gitweb?p=x.git', '198.51.100.9', Cookie => $pass)->status, 200, 'gitweb: with the pass he gets the page';
is get($s, '/gitweb?p=x.git;a=atom', '198.51.100.10')->status, 200, 'gitweb: a feed reader gets its feed';
is get($s, '/gitweb?a=snapshot&p=x.git', '198.51.100.10')->status, 200, 'gitweb: a snapshot';
my @c = hold($s, 9, '/gitweb?a=atom&wait=go');
ok await(10, sub { my $r = rule(figures($s), 'crowd'); $r->{in_flight} == 4 && $r->{waiting} == 5 }), 'gitweb: of nine without a pass four are served, the others wait';
is get($s, '/gitweb?p=x.git', '198.51.100.9', Cookie => $pass)->status, 200, 'gitweb: who has a pass comes before them';
$s->write('tmp/go', '');
is_deeply statuses_of(@c), { 200 => 9 }, 'gitweb: all are served';

# ---- wiki -----------------------------------------------------------------------------------------------------
$s = site('wiki');
is flood($s, 70, '/wiki?do=diff'), '70x200', 'wiki: as it stands it only observes';
$s = site('wiki', 'WIKI_ENFORCE');
is flood($s, 70, '/wiki?do=diff'), '60x200 10x429', 'wiki: enforced: one network that looks at differences';
is flood($s, 100, '/wiki?id=start'), '100x200', 'wiki: readers are not limited';
@c = hold($s, 14, '/wiki?do=recent&wait=go');
ok await(10, sub { my $r = rule(figures($s), 'dear'); $r->{in_flight} == 4 && $r->{waiting} == 8 }), 'wiki: four dear pages at the same time, eight wait';
is get($s, '/wiki?id=start', '198.51.100.9')->status, 200, 'wiki: readers are served meanwhile';
$s->write('tmp/go', '');
is_deeply statuses_of(@c), { 200 => 12, 429 => 2 }, 'wiki: the others were denied';
is scalar(grep { request($s, 'POST', '/wiki?do=edit', body => 'x=1', from => '198.51.100.7')->status == 429 } 1 .. 33), 3, 'wiki: a spam robot';

# ---- shop -----------------------------------------------------------------------------------------------------
$s = site('shop');
is flood($s, 40, '/shop.php?a=1&filter=x'), '40x200', 'shop: as it stands it only observes';
$s = site('shop', 'SHOP_ENFORCE');
is flood($s, 40, '/shop.php?a=1&filter=x'), '30x200 10x429', 'shop: enforced: one network that tries filters';
is scalar(grep { get($s, '/shop.php?a=1&filter=x', '10.0.0.1', Cookie => 'PHPSESSID=abc')->status == 200 } 1 .. 5), 5, 'shop: a customer may';
@c = hold($s, 20, '/shop.php?wait=go');
ok await(10, sub { my $r = rule(figures($s), 'pages'); $r->{in_flight} == 10 && $r->{waiting} == 10 }), 'shop: strangers have ten workers';
is get($s, '/shop.php', '198.51.100.9', Cookie => 'a=b; PHPSESSID=abc')->status, 200, 'shop: a customer comes before those that wait';
is get($s, '/style.css', '198.51.100.9')->status, 200, 'shop: files are not limited';
$s->write('tmp/go', '');
is_deeply statuses_of(@c), { 200 => 20 }, 'shop: all are served';

finish;
