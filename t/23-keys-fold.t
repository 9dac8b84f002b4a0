# fold=on: spellings a login would take for one account are one key; fold=off compares bytes.
use RL::Test;

my $s = httpd(<<'END');
<Location /ok/on>
    RateLimit r 2/30d key=query:u
</Location>
<Location /ok/off>
    RateLimit r 2/30d key=query:u fold=off
</Location>
<Location /ok/explicit>
    RateLimit r 2/30d key=query:u fold=on
</Location>
<Location /ok/header>
    RateLimit r 2/30d key=header:X-U
</Location>
END

# Whether two values of u are one key at a path: the first fills it.
my $n = 0;
sub same {
    my ($path, $first, $second, $same, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $got = statuses($s, 3, "$path?u=$first") . ' ' . status($s, "$path?u=$second");
    is $got, '200 200 429 ' . ($same ? 429 : 200), "$path: $name";
}

my @pairs = (
    [ 'Admin',         'aDMIN',                                        'letter case' ],
    [ 'root',          '%20root',                                      'a space before' ],
    [ 'guest',         'guest%09%0A+',                                 'white space after' ],
    [ 'operator',      '%EF%BD%8F%EF%BD%90%EF%BD%85%EF%BD%92%EF%BD%81%EF%BD%94%EF%BD%8F%EF%BD%92', 'full-width letters' ],
    [ 'webmaster',     '%EF%BC%B7ebmaster',                            'one full-width capital' ],
    [ '%C3%A9tienne',  'e%CC%81tienne',                                'composed and decomposed' ],
    [ '%C3%89mile',    '%C3%A9mile',                                   'an accented capital' ],
    [ 'stra%C3%9Fe',   'STRASSE',                                      'sharp s' ],
    [ 'o%EF%AC%83ce',  'office',                                       'a ligature' ],
    [ 'ka%C5%BFe',     'kase',                                         'long s' ],
    [ 'mario',         'm%C3%A0r%C3%AFo',                              'accents, which MySQL ignores' ],
    [ 'bus',           'bu%C3%9F',                                     'sharp s, which is one s to its general_ci' ],
    [ 's%C3%B8ren',    'soren',                                        'letters that sort as others' ],
    [ '%C3%A6gir',     'AEGIR',                                        'letters that sort as two' ],
    [ 'd%C4%B1m',      'dim',                                          'a dotless i' ],
    [ '%E3%82%AC',     '%E3%81%8B',                                    'katakana, hiragana and their marks' ],
    [ '%D9%85%D8%AD%D9%85%D9%91%D8%AF', '%D9%85%D8%AD%D9%85%D8%AF',    'Arabic vowel marks' ],
    [ 'n7',            'n%D9%A7',                                      'digits of other scripts' ],
    [ 'peter%1C',      'peter',                                        'U+001C, which Python trims' ],
    [ 'paul%E2%80%A8', '%C2%85paul%E2%80%A9',                          'NEL and U+2028, which Java, JavaScript and Go trim' ],
    [ 'jan%20%20van',  'jan%09%C2%A0%E3%80%80van',                     'runs of blanks' ],
    [ 'rita%E2%80%8B', 'r%C2%ADita%EF%BB%BF',                          'characters without a width' ],
    [ 'l%01ea%7F',     'lea',                                          'control characters' ],
    [ 'o%27brien',     'o%E2%80%99brien',                              'quotation marks of keyboards' ],
    [ 'emma%F0%9F%8D%A3', 'emma%F0%9F%8D%BA',                          'emoji, which MySQL takes for each other' ],
    [ '%F0%9F%98%80',  '%F0%9F%98%81',                                 'emoji alone' ],
);
for (@pairs) {
    my ($a, $b, $name) = @$_;
    same '/ok/on',  $a, $b, 1, $name;
    same '/ok/off', $a, $b, 0, "$name (fold=off)";
}
is status($s, '/ok/on?u=%EF%BC%A1%EF%BC%A4%EF%BC%AD%EF%BC%A9%EF%BC%AE'), 429, 'and over three spellings';

same '/ok/on', 'alpha',      'alphb',       0, 'other names are others';
same '/ok/on', '%E7%8E%8B%E5%B0%8F%E6%98%8E', '%E6%9D%8E%E5%B0%8F%E6%98%8E', 0, 'Chinese ones, too';
same '/ok/on', '%D0%B0nna',  'anna',        0, 'a Cyrillic letter that looks alike is another';
same '/ok/on', 'in%20ner',   'inner',       0, 'white space inside stays';
same '/ok/explicit', 'Admin', 'admin',      1, 'fold=on, said';
my $long = 'x' x 1000;
same '/ok/on', "${long}1",   "${long}2",     0, 'long values count to their end';
same '/ok/on', "a$long",     'A' . uc $long, 1, 'and are folded to their end';
$long x= 3;
same '/ok/off', "${long}1",  "${long}2",     0, 'fold=off: whatever their length';

# What nobody's account is called has no value: beyond 1024 bytes, or with a NUL in it, where C programs stop.
same '/ok/on', "${long}1",   '',             1, 'too long to fold';
is status($s, "/ok/on?u=$_"), 429, "$_, which WordPress makes admin of"
    for 'ad%3Cb%3Emin', 'ad%2541min', 'ad%26x%3Bmin', '%3C%C3%A0%3Eadmin', 'ad%EF%BC%8541min', '%26%2397%3Bdmin';
is status($s, '/ok/on?u=nul%00a'), 429, 'a NUL';
is status($s, '/ok/on?u=bad%FF'), 429, 'bytes that are no UTF-8';
same '/ok/off', 'ill%FF',    'ill%FE',       0, 'fold=off: whatever the bytes';
is status($s, '/ok/on?u=e' . '%CC%81' x 40), 429, 'a heap of accents';

is statuses($s, 3, '/ok/header', headers => [ 'X-U' => 'Admin' ]), '200 200 429', 'a header';
is status($s, '/ok/header', headers => [ 'X-U' => 'admin' ]), 200, 'is compared byte for byte';

finish;
