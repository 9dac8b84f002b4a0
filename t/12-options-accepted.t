# SPDX-License-Identifier: Apache-2.0
# What the grammar allows is accepted, wherever it may stand.
use RL::Test;

my @options = (
    'key=ip', 'key=ip/24', 'key=ip/24/48', 'key=ip/32/128', 'key=ip/0/0', 'key=user', 'key=user-or-ip', 'key=claimed-user',
    'key=query:user', 'key=header:X-Api-Key', 'key=cookie:sid', 'key=env:TENANT', 'key=host', 'key=path', 'key=method',
    'key=all', 'key=ip+user', 'key=ip+query:a+query:b+header:C+method', '"key=expr:%{HTTP:A} %{HTTP:B}"',
    '"key=expr:%{escape:a+b}+ip"', 'key=ip/24+path',
    'methods=ALL', 'methods=all', 'methods=UNSAFE', 'methods=unsafe', 'methods=GET', 'methods=post,Get,DELETE', 'methods=PROPFIND',
    'methods=BREW', 'methods=HEAD', 'algorithm=fixed-window', 'window=staggered', 'window=clock', 'window=First', 'algorithm=fixed-window window=clock',
    'window=first algorithm=fixed-window penalty=1m count=401 clear=200',
    'missing=share', 'missing=skip', 'missing=deny', 'fold=on', 'fold=off', 'action=deny', 'action=observe', 'count=all', 'cost=1', 'on-error=local',
    'status=400', 'status=403', 'status=429', 'status=499', 'status=503', 'status=599', 'group=g', 'group=A-b_9', 'group=' . 'g' x 32,
    'when=true', '"when=%{HTTP_HOST} == \'x\'"', '"unless=%{REMOTE_ADDR} -ipmatch \'10.0.0.0/8\'"',
    'algorithm=sliding-window', 'algorithm=Token-Bucket', 'algorithm=token-bucket burst=5', 'algorithm=token-bucket burst=0',
    'burst=9 initial=9 algorithm=token-bucket', 'initial=0 burst=3 algorithm=token-bucket', 'algorithm=token-bucket initial=5',
    'algorithm=token-bucket burst=4294967295 initial=4294967295', 'algorithm=token-bucket initial=0',
    'cost=0', 'cost=5', 'cost=4294967295', 'cost=expr=%{HTTP:X-Cost}', 'count=ALL', 'count=401', 'count=401,403,5xx', 'count=1xx,2XX,599',
    '"count=expr=%{REQUEST_STATUS} == 401"', '"count=expr=%{resp:X-Login} == \'failed\'"', 'clear=200', 'clear=2xx',
    'count=auth-failed', 'count=AUTH-FAILED,401', 'clear=auth-ok', 'count=auth-failed clear=auth-ok key=claimed-user', 'clear=set-cookie:*', 'clear=Set-Cookie:a?b*,LOCATION:https://a.example/*',
    'count=' . join(',', ('location:x') x 16), 'count=location:' . 'x' x 200, 'clear=302,303',
    '"clear=expr=-n %{resp:Location}"', 'penalty=10m', 'penalty=10m,extend', 'penalty=1', 'penalty=30d,Extend', 'penalty=1m,double=1d', 'penalty=1m,extend,double=1d', 'penalty=1m,Double=1m,extend', 'penalty=1s,double=30d',
    'algorithm=sliding-window penalty=1h count=401 clear=200 cost=2', 'algorithm=token-bucket penalty=1h', 'count=2xx clear=2xx',
    q{"when=%{HTTP:X} == 'a=b'"}, 'key=query:u fold=off missing=deny methods=POST window=clock status=420 action=observe group=z when=true unless=false',
);
config_ok("RateLimit r 5/m $_\n", "rule: $_") for @options;

config_ok("RateLimit r $_\n", "rule: $_") for
    'expr=%{env:PLAN_RATE}', '"expr=%{HTTP:X-A} %{HTTP:X-B}"', 'expr=5/m', 'none algorithm=token-bucket burst=5 initial=5', 'none cost=3',
    'expr=%{env:R} algorithm=token-bucket', 'expr=%{env:R} algorithm=token-bucket initial=7', 'expr=%{env:R} algorithm=token-bucket burst=7 initial=7',
    'expr=%{env:R} window=clock', 'expr=%{env:R} algorithm=sliding-window on-error=deny', '0/m algorithm=token-bucket initial=0';

my %where = (
    'the server'      => [ '', '' ],
    'a virtual host'  => [ "<VirtualHost *:1>\n", "</VirtualHost>\n" ],
    Location          => [ "<Location /a>\n", "</Location>\n" ],
    LocationMatch     => [ qq(<LocationMatch "^/a">\n), "</LocationMatch>\n" ],
    Directory         => [ qq(<Directory "/tmp">\n), "</Directory>\n" ],
    Files             => [ qq(<Files "a">\n), "</Files>\n" ],
    If                => [ qq(<If "true">\n), "</If>\n" ],
);
my $everywhere = <<'END';
RateLimit r 5/m
RateLimit other off
RateLimitEngine Observe
RateLimitExempt 10.0.0.0/8 ::1 192.0.2.1 2001:db8::/32
RateLimitExempt env=FRIEND
RateLimitExempt "expr=%{HTTP:X} == 'y'"
RateLimitIPv4Prefix 24
RateLimitIPv6Prefix 56
RateLimitDenyStatus 503
RateLimitHeaders standard legacy
RateLimitDenyHandler default
END
for my $place (sort keys %where) {
    my ($open, $close) = @{ $where{$place} };
    config_ok("$open$everywhere$close", "every directive but those of the server, in $place");
}
config_ok("<Location /a>\nRateLimitInherit Off\n</Location>\n<Location /b>\nRateLimitInherit On\n</Location>\n", 'RateLimitInherit Off and On in a section');
config_ok("RateLimitEngine $_\n", "RateLimitEngine $_") for qw(On Off Observe on off observe);
config_ok("RateLimitLog $_\n", "RateLimitLog $_") for qw(emerg error warn notice info debug);
config_ok("RateLimitStore shm$_\n", "RateLimitStore shm$_") for '', ' size=64K', ' size=1M', ' size=32M', ' size=33554432',
    ' tenants=1%', ' tenants=100%', ' size=64K tenants=12%', ' tenants=12% size=64K';
config_ok("<VirtualHost *:1>\nRateLimitStore shm\nRateLimitLog info\n</VirtualHost>\n", 'RateLimitStore and RateLimitLog in a virtual host');
config_ok("<Location /a>\nRateLimit r 5/m\n</Location>\n<Location /a>\nRateLimit r 6/m\n</Location>\n", 'one rule name in two sections of one path');
config_ok("<VirtualHost *:1>\nRateLimit r 5/m\n</VirtualHost>\n<VirtualHost *:2>\nRateLimit r 5/m\n</VirtualHost>\nRateLimit r 5/m\n", 'one rule name in several virtual hosts');
config_ok("<IfModule ratelimit_cache_module>\nRateLimit r 5/m\n</IfModule>\n", '<IfModule> with the module\'s identifier');
config_ok("<IfModule mod_ratelimit_cache.c>\nRateLimit r 5/m\n</IfModule>\n", '<IfModule> with the module\'s source file');

finish;
