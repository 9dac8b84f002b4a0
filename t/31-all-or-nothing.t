# SPDX-License-Identifier: Apache-2.0
# Stacked rules: a request is charged to all of them or, when one denies, to none; the longest wait is reported.
use RL::Test;

my $s = httpd(<<'END');
<Location /ok/wide>
    RateLimit wide 10/30d
</Location>
<Location /ok/wide/narrow>
    RateLimit narrow 2/30d
</Location>
<Location /ok/first>
    RateLimit first 2/30d group=first
    RateLimit second 9/30d group=second
    RateLimit third 9/30d group=third
</Location>
<Location /ok/second>
    RateLimit only 9/30d group=second
</Location>
<Location /ok/third>
    RateLimit only 9/30d group=third
</Location>
<Location /ok/last>
    RateLimit a 9/30d group=last
    RateLimit b 2/30d
</Location>
<Location /ok/last-a>
    RateLimit a 9/30d group=last
</Location>
<Location /ok/short-long>
    RateLimit short 1/m
    RateLimit long 1/30d
</Location>
<Location /ok/long-short>
    RateLimit long 1/30d
    RateLimit short 1/m
</Location>
<Location /ok/observed>
    RateLimit watched 1/30d action=observe
    RateLimit real 3/30d
</Location>
<Location /ok/observed-denied>
    RateLimit watched 5/30d action=observe group=o
    RateLimit real 2/30d
</Location>
<Location /ok/observed-rest>
    RateLimit watched 5/30d group=o
</Location>
<Location /ok/observed-only>
    RateLimit watched 4/30d action=observe group=oo
</Location>
<Location /ok/observed-before-denied>
    RateLimit watched 1/30d action=observe
    RateLimit real 0/30d
</Location>
END

limit_is $s, 2, '/ok/wide/narrow', 'a wide and a narrow rule: the narrow one denies';
is statuses($s, 5, '/ok/wide/narrow'), '429 429 429 429 429', 'a wide and a narrow rule: the narrow one goes on denying';
limit_is $s, 8, '/ok/wide', 'a wide rule was charged only for what the narrow one admitted';

limit_is $s, 2, '/ok/first',  'three rules: the first denies';
limit_is $s, 7, '/ok/second', 'three rules: the second was not charged for what the first denied';
limit_is $s, 7, '/ok/third',  'three rules: the third was not charged for what the first denied';
limit_is $s, 2, '/ok/last',   'two rules: the last denies';
limit_is $s, 7, '/ok/last-a', 'two rules: the first was not charged for what the last denied';

for my $path ('/ok/short-long', '/ok/long-short') {
    is status($s, $path), 200, "$path: the first request is admitted";
    my ($r, $line) = logged($s, 'GET', $path);
    is $r->status, 429, "$path: the second request is denied";
    is $line->{rule}, 'long', "$path: the rule with the longest wait is reported";
    cmp_ok $r->header('Retry-After'), '>', 60, "$path: Retry-After is the longest wait";
}

my @seen = map { my ($r, $l) = logged($s, 'GET', '/ok/observed'); $r->status . " $l->{state}" } 1 .. 5;
is_deeply \@seen, [ '200 allowed', '200 observed', '200 observed', '429 denied', '429 denied' ],
    'action=observe serves and tells; the other rules are charged as usual';

limit_is $s, 2, '/ok/observed-denied', 'a rule beside an observed one denies';
limit_is $s, 3, '/ok/observed-rest', 'a denied request is not charged to an observed rule';

is statuses($s, 9, '/ok/observed-only'), join(' ', (200) x 9), 'action=observe never denies';
my ($r, $line) = logged($s, 'GET', '/ok/observed-only');
is "$line->{state} $line->{rule} $line->{limit} $line->{remaining}", 'observed watched 4 0', 'action=observe: the access log says what would have been denied';
ok !defined $r->header('Retry-After'), 'action=observe: no Retry-After on what was served';

($r, $line) = logged($s, 'GET', '/ok/observed-before-denied');
is "$line->{state} $line->{rule}", 'denied real', 'denied by one rule, observed by another: RATELIMIT_ tells of the denial';

finish;
