# SPDX-License-Identifier: Apache-2.0
# What httpd -t warns of: what is valid but doesn't do what it seems to. And what it keeps silent about, because it can't
# be known, or is right.
use RL::Test;

my $checker = httpd('');

# The warnings of a fragment, each without its file.
sub warnings {
    my ($fragment) = @_;
    my ($rc, $out) = $checker->check_conf($fragment);
    return $rc == 0 ? map { s/ \(\S+:\d+\)\z//r } $out =~ /^warning: (.*)$/mg : "exit $rc: $out";
}

sub short { my ($fragment) = @_; return $fragment =~ s/\s*\n\s*/ | /gr =~ s/ \| \z//r }

sub warns {
    my ($fragment, $like, $name) = @_;
    my @w = warnings($fragment);
    return ok(@w == 1 && $w[0] =~ $like, 'warns: ' . ($name // short($fragment))) || diag(join "\n", @w);
}

sub silent {
    my ($fragment, $name) = @_;
    my @w = warnings($fragment);
    return ok(!@w, 'is silent: ' . ($name // short($fragment))) || diag(join "\n", @w);
}

# A rule between the lines of a section.
sub within { my ($section, $rule, $more) = @_; my ($tag) = $section =~ /(\w+)/; return "<$section>\n" . ($more // '') . "    $rule\n</$tag>\n" }

# ---- form: where pages are served ------------------------------------------------------------------------------
my $pages = qr/^RateLimit r: "key=form:u": every look at a page .*methods=POST or absent=skip\z/;
warns "RateLimit r 5/m key=form:u\n", $pages;
warns "RateLimit r 5/m key=form:u $_\n", $pages for 'methods=GET,POST', 'methods=ALL', 'count=all', 'count=200', 'count=2xx,401', 'missing=share', 'action=observe';
warns "RateLimit r 5/m key=ip+form:u\n", qr/"key=ip\+form:u": every look/;
warns "RateLimit r 5/m key=form:u missing=deny\n", qr/"missing=deny": every look at a page is denied/;
silent "RateLimit r 5/m key=form:u $_\n" for 'methods=POST', 'methods=UNSAFE', 'absent=skip', 'absent=share', 'missing=deny absent=skip', 'count=401', 'count=4xx,5xx',
    '"count=expr=%{REQUEST_STATUS} != 302"', qq("when=%{REQUEST_METHOD} == 'POST'"), qq("unless=%{REQUEST_METHOD} == 'GET'");
silent "RateLimit r 5/m key=query:u\n";
silent within('Location /a', within(q(If "%{REQUEST_METHOD} == 'POST'"), 'RateLimit r 5/m key=form:u')), 'in an <If> that says when';
silent "RateLimit r none key=form:u\n";
silent "RateLimit r 5/m\n<Location /a>\n    RateLimit r off\n</Location>\n", 'a rule that is dropped';
warns within('Location /a', 'RateLimit r 5/m key=form:u'), $pages;
silent within('Location /a', 'RateLimit r 5/m key=form:u', "    RateLimitEngine Off\n"), 'RateLimitEngine Off in the section';
silent "RateLimitEngine Off\n" . within('Location /a', 'RateLimit r 5/m key=form:u'), 'RateLimitEngine Off outside';
warns "RateLimitEngine Off\n" . within('Location /a', 'RateLimit r 5/m key=form:u', "    RateLimitEngine On\n"), $pages, 'Off outside, and On inside';
warns "<IfModule ratelimit_cache_module>\n" . within('Location /a', "<IfModule ratelimit_cache_module>\nRateLimit r 5/m key=form:u\n</IfModule>") . "</IfModule>\n", $pages, 'in <IfModule>s';

# ---- a form: rule alone with missing=skip ----------------------------------------------------------------------
my $alone = qr/^RateLimit r: "missing=skip": no rule counts .*missing=share absent=skip/;
my $rule = 'RateLimit r 5/m methods=POST key=form:u missing=skip';
warns "$rule\n", $alone;
warns "RateLimit r 5/m methods=POST distinct=form:u missing=skip\n", $alone, 'form: in distinct=';
warns "$rule\n$_\n", $alone, "$_ beside it doesn't help" for 'RateLimit q 5/m key=query:u missing=skip', 'RateLimit q 5/m key=query:u absent=skip', 'RateLimit q 5/m methods=GET',
    'RateLimit q none', 'RateLimit q off', 'RateLimit q 5/m key=user "when=true"' =~ s/user/claimed-user absent=skip/r;
silent "$rule\n$_\n", "$_ beside it does" for 'RateLimit q 5/m', 'RateLimit q 5/m methods=POST key=form:w', 'RateLimit q 5/m methods=POST key=form:w missing=share absent=skip',
    'RateLimit q 5/m key=header:A', 'RateLimit q 5/m key=ip/24 "when=-n %{HTTP:A}"', 'RateLimit q 5/m key=all missing=skip';
silent within('Location /a', $rule) . "RateLimit q 5/m\n", 'a rule of the server';
silent within('Location /a/b', $rule) . within('Location /a', 'RateLimit q 5/m'), 'a rule of the Location around it';
silent within('Location /a/', $rule) . within('Location "/a/b/c"', 'RateLimit q 5/m'), 'a rule of a part of it';
silent within('Location /a', $rule) . within($_, 'RateLimit q 5/m'), "a rule that may apply: <$_>" for 'LocationMatch "a"', 'Location ~ "a"', 'Location /a*', 'Directory /', 'Files x', 'If true';
warns within('Location /a', $rule) . within('Location /b', 'RateLimit q 5/m'), $alone, 'a rule of another Location';
warns within('Location /a', $rule) . within('Location /ab', 'RateLimit q 5/m'), $alone, 'of one whose name begins alike';
silent within('Location /a', $rule) . within('Location /b', 'RateLimit q 5/m') . "FallbackResource /b\n", 'unless httpd may lead there';
my $vhost = sub { my ($name, $inside) = @_; return "<VirtualHost *:9>\n    ServerName $name.example\n$inside\n</VirtualHost>\n" };
warns $vhost->('a', $rule) . $vhost->('b', 'RateLimit q 5/m'), $alone, 'a rule of another virtual host';
silent $vhost->('a', $rule) . "RateLimit q 5/m\n", 'a rule that a virtual host inherits';
silent "$rule\n" . $vhost->('b', 'RateLimit q 5/m'), 'a rule of one virtual host, and the form: rule of the server';

# ---- clear= ----------------------------------------------------------------------------------------------------
warns "RateLimit r 5/m count=401 clear=$_\n", qr/^RateLimit r: "clear=\Q$_\E": any answer of \S+ clears .*add the account to key=/ for '2xx', '2xx,3xx', '302', '200,302', 'all', '3XX';
warns "RateLimit r 5/m key=ip/24+path count=401 clear=2xx\n", qr/any answer of 2xx/;
silent "RateLimit r 5/m count=401 clear=$_\n" for 200, 204, 'expr=false';
silent "RateLimit r 5/m count=401 clear=2xx key=$_\n" for 'claimed-user', 'ip+claimed-user', 'query:u', 'header:X-User', 'user-or-ip', 'env:USER', 'ip+form:u';

# ---- user where nothing authenticates --------------------------------------------------------------------------
my $nobody = qr/^RateLimit r: "key=user(\+ip)?": no AuthType applies here/;
my $auth = "    AuthType Basic\n    AuthName x\n    Require valid-user\n";
warns "RateLimit r 5/m key=user$_\n", $nobody for '', '+ip';
silent within('Location /a', 'RateLimit r 5/m key=user', $auth), 'authentication in the same section';
silent "RateLimit r 5/m key=user\n" . within('Location /a', '', $auth), 'a rule of the server, and authentication somewhere';
silent within('Location /a', 'RateLimit r 5/m key=user') . within('Location /a/b', '', $auth), 'in a part of it';
silent within('Location /a', 'RateLimit r 5/m key=user') . within('Directory /x', '', $auth), 'in a Directory, which may be the one';
warns within('Location /a', 'RateLimit r 5/m key=user') . within('Location /b', '', $auth), $nobody, 'authentication in another Location';
warns within('Location /a', 'RateLimit r 5/m key=user', "    AuthType None\n"), $nobody, 'AuthType None';
silent "RateLimit r 5/m key=user\n<Directory /x>\n    AllowOverride AuthConfig\n</Directory>\n", 'an .htaccess may authenticate';
warns "RateLimit r 5/m key=user\n<Directory /x>\n    AllowOverride None\n</Directory>\n", $nobody, 'AllowOverride None';
silent "RateLimit r 5/m key=$_\n" for 'user-or-ip', 'claimed-user';

# ---- auth-failed where nothing authenticates -------------------------------------------------------------------
my $unchecked = qr/^RateLimit r: "count=auth-failed(,auth-ok)?": no AuthType applies here/;
my $failed = 'RateLimit r 5/m key=claimed-user count=auth-failed';
warns "$failed$_\n", $unchecked for '', ',auth-ok';
warns within('Location /a', $failed) . within('Location /b', '', $auth), $unchecked, 'authentication in another Location';
silent within('Location /a', $failed, $auth), 'auth-failed where httpd authenticates';
silent within('Location /a', $failed) . within('Directory /x', '', $auth), 'auth-failed, and a Directory that may be the one';
silent "RateLimit r 5/m key=claimed-user count=auth-failed,401\n";

# ---- count=401 where httpd authenticates -----------------------------------------------------------------------
my $unit = qr/^RateLimit r: "count=(\d+,)?401": a browser's first request.*write count=auth-failed\z/;
my $basic = 'RateLimit r 5/15m key=ip+claimed-user count=401 "when=-n %{HTTP:Authorization}"';
warns within('Location /a', $basic, $auth), $unit;
warns within('Location /a', 'RateLimit r 5/m count=403,401', $auth), $unit, 'with another status';
warns within('Location /a', within('If true', $basic), $auth), $unit, 'authentication in the section around it';
warns within('Location /a', $basic, "    AuthType Digest\n    AuthName x\n    <RequireAny>\n        Require user alice\n    </RequireAny>\n"), $unit, 'Require in a container';
silent $_->[0], $_->[1] for
    [ within('Location /a', $basic), 'count=401 where the application may answer so' ],
    [ within('Location /a', 'RateLimit r 5/m count=auth-failed', $auth), 'auth-failed' ],
    [ within('Location /a', 'RateLimit r 5/m count=auth-failed,401', $auth), 'both' ],
    [ within('Location /a', 'RateLimit r 5/m count=4xx', $auth), 'a class, which is about other statuses, too' ],
    [ within('Location /a', $basic, "    AuthType Basic\n    AuthName x\n    Require all granted\n"), 'an AuthType that nothing requires' ],
    [ within('Location /a', $basic, $auth =~ s/Basic/None/r), 'AuthType None' ],
    [ within('Location /b', $basic) . within('Location /a', '', $auth), 'authentication elsewhere' ];

# ---- words -----------------------------------------------------------------------------------------------------
warns "RateLimit r 5/m methods=$_\n", qr/^RateLimit r: "methods=\Q$_\E": neither .* knows the method GTE; check its spelling\z/ for 'GTE', 'POST,gte', 'GTE,PURGE';
silent "RateLimit r 5/m methods=$_\n" for 'get', 'PROPFIND,REPORT', 'PURGE', 'query', 'HEAD', 'TRACK';
warns "RateLimitExempt env=!x\n", qr/^RateLimitExempt: "env=!x": .*"expr=-z %\{env:x\}"\z/;
warns "RateLimitExempt 127.0.0.1 env=!x ::1\n", qr/"env=!x"/;
silent "RateLimitExempt env=x 127.0.0.1\n";
warns "RateLimitSecret fifteen-letters\n", qr/^RateLimitSecret: a secret of 15 bytes can be guessed; .*16 random/;
silent "RateLimitSecret sixteen-letters-\n";

# ---- what is silent, and where the lines are -------------------------------------------------------------------
silent '', 'no configuration of ours';
my @all = warnings("RateLimit a 5/m key=form:u methods=gte,GET clear=2xx\nRateLimit b 5/m key=user\nRateLimitExempt env=!x\n");
is join(' | ', map { s/: .*//r } @all), 'RateLimit a | RateLimit a | RateLimit b | RateLimitExempt', 'each piece is a line, in the order of the configuration';
my ($rc, $out) = $checker->check_conf("\nRateLimit a 5/m key=user\n");
like $out, qr{^warning: RateLimit a: .* \(/\S+\.conf:\d+\)$}m, 'with file and line';
like $out, qr/^Syntax OK$/m, 'and the configuration is valid';

my $s = httpd("RateLimit a 5/30d key=form:u\n<Directory \"\${DOCROOT}\">\n    AllowOverride Limit\n</Directory>\n", files => { 'htdocs/t/.htaccess' => "RateLimit t 5/30d key=form:u methods=GTE\n", 'htdocs/t/x' => "x\n" });
my $told = sub { return grep { /every look at a page/ } $s->log_lines(0) };
is scalar($told->()), 1, 'a start tells it once, in the error log';
like +($told->())[0], qr/\[ratelimit_cache:warn\].* ratelimit: RateLimit a: "key=form:u": every/, 'as a warning';
is status($s, '/t/x'), 200, 'an .htaccess';
is scalar(grep { /spelling|RateLimit t/ } $s->log_lines(0)), 0, 'gets no advice';

# ---- what a blank has split is an error ------------------------------------------------------------------------
config_error "RateLimit r 5/m $_->[0]\n", 'RateLimit', $_->[1], undef, qr/quote the whole option/ for [ q(when=%{HTTP_HOST} == 'a'), '==' ], [ 'unless=-z %{HTTP:A}', '%{HTTP:A}' ],
    [ 'count=401, 403', '403' ], [ 'penalty=1h, extend', 'extend' ], [ 'key=ip + form:u', '+' ], [ 'when=true && false', '&&' ], [ 'key= ip', 'key=' ], [ 'cost=expr=%{env:A} %{env:B}', '%{env:B}' ];
config_error "RateLimit r expr=%{env:A} %{env:B}\n", 'RateLimit', '%{env:B}', undef, qr/quote the whole option/;
config_error "RateLimit r 5/m key=ip metods=POST\n", 'RateLimit', 'metods=POST', undef, qr/option one of/;
config_error "RateLimitExempt $_\n", 'RateLimitExempt', 'expr=', undef, qr/quote the whole option/ for q(expr=%{HTTP_HOST} == 'a'), 'expr=true && false', '127.0.0.1 expr=-n %{HTTP:A}';

finish;
