# What the grammar knows and this version can't do yet is refused in clear words, never ignored; a malformed option of
# a rule is reported as malformed. A version that brings a feature removes its lines from @later.
use RL::Test;

my $YET = qr/not available yet/;

my @later = (
    [ 'RateLimit r 5/m algorithm=sliding-window',                     'algorithm=sliding-window' ],
    [ 'RateLimit r 5/m algorithm=token-bucket',                       'algorithm=token-bucket' ],
    [ 'RateLimit r 5/m algorithm=token-bucket burst=9 initial=0',     'algorithm=token-bucket' ],
    [ 'RateLimit r 5/m cost=5',                                       'cost=5' ],
    [ 'RateLimit r 5/m cost=0',                                       'cost=0' ],
    [ 'RateLimit r 5/m cost=expr=%{HTTP:X-Cost}',                     'cost=' ],
    [ 'RateLimit r 5/m count=401,403,5xx',                            'count=401,403,5xx' ],
    [ 'RateLimit r 5/m "count=expr=%{REQUEST_STATUS} == 401"',        'count=' ],
    [ 'RateLimit r 5/m clear=200',                                    'clear=200' ],
    [ 'RateLimit r 5/m clear=2xx',                                    'clear=2xx' ],
    [ 'RateLimit r 5/m penalty=10m',                                  'penalty=10m' ],
    [ 'RateLimit r 5/m penalty=10m,extend',                           'penalty=10m,extend' ],
    [ 'RateLimit r expr=%{env:PLAN_RATE}',                            'expr=' ],
    [ 'RateLimitStore memcached 127.0.0.1 lease=on',                  'lease=on' ],
);
for (@later) {
    my ($line, $token) = @$_;
    config_error("$line\n", (split ' ', $line)[0], $token, $line, $YET);
}

my @malformed = (
    [ 'RateLimit r 5/m algorithm=token-bucket burst=x', 'burst=x' ],
    [ 'RateLimit r 5/m cost=',            'cost=' ],
    [ 'RateLimit r 5/m cost=x',           'cost=x' ],
    [ 'RateLimit r 5/m cost=-1',          'cost=-1' ],
    [ 'RateLimit r 5/m cost=1.5',         'cost=1.5' ],
    [ 'RateLimit r 5/m cost=expr=',       'cost=expr=' ],
    [ 'RateLimit r 5/m count=',           'count=' ],
    [ 'RateLimit r 5/m count=4xy',        'count=4xy' ],
    [ 'RateLimit r 5/m count=6xx',        'count=6xx' ],
    [ 'RateLimit r 5/m count=99',         'count=99' ],
    [ 'RateLimit r 5/m count=401,,403',   'count=401,,403' ],
    [ 'RateLimit r 5/m clear=fine',       'clear=fine' ],
    [ 'RateLimit r 5/m penalty=',         'penalty=' ],
    [ 'RateLimit r 5/m penalty=0',        'penalty=0' ],
    [ 'RateLimit r 5/m penalty=5week',    'penalty=5week' ],
    [ 'RateLimit r 5/m penalty=31d',      'penalty=31d' ],
    [ 'RateLimit r 5/m penalty=5m,more',  'penalty=5m,more' ],
    [ 'RateLimit r 5/m on-error=maybe',   'on-error=maybe' ],
    [ 'RateLimit r expr=',                'expr=' ],
    [ 'RateLimit r expr=%{',              'expr=%{' ],
);
for (@malformed) {
    my ($line, $token) = @$_;
    config_error("$line\n", (split ' ', $line)[0], $token, "malformed: $line", qr/\A(?!.*not available yet)/s);
}

# What belongs to something that comes later: it is enough that httpd stops, whichever of the two it names.
my @refused = (
    [ 'RateLimit r 5/m algorithm=token-bucket burst=x',      'burst=x' ],
    [ 'RateLimit r 5/m algorithm=token-bucket burst=-1',     'burst=-1' ],
    [ 'RateLimit r 5/m algorithm=token-bucket initial=1.5',  'initial=1.5' ],
    [ 'RateLimit r 5/m algorithm=token-bucket window=clock', 'window=clock' ],
);
for (@refused) {
    my ($line) = @$_;
    config_error("$line\n", (split ' ', $line)[0], '', "refused: $line");
}

finish;
