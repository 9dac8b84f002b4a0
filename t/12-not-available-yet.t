# What the grammar knows and this version can't do yet is refused in clear words, never ignored. A version that brings
# a feature removes its lines from @later.
use RL::Test;

my $YET = qr/not available yet/;

my @later = (
    [ 'RateLimitStore memcached 127.0.0.1 lease=on',  'lease=on' ],
);
for (@later) {
    my ($line, $token) = @$_;
    config_error("$line\n", (split ' ', $line)[0], $token, $line, $YET);
}

finish;
