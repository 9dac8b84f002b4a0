# SPDX-License-Identifier: Apache-2.0
# The manual's example of rates by plan: it holds against keys that nobody was given.
use RL::Test;

my ($example) = slurp('docs/rules.md') =~ /^## Rates and costs that are computed\n+```apache\n(.*?)```/ms;
ok $example, 'docs/rules.md has the example of rates by plan';
$example =~ s{/[mh]\b}{/30d}g;    # so that no window ends while this counts
my $s = httpd($example . <<'END', files => { 'htdocs/api/x' => 'x', 'htdocs/api/export' => 'export' });
<Location /ok/late>
    Include conf/auth.conf
    SetEnv RATE 2/30d
    RateLimit late expr=%{env:RATE} key=user
    RateLimit early expr=%{env:RATE} key=ip
</Location>
END
my $see = sub {
    my ($path, @key) = @_;
    my (undef, $line) = logged($s, 'GET', $path, headers => [ map { ('X-Api-Key' => $_) } @key ]);
    return "$line->{status} $line->{rule} $line->{limit}";
};

limit_is $s, 10, '/api/x', 'without a key: ten of an address';
is $see->('/api/x', $_), '429 others 10', "by address with the key $_" for 'gold-1', 'xk7Rw2mQ9', 'k7Rw2mQ9x', 'k7Rw2mQ9, b3Vn6sYd', '';
is $see->('/api/x', 'k7Rw2mQ9', 'b3Vn6sYd'), '429 others 10', 'by address with two keys';
limit_is $s, 20, '/api/x', 'the key of a small plan: twenty', headers => [ 'X-Api-Key' => 'b3Vn6sYd' ];
limit_is $s, 20, '/api/x', 'another key of a small plan: twenty of its own', headers => [ 'X-Api-Key' => 'Hq1jGe5f' ];
is statuses($s, 25, '/api/x', headers => [ 'X-Api-Key' => 'k7Rw2mQ9' ]), join(' ', (200) x 25), 'the key of a large plan: more than twenty';
my $n = grep { status($s, '/api/export', headers => [ 'X-Api-Key' => 'Zp4tLx8c' ]) == 200 } 1 .. 100;
is $n, int((5000 - 10 - 20 - 20 - 25) / 50), 'an export costs fifty units';
is statuses($s, 4, '/ok/late', auth => 'alice:secret'), '200 200 429 429', 'SetEnv sets the rate of a rule of users, not of one before authentication';

finish;
