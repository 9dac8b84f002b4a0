# Combinations are told apart by their parts, not by what the parts look like written together.
use RL::Test;

my $s = httpd(<<'END');
<Location /ok/pair>
    RateLimit r 1/30d key=query:a+query:b fold=off
</Location>
<Location /ok/triple>
    RateLimit r 1/30d key=query:a+query:b+header:C
</Location>
<Location /ok/path-method>
    RateLimit r 1/30d key=path+method
</Location>
<Location /ok/two-rules>
    RateLimit by-a 1/30d key=query:a missing=skip
    RateLimit by-b 1/30d key=query:b missing=skip
</Location>
END

# Every one of these is a key of its own: admitted the first time, denied the second.
my @pairs = ('a=1&b=23', 'a=12&b=3', 'a=123&b=', 'a=&b=123', 'b=x', 'a=x', 'a=1%2B2&b=3', 'a=1&b=2%2B3', 'a=x&b=y', 'a=xy', 'b=xy', '', 'a=-&b=-', 'a=3:x&b=y', 'a=x,y&b=z', 'a=x&b=y,z', 'a=%01&b=%01',
    'a=x%01&b=y', 'a=x&b=%01y', 'a=%01%01%01%01&b=x', 'a=x&b=%01%01%01%01', 'a=0', 'b=0', 'a=0&b=0', 'a=null', 'a=(null)');
is join(' ', map { status($s, "/ok/pair?$_") } @pairs), join(' ', (200) x @pairs), 'all different';
is join(' ', map { status($s, "/ok/pair?$_") } @pairs), join(' ', (429) x @pairs), 'and each remembered';

my @triples = (['a=1&b=2', 3], ['a=1&b=23', ''], ['a=12&b=3', ''], ['a=&b=12', 3], ['a=1', 23], ['b=1', 23], ['a=12', 3]);
my $go = sub { join ' ', map { status($s, "/ok/triple?$_->[0]", headers => [ C => $_->[1] ]) } @triples };
is $go->(), join(' ', (200) x @triples), 'three parts';
is $go->(), join(' ', (429) x @triples), 'each remembered';

is status($s, '/ok/path-method/GET'), 200, 'path and method';
is status($s, '/ok/path-method/', method => 'OPTIONS'), 200, 'told apart';
is status($s, '/ok/path-method/'), 200, 'told apart';
is status($s, '/ok/path-method/'), 429, 'remembered';

is status($s, '/ok/two-rules?a=same'), 200, 'two rules of one section with the same value';
is status($s, '/ok/two-rules?b=same'), 200, 'do not share it';

finish;
