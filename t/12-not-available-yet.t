# What the grammar knows and this version can't do yet is refused in clear words, never ignored. A version that brings
# a feature removes its lines from @later.
use RL::Test;

my $YET = qr/not available yet/;

my @later = (
    [ 'RateLimitStore memcached 127.0.0.1 lease=on',  'lease=on' ],
    [ 'RateLimitHeaders standard',                    'standard' ],
    [ 'RateLimitHeaders legacy',                      'legacy' ],
    [ 'RateLimitHeaders standard legacy',             'standard' ],
    [ 'RateLimitDenyHandler /cgi-bin/denied.cgi',     '/cgi-bin/denied.cgi' ],
);
for (@later) {
    my ($line, $token) = @$_;
    config_error("$line\n", (split ' ', $line)[0], $token, $line, $YET);
}

# What belongs to something that comes later: it is enough that httpd stops, whichever of the two it names.
my @refused = (
    [ 'RateLimitHeaders fancy',                       'fancy' ],
    [ 'RateLimitHeaders none standard',               'none' ],
);
for (@refused) {
    my ($line) = @$_;
    config_error("$line\n", (split ' ', $line)[0], '', "refused: $line");
}

finish;
