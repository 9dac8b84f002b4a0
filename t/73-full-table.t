# SPDX-License-Identifier: Apache-2.0
# A table that is too small for all keys: the server goes on, live limits hold, and a key that is denied stays so, whoever
# sends the flood and under whose rule.
use RL::Test;

my $s = httpd(<<'END');
RateLimitStore shm size=64K
<Location /ok/guarded>
    RateLimit guarded 2/30d key=query:k
</Location>
<Location /ok/flood>
    RateLimit flood 5/d key=query:k
</Location>
END

my @guarded = map { "/ok/guarded?k=g$_" } 1 .. 8;
limit_is $s, 2, $_, "$_ before the table is full" for @guarded;

# Asks for as many new keys, each `times` times; returns what was answered how often.
sub flood {
    my ($server, $path, $keys, $times) = @_;
    my %seen;
    my $c = connection($server);
    for my $k (1 .. $keys) {
        $seen{ $c->request('GET', "$path?k=$k")->status }++ for 1 .. $times;
        last if $c->{eof};
    }
    $c->close;
    return \%seen;
}

is_deeply flood($s, '/ok/flood', 6000, 1), { 200 => 6000 }, 'six thousand keys in a small table are all served';
is join(' ', map { status($s, $_) } @guarded), join(' ', (429) x @guarded), 'a full table: keys that were denied before are denied';
limit_is $s, 2, '/ok/guarded?k=new', 'a full table: a new key';

# A key in use has a short period, those of the flood a long one.
$s = httpd(<<'END');
RateLimitStore shm size=64K
<Location /ok/guarded>
    RateLimit guarded 5/d key=query:k
</Location>
<Location /ok/flood>
    RateLimit flood 9/30d key=query:k
</Location>
<Location /ok/once>
    RateLimit once 1/30d key=query:k
</Location>
END
for my $flood ([ '/ok/flood', 1, 'come once' ], [ '/ok/flood', 2, 'are asked for twice' ], [ '/ok/once', 1, 'are at their limit' ]) {
    my ($path, $times, $what) = @$flood;
    my $guarded = "/ok/guarded?k=$path$times";
    is statuses($s, 2, $guarded), '200 200', "a flood of keys that $what: two of five before it";
    flood($s, $path, 3000, $times);
    limit_is $s, 3, $guarded, "a flood of keys that $what: a key that is in use counts on";
}

# A tenant's flood, and the server's.
my %files = map { ("htdocs/$_/a.txt" => "a\n") } qw(server tenant);
$s = httpd(<<'END', files => { %files, 'htdocs/tenant/.htaccess' => "RateLimit once 1/30d key=query:k\n" });
RateLimitStore shm size=64K
<Directory "${DOCROOT}">
    AllowOverride Limit
</Directory>
<Location /server>
    RateLimit guarded 2/30d key=query:k
</Location>
END
for my $k (1 .. 40) {
    status($s, "/server/a.txt?k=$k");
}
flood($s, '/tenant/a.txt', 3000, 1);
is join(' ', map { statuses($s, 2, "/server/a.txt?k=$_") } 1 .. 40), join(' ', ('200 429') x 40),
    'a flood under a rule of an .htaccess costs the server no key, not even one that came once';

flood($s, '/server/a.txt', 3000, 2);
limit_is $s, 1, "/tenant/a.txt?k=new$_", 'a table full of the server\'s keys: a rule of an .htaccess holds' for 1 .. 5;

finish;
