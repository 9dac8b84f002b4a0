# SPDX-License-Identifier: Apache-2.0
# auth-failed and auth-ok where httpd asks more than one file: two providers in a row, a module that leaves unknown names to
# the next, a cache of credentials, a directory that doesn't answer, sessions under a passphrase, modules of others.
use RL::Test;
use RL::Stores;

my @modules = qw(authn_socache socache_shmcb ldap authnz_ldap auth_form session session_cookie session_crypto request lua);
for my $module (@modules) { plan skip_all => "httpd has no mod_$module" if !RL::Conf::has_module($module) }

my $rules = <<'END';
<AuthnProviderAlias file one>
    AuthUserFile "${ROOT}/conf/users"
</AuthnProviderAlias>
<AuthnProviderAlias file two>
    AuthUserFile "${ROOT}/conf/more"
</AuthnProviderAlias>
<LocationMatch "^/ok/">
    AuthType Basic
    AuthName test
    AuthUserFile "${ROOT}/conf/users"
    Require valid-user
    RateLimit login 3/30d key=header:X-K count=auth-failed clear=auth-ok
</LocationMatch>
<Location "/ok/two">
    AuthBasicProvider one two
</Location>
<Location "/ok/lenient">
    AuthBasicProvider file
    AuthBasicAuthoritative Off
</Location>
AuthnCacheEnable
<Location "/ok/cached">
    AuthBasicProvider socache file
    AuthnCacheProvideFor file
</Location>
<Location "/ok/ldap">
    AuthBasicProvider ldap
    AuthLDAPURL "ldap://127.0.0.1:1/o=test?uid"
</Location>
<Location "/ok/session">
    AuthType form
    AuthFormProvider file
    Session On
    SessionCookieName session path=/
    SessionCryptoPassphrase "a passphrase of the tests"
</Location>
<Location "/login">
    SetHandler form-login-handler
    AuthType form
    AuthName test
    AuthFormProvider file
    AuthUserFile "${ROOT}/conf/users"
    AuthFormLoginSuccessLocation "/ok/session"
    Session On
    SessionCookieName session path=/
    SessionCryptoPassphrase "a passphrase of the tests"
</Location>
<Location "/ok/bearer">
    AuthType Bearer
    LuaHookCheckUserID "${ROOT}/conf/bearer.lua" check
</Location>
END
my %files = ('conf/more' => 'dora:' . crypt('lamp', '$1$abcdefgh$') . "\n", 'conf/bearer.lua' => <<'END');
function check(r)
    if r.headers_in['Authorization'] == 'Bearer good' then r.user = 'carl' return apache2.OK end
    if r.headers_in['X-State'] == 'new' then r.headers_out['Location'] = '/provider' return 302 end
    return 401
end
END
my $n = 0;
for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => \%files, modules => \@modules);
    my $key = '';
    my $try = sub {
        my ($path, %o) = @_;
        my ($r, $line) = logged($s, 'GET', $path, %o, headers => [ 'X-K' => $key, @{ $o{headers} // [] } ]);
        return $r->status . ' ' . ($line->{remaining} // '-');
    };
    my $series = sub { my ($path, @tries) = @_; $key = 'k' . $n++; return join ', ', map { $try->($path, ref $_ ? @$_ : (auth => $_)) } @tries };

    is $series->('/ok/two', 'dora:lamp', 'alice:secret', 'dora:x', 'nobody:x', 'alice:x', 'dora:lamp'), '200 3, 200 3, 401 2, 401 1, 401 0, 429 0',
        "$name: two providers: a try is one, refused when the last has refused it";
    is $series->('/ok/lenient', 'alice:x', 'alice:secret', 'alice:x', 'alice:y', 'alice:z', 'alice:secret'), '401 2, 200 3, 401 2, 401 1, 401 0, 429 0',
        "$name: AuthBasicAuthoritative Off: a wrong password counts";
    is $series->('/ok/lenient', ('nobody:x') x 2), '500 3, 500 3', "$name: AuthBasicAuthoritative Off: a name that nobody knows is no refusal: no password was checked";
    is $series->('/ok/cached', 'alice:secret', 'alice:secret', 'alice:x', 'alice:y', 'alice:z', 'alice:secret'), '200 3, 200 3, 401 2, 401 1, 401 0, 429 0',
        "$name: mod_authn_socache: what is refused from the cache counts";
    is $series->('/ok/ldap', ('alice:x') x 2), '500 3, 500 3', "$name: a directory that doesn't answer checks no password";

    my ($cookie) = map { /\A(session=[^;]*)/ ? $1 : () } request($s, 'POST', '/login', body => 'httpd_username=alice&httpd_password=secret')->header('Set-Cookie');
    unlike $cookie // '', qr/alice/, "$name: a session under a passphrase";
    my $with = sub { return [ headers => [ Cookie => $_[0] ] ] };
    is $series->('/ok/session', $with->($cookie), map { $with->($_) } 'session=test-user=alice&test-pw=secret', 'session=' . 'A' x 80, substr($cookie, 0, -8), ''),
        '200 3, 401 3, 401 3, 401 3, 401 3', "$name: mod_session_crypto: what is no session of this server holds no password: it gets nobody in, and is no try";

    is $series->('/ok/bearer', $with->(''), [ headers => [ 'X-State' => 'new' ] ]), '401 3, 302 3', "$name: another module: without credentials nothing is refused";
    is $series->('/ok/bearer', map { [ headers => [ Authorization => "Bearer $_" ] ] } qw(a good b c good)), '401 2, 200 2, 401 1, 401 0, 429 0', "$name: another module: a wrong token is";
    $s->stop;
}

finish;
