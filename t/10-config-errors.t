# SPDX-License-Identifier: Apache-2.0
# Every mistake in a directive stops `httpd -t` with one line: the directive, the token, what is wrong.
use RL::Test;

# ---- RATE ---------------------------------------------------------------------------------------------------
for my $rate (qw(10/ 10/x 10/0s ten/m 5//m 1.5/s 5/week -1/m), '/m', '10', '10/m/s', '10/1.5m', '10/-1m', '+5/m',
    '0x10/m', '10/m5', '10/mm', '5/s5', '10/ms', '10/00', '5/31d', '5/721h', '5/2592001', '5/43201m',
    '4294967296/m', '99999999999999999999/m', '18446744073709551617/m', '1/99999999999999999999d',
    '5/18446744073709551617', '5/m,', 'unlimited')
{
    config_error("RateLimit r $rate\n", 'RateLimit', $rate, "rate $rate");
}
config_error(qq(RateLimit r " 5/m"\n), 'RateLimit', '5/m', 'rate with a space before it');
config_error(qq(RateLimit r "5/ m"\n), 'RateLimit', '5/ m', 'rate with a space in it');
config_error(qq(RateLimit r ""\n),     'RateLimit', 'r',    'an empty rate');
config_error("RateLimit r\n",          'RateLimit', '',     'no rate at all');
config_error("<Location /a>\nRateLimit r 5/week\n</Location>\n", 'RateLimit', '5/week', 'rate in a section');

# ---- NAME ---------------------------------------------------------------------------------------------------
for my $name ('1abc', 'a.b', '_a', '-a', 'a:b', 'a/b', 'n' x 33) {
    config_error("RateLimit $name 5/m\n", 'RateLimit', $name, "name $name");
}
config_error(qq(RateLimit "a b" 5/m\n), 'RateLimit', 'a b', 'a name with a space');
config_error("RateLimit \xC3\xBCber 5/m\n", 'RateLimit', 'ber', 'a name beyond ASCII');    # httpd escapes the other bytes

my $twice = "RateLimit same 5/m\nRateLimit other 5/m\nRateLimit same 6/m\n";
config_error($twice, 'RateLimit', 'same', 'a rule twice in the server configuration');
config_error("<VirtualHost *:1>\n$twice</VirtualHost>\n", 'RateLimit', 'same', 'a rule twice in a virtual host');
for my $open ('Location /a', 'Directory "/tmp"', 'Files "x"', 'If "true"') {
    my ($word) = split ' ', $open;
    config_error("<$open>\n$twice</$word>\n", 'RateLimit', 'same', "a rule twice in <$word>");
}
config_error("RateLimit same 5/m\nRateLimit same off\n", 'RateLimit', 'same', 'a rule and its off in one section');

# ---- options ------------------------------------------------------------------------------------------------
my @bad_option = (
    'foo=1', 'limit', 'key', '=ip', 'keys=ip', 'Burst', 'off', 'key=ip,user',
    'key=', 'key=ipp', 'key=ip+', 'key=+ip', 'key=ip++user', 'key=ip+nonsense', 'key=username', 'key=post:user',
    'key=ip/33', 'key=ip/24/129', 'key=ip/x', 'key=ip/', 'key=ip/24/', 'key=ip/24/64/1', 'key=ip/-1', 'key=ip/4294967320',
    'key=header:', 'key=query:', 'key=cookie:', 'key=env:', 'key=form:', 'key=expr:', 'key=user:alice', 'key=all:x',
    'key=host:a', 'key=expr:%{', 'key=query', 'key=header',
    'methods=', 'methods=TRACE', 'methods=GET,TRACE', 'methods=GET,', 'methods=,GET', 'methods=GET,,POST', 'methods=G@T',
    'algorithm=', 'algorithm=leaky', 'algorithm=fixed', 'window=', 'window=hourly', 'window=utc', 'window=last',
   
    'missing=', 'missing=maybe', 'missing=allow', 'fold=', 'fold=maybe', 'action=', 'action=block', 'action=log',
    'status=', 'status=200', 'status=399', 'status=600', 'status=42x', 'status=4290', 'status=-429', 'status=429.0',
    'group=', 'group=a.b', 'group=1st', 'group=' . 'g' x 33,
    'when=', 'when=%{', 'unless=', 'unless=(',
    'cost=', 'cost=x', 'cost=-1', 'cost=1.5', 'cost=4294967296', 'cost=1,2', 'cost=expr=', 'cost=expr=%{',
    'count=', 'count=4xy', 'count=6xx', 'count=0xx', 'count=xx', 'count=5x', 'count=99', 'count=600', 'count=4010', 'count=+401',
    'count=401,,403', 'count=401,', 'count=,401', 'count=401;403', 'count=all,401', 'count=none', 'count=expr=', 'count=expr=(',
    'count=auth', 'count=auth-failed,', 'count=auth-fail', 'count=set-cookie', 'count=set-cookie:', 'count=location:,401', 'count=location:' . 'x' x 201,
    'count=all,auth-failed', 'count=' . join(',', ('location:x') x 17), 'clear=auth_ok', 'clear=set-cookie:a,b',
    'clear=', 'clear=fine', 'clear=2xx,', 'clear=expr=', 'clear=expr=%{',
    'penalty=', 'penalty=0', 'penalty=0s', 'penalty=5week', 'penalty=31d', 'penalty=-1m', 'penalty=1.5m', 'penalty=m5',
    'penalty=5m,', 'penalty=5m,more', 'penalty=,extend', 'penalty=extend', 'penalty=5m,extend,extend', 'penalty=none',
    'penalty=5m,double=', 'penalty=5m,double=0', 'penalty=5m,double=4m', 'penalty=5m,double=31d', 'penalty=5m,double=1h,double=1h',
    'penalty=5m,double', 'penalty=double=1h', 'penalty=5m,twice=1h', 'penalty=5m,double=1h,', 'double=1h',
    'on-error=', 'on-error=maybe',
);
config_error("RateLimit r 5/m $_\n", 'RateLimit', $_, "RateLimit r 5/m $_") for @bad_option;
config_error("RateLimit r 5/m penalty=$_\n", 'RateLimit', "penalty=$_", "penalty=$_, called a duration", qr/: the duration must be /)
    for 0, '31d', '5week', '5week,extend';
config_error("RateLimit r 5/0\n", 'RateLimit', '5/0', '5/0, whose period is called a period', qr/: the period must be /);
config_error(qq(RateLimit r 5/m "when=%{HTTP_HOST} =="\n),     'RateLimit', 'when',   'when= with an unfinished expression');
config_error(qq(RateLimit r 5/m "unless=no_such('x') -eq"\n),  'RateLimit', 'unless', 'unless= with an unknown function');
config_error("RateLimit r 5/m key=ip key=user\n",              'RateLimit', 'key=user', 'key= twice');
config_error("RateLimit r 5/m when=%{HTTP_HOST} == 'x'\n",     'RateLimit', '', 'when= with an expression that was not quoted');
config_error("<Location /a>\nRateLimit r off key=ip\n</Location>\n", 'RateLimit', 'key=ip', 'RateLimit r off with an option');

# ---- options of another algorithm ---------------------------------------------------------------------------
config_error("RateLimit r 5/m $_\n", 'RateLimit', $_, "$_ without algorithm=token-bucket", qr/token-bucket|fixed-window|algorithm/)
    for qw(burst=5 initial=5 burst=0);
config_error("RateLimit r 5/m $_->[0]\n", 'RateLimit', $_->[1], $_->[0], qr/needs algorithm=\Q$_->[2]\E/) for
    [ 'algorithm=fixed-window burst=5',      'burst=5',      'token-bucket' ],
    [ 'burst=5 algorithm=fixed-window',      'burst=5',      'token-bucket' ],
    [ 'algorithm=sliding-window burst=5',    'burst=5',      'token-bucket' ],
    [ 'algorithm=sliding-window initial=5',  'initial=5',    'token-bucket' ],
    [ 'algorithm=sliding-window window=clock',   'window=clock', 'fixed-window' ],
    [ 'window=first algorithm=sliding-window', 'window=first', 'fixed-window' ],
    [ 'window=first algorithm=token-bucket', 'window=first', 'fixed-window' ],
    [ 'window=staggered algorithm=token-bucket', 'window=staggered', 'fixed-window' ];
config_error("RateLimit r 5/m $_\n", 'RateLimit', 'window=first', $_, qr/not with window=first/) for 'window=first distinct=ip', 'distinct=ip window=first';

config_error("RateLimit r 16777216/m window=first\n", 'RateLimit', 'window=first', 'window=first with a high COUNT', qr/16777215/);

# ---- the bucket ---------------------------------------------------------------------------------------------
config_error("RateLimit r 5/m algorithm=token-bucket $_\n", 'RateLimit', $_, $_, qr/integer/)
    for qw(burst=x burst=-1 burst=1.5 burst=4294967296 initial=x initial=-1 initial=1.5);
config_error("RateLimit r $_->[0]\n", 'RateLimit', $_->[1], $_->[0], qr/at most the size/) for
    [ '5/m algorithm=token-bucket initial=6',            'initial=6' ],
    [ '5/m initial=6 burst=5 algorithm=token-bucket',    'initial=6' ],
    [ '5/m algorithm=token-bucket burst=0 initial=1',    'initial=1' ],
    [ '0/m algorithm=token-bucket initial=1',            'initial=1' ],
    [ 'expr=%{env:R} algorithm=token-bucket burst=3 initial=4', 'initial=4' ];

# ---- computed rates -----------------------------------------------------------------------------------------
config_error("RateLimit r $_\n", 'RateLimit', $_, $_, qr/expression/) for 'expr=', 'expr=%{', 'expr=%{no_such:x}';

# ---- the other directives -----------------------------------------------------------------------------------
my @bad = (
    [ 'RateLimitEngine',     'Maybe' ],
    [ 'RateLimitIPv4Prefix', '33' ], [ 'RateLimitIPv4Prefix', 'x' ], [ 'RateLimitIPv4Prefix', '-1' ],
    [ 'RateLimitIPv4Prefix', '24x' ], [ 'RateLimitIPv6Prefix', '129' ], [ 'RateLimitIPv6Prefix', '/64' ],
    [ 'RateLimitDenyStatus', '200' ], [ 'RateLimitDenyStatus', '399' ], [ 'RateLimitDenyStatus', '600' ],
    [ 'RateLimitDenyStatus', 'abc' ], [ 'RateLimitDenyStatus', '42' ], [ 'RateLimitDenyStatus', '429x' ],
    [ 'RateLimitLog',        'loud' ],
    [ 'RateLimitExempt',     '10.0.0.0/33' ], [ 'RateLimitExempt', '10.0.0' ], [ 'RateLimitExempt', '10.0.0.1/x' ],
    [ 'RateLimitExempt',     '10.0.0.1/' ], [ 'RateLimitExempt', '::1/129' ], [ 'RateLimitExempt', '1.2.3.4.5' ],
    [ 'RateLimitExempt',     '256.1.1.1' ], [ 'RateLimitExempt', '10.0.0.1/-1' ], [ 'RateLimitExempt', 'localhost' ],
    [ 'RateLimitExempt',     'env=' ], [ 'RateLimitExempt', 'expr=' ], [ 'RateLimitExempt', 'expr=%{' ],
    [ 'RateLimitExempt',     'foo=bar' ], [ 'RateLimitExempt', '10.0.0.1,10.0.0.2' ], [ 'RateLimitExempt', '/8' ],
    [ 'RateLimitFormLimit',  'x' ], [ 'RateLimitFormLimit', '1' ], [ 'RateLimitFormLimit', '1023' ],
    [ 'RateLimitFormLimit',  '2M' ], [ 'RateLimitFormLimit', '-1' ], [ 'RateLimitFormLimit', '64KB' ],
    [ 'RateLimitFormCharset', 'latin' ], [ 'RateLimitFormCharset', 'utf-16' ], [ 'RateLimitFormCharset', 'ibm037' ],
    [ 'RateLimitFormCharset', 'utf-8//IGNORE' ],
    [ 'RateLimitStore',      'redis' ],
);
config_error("$_->[0] $_->[1]\n", $_->[0], $_->[1], "$_->[0] $_->[1]") for @bad;
config_error("RateLimitExempt 10.0.0.0/8 10.0.0.0/33\n", 'RateLimitExempt', '10.0.0.0/33', 'RateLimitExempt with a wrong second address');
config_error("RateLimitStore shm $_\n", 'RateLimitStore', $_, "RateLimitStore shm $_")
    for qw(size= size=x size=-1M size=32X size=32MM size=0 size=1 size=99999999999999999999G foo=1 timeout=50ms localhost
    tenants= tenants=12 tenants=0% tenants=101% tenants=x% tenants=-1% tenants=1.5% tenants=%);
config_error("<Location /a>\nRateLimitInherit Perhaps\n</Location>\n", 'RateLimitInherit', 'Perhaps', 'RateLimitInherit Perhaps');

# ---- contexts -----------------------------------------------------------------------------------------------
config_error("RateLimitInherit Off\n", 'RateLimitInherit', '', 'RateLimitInherit outside of a section');
config_error("<Location /a>\n$_\n</Location>\n", (split)[0], '', "$_ in a section")
    for 'RateLimitStore shm', 'RateLimitLog warn';
config_error("<Location /a>\n<Limit POST>\nRateLimit r 5/m\n</Limit>\n</Location>\n", 'RateLimit', '',
    'RateLimit in <Limit>, for which there is methods=');

finish;
