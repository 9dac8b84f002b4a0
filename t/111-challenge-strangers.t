# SPDX-License-Identifier: Apache-2.0
# conf/examples/challenge-strangers.conf as it stands: first it only observes; enforced, it holds a flood from thousands of
# addresses, lets through who has pressed the button, and feeds, git and pictures.
use RL::Test;
use RL::Conf;
use Cwd qw(abs_path);

my $include = 'Include "' . abs_path('conf/examples/challenge-strangers.conf') . "\"\n";
my $before  = "RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1\n";
my %files   = ('htdocs/a.png' => 'a picture', 'htdocs/feed/index.html' => 'a feed', 'htdocs/blog.atom' => 'a feed', 'htdocs/robots.txt' => 'rules',
    'htdocs/r.git/info/refs' => 'refs', 'htdocs/r.git/objects/ab/cdef' => 'object');
my $html    = 'text/html,*/*;q=0.8';

sub get { my ($s, $path, $from, @headers) = @_; return request($s, 'GET', $path, from => $from, headers => [ Accept => $html, @headers ]) }

# n requests from as many addresses; how often each status came.
sub flood {
    my ($s, $n) = @_;
    my ($c, %n) = (connection($s));
    for my $i (1 .. $n) {
        $c = connection($s) if $c->closed(0);
        $n{ $c->request('GET', '/ok/page', headers => [ Accept => $html, 'X-Client' => join '.', 10, $i >> 16, $i >> 8 & 255, $i & 255 ])->status }++;
    }
    return join ' ', map { "$n{$_}x$_" } sort keys %n;
}

my $s = httpd($before . $include, files => \%files);
is flood($s, 2010), '2010x200', 'as it stands it only observes';
like join('', $s->log_lines(0)), qr/rule strangers, limit 2000\/10m: would deny/, 'and says in the log what it would do';

$s = httpd($before . "Define CHALLENGE_ENFORCE\n" . $include, files => \%files);
is flood($s, 2010), '2000x200 10x429', 'enforced: a flood of which each address sends one request';
my $page = get($s, '/ok/page?x=1', '198.51.100.9');
is $page->status, 429, 'a visitor gets the page';
my ($token) = $page->body =~ /name="token" value="([\w-]+)"/;
my $r = request($s, 'POST', '/.ratelimit/pass', body => "token=$token", from => '198.51.100.9');
is join(' ', $r->status, $r->header('Location')), '303 /ok/page?x=1', 'whose button leads back';
my ($pass) = $r->header('Set-Cookie') =~ /\A(ratelimit-pass=[^;]+)/;
is join(' ', map { get($s, '/ok/page', '198.51.100.9', Cookie => $pass)->status } 1 .. 5), '200 200 200 200 200', 'with a pass';
is join(' ', map { get($s, $_, '198.51.100.10')->status } '/a.png', '/feed/', '/blog.atom', '/robots.txt', '/r.git/info/refs?service=git-upload-pack', '/r.git/objects/ab/cdef'),
    '200 200 200 200 404 200' =~ s/404/200/r, 'pictures, feeds and git come through without one';
is join(' ', map { status($s, '/ok/page', from => '198.51.100.11', headers => [ Accept => $_ ]) } '*/*', 'application/json'), '429 429', 'others are denied';
my $c = connection($s);
my %n;
$n{ $c->request('GET', '/blog.atom', headers => [ 'X-Client' => '203.0.113.' . $_ % 200 ])->status }++ for 1 .. 310;
is "@n{200, 429}", '300 10', 'one network gets 300 feeds';
%n = ();
$n{ $c->request('GET', '/ok/page', headers => [ 'X-Client' => '198.51.100.9', Cookie => $pass ])->status }++ for 1 .. 600;
is "@n{200, 429}", '595 5', 'and one pass 600 pages';

finish;
