# SPDX-License-Identifier: Apache-2.0
# What RATELIMIT_* and the error log tell, and that neither tells who it was.
use RL::Test;

my $s = httpd(<<'END', files => { 'htdocs/rw/to.txt' => 'to', 'htdocs/di/index.html' => 'index', 'htdocs/act/thing.act' => 'act' });
RateLimitLog notice
<Location /cgi-bin/env.cgi>
    RateLimit narrow 4/d key=query:k missing=skip
    RateLimit wide 100/30d key=all
</Location>
<Location /ok/secret>
    RateLimit guarded 2/d key=query:who
</Location>
<VirtualHost *:${PORT}>
    ServerName main.test
</VirtualHost>
<VirtualHost *:${PORT}>
    ServerName quiet.test
    RateLimitLog info
</VirtualHost>
<Location /ok/header>
    RateLimit h 2/d key=query:who
    Header always set X-Seen "%{RATELIMIT_STATUS}e %{RATELIMIT_RULE}e %{RATELIMIT_REMAINING}e"
</Location>
Action acting /acting/env.cgi
ScriptAlias /acting/ "${CGIBIN}/"
<Location /act>
    RateLimit act 9/d
    AddHandler acting .act
</Location>
<Location /ok/plain>
</Location>
<Location /rw/from>
    RateLimit before 9/d
</Location>
<Directory "${DOCROOT}/rw">
    RewriteEngine On
    RewriteRule "^from$" "to.txt"
</Directory>
<Location /di>
    RateLimit index 9/d
</Location>
<Location /ok/punished>
    RateLimit punished 1/10s penalty=10s
</Location>
<Location /ok/punished/not-alone>
    RateLimit punished off
    RateLimit others 1/30d key=ip/24
</Location>
<Location /ok/punished/never>
    RateLimit punished off
    RateLimit zero 0/30d
</Location>
<Location /ok/observed>
    RateLimit watched 1/d action=observe key=query:who
</Location>
END

my @seen = map { request($s, 'GET', '/cgi-bin/env.cgi?k=1')->env } 1 .. 4;
is_deeply [ map { "$_->{RATELIMIT_STATUS} $_->{RATELIMIT_RULE} $_->{RATELIMIT_LIMIT} $_->{RATELIMIT_REMAINING}" } @seen ],
    [ map { "allowed narrow 4 $_" } 3, 2, 1, 0 ], 'a CGI sees the rule that is closest to its limit';
my $env = $seen[0];
like $env->{RATELIMIT_KEY}, qr/\A[0-9a-f]{12}\z/, 'RATELIMIT_KEY is a tag of twelve hex digits';
like $env->{RATELIMIT_RESET}, qr/\A[0-9]+\z/, 'RATELIMIT_RESET is a number of seconds';
cmp_ok $env->{RATELIMIT_RESET}, '<=', 86_400, 'RATELIMIT_RESET lies within the period';
is $seen[1]{RATELIMIT_KEY}, $env->{RATELIMIT_KEY}, 'RATELIMIT_KEY of the same key is the same';
isnt request($s, 'GET', '/cgi-bin/env.cgi?k=2')->env->{RATELIMIT_KEY}, $env->{RATELIMIT_KEY}, 'RATELIMIT_KEY of another key is another';
$env = request($s, 'GET', '/cgi-bin/env.cgi')->env;
is "$env->{RATELIMIT_RULE} $env->{RATELIMIT_LIMIT}", 'wide 100', 'RATELIMIT_RULE when only the other rule applies';
is $env->{RATELIMIT_REMAINING}, 94, 'RATELIMIT_REMAINING of the other rule, which has counted all';

my ($r, $line) = logged($s, 'GET', '/cgi-bin/env.cgi?k=1');
is $r->status, 429, 'a request over the limit is denied';
is "$line->{state} $line->{rule} $line->{limit} $line->{remaining}", 'denied narrow 4 0', 'RATELIMIT_ of a denial in the access log';
is $line->{retry}, $r->header('Retry-After'), 'RATELIMIT_RETRY_AFTER of a denial is Retry-After';
cmp_ok abs($line->{reset} - $line->{retry}), '<=', 1, 'RATELIMIT_RESET of a denial is the wait';
is $line->{key}, $seen[0]{RATELIMIT_KEY}, 'RATELIMIT_KEY of a denial is that of the served requests';

$r = request($s, 'GET', '/ok/header?who=1');
is $r->header('X-Seen'), 'allowed h 1', 'Header sees RATELIMIT_ on what is served';
request($s, 'GET', '/ok/header?who=1');
$r = request($s, 'GET', '/ok/header?who=1');
is $r->header('X-Seen'), 'denied h 0', 'Header sees RATELIMIT_ on a denial';
$env = request($s, 'GET', '/act/thing.act')->env;
is "$env->{RATELIMIT_STATUS} $env->{RATELIMIT_RULE} $env->{RATELIMIT_REMAINING}", 'allowed act 8', 'an Action handler sees RATELIMIT_';
is $env->{REDIRECT_RATELIMIT_RULE}, 'act', 'an Action handler sees REDIRECT_RATELIMIT_ as well';

(undef, $line) = logged($s, 'GET', '/ok/plain');
is join(' ', @$line{qw(state rule limit remaining key)}), '- - - - -', 'no RATELIMIT_ where no rule applies';

(undef, $line) = logged($s, 'GET', '/rw/from');
is "$line->{status} $line->{state} $line->{rule} $line->{remaining}", '200 allowed before 8', 'RATELIMIT_ after a per-directory rewrite';
(undef, $line) = logged($s, 'GET', '/di/');
is "$line->{status} $line->{state} $line->{rule} $line->{remaining}", '200 allowed index 8', 'RATELIMIT_ after a DirectoryIndex';

# ---- the error log ------------------------------------------------------------------------------------------
my $from = $s->log_mark;
is statuses($s, 10, '/ok/secret?who=marvin'), '200 200' . ' 429' x 8, 'of ten requests of one key eight are denied';
(undef, $line) = logged($s, 'GET', '/ok/secret?who=marvin');
my @lines = $s->wait_log($from, qr/ratelimit:/);
is scalar @lines, 1, 'eight denials of a key have one line in the log' or diag join "\n", @lines;
like $lines[0], qr/\[[\w-]*:notice\]/, 'a denial is logged at the level of RateLimitLog';
like $lines[0], qr/\bguarded\b/, 'a denial is logged with the rule';
like $lines[0], qr{\b2\b}, 'a denial is logged with the limit';
like $lines[0], qr/\b\Q$line->{key}\E\b/, 'a denial is logged with the key\'s tag';
unlike $lines[0] =~ s/\[client [^]]*\]//r, qr/marvin|127\.0\.0\.1/i, 'a denial is logged without key and address';

$from = $s->log_mark;
status($s, '/ok/secret?who=zaphod') for 1 .. 4;
@lines = $s->wait_log($from, qr/ratelimit:/);
is scalar @lines, 1, 'denials of another key have a line of their own';
$from = $s->log_mark;
histogram(parallel($s, 40, '/ok/secret?who=trillian'));
@lines = $s->wait_log($from, qr/ratelimit:/);
is scalar @lines, 2, 'thirty-eight denials at once have two lines in the log, the first and the tenth';
is scalar(grep { /; 8 more since the last such line$/ } @lines), 1, 'the second says how many there were between';

# ---- the lines of one key: the first denial, the tenth, the hundredth; the next tells how many had none ---------------
$from = $s->log_mark;
my $fast   = connection($s);    # the penalty lasts ten seconds
my $denied = grep { $fast->request('GET', '/ok/punished')->status == 429 } 1 .. 126;
$fast->close;
@lines = $s->wait_log($from, qr/rule punished/, 3);
is scalar @lines, 3, 'some 125 denials of a key have three lines';
like $lines[0], qr/retry after \d+ s, one address$/, 'the first denial';
like $lines[1], qr/retry after \d+ s, one address; 8 more since the last such line$/, 'the tenth';
like $lines[2], qr/retry after \d+ s, one address; 89 more since the last such line$/, 'the hundredth';
ok await(60, sub { $denied += status($s, '/ok/punished') == 429; (@lines = grep { /rule punished/ } $s->log_lines($from)) > 3 }), 'a new penalty has a line of its own';
like $lines[3], qr/; ${\($denied - 101)} more since the last such line$/, 'it tells how many the last one had after its last line';

$from = $s->log_mark;
status($s, "/ok/$_") for ('punished/not-alone') x 2, ('punished/never') x 2;
@lines = $s->wait_log($from, qr/rule (?:others|zero)/, 2);
is scalar(grep { /one address/ } @lines), 0, 'no word of one address where others share the key, and where everybody is denied' or diag @lines;

$from = $s->log_mark;
status($s, '/ok/observed?who=ford') for 1 .. 5;
@lines = $s->wait_log($from, qr/ratelimit:.*\bwatched\b/);
is scalar @lines, 1, 'action=observe: what would be denied is logged once';
like $lines[0] // '', qr/observ|would/i, 'action=observe: the log says that it was not enforced';

$from = $s->log_mark;
status($s, '/ok/secret?who=arthur', host => 'quiet.test') for 1 .. 4;
ok scalar(grep { /:info\]/ } $s->wait_log($from, qr/ratelimit:/)), 'a denial of a virtual host is logged at its own RateLimitLog';

# ---- LogLevel debug: what each rule made of a request ---------------------------------------------------------
my $traced = httpd(<<'END');
SetEnvIf X-Free 1 free
RateLimitExempt env=free
<Location /ok>
    RateLimit plain 2/30d
    RateLimit when  5/30d "when=%{HTTP:A} == 'b'"
    RateLimit not   5/30d "unless=-z %{HTTP:A}"
    RateLimit post  5/30d methods=POST
    RateLimit who   5/30d key=query:who absent=skip count=401 clear=404
    RateLimit plan  expr=%{HTTP:Rate} key=all cost=expr=%{HTTP:Cost}
    RateLimit seen  0/30d key=all action=observe
    RateLimit user  5/30d key=user
    RateLimit words 5/30d distinct=query:who absent=skip count=401
</Location>
<Location /ok/traced>
    LogLevel ratelimit_cache:debug
</Location>
END
my $trace = sub {
    my ($path, @o) = @_;
    my $mark = $traced->log_mark;
    logged($traced, 'GET', $path, @o);
    my %last;
    for ($traced->log_lines($mark)) { $last{$1} = $last{$1} ? "$last{$1}; $3" : $3 if /:debug\].* ratelimit: (?:rule (\w+)(, key [0-9a-f]{12})?: )?(.*)/ && defined $1; $last{''} = $3 if /:debug\].* ratelimit: (exempt)(, )(.*)/ }
    return \%last;
};
my $t = $trace->('/ok/traced');
is $t->{plain}, 'limit 2/30d, cost 1: charged, 1 of 2 left', 'debug: what was charged';
is $t->{when}, 'does not apply: when= came to false', 'debug: a when= that does not hold';
is $t->{not}, 'does not apply: unless= came to true', 'debug: an unless= that holds';
is $t->{post}, 'does not apply: methods= does not name this method', 'debug: another method';
is $t->{who}, 'does not apply: a part of the key has no value (missing=, absent=)', 'debug: no value for the key';
is $t->{plan}, 'does not apply: its expr= gave no rate, or there is no user', 'debug: no rate';
like $t->{seen}, qr/^limit 0\/30d, cost 1: observed, fits again in \d+ s, 0 of 0 left$/, 'debug: an overrun that is observed';
like $t->{user}, qr/^does not apply: there is no authenticated user/, 'debug: no user';
$t = $trace->('/ok/traced?who=zaphod', headers => [ A => 'b', Rate => '7/h', Cost => 3 ]);
is $t->{plan}, 'limit 7/3600, cost 3: charged, 4 of 7 left', 'debug: what expressions came to';
is $t->{who}, 'limit 5/30d, cost 1: charged, 4 of 5 left; given back 1, by the outcome', 'debug: what was given back';
is $t->{when}, 'limit 5/30d, cost 1: charged, 4 of 5 left', 'debug: a when= that holds';
unlike join("\n", $traced->log_lines(0)), qr/zaphod(?!.*AH)/, 'debug: no value of a key';
is $t->{words}, 'limit 5/30d, cost 1: charged, 4 of 5 left; the value given back unless another request holds it, by the outcome', 'debug: a new value';
$t = $trace->('/ok/traced?who=ford');
like $t->{plain}, qr/^limit 2\/30d, cost 1: denied, fits again in \d+ s, 0 of 2 left$/, 'debug: the rule that denies';
is $t->{who}, 'limit 5/30d, cost 1: fits, not charged', 'debug: one that would have admitted';
is $trace->('/ok/traced', headers => [ 'X-Free' => 1 ])->{''}, 'no rule is looked at', 'debug: an exemption';
is scalar(keys %{ $trace->('/ok/else') }), 0, 'no such lines elsewhere';

# ---- the levels ---------------------------------------------------------------------------------------------
for my $level (qw(warn info error)) {
    my $conf = $level eq 'warn' ? '' : "RateLimitLog $level\n";
    $s->set_conf("$conf<Location /ok/level-$level>\nRateLimit r 0/d\n</Location>\n");
    $s->reload;
    $from = $s->log_mark;
    status($s, "/ok/level-$level") for 1, 2;
    @lines = $s->wait_log($from, qr/ratelimit:/);
    is scalar(grep { /\[[\w-]*:\Q$level\E\]/ } @lines), 1, $conf ? "a denial is logged at $level by RateLimitLog $level" : 'a denial is logged at warn by default'
        or diag join "\n", $s->log_lines($from);
}

finish allow => qr/ratelimit:.*level-error|ratelimit:.*\br\b/;
