# SPDX-License-Identifier: Apache-2.0
# The parser that other tests read RateLimit fields with is as strict as RFC 9651 is.
use strict;
use warnings;
use Test::More;
use RL::StructuredField qw(parse_list parse_item param);

sub reads   { my ($text, $want) = @_; is_deeply [ map { "$_->{type}:$_->{value}" } @{ parse_list($text) } ], $want, "reads <$text>" }
sub refuses { my ($text, $why) = @_; ok !eval { parse_list($text); 1 }, "refuses <$text>"; like $@, $why, "refuses <$text> for the right reason" if $why }

reads '', [];
reads '"a"', ['string:a'];
reads ' "a" ', ['string:a'];
reads '"a", "b"', [ 'string:a', 'string:b' ];
reads "\"a\"\t ,\t\"b\"", [ 'string:a', 'string:b' ];
reads '"a\\"b\\\\c"', ['string:a"b\\c'];
reads 'a/b:c, *x', [ 'token:a/b:c', 'token:*x' ];
reads '1, -1, 0, 007, 999999999999999', [ map { "integer:$_" } 1, -1, 0, 7, 999999999999999 ];
reads '1.5, -0.125', [ 'decimal:1.5', 'decimal:-0.125' ];
reads '?1, ?0', [ 'boolean:1', 'boolean:0' ];
reads ':aGk=:', ['bytes:hi'];
reads '@1795345945', ['date:1795345945'];
reads '%"f%c3%bc"', [ "display-string:f\xc3\xbc" ];

my ($burst, $hour) = @{ parse_list('"burst";q=100;w=60, "hourly"; q=1000;w=3600;x') };
is_deeply [ map { param($burst, $_) } qw(q w) ], [ 100, 60 ], 'parameters of the first member';
is_deeply [ map { param($hour, $_) } qw(q w x) ], [ 1000, 3600, 1 ], 'parameters of the second member, one of them without a value';
is param($burst, 'nothing'), undef, 'param() of an absent parameter is undef';
is_deeply [ map { $_->{value} } @{ parse_list('("a" 1);q=2')->[0]{value} } ], [ 'a', 1 ], 'parse_list reads an inner list';
is parse_item('"a";q=1')->{value}, 'a', 'parse_item reads an item';

refuses $_->[0], $_->[1] for (
    [ '"a",',          qr/behind the last/ ],
    [ ',"a"',          qr/bare item/ ],
    [ '"a",,"b"',      qr/bare item/ ],
    [ '"a" "b"',       qr/comma/ ],
    [ '"a"; ;q=1',     qr/key/ ],
    [ '"a" ;q=1',      qr/comma/ ],
    [ '"a";Q=1',       qr/key/ ],
    [ '"a";1=1',       qr/key/ ],
    [ '"a";q= 1',      qr/bare item/ ],
    [ '"a";q =1',      qr/comma/ ],
    [ '"a";q=',        qr/bare item/ ],
    [ '"a";q=1;q=2',   qr/twice/ ],
    [ '"a',            qr/string/ ],
    [ '"a\\b"',        qr/string/ ],
    [ "\"a\tb\"",      qr/string/ ],
    [ "\"\x7f\"",      qr/string/ ],
    [ "\"\xfc\"",      qr/ASCII/ ],
    [ "'a'",           qr/bare item/ ],
    [ '1000000000000000',   qr/15 digits/ ],
    [ '1234567890123.5',    qr/12 digits/ ],
    [ '1.',            qr/behind the point/ ],
    [ '1.1234',        qr/behind the point/ ],
    [ '.5',            qr/bare item/ ],
    [ '-',             qr/digits/ ],
    [ '+1',            qr/bare item/ ],
    [ '1e5',           qr/comma/ ],
    [ '?2',            qr/bare item/ ],
    [ '@1.5',          qr/date/ ],
    [ '("a"',          qr/inner list/ ],
    [ '("a""b")',      qr/inner list/ ],
    [ '%"%C3"',        qr/bare item/ ],
    [ ':a_:',          qr/bare item/ ],
);
ok !eval { parse_list(undef); 1 }, 'parse_list refuses undef';
ok !eval { parse_item('"a", "b"'); 1 }, 'parse_item refuses a list';
done_testing;
