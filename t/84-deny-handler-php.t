# SPDX-License-Identifier: Apache-2.0
# RateLimitDenyHandler and PHP: the application writes its denial, its status is its own, and a program that dies
# leaves the default answer.
use RL::Test;
use RL::Fpm;

my %files = (
    'htdocs/page.php'   => '<?php echo "page ", getenv("REDIRECT_RATELIMIT_RULE"), " ", $_SERVER["RATELIMIT_RETRY_AFTER"] > 0 ? "wait" : "", " ", $_SERVER["REQUEST_METHOD"], "\n";',
    'htdocs/status.php' => '<?php http_response_code(403); echo "its own\n";',
    'htdocs/dies.php'   => '<?php ini_set("display_errors", "0"); nothing_of_that_name();',
    'htdocs/fields.php' => '<?php header("X-RateLimit-Limit: 7"); echo "fields\n";',
);
my $s = httpd(<<'END', modules => [qw(proxy proxy_fcgi)], files => \%files);
Protocols h2c http/1.1
<FilesMatch "\.php$">
    SetHandler "proxy:unix:${ROOT}/run/fpm.sock|fcgi://localhost/"
</FilesMatch>
<Location /ok/page>
    RateLimit login 0/d
    RateLimitDenyHandler /page.php
</Location>
<Location /ok/status>
    RateLimit login 0/d
    RateLimitDenyHandler /status.php
</Location>
<Location /ok/dies>
    RateLimit login 0/d
    RateLimitDenyHandler /dies.php
</Location>
<Location /page.php>
    RateLimit login 1/d methods=POST
    RateLimitDenyHandler /page.php
</Location>
<Location /fields.php>
    RateLimitHeaders standard legacy
    RateLimit r 9/d
</Location>
END
sub php_is { my ($r, $status, $body, $name) = @_; is $r->status . ' ' . $r->body, "$status $body\n", $name }
RL::Fpm->start($s);

my $r = request($s, 'GET', '/ok/page');
php_is $r, 429, 'page login wait GET', 'a PHP page, with the status of the denial and the environment';
ok $r->header('Retry-After') > 0 && $r->header('Cache-Control') =~ /no-store/, 'a PHP page keeps Retry-After and no-store';
php_is request($s, 'POST', '/ok/page', body => 'x' x 1000), 429, 'page login wait GET', 'a PHP page answers a POST as a GET';
php_is request($s, 'GET', '/ok/status'), 403, 'its own', 'http_response_code() sets the status';
$r = request($s, 'GET', '/ok/dies');
is $r->status, 429, 'a PHP program that dies: the status is the denial\'s';
like $r->body, qr/\AToo many requests\n.*reference [0-9a-f]{12}\.\n\z/s, 'a PHP program that dies leaves the default answer, whole';
my $c = connection($s);
is join(' ', map { $c->request('GET', "/ok/$_")->status } qw(page status page plain)), '429 403 429 200', 'four requests on one connection, three of them denied by PHP';
$c->close;
my %form = (type => 'application/x-www-form-urlencoded', body => 'user=x');
is request($s, 'POST', '/page.php', %form)->status, 200, 'a program that is its own deny handler: the first request is admitted';
php_is request($s, 'POST', '/page.php', %form), 429, 'page login wait GET', 'a program that is its own deny handler writes the denial, once';
$r = request($s, 'GET', '/fields.php');
is join('|', map { $r->header($_) // '-' } qw(X-RateLimit-Limit X-RateLimit-Remaining)), '7|-', 'X-RateLimit-Limit by header() in PHP keeps ours out';
like $r->header('RateLimit'), qr/\A"r";r=8;t=\d+\z/, 'X-RateLimit-Limit by header() in PHP leaves RateLimit alone';

finish allow => qr/AH01071|ratelimit:/;
