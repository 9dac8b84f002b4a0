# SPDX-License-Identifier: Apache-2.0
# Which rules stand for a request: server, virtual host, Location, Directory, Files, If; replacement in place, off,
# RateLimitInherit, RateLimitEngine.
use RL::Test;

# Rules of COUNT 0 with a status of their own show which rule denied.
my $s = httpd(<<'END', files => { 'htdocs/d/a.txt' => 'a', 'htdocs/d/b.txt' => 'b', 'htdocs/d/sub/c.txt' => 'c' });
RateLimit server 0/30d status=450 "when=%{HTTP:X-Want} =~ /server/"
RateLimit shared 4/30d "key=header:X-Shared" missing=skip
<VirtualHost *:${PORT}>
    ServerName main.test
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName vhost.test
    RateLimit vhost 0/30d status=451 "when=%{HTTP:X-Want} =~ /vhost/"
    <Location /ok/v/drop>
        RateLimit server off
        RateLimit vhost off
    </Location>
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName replaced.test
    RateLimit server 0/30d status=452
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName off.test
    RateLimit server off
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName disabled.test
    RateLimitEngine Off
    RateLimit vhost 0/30d
    <Location /ok/on>
        RateLimitEngine On
    </Location>
</VirtualHost>

<Location /ok/replaced>
    RateLimit server 2/30d
</Location>
<Location /ok/replaced/again>
    RateLimit server 3/30d
</Location>
<Location /ok/off>
    RateLimit server off
</Location>
<Location /ok/off/back>
    RateLimit server 0/30d status=453
</Location>
<Location /ok/none>
    RateLimit server none
</Location>

<Location /ok/o1>
    RateLimit a 10/30d
    RateLimit b 10/30d
</Location>
<Location /ok/o2>
    RateLimit a 10/30d
    RateLimit b 10/30d
</Location>
<Location /ok/o2/in>
    RateLimit a 10/30d key=all
</Location>
<Location /ok/o3>
    RateLimit a 10/30d
    RateLimit b 10/30d
</Location>
<Location /ok/o3/in>
    RateLimit a off
    RateLimit a2 10/30d
</Location>

<Location /ok/i>
    RateLimit one 0/30d status=461
</Location>
<Location /ok/i/fresh>
    RateLimitInherit Off
    RateLimit two 2/30d
</Location>
<Location /ok/i/fresh/deep>
    RateLimit three 3/30d
</Location>
<Location /ok/i/fresh/deep/deeper>
    RateLimitInherit On
</Location>
<Location /ok/i/empty>
    RateLimitInherit Off
</Location>

<Location /ok/engine>
    RateLimit r 0/30d
</Location>
<Location /ok/engine/off>
    RateLimitEngine Off
</Location>
<Location /ok/engine/off/on>
    RateLimitEngine On
</Location>
<Location /ok/engine/observe>
    RateLimitEngine Observe
</Location>
<Location /ok/watch>
    RateLimitEngine Observe
    RateLimit r 2/30d
</Location>

<Directory "${DOCROOT}/d">
    RateLimit dir 0/30d status=471 "when=%{HTTP:X-Want} =~ /dir/"
    <Files "a.txt">
        RateLimit file 0/30d status=472 "when=%{HTTP:X-Want} =~ /file/"
    </Files>
</Directory>
<Directory "${DOCROOT}/d/sub">
    RateLimit dir 0/30d status=473 "when=%{HTTP:X-Want} =~ /dir/"
</Directory>
<Files "b.txt">
    RateLimit any-b 0/30d status=474 "when=%{HTTP:X-Want} =~ /file/"
</Files>
<Location /d/sub/c.txt>
    RateLimit dir 0/30d status=475 "when=%{HTTP:X-Want} =~ /location/"
</Location>
<If "%{HTTP:X-Want} =~ /ifsection/">
    RateLimit if 0/30d status=476
</If>
<LocationMatch "^/ok/match/[0-9]+$">
    RateLimit m 2/30d
</LocationMatch>
<Location /ok/twice>
    RateLimit t 0/30d status=477
</Location>
<Location /ok/twice>
    RateLimit t 2/30d
</Location>
<DirectoryMatch "/d/sub">
    RateLimit dmatch 0/30d status=478 "when=%{HTTP:X-Want} =~ /dmatch/"
</DirectoryMatch>
END

# The status of one request at main.test (or host) that wants the rules named.
sub want { my ($path, $want, $host) = @_; return status($s, $path, host => $host // 'main.test', headers => [ 'X-Want' => $want ]) }

is want('/ok', 'nothing'), 200, 'a request that no rule is for is served';
is want('/ok', 'server'), 450, 'a rule of the server stands in the main host';
is want('/ok', 'server', 'vhost.test'), 450, 'a rule of the server is inherited by a virtual host';
is want('/ok', 'vhost', 'vhost.test'), 451, 'a virtual host has a rule of its own';
is want('/ok', 'vhost'), 200, 'a virtual host\'s rule does not stand in another';
is want('/ok/v/drop', 'server vhost', 'vhost.test'), 200, 'off in a location drops the rules of server and virtual host';
is want('/ok', 'nothing', 'replaced.test'), 452, 'a virtual host replaces the server\'s rule';
is want('/ok', 'server', 'off.test'), 200, 'off in a virtual host drops the server\'s rule';
is want('/ok', 'server', 'disabled.test'), 200, 'RateLimitEngine Off in a virtual host switches all rules off';
is want('/ok/on', 'nothing', 'disabled.test'), 429, 'RateLimitEngine On in a location of a virtual host that is off';

is join(' ', map { want('/ok/replaced', 'server') } 1 .. 3), '200 200 429', 'a location replaces the server\'s rule';
is join(' ', map { want('/ok/replaced/again', 'server') } 1 .. 4), '200 200 200 429', 'a deeper location replaces it once more, with its own counter';
is want('/ok/off', 'server'), 200, 'off in a location drops the server\'s rule';
is want('/ok/off/else', 'server'), 200, 'off in a location holds below it as well';
is want('/ok/off/back', 'nothing'), 453, 'a deeper location may add a rule again that was dropped';
is want('/ok/none', 'server'), 200, 'RATE none in a location replaces the server\'s rule by nothing';

my @shared = (host => 'main.test', headers => [ 'X-Shared' => 'k' ]);
is join(' ', map { status($s, $_, @shared) } '/ok/p', '/ok/q', '/d/a.txt', '/ok', '/ok/r'), '200 200 200 200 429',
    'an inherited rule keeps its section\'s counter everywhere';

# Of equal rules the first is the one that is named.
for (['/ok/o1', 'a', 'as written'], ['/ok/o2/in', 'a', 'replaced in place'], ['/ok/o3/in', 'b', 'the first dropped']) {
    my ($path, $rule, $name) = @$_;
    my (undef, $line) = logged($s, 'GET', $path, host => 'main.test');
    is $line->{rule}, $rule, "of equal rules the first is named: $name" or diag explain $line;
}

is want('/ok/i', 'nothing'), 461, 'a location\'s rule stands';
is join(' ', map { want('/ok/i/fresh', 'server') } 1 .. 3), '200 200 429', 'RateLimitInherit Off starts from nothing, over several levels';
is want('/ok/i/fresh/deep', 'server'), 429, 'below RateLimitInherit Off, a location inherits the rules set there';
is want('/ok/i/fresh/deep/deeper', 'server'), 429, 'RateLimitInherit On below Off does not bring back the outer rules';
is want('/ok/i/empty', 'server'), 200, 'RateLimitInherit Off without a rule leaves none';

is want('/ok/engine', ''), 429, 'RateLimitEngine is on by default';
is want('/ok/engine/off', 'server'), 200, 'RateLimitEngine Off in a location';
is want('/ok/engine/off/on', ''), 429, 'RateLimitEngine On below Off';
my ($r, $line) = logged($s, 'GET', '/ok/engine/observe', host => 'main.test');
is $r->status . " $line->{state}", '200 observed', 'RateLimitEngine Observe serves what a rule would deny';
is_deeply [ map { my ($r, $l) = logged($s, 'GET', '/ok/watch', host => 'main.test'); $r->status . " $l->{state}" } 1 .. 4 ],
    [ '200 allowed', '200 allowed', '200 observed', '200 observed' ], 'RateLimitEngine Observe counts as usual';

is want('/d/a.txt', 'dir'), 471, 'a rule in <Directory> stands';
is want('/d/a.txt', 'file'), 472, 'a rule in <Files> within <Directory> stands';
is want('/d/a.txt', 'nothing'), 200, 'rules in <Directory> and <Files> do not apply when their when= is false';
is want('/d/b.txt', 'file'), 474, 'a rule in <Files> stands';
is want('/d/sub/c.txt', 'dir'), 200, '<Location> replaces a rule of <Directory>';
is want('/d/sub/c.txt', 'location'), 475, 'the rule of <Location> stands in place of that of <Directory>';
is want('/d/sub/', 'dir'), 473, 'a deeper <Directory> replaces a rule';
is want('/d/sub/', 'dmatch'), 478, 'a rule in <DirectoryMatch> stands';
is want('/ok/anything', 'ifsection'), 476, 'a rule in <If> stands';
is join(' ', map { want("/ok/match/$_", '') } 1, 2, 3), '200 200 429', '<LocationMatch>: one counter for all that it matches';
is want('/ok/match/x', ''), 200, '<LocationMatch>: no rule for what it does not match';
is join(' ', map { want('/ok/twice', '') } 1 .. 3), '200 200 429', 'two sections of one path: the later one replaces a rule';

finish;
