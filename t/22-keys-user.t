# Keys from who is asking: user, user-or-ip (after authentication), claimed-user (before the password is checked).
use RL::Test;

my $s = httpd(<<'END');
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
<Location /ok/user>
    Include conf/auth.conf
    RateLimit r 2/30d key=user
</Location>
<Location /ok/open>
    RateLimit r 2/30d key=user
</Location>
<Location /ok/either>
    Include conf/auth.conf
    RateLimit r 2/30d key=user-or-ip
</Location>
<Location /ok/either-open>
    RateLimit r 2/30d key=user-or-ip
</Location>
<Location /ok/user-ip>
    Include conf/auth.conf
    RateLimit r 2/30d key=user+ip
</Location>
<Location /ok/claimed>
    Include conf/auth.conf
    RateLimit r 2/30d key=claimed-user
</Location>
<Location /ok/claimed-bytes>
    Include conf/auth.conf
    RateLimit r 2/30d key=claimed-user fold=off
</Location>
<Location /ok/claimed-open>
    RateLimit r 2/30d key=claimed-user
</Location>
<Location /ok/remote-user>
    Include conf/auth.conf
    RateLimit r 2/30d key=all "when=%{REMOTE_USER} == 'alice'"
</Location>
<Location /ok/remote-user-key>
    Include conf/auth.conf
    RateLimit r 2/30d "key=expr:%{REMOTE_USER}"
</Location>
<Location /cgi-bin/env.cgi>
    RateLimit r 100/30d key=claimed-user
</Location>
END
my ($alice, $bob) = ([ auth => 'alice:secret' ], [ auth => 'bob:hunter2' ]);

limit_is $s, 2, '/ok/user', 'user', @$alice;
is status($s, '/ok/user', @$alice, from => '192.0.2.1'), 429, 'user: wherever from';
limit_is $s, 2, '/ok/user', 'another user', @$bob;
is statuses($s, 4, '/ok/user', auth => 'alice:wrong'), '401 401 401 401', 'user: a failed log-in is not that user';
is statuses($s, 5, '/ok/open'), '200 200 200 200 200', 'user: the rule does not apply without authentication';
is statuses($s, 4, '/ok/open', @$alice), '200 200 200 200', 'nor to a name nobody checked';

limit_is $s, 2, '/ok/either', 'user-or-ip: a user', @$alice;
is status($s, '/ok/either', @$alice, from => '192.0.2.1'), 429, 'user-or-ip: the same user from elsewhere';
limit_is $s, 2, '/ok/either', 'user-or-ip: another user, same address', @$bob;
limit_is $s, 2, '/ok/either-open', 'user-or-ip: an address';
is status($s, '/ok/either-open', from => '192.0.2.1'), 200, 'user-or-ip: another address';
is status($s, '/ok/either-open', from => '192.0.2.1', @$alice), 200, 'user-or-ip: a name nobody checked does not count';
is status($s, '/ok/either-open', from => '192.0.2.1', @$bob),   429, 'and does not tell apart';

limit_is $s, 2, '/ok/user-ip', 'user+ip', @$alice;
is status($s, '/ok/user-ip', @$alice, from => '192.0.2.1'), 200, 'user+ip: another address';
is status($s, '/ok/user-ip', @$bob), 200, 'user+ip: another user';

is statuses($s, 3, '/ok/claimed', auth => 'alice:wrong'), '401 401 429', 'claimed-user: failed log-ins count';
is status($s, '/ok/claimed', @$alice), 429, 'claimed-user: then the right password does not help';
is status($s, '/ok/claimed', auth => 'ALICE:x'),  429, 'claimed-user: folded';
is status($s, '/ok/claimed', auth => ' alice:x'), 429, 'claimed-user: trimmed';
is status($s, '/ok/claimed', @$bob), 200, 'claimed-user: others go on';
is statuses($s, 3, '/ok/claimed'), '401 401 429', 'claimed-user: no name is one counter';
is status($s, '/ok/claimed', headers => [ Authorization => 'Bearer abc' ]), 429, 'and so is another scheme';
is status($s, '/ok/claimed', headers => [ Authorization => 'Basic !!!' ]),  429, 'and a header that is no Basic one';
is status($s, '/ok/claimed', auth => ':secret'), 429, 'and an empty name';
# Decoders read these each in their own way: "mallory" is Werkzeug's, "mal" httpd's.
is status($s, '/ok/claimed', headers => [ Authorization => "Basic $_" ]), 429, "and credentials that are not clean: $_"
    for 'bWFs!bG9yeTp4', 'bWFsbG9yeTp4eA', 'bWFsbG9yeTp4eB==', ' bWFsbG9yeTp4', 'bWFsbG9yeQ==', 'bWFsAGxvcnk6eA==', 'bWFs-G9yeTp4';
is join(' ', map { status($s, '/ok/claimed', auth => $_) } "J\xf6rg:x", "j\xc3\xb6rg:x", "jorg:x"), '401 401 429',
    'claimed-user: in ISO-8859-1, as some clients send it, and in UTF-8';

is statuses($s, 3, '/ok/claimed-bytes', auth => 'alice:wrong'), '401 401 429', 'fold=off';
is status($s, '/ok/claimed-bytes', auth => 'Alice:wrong'), 401, 'fold=off: another spelling is another name';

limit_is $s, 2, '/ok/claimed-open', 'claimed-user without authentication configured', auth => 'carol:x';
is status($s, '/ok/claimed-open', auth => 'dave:x'), 200, 'another name';
my $env = request($s, 'GET', '/cgi-bin/env.cgi', auth => 'mallory:x')->env;
ok !defined $env->{REMOTE_USER}, 'an unverified name does not become REMOTE_USER';

limit_is $s, 2, '/ok/remote-user', 'an expression on REMOTE_USER runs after authentication', @$alice;
is statuses($s, 4, '/ok/remote-user', @$bob), '200 200 200 200', 'and does not hold for others';
is statuses($s, 3, '/ok/remote-user', auth => 'alice:wrong'), '401 401 401', 'nor before the password is checked';
limit_is $s, 2, '/ok/remote-user-key', 'REMOTE_USER in key=expr:', @$alice;
is status($s, '/ok/remote-user-key', @$bob), 200, 'another user, another counter';

finish allow => qr/AH01614|AH01617|AH01618|AH01624/;
