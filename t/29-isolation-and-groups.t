# SPDX-License-Identifier: Apache-2.0
# A counter belongs to its rule's section and to the virtual host that serves; a group shares it.
use RL::Test;

my $s = httpd(<<'END');
RateLimit server 3/d "when=%{HTTP:X-Server-Rule} == 'y'"
<Location /ok/one>
    RateLimit r 2/d
</Location>
<Location /ok/two>
    RateLimit r 2/d
</Location>
<Location /ok/day-a>
    RateLimit a 2/d group=g
</Location>
<Location /ok/day-b>
    RateLimit b 2/86400 group=g
</Location>
<Location /ok/day-other-rate>
    RateLimit b 3/d group=g
</Location>
<Location /ok/day-other-methods>
    RateLimit b 2/d group=g methods=GET
</Location>
<Location /ok/day-same-methods>
    RateLimit b 2/d group=g methods=get
</Location>
<Location /ok/day-other-key>
    RateLimit b 2/d group=g key=all
</Location>
<Location /ok/day-other-group>
    RateLimit b 2/d group=g2
</Location>
<Location /ok/no-group>
    RateLimit b 2/d
</Location>
<Location /ok/unsafe-a>
    RateLimit a 2/d group=u methods=UNSAFE
</Location>
<Location /ok/unsafe-b>
    RateLimit a 2/d group=u methods=delete,Put,PATCH,post
</Location>
<Location /ok/days-a>
    RateLimit a 2/2d group=days
</Location>
<Location /ok/days-b>
    RateLimit b 2/48h group=days
</Location>
<Location /ok/nest>
    RateLimit outer 4/d group=nest
</Location>
<Location /ok/nest/inner>
    RateLimit inner 4/d group=nest
</Location>
<Location /ok/mixed>
    RateLimit watch 2/d group=mixed action=observe
</Location>
<Location /ok/mixed/inner>
    RateLimit enforce 2/d group=mixed
</Location>
<Location /ok/missing>
    RateLimit lenient 2/d group=missing key=query:k
</Location>
<Location /ok/missing/inner>
    RateLimit strict 2/d group=missing key=query:k missing=deny
</Location>
<VirtualHost *:${PORT}>
    ServerName a.test
    <Location /ok/vgroup>
        RateLimit v 2/d group=v
    </Location>
    <Location /ok/vown>
        RateLimit v 2/d
    </Location>
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName c.test
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName d.test
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName b.test
    <Location /ok/vgroup>
        RateLimit v 2/d group=v
    </Location>
    <Location /ok/vown>
        RateLimit v 2/d
    </Location>
</VirtualHost>
END

limit_is $s, 2, '/ok/one', 'a rule in one location';
limit_is $s, 2, '/ok/two', 'the same rule in another location has its own counter';

limit_is $s, 2, '/ok/day-a', 'a rule of a group';
is status($s, '/ok/day-b'), 429, 'the same group and rate, spelled 2/86400, shares the counter';
limit_is $s, 3, '/ok/day-other-rate',    'the same group with another rate has its own counter';
limit_is $s, 2, '/ok/day-other-methods', 'the same group with other methods has its own counter';
is status($s, '/ok/day-same-methods'), 429, 'the same group with methods in another letter case shares the counter';
limit_is $s, 2, '/ok/day-other-key',   'the same group with another key has its own counter';
limit_is $s, 2, '/ok/day-other-group', 'another group has its own counter';
limit_is $s, 2, '/ok/no-group',         'no group has its own counter';

limit_is $s, 2, '/ok/days-a', 'a group at 2/2d';
is status($s, '/ok/days-b'), 429, 'a group at 2/48h shares the counter of 2/2d';

limit_is $s, 2, '/ok/unsafe-a', 'a group with methods=UNSAFE', method => 'POST', body => 'a=b';
is status($s, '/ok/unsafe-b', method => 'POST', body => 'a=b'), 429, 'a group with the methods of UNSAFE as a list shares its counter';

limit_is $s, 4, '/ok/nest/inner', 'two rules of one group on one request, which is charged once';
is status($s, '/ok/nest'), 429, 'two rules of one group share a counter';

limit_is $s, 2, '/ok/mixed/inner', 'two rules of one group, one of them observed: the other still denies';
is status($s, '/ok/mixed'), 200, 'two rules of one group, one of them observed: the observed one does not deny';
is status($s, '/ok/missing/inner?k=1'), 200, 'two rules of one group that differ in missing=: a value is admitted';
is status($s, '/ok/missing/inner'), 429, 'two rules of one group that differ in missing=: no value is denied by missing=deny';

for my $host (qw(a.test b.test)) {
    limit_is $s, 2, '/ok/vown', "a rule of virtual host $host has its own counter", host => $host;
}
limit_is $s, 2, '/ok/vgroup', 'a group in one virtual host', host => 'a.test';
is status($s, '/ok/vgroup', host => 'b.test'), 429, 'a group is shared over virtual hosts';

my @flag = (headers => [ 'X-Server-Rule' => 'y' ]);
limit_is $s, 3, '/ok', 'a rule of the server in one virtual host', host => 'a.test', @flag;
limit_is $s, 3, '/ok', 'a rule of the server in another virtual host', host => 'b.test', @flag;
is status($s, '/ok/x', host => 'a.test', @flag), 429, 'a rule of the server counts all locations of a virtual host together';
limit_is $s, 3, '/ok', "a rule of the server in virtual host $_, which has no directive of ours", host => $_, @flag for 'c.test', 'd.test';

# 100/5m and 100/300, by what is left: five-minute windows are too short to count in, unless they are looked at in one.
my $t = httpd(<<'END');
<Location /ok/a>
    RateLimit a 100/5m group=five key=all window=clock
</Location>
<Location /ok/b>
    RateLimit b 100/300 group=five key=all window=clock
</Location>
END
for my $try (1 .. 3) {
    my (undef, $first)  = logged($t, 'GET', '/ok/a');
    my (undef, $second) = logged($t, 'GET', '/ok/b');
    next if $second->{reset} > $first->{reset} && $try < 3;    # the window ended in between
    is $second->{remaining}, $first->{remaining} - 1, '100/5m and 100/300 share a counter';
    last;
}

finish;
