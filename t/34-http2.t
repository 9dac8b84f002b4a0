# SPDX-License-Identifier: Apache-2.0
# HTTP/2: every stream is a request; a denied one leaves the connection and its other streams alone.
use RL::Test;

my ($nghttp) = grep { -x } map { "$_/nghttp" } split /:/, $ENV{PATH};
plan skip_all => 'nghttp (package nghttp2-client) is not here' if !$nghttp;

my $s = httpd(<<'END', mpm => 'event', files => { 'upload' => 'x' x 300_000 });
Protocols h2c http/1.1
<Location /ok/two>
    RateLimit r 2/30d
</Location>
<Location /ok/many>
    RateLimit r 10/30d
</Location>
<Location /cgi-bin/env.cgi>
    RateLimit r 0/30d
</Location>
END
my $url = 'http://127.0.0.1:' . $s->port;

# The :status of every stream that nghttp got, sorted, as '200 200 429'.
sub h2 {
    my (@args) = @_;
    my $out = `$nghttp -v @args 2>&1`;
    return (join(' ', sort $out =~ /:status: (\d+)/g), $out);
}

my ($statuses, $out) = h2('-m 5', "$url/ok/two");
is $statuses, '200 200 429 429 429', 'two of five streams are admitted' or diag $out;
like $out, qr/retry-after: [1-9]/i, 'a denied stream has Retry-After';
like $out, qr/cache-control: no-store/i, 'a denied stream has Cache-Control: no-store';

($statuses, $out) = h2("$url/ok/two", "$url/ok", "$url/ok/else");
is $statuses, '200 200 429', 'the other streams of a connection with a denial are served' or diag $out;
is status($s, '/ok/two'), 429, 'HTTP/1.1 shares the counter of HTTP/2';
($statuses, $out) = h2('-m 40', "$url/ok/many");
is $statuses, join(' ', (200) x 10, (429) x 30), 'exactly ten of forty streams are admitted' or diag $out;

($statuses, $out) = h2("-d $s->{root}/upload", "$url/cgi-bin/env.cgi", "$url/ok");
like $statuses, qr/429/, 'an upload on a stream is denied' or diag $out;

finish;
