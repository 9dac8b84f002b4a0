# SPDX-License-Identifier: Apache-2.0
# RateLimitSecret keys the hash of what is stored: the same secret gives the same tags, on every server.
use RL::Test;

my $rule = "<Location /ok>\nRateLimit r 9/30d key=query:k\n</Location>\n";

# The tag of one key on a fresh server.
sub tag {
    my ($secret, %files) = @_;
    my $s = httpd($secret . $rule, files => \%files);
    my (undef, $line) = logged($s, 'GET', '/ok?k=one');
    $s->stop;
    return $line->{key};
}

my $tag = tag("RateLimitSecret one\n");
like $tag, qr/\A[0-9a-f]{12}\z/, 'RATELIMIT_KEY is a tag of twelve hex digits';
is tag("RateLimitSecret one\n"), $tag, 'servers of the same secret give a key the same tag';
isnt tag("RateLimitSecret two\n"), $tag, 'a server of another secret gives a key another tag';
is tag("RateLimitSecret file:conf/secret\n", 'conf/secret' => "one\n"), $tag, 'a secret from a file gives the same tag as one in the configuration';
isnt tag(''), tag(''), 'without a secret, a key\'s tag is random at each start';

config_error("RateLimitSecret file:/nowhere/secret\n", 'RateLimitSecret', 'file:/nowhere/secret', 'RateLimitSecret with a file that is not there');
config_error(qq(RateLimitSecret ""\n), 'RateLimitSecret', '', 'RateLimitSecret with an empty secret');
config_error("<VirtualHost *:1>\nRateLimitSecret one\n</VirtualHost>\n", 'RateLimitSecret', '', 'RateLimitSecret in a virtual host');

my $s = httpd($rule);
my (undef, $before) = logged($s, 'GET', '/ok?k=one');
$s->set_conf("RateLimitSecret three\n$rule");
$s->reload;
is status($s, '/ok?k=one'), 200, 'a secret that changes on a reload: requests are served';
finish;
