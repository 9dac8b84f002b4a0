# What a form field's value is, as the counters tell: two requests are of one key when they fill one counter.
use RL::Test;
use RL::Body;

my $s = httpd(<<'END');
ScriptAliasMatch "^/(?:share|skip|deny|bytes|tiny|escaped|old|sjis|nested)/(.*)" "${CGIBIN}/$1"
<Location "/share">
    RateLimit login 2/30d key=form:user
</Location>
<Location "/skip">
    RateLimit login 2/30d key=form:user missing=skip
</Location>
<Location "/deny">
    RateLimit login 2/30d key=form:user missing=deny
</Location>
<Location "/bytes">
    RateLimit login 2/30d key=form:user fold=off missing=skip
</Location>
<Location "/tiny">
    RateLimitFormLimit 1K
    RateLimit login 2/30d key=form:user missing=deny
</Location>
<Location "/escaped">
    RateLimit login 2/30d "key=form:us%er x" missing=deny
</Location>
<Location "/old">
    RateLimitFormCharset windows-1252
    RateLimit login 2/30d key=form:user missing=deny
    RateLimit query 2/30d key=query:q missing=skip
</Location>
<Location "/sjis">
    RateLimitFormCharset Shift_JIS
    RateLimit login 2/30d key=form:user missing=deny
</Location>
<Location "/nested">
    RateLimit login 2/30d key=form:user[email] missing=deny
</Location>
END
my $CGI = 'env.cgi';
my $URLENCODED = 'application/x-www-form-urlencoded';
my $n = 0;

sub post { my ($place, $body, %o) = @_; return status($s, "/$place/$CGI", method => 'POST', body => $body, %o) }
sub posts { my ($times, @what) = @_; return join ' ', map { post(@what) } 1 .. $times }

# A field has a value when missing=deny lets it pass, no value when it does not and missing=skip never counts it.
sub has_value {
    my ($name, $body, %o) = @_;
    is post('deny', $body, %o), 200, "$name: a value";
    return;
}

sub has_none {
    my ($name, $body, %o) = @_;
    is post('deny', $body, %o), 429, "$name: no value, missing=deny";
    is posts(3, 'skip', $body, %o), '200 200 200', "$name: missing=skip";
    return;
}

# The first body fills the counter of its key; the second is denied when it has the same.
sub same {
    my ($name, $first, $second, %o) = @_;
    my ($o1, $o2) = map { { %o, %{ $o{$_} // {} } } } qw(first second);
    delete @$_{qw(first second)} for $o1, $o2;
    my $user = 'user' . $n++;
    s/\@\@/$user/g for $first, $second;
    is join(' ', posts(3, 'deny', $first, %$o1), post('deny', $second, %$o2)), '200 200 429 429', "$name: one key";
    return;
}

# ---- urlencoded ---------------------------------------------------------------------------------------------
same 'another field in front',         'user=@@',       'a=1&b=2&user=@@';
same 'another field behind',           'user=@@',       'user=@@&password=x';
same 'the same value twice',           'user=@@',       'user=@@&user=@@';
same 'a percent-encoded name',         'user=@@',       'us%65r=@@';
same 'a percent-encoded value',        'user=u@@',      'user=%75@@';
same '+ and %20',                      'user=a+b@@',    'user=a%20b@@';
same 'letter case',                    'user=U@@',      'user=u@@';
same 'white space around',             'user=@@',       'user=+@@%09';
same 'full-width letters',             'user=a@@',      'user=%EF%BD%81@@';
same 'a parameter of the type',        'user=@@',       'user=@@', second => { type => "$URLENCODED; charset=UTF-8" };
same 'the type as axios writes it',    'user=@@',       'user=@@', second => { type => "$URLENCODED;charset=utf-8" };
same 'in chunks',                      'user=@@&a=b',   'user=@@&a=b', second => { chunked => 1 };
same 'in chunks of two bytes',          'user=@@&a=b',   'user=@@&a=b', second => { chunked => 2 };
same 'expecting a 100',                'user=@@',       'user=@@', second => { expect => 1 };
same 'query and path do not matter',   'user=@@',       'user=@@', second => { headers => [ 'X-User' => 'other' ] };
is posts(2, 'bytes', 'user=Case') . ' ' . posts(3, 'bytes', 'user=case'), '200 200 200 200 429', 'fold=off compares bytes';
same 'accents',                        'user=%C3%A0@@', 'user=A@@';
is posts(2, 'bytes', 'user=%FF%FE') . ' ' . posts(1, 'bytes', 'user=%FF%FD') . ' ' . post('bytes', 'user=%FF%FE'), '200 200 200 429', 'of any kind';
is posts(3, 'bytes', 'user=' . 'x' x 8192), '200 200 429', 'fold=off: a value of 8 KiB';
is posts(3, 'bytes', 'user=' . 'x' x 8193), '200 200 200', 'fold=off: longer ones are no value';
is posts(3, 'escaped', 'us%25er+x=a'), '200 200 429', 'a name with a percent sign and a space';

has_none 'repeated with different values',          'user=aa&user=bb';
has_none 'repeated, one of them empty',             'user=aa&user=';
has_none 'repeated, the second name encoded',       'user=aa&%75ser=bb';
has_none 'another name only',                       'uuser=aa&use=bb&user2=cc';
has_none 'an empty value',                          'user=';
has_none 'a name alone',                            'user';
has_none 'white space only',                        'user=+%20%09';
has_none 'an empty body',                           '';
has_none 'a name PHP takes for it',                 'user=aa&user%00=bb';
has_none 'an array PHP takes for it',               'user=aa&user[]=bb';
has_none 'a semicolon, which CGI.pm splits at',     'a=b;user=aa';
has_none 'an escape of CGI.pm\'s own',              'user=%u0061';
has_none 'a NUL in the value',                      'user=aa%00bb';
has_none 'a value longer than names are',           'user=' . 'x' x 1025;
has_none 'a malformed escape',                      'user=%zz';
has_none 'which is a letter to mod_auth_form',      'user=a%m1';
has_none 'one in another field',                    'user=aa&comment=100%';
has_none 'a raw byte beyond ASCII',                 "user=aa&\xf5ser=bb";
has_none 'a byte order mark',                       "\xef\xbb\xbfuser=bb&user=aa";
has_none 'a NUL elsewhere',                         'user=aa&x=%00';
has_none 'text that is not UTF-8',                  'user=a%FF';
has_none 'its own name with blanks and in capitals', 'user=aa&+User+=bb';
has_none 'a field that names the charset',          '_charset_=utf-16&user=aa';
has_none 'more than a thousand fields',             'x=1&' x 1000 . 'user=aa';
has_none "a name with $_",                          "user=a${_}b" for '%3Cb%3E', '%2541', '%26%2397%3B';
has_value 'a thousand fields',                      'x=1&' x 999 . 'user=many';
has_value 'names in many scripts',                  "user=$_" for '%D9%85%D8%AD%D9%85%D8%AF', '%E7%8E%8B%E5%B0%8F%E6%98%8E', 'J%C3%B6rg', 'emma%F0%9F%8D%A3',
    '%F0%9F%98%80', '%E0%A4%B0%E0%A4%BE%E0%A4%AE', '%ED%99%8D%EA%B8%B8%EB%8F%99', 'O%27Brien+%26+Co.', 'anna%2Bx%40example.com';
has_value 'a value of 1000 bytes',                  'user=' . 'x' x 1000;

# ---- missing=share ------------------------------------------------------------------------------------------
is join(' ', post('share', 'user=aa&user=bb'), post('share', 'x=1'), post('share', 'user=', type => 'text/plain'), post('share', '')),
    '200 200 429 429', 'missing=share: everything without a value is one key';
is post('share', 'user=honest'), 200, 'a value is another';
is status($s, "/share/$CGI"), 429, 'a GET without a body is of that key as well';
is status($s, "/deny/$CGI"), 429, 'and denied by missing=deny';
is status($s, "/skip/$CGI"), 200, 'and passes with missing=skip';

# ---- what is no form ----------------------------------------------------------------------------------------
# Laravel takes a body for JSON if /json stands anywhere in its type.
has_none "type $_", 'user=typed', type => $_ for qq($URLENCODED; v="/json"), "$URLENCODED; charset=iso-8859-1", "$URLENCODED;", uc $URLENCODED;
has_none "type $_", 'user=typed', type => $_
    for 'text/plain', 'application/json', 'application/octet-stream', 'application/x-www-form-urlencodedx', 'multipart/mixed; boundary=x',
        'multipart/form-data', 'application/x-www-form-urlencoded, text/plain', 'application/x-www-form-urlencoded; charset=utf-16';
has_none 'two types', 'user=typed', headers => [ 'Content-Type' => $URLENCODED, 'Content-Type' => $URLENCODED ];
has_none 'no type', 'user=typed', headers => [ 'Content-Type' => '' ];
has_none "Content-Encoding $_", 'user=encoded', headers => [ 'Content-Encoding' => $_ ] for qw(gzip deflate br x), 'identity, gzip';
has_value 'Content-Encoding identity', 'user=identity', headers => [ 'Content-Encoding' => 'identity' ];

# ---- multipart ----------------------------------------------------------------------------------------------
my $MULTIPART = 'multipart/form-data; boundary=BB';
sub part { my ($name, $value, $more) = @_; return "--BB\r\nContent-Disposition: form-data; name=$name" . ($more // '') . "\r\n\r\n$value\r\n" }
my @m = (type => $MULTIPART);
my $END = "--BB--\r\n";

same 'urlencoded and multipart',       'user=@@',                    part('"user"', '@@') . $END, second => {@m};
same 'an unquoted name',               part('"user"', '@@') . $END,  part('user', '@@') . $END, @m;
same 'other fields around',            part('"user"', '@@') . $END,  part('"a"', 1) . part('"user"', '@@') . part('"b"', 2) . $END, @m;
same 'a file in front',                part('"user"', '@@') . $END,
    part('"f"', filler(3000), "; filename=\"user\"\r\nContent-Type: image/png") . part('"user"', '@@') . $END, @m;
same 'the boundary quoted',            part('"user"', '@@') . $END,  part('"user"', '@@') . $END, first => {@m},
    second => { type => 'multipart/form-data; charset=utf-8; boundary="BB"' };
same 'the same value twice',           part('"user"', '@@') . $END,  part('"user"', '@@') x 2 . $END, @m;
same 'a boundary in pieces',           part('"user"', '@@') . $END,  part('"user"', '@@') . $END, @m, second => { chunked => 3 };
has_none 'multipart: different values',     part('"user"', 'aa') . part('"user"', 'bb') . $END, @m;
has_none 'multipart: a file of that name',  part('"user"', 'aa', '; filename="x"') . $END, @m;
has_none 'multipart: not ended',            part('"user"', 'aa'), @m;
has_none 'multipart: another boundary',     part('"user"', 'aa') . $END, type => 'multipart/form-data; boundary=CC';
has_none 'multipart: two boundaries',       part('"user"', 'aa') . $END, type => 'multipart/form-data; boundary=BB; boundary=CC';
has_none 'multipart: urlencoded inside',    'user=aa', @m;
has_none 'multipart: a charset field',      part('"_charset_"', 'utf-16') . part('"user"', 'aa') . $END, @m;
has_none "multipart: a header $_",          part('"user"', 'aa', "\r\n$_") . $END, @m
    for 'Transfer-Encoding: chunked', 'Content-Transfer-Encoding: base64', 'X-Y: z', 'Content-Type: text/plain; charset=utf-16';
has_none 'multipart: a name with a blank',  part('"user"', 'aa') . part('"user "', 'bb') . $END, @m;
has_none 'multipart: blanks after a delimiter', part('"user"', 'aa') =~ s/--BB/--BB /r . $END, @m;
has_none 'multipart: after the last',       part('"user"', 'aa') . "--BB-- \r\n", @m;
has_none 'multipart: a line in front',      "\r\n" . part('"user"', 'aa') . $END, @m;
has_none 'multipart: not UTF-8',            part('"user"', "a\xff") . $END, @m;
same 'as .NET writes it', part('"user"', '@@') . $END,
    "--BB\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=user\r\n\r\n\@\@\r\n$END", @m;
same 'a name as it is', 'user=%C3%A9@@', part('"user"', "\xc3\x89\@\@") . $END, second => {@m};

# ---- what the query string says of it -----------------------------------------------------------------------
# Java takes a field from there first; PHP, Rack and Go do if they can't read the body.
sub queried { my ($query) = @_; return status($s, "/deny/$CGI?$query", method => 'POST', body => 'user=both' . $n++) }
is queried("user=other"), 429, 'another value in the query string: no value';
is queried("$_=other"), 429, "$_ in the query string: no value" for 'USER', 'user[]', '%zzuser', 'x;user';
is queried($_), 200, "?$_ says nothing of it" for 'x=user', 'q=50%', 'next=/a=b', '';
is status($s, "/deny/$CGI?user=same", method => 'POST', body => 'user=same'), 200, 'the same value in the query string';

# ---- RateLimitFormCharset -----------------------------------------------------------------------------------
is join(' ', post('old', 'user=%C9mile'), post('old', 'user=%e9mile'), post('old', 'user=emile')), '200 200 429', 'windows-1252: accents';
is post('old', 'user=caf%E9', type => "$URLENCODED; charset=windows-1252"), 200, 'windows-1252: and the type says so';
is post('old', 'user=x', type => "$URLENCODED; charset=utf-8"), 429, 'windows-1252: not if the type says something else';
is post('old', 'user=a%81'), 429, 'windows-1252: a byte that is no letter';
is post('old', part('"user"', "\xfcnal") . $END, @m), 200, 'windows-1252: multipart';
is join(' ', map { status($s, "/old/$CGI?q=$_", method => 'POST', body => 'user=q' . $n++) } '%F6', 'o', '%D6'), '200 200 429', 'windows-1252: in a query string';
is join(' ', map { post('sjis', "user=$_") } '%89%A4%8F%AC%96%BE', '%97%9B%8F%AC%96%BE', ('%89%A4%8F%AC%96%BE') x 2), '200 200 200 429', 'shift_jis';
is post('sjis', 'user=%C3'), 200, 'shift_jis: half-width kana';
is post('sjis', 'user=a%89'), 429, 'shift_jis: half a letter';

# ---- names with brackets ------------------------------------------------------------------------------------
is post('nested', 'user[email]=a&user[password]=b&user%5Bremember_me%5D=0&commit=x'), 200, 'user[email]: beside others';
is post('nested', "user[email]=bb&$_=cc"), 429, "$_ may be user[email]"
    for 'user[email]x', 'user][email]', 'user[[email]', 'user[email', 'user[0]', 'user', 'user[Email]', 'user.email';

# ---- the limit ----------------------------------------------------------------------------------------------
sub tiny { my ($body, %o) = @_; return post('tiny', $body, %o) }
my $make = sub { my ($size) = @_; return (urlencoded($size, 'size' . $n++))[1] };
is tiny($make->(1023)), 200, 'a byte less than RateLimitFormLimit';
is tiny($make->(1024)), 200, 'as long as RateLimitFormLimit';
is tiny($make->(1025)), 429, 'longer: what lies behind the cut might be a second value';
is tiny($make->(1023), chunked => 1), 200, 'in chunks, a byte less';
is tiny($make->(1025), chunked => 1), 429, 'in chunks, longer';
is tiny('pad=' . 'x' x 1100 . '&user=behind'), 429, 'the field behind the limit';
is tiny((multipart(1000, 'm'))[1], type => (multipart(1))[0]), 200, 'multipart within the limit';
is tiny((multipart(2000, 'm'))[1], type => (multipart(1))[0]), 429, 'multipart, longer';
is post('deny', (urlencoded($_, "default$_"))[1]), $_ > 65536 ? 429 : 200, "$_ bytes and the default limit" for 65535, 65536, 65537;

# ---- HTTP/2 and HTTP/1.0 ------------------------------------------------------------------------------------
$s->set_conf("Protocols h2c http/1.1\n" . $s->{conf});
$s->graceful;
my $h2 = sub {
    my ($place, $body, @options) = @_;
    return h2_status(port => $s->port, path => "/$place/$CGI", type => $URLENCODED, body => $body, options => \@options);
};
is join(' ', map { $h2->('deny', 'user=two') } 1 .. 3), '200 200 429', 'HTTP/2';
is post('deny', 'user=two'), 429, 'shares the key with HTTP/1.1';
is $h2->('deny', 'user=two', '--no-content-length'), 429, 'HTTP/2 without a content-length';
is $h2->('deny', 'user=three', '--no-content-length'), 200, 'has a value';
is $h2->('deny', 'user=aa&user=bb'), 429, 'HTTP/2, different values';
is post('deny', 'user=two', http => '1.0'), 429, 'HTTP/1.0';
is post('deny', 'user=four', http => '1.0'), 200, 'has a value';

finish;
