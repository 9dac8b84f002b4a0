# SPDX-License-Identifier: Apache-2.0
# RateLimitStore memcached, RateLimitOnError: what is accepted, and that a mistake names directive, token and reason.
use RL::Test;

config_ok("RateLimitStore memcached $_\n", "RateLimitStore memcached $_") for
    '127.0.0.1', '127.0.0.1:11211', 'localhost', '127.0.0.1:1 127.0.0.1:2 127.0.0.1:65535', '::1', '[::1]', '[::1]:11211', '2001:db8::1',
    'unix:/' . 'x' x 106, 'unix:/run/memcached.sock', 'unix:/run/a=b.sock', 'unix:/run/a.sock 127.0.0.1 [::1]:5',
    map({ "127.0.0.1 $_" } 'timeout=1ms', 'timeout=50ms', 'timeout=1s', 'timeout=10s', 'connections=1', 'connections=10000', 'prefix=x:',
        'prefix=' . 'x' x 64, 'prefix=', 'lease=off', 'lease=Off', 'lease=on', 'compare=off', 'compare=on', 'failures=1', 'failures=10000', 'cooldown=10ms', 'cooldown=1s', 'cooldown=1h',
        'size=1M', 'size=64M', 'tenants=1%', 'size=1M tenants=100%', 'timeout=20ms connections=5 prefix=shop: lease=off failures=5 cooldown=2s size=16M'),
    'timeout=20ms 127.0.0.1';
config_ok("$_\n") for 'RateLimitOnError local', 'RateLimitOnError allow', 'RateLimitOnError deny', 'RateLimitOnError DENY',
    'RateLimit r 5/m on-error=local', 'RateLimit r 5/m on-error=allow', 'RateLimit r 5/m on-error=deny',
    "<Location /a>\nRateLimitOnError allow\n</Location>",
    "<VirtualHost *:1>\nRateLimitStore memcached 127.0.0.1\n</VirtualHost>\n<VirtualHost *:2>\nRateLimitStore memcached 127.0.0.2\n</VirtualHost>",
    "RateLimitStore memcached 127.0.0.1\n<VirtualHost *:1>\nRateLimitStore shm\n</VirtualHost>";

# The line names the store's kind too; the token is the argument that is wrong.
config_error("RateLimitStore memcached 127.0.0.1 $_->[0]\n", 'RateLimitStore', $_->[0], $_->[0], $_->[1]) for
    [ 'timeout=',       qr/50ms/ ], [ 'timeout=fast', qr/50ms/ ], [ 'timeout=0ms', qr/1ms/ ], [ 'timeout=11s', qr/10s/ ],
    [ 'timeout=-5ms',   qr/50ms/ ], [ 'timeout=5.5ms', qr/50ms/ ], [ 'timeout=50', qr/50ms/ ],
    [ 'timeout=99999999999999999999ms', qr/50ms/ ],
    [ 'connections=0',  qr/1 to/ ], [ 'connections=x', qr/integer/ ], [ 'connections=-1', qr/integer/ ], [ 'connections=', qr/integer/ ],
    [ 'connections=10001', qr/10000/ ], [ 'failures=0', qr/1 to/ ], [ 'failures=many', qr/integer/ ],
    [ 'cooldown=0s',    qr/10ms/ ], [ 'cooldown=2h', qr/1h/ ], [ 'cooldown=soon', qr/1s/ ],
    [ 'lease=maybe',    qr/on or off/ ], [ 'compare=maybe', qr/on or off/ ], [ 'lease=', qr/on or off/ ], [ 'prefix=' . 'x' x 65, qr/64/ ],
    [ 'size=x' ], [ 'size=1' ], [ 'tenants=12', qr/12%/ ], [ 'tenants=0%', qr/1%/ ], [ 'tenants=101%', qr/100%/ ], [ 'foo=1', qr/timeout.*cooldown/ ], [ 'Timeout:50ms', qr/port/ ];
config_error("RateLimitStore memcached $_->[0]\n", 'RateLimitStore', $_->[0], $_->[0], $_->[1]) for
    [ '127.0.0.1:99999', qr/65535/ ], [ '127.0.0.1:0', qr/port/ ], [ '127.0.0.1:', qr/port/ ], [ '127.0.0.1:x', qr/port/ ],
    [ ':11211', qr/host/ ], [ '[::1', qr/ADDRESS/ ], [ '[::1]x', qr/ADDRESS/ ], [ '[::1]:0', qr/port/ ], [ '[]:1', qr/host/ ],
    [ 'unix:/' . 'x' x 107, qr/107/ ], [ 'unix:relative', qr{unix:/PATH} ], [ 'unix:', qr{unix:/PATH} ];
config_error(qq(RateLimitStore memcached 127.0.0.1 "prefix=a b"\n), 'RateLimitStore', 'prefix=a b', 'prefix= with a blank', qr/blank/);
config_error(qq(RateLimitStore memcached 127.0.0.1 "prefix=\xc3\xa4"\n), 'RateLimitStore', 'prefix=', 'prefix= beyond ASCII', qr/ASCII/);
config_error("RateLimitStore memcached\n",               'RateLimitStore', 'memcached', 'RateLimitStore memcached without a server', qr/HOST/);
config_error("RateLimitStore memcached timeout=50ms\n",  'RateLimitStore', 'memcached', 'RateLimitStore memcached with options only', qr/HOST/);
config_error("RateLimitStore redis 127.0.0.1\n",         'RateLimitStore', 'redis', 'RateLimitStore redis', qr/memcached/);
config_error('RateLimitStore memcached ' . join(' ', map { "127.0.0.1:$_" } 1 .. 65) . "\n", 'RateLimitStore', '127.0.0.1:63', 'RateLimitStore memcached with 65 servers', qr/too many/);
config_error("RateLimitOnError $_\n",                    'RateLimitOnError', $_, "RateLimitOnError $_", qr/local.*allow.*deny/) for 'maybe', 'off';
config_error("RateLimit r 5/m on-error=$_\n",            'RateLimit', "on-error=$_", "on-error=$_", qr/local.*allow.*deny/) for 'maybe', 'off';
config_error("<Location /a>\nRateLimitStore memcached 127.0.0.1\n</Location>\n", 'RateLimitStore', '', 'RateLimitStore memcached in a section');

# What a fleet can't share is refused, wherever the store's directive stands.
my $m = "RateLimitStore memcached 127.0.0.1\n";
sub vhost { my ($text) = @_; return "<VirtualHost *:1>\nServerName shop.example.org\n$text</VirtualHost>\n" }
config_error(@$_) for
    [ "${m}RateLimit r 8000001/d\n",                                          'RateLimit', '8000001/d',    'too high a count', qr/r: .*at most 8000000 .*memcached.*:\d+\)/ ],
    [ "RateLimit r 9000000/m\n$m",                                            'RateLimit', '9000000/m',    'the store comes after the rule', qr/at most 8000000/ ],
    [ "${m}RateLimit r 4294967295/30d algorithm=sliding-window\n",            'RateLimit', '4294967295/30d', 'a sliding window', qr/at most 8000000/ ],
    [ "${m}RateLimit r 34306/s algorithm=token-bucket burst=5\n",             'RateLimit', '34306/s',      'too fast a bucket', qr/at most 34305 tokens a second/ ],
    [ "$m<Location /a>\nRateLimit r 8000001/d group=g\n</Location>\n",        'RateLimit', '8000001/d',    'in a section', qr/at most 8000000/ ],
    [ vhost("${m}RateLimit r 8000001/d\n"),                                   'RateLimit', '8000001/d',    'in a virtual host', qr/at most 8000000.*shop\.example\.org/ ],
    [ $m . vhost("RateLimit r 8000001/d\n"),                                  'RateLimit', '8000001/d',    'in one that inherits the store', qr/at most 8000000.*shop\.example\.org/ ],
    [ "RateLimit r 8000001/d\n" . vhost($m),                                  'RateLimit', '8000001/d',    'a rule that a virtual host inherits', qr/at most 8000000.*shop\.example\.org/ ],
    [ "<Location /a>\nRateLimit r 8000001/d\n</Location>\n" . vhost($m),      'RateLimit', '8000001/d',    '... from a section', qr/at most 8000000.*shop\.example\.org/ ];
config_ok(@$_) for
    [ "${m}RateLimit r 8000000/d\nRateLimit s 2900000000/d algorithm=token-bucket burst=4294967295\nRateLimit b 34305/s algorithm=token-bucket\nRateLimit n none\n", 'the highest that can be shared' ],
    [ "RateLimit r 4294967295/d\n",                                           'any count without a shared store' ],
    [ "${m}RateLimit r expr=%{env:RATE}\n",                                   'a rate that is computed' ],
    [ $m . vhost("RateLimitStore shm\nRateLimit r 8000001/d\n"),              'in a virtual host that counts by itself' ],
    [ "RateLimit r 8000001/d\n" . vhost("${m}RateLimit r 5/d\n"),             'a rule that it replaces' ],
    [ vhost("RateLimit r 8000001/d\n") . "<VirtualHost *:2>\n$m</VirtualHost>\n", 'a rule of another virtual host' ];

finish;
