# SPDX-License-Identifier: Apache-2.0
# RATELIMIT_* are made when somebody may read them: at once where configuration or modules say so, else when a program
# starts, and after an internal redirect. Whoever reads them, and when, finds the same.
use RL::Test;

my %FILES = (
    'htdocs/plain/a.txt'     => 'a',
    'htdocs/plain/a.act'     => 'act',
    'htdocs/acted/a.html'    => 'acted',
    'htdocs/index/index.cgi' => "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nenv\n",
    'htdocs/bare/a.shtml'    => "rule <!--#echo var=\"RATELIMIT_RULE\" --> <!--#echo var=\"RATELIMIT_STATUS\" -->\n",
    'htdocs/ht/.htaccess'    => "Header set X-Rule \"%{RATELIMIT_RULE}e %{RATELIMIT_STATUS}e\"\n",
    'htdocs/ht/a.txt'        => 'a',
    'htdocs/front/a.txt'     => 'a',
);
my $CONF = <<'END';
RateLimit all 1000/d
<Location /denied>
    RateLimit none 0/d
</Location>
<Location /observed>
    RateLimit watched 0/d action=observe
</Location>
Alias /denied ${DOCROOT}/plain
Alias /observed ${DOCROOT}/plain
AcceptPathInfo On
ErrorDocument 404 /cgi-bin/env.cgi
ErrorDocument 405 /cgi-bin/env.cgi
ErrorDocument 429 /cgi-bin/env.cgi
AddHandler acting .act
Action acting /cgi-bin/env.cgi
<Directory "${DOCROOT}/acted">
    Action text/html /cgi-bin/env.cgi
</Directory>
<Directory "${DOCROOT}/index">
    Options +ExecCGI
    AddHandler cgi-script .cgi
    DirectoryIndex index.cgi
</Directory>
<Directory "${DOCROOT}/ht">
    AllowOverride All
</Directory>
<Directory "${DOCROOT}/front">
    DirectoryIndex /ht/a.txt
</Directory>
<Directory "${DOCROOT}/plain">
    RewriteEngine On
    RewriteRule "^moved\.txt$" "/cgi-bin/env.cgi" [PT]
    RewriteRule "^again\.txt$" "a.txt"
</Directory>
END

# What a program told of the variables, and of those of the request before a redirect.
sub told {
    my ($response) = @_;
    my $env = $response->env;
    return join ' ', map { "@{[ map { $_ // '-' } @$env{$_ . 'RATELIMIT_STATUS', $_ . 'RATELIMIT_RULE'} ]}" } '', 'REDIRECT_', 'REDIRECT_REDIRECT_';
}

# Programs find the same in both kinds of servers: [what, expected, request].
my @PROGRAMS = (
    [ 'a program',                     'allowed all - - - -',              'GET',  '/cgi-bin/env.cgi' ],
    [ 'an Action by suffix',           'allowed all allowed all - -',      'GET',  '/plain/a.act' ],
    [ 'an Action by type',             'allowed all allowed all - -',      'GET',  '/acted/a.html' ],
    [ 'the page of a 404',             'allowed all allowed all - -',      'GET',  '/plain/nothing' ],
    [ 'the page of a 405 of a file',   'allowed all allowed all - -',      'PUT',  '/plain/a.txt' ],
    [ 'the page of a 405 after a rewrite', 'allowed all allowed all allowed all', 'PUT', '/plain/again.txt' ],
    [ 'the target of a rewrite',       'allowed all allowed all - -',      'GET',  '/plain/moved.txt' ],
    [ 'a DirectoryIndex',              'allowed all - - - -',              'GET',  '/index/' ],
    [ 'the page of a denial',          'denied none denied none - -',      'GET',  '/denied/a.txt' ],
    [ 'the page of a 405, observed',   'observed watched observed watched - -', 'PUT',  '/observed/a.txt' ],
);
for my $unread (0, 1) {
    my $s = httpd("LogLevel ratelimit_cache:debug\n$CONF", unread => $unread, files => \%FILES);
    like slurp("$s->{root}/logs/error.log"), $unread ? qr/variables are made when a program starts/ : qr/variables are made for each request: mod_include\.c/,
        'the log says when they are made';
    my $where = $unread ? 'where only programs read' : 'where the access log reads, too';
    for (@PROGRAMS) {
        my ($what, $expected, $method, $path, @more) = @$_;
        is told(request($s, $method, $path, @more)), $expected, "$what, $where";
    }
    is request($s, 'GET', '/ht/a.txt')->header('X-Rule'), 'all allowed', "an .htaccess, $where";
    is request($s, 'GET', '/front/')->header('X-Rule'), 'all allowed', "an .htaccess of a DirectoryIndex elsewhere, $where";
    is status($s, '/plain/a.txt'), 200, "a file is sent, $where";
}

# Who reads besides programs: [who, configuration, modules, request, what is expected].
my $SAW = 'all allowed';
my @READERS = (
    [ 'Header', 'Header set X-Saw "%{RATELIMIT_RULE}e %{RATELIMIT_STATUS}e"' ],
    [ 'Header, in other letters', 'Header set X-Saw "%{ratelimit_rule}e %{ratelimit_status}e"' ],
    [ 'Header in a section', "<Location />\n<IfModule mod_headers.c>\nHeader set X-Saw \"%{RATELIMIT_RULE}e %{RATELIMIT_STATUS}e\"\n</IfModule>\n</Location>" ],
    [ 'an expression', q(Header set X-Saw "expr=%{reqenv:RATELIMIT_RULE} %{ENV:RATELIMIT_STATUS}") ],
    [ 'a Define', qq(Define NAMES RATELIMIT\nHeader set X-Saw "%{\${NAMES}_RULE}e %{\${NAMES}_STATUS}e") ],
    [ 'a name that is computed', q(Header set X-Saw "all allowed" "expr=reqenv('RATE' . 'LIMIT_STATUS') == 'allowed'") ],
    [ 'a name that the client tells', q(Header set X-Saw "all allowed" "expr=reqenv(req('X-Name')) == 'allowed'") ],
    [ 'RewriteCond', "RewriteEngine On\n<Directory \${DOCROOT}/plain>\nRewriteEngine On\nRewriteCond %{ENV:RATELIMIT_STATUS} (.*)\n"
        . "RewriteRule ^ - [E=SAW:%1]\nHeader set X-Saw \"all %{SAW}e\"\n</Directory>" ],
    [ 'Require', "Header set X-Saw \"all allowed\"\n<Directory \${DOCROOT}/plain>\nRequire expr reqenv('RATELIMIT_STATUS') == 'allowed'\n</Directory>" ],
);
for (@READERS) {
    my ($who, $conf) = @$_;
    my $s = httpd("LogLevel ratelimit_cache:debug\n$CONF$conf\n", unread => 1, files => \%FILES);
    like slurp("$s->{root}/logs/error.log"), qr/variables are made for each request: \S+ reads them \(\S+:\d+\)/, "$who is told of";
    my $response = request($s, 'GET', '/plain/a.txt', headers => [ 'X-Name', 'RATELIMIT_STATUS' ]);
    is $response->status . ' ' . ($response->header('X-Saw') // 'nothing'), "200 $SAW", "$who reads";
}

my $s = httpd($CONF . <<'END', unread => 1, files => \%FILES);
CustomLog logs/saw.log "%{RATELIMIT_RULE}e %{RATELIMIT_STATUS}e"
END
status($s, '/plain/a.txt');
my $saw = "$s->{root}/logs/saw.log";
ok await(10, sub { -s $saw }), 'an access log is written';
is slurp($saw), "all allowed\n", 'an access log reads';

$s = httpd("$CONF<Directory \${DOCROOT}/bare>\nOptions +Includes\nAddOutputFilter INCLUDES .shtml\n</Directory>\n", unread => 1, modules => ['include'], files => \%FILES);
is request($s, 'GET', '/bare/a.shtml')->body, "rule all allowed\n", 'a page with includes reads';

SKIP: {
    skip 'no mod_ext_filter', 1 if !RL::Conf::has_module('ext_filter');
    $s = httpd("${CONF}ExtFilterDefine show cmd=\"/bin/sh \${ROOT}/conf/show.sh\"\n<Directory \${DOCROOT}/plain>\nSetOutputFilter show\n</Directory>\n",
        unread => 1, modules => ['ext_filter'], files => { %FILES, 'conf/show.sh' => "cat >/dev/null\nenv\n" });
    like request($s, 'GET', '/plain/a.txt')->body, qr/^RATELIMIT_RULE=all$/m, 'a filter program reads';
}
SKIP: {
    skip 'no mod_lua', 1 if !RL::Conf::has_module('lua');
    $s = httpd("${CONF}LuaHookFixups \${DOCROOT}/../conf/fixup.lua fixup\n", unread => 1, modules => ['lua'],
        files => { %FILES, 'conf/fixup.lua' => "function fixup(r)\n  r.headers_out['X-Saw'] = tostring(r.subprocess_env['RATELIMIT_RULE'])\n  return apache2.DECLINED\nend\n" });
    is request($s, 'GET', '/plain/a.txt')->header('X-Saw'), 'all', 'a script of mod_lua reads';
}

finish;
