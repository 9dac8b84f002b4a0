# SPDX-License-Identifier: Apache-2.0
# absent=: what is certainly not there, and what only may not be.
use RL::Test;
use RL::Stores;
use RL::Body qw(raw);
use RL::H2;

my @PARTS = (form => 'form:user', query => 'query:user', header => 'header:X-Api-Key', cookie => 'cookie:user_id', env => 'env:TENANT', host => 'host', claimed => 'claimed-user',
    expr => 'expr:%{HTTP:X-Tenant}', two => 'form:user+query:user', nested => 'form:user[email]', ip => 'ip+form:user');
my $rules = "SetEnvIf X-Tenant (.+) TENANT=\$1\nProtocols h2c http/1.1\n";
while (my ($place, $part) = splice @PARTS, 0, 2) {
    for my $where ("$place-skip", "$place-deny") {
        my ($absent, $missing) = $where =~ /skip$/ ? qw(skip deny) : qw(deny skip);
        $rules .= qq(ScriptAliasMatch "^/$where(.*)" "\${CGIBIN}/env.cgi\$1"\n<Location /$where>\n    RateLimitFormLimit 1K\n    RateLimit r 1000/30d "key=$part" absent=$absent missing=$missing\n</Location>\n);
    }
}
my $s = httpd($rules);
my $URLENCODED = 'application/x-www-form-urlencoded';
my ($MULTIPART, $END) = ('multipart/form-data; boundary=BB', "--BB--\r\n");
sub part { my ($name, $value) = @_; return "--BB\r\nContent-Disposition: form-data; name=$name\r\n\r\n$value\r\n" }

# How a request is seen at a place: `absent`, `doubt` or `value`.
sub seen {
    my ($place, $query, %o) = @_;
    my $method = delete $o{method} // 'GET';
    my $both = join ' ', map { request($s, $method, "/$place-$_$query", %o)->status } qw(skip deny);
    return { '200 429' => 'absent', '429 200' => 'doubt', '200 200' => 'value' }->{$both} // $both;
}
sub posted { my ($body, %o) = @_; return seen($o{place} // 'form', $o{query} // '', method => 'POST', body => $body, type => $URLENCODED, %o) }

# ---- forms --------------------------------------------------------------------------------------------------
is seen('form', ''), 'absent', 'a request without a body has no field';
is seen('form', '', method => $_), 'absent', "$_ neither" for qw(HEAD POST DELETE OPTIONS);
is seen('form', '', method => 'POST', headers => [ 'Content-Type' => 'text/plain' ]), 'absent', 'nor has one with a type and no body';
is posted(''), 'absent', 'an empty form has no field';
is posted('a=b&c=d'), 'absent', 'a form of other fields';
is posted('a=b&c=d', chunked => 1), 'absent', 'in chunks';
is posted('username=x&users=y&use=z&form[user]=1&user_id=2'), 'absent', 'names that only begin or end alike are other fields';
is posted('user=a'), 'value', 'a form with the field has a value';
is posted(part('"a"', 'b') . $END, type => $MULTIPART), 'absent', 'multipart: other fields';
is posted(part('"f"; filename="user"', 'user') . $END, type => $MULTIPART), 'absent', 'multipart: whatever a file holds';
is posted('user[name]=x', place => 'nested'), 'absent', 'user[email]: a sibling is another field';

is posted($_->[1]), 'doubt', "a form in doubt: $_->[0]" for
    [ 'an empty field'             => 'user=' ],         [ 'blanks only'                => 'user=+%20' ],     [ 'a name alone'         => 'user' ],
    [ 'two values'                 => 'user=a&user=b' ], [ 'an array'                   => 'user[]=a' ],      [ 'an element'           => 'user[x]=a' ],
    [ 'a name with a blank'        => '+user=a' ],       [ 'in capitals'                => 'User=a' ],        [ 'a name with a NUL'    => 'user%00x=a' ],
    [ 'decoded twice'              => 'us%2565r=a' ],    [ 'a malformed escape'         => 'x=%zz' ],         [ 'in a name'            => '%u0075ser=a' ],
    [ 'a raw byte'                 => "x=\xa6user=a" ],  [ 'a name after a semicolon'   => 'x=1;user=a' ],    [ 'a NUL elsewhere'      => 'x=%00' ],
    [ 'JSON'                       => '{"user":"a"}' ],  [ 'XML'                        => '<user>a</user>' ], [ '_charset_'           => '_charset_=utf-7&x=1' ],
    [ 'a value that no account has' => 'user=%3Cb%3E' ], [ 'more than a thousand fields' => 'x&' x 500 . '&' x 502 ], [ 'longer than RateLimitFormLimit' => 'x=' . 'a' x 1100 ];
is posted('a=b', type => $_), 'doubt', "a body of type $_ is in doubt" for 'text/plain', 'application/json', "$URLENCODED; v=1", 'multipart/form-data', uc $URLENCODED;
is seen('form', '', method => 'POST', chunked => 1), 'doubt', 'a body without a type is in doubt';
is posted('a=b', headers => [ 'Content-Encoding' => 'gzip' ]), 'doubt', 'an encoded body is in doubt';
is posted(part('"a"', 'b'), type => $MULTIPART), 'doubt', 'multipart: without its end';
is posted(part('"user"; filename="a"', 'b') . $END, type => $MULTIPART), 'doubt', 'multipart: the field as a file';
is posted(part('" user"', 'b') . $END, type => $MULTIPART), 'doubt', 'multipart: a twin';
is posted('user[0]=x', place => 'nested'), 'doubt', 'user[email]: an element may be it';

# Many applications read the field from the query string if the body lacks it.
is posted('a=b', query => '?c=d'), 'absent', 'a query string with other fields';
is posted('a=b', query => "?$_"), 'doubt', "a form without the field, and the query string $_" for 'user=a', 'user=', 'User=a', 'user[]=a', 'x=%zz', 'x=1;user=a';
is seen('form', '?user=a'), 'doubt', 'no body, and the field in the query string';
is posted('user=a', query => '?x=%zz'), 'value', 'a value in the body stands';

# ---- HTTP/2: a body needs no length ---------------------------------------------------------------------------
sub streamed {
    my ($path, $body) = @_;
    my $h2 = RL::H2->new(port => $s->port);
    my $id = $h2->headers('POST', $path, defined $body ? ('content-type' => $URLENCODED) : ());
    $h2->data($id, $body // '', 1);
    return ($h2->finished($id, 10) // [0])->[0];
}
is streamed('/form-skip', 'a=b'), 200, 'HTTP/2: a form of other fields';
isnt streamed('/form-skip', 'user[]=b'), 200, 'HTTP/2: a form in doubt';
isnt streamed('/form-deny', 'a=b'), 200, 'HTTP/2: other fields, absent=deny';

# ---- the other parts ------------------------------------------------------------------------------------------
is seen('query', ''), 'absent', 'query: without a query string';
is seen('query', '?a=b'), 'absent', 'query: other fields';
is seen('query', '?user=a'), 'value', 'query: a value';
is seen('query', "?$_"), 'doubt', "query: $_ is in doubt" for 'user=', 'user', 'user=a&user=b', 'user[]=a', '%20user=a', 'x=%zz', 'x=1;user=1';
is seen('query', '', method => 'POST', body => 'user=a', type => $URLENCODED), 'absent', 'query: a body is none of its business';

is seen('header', ''), 'absent', 'header: not sent';
is seen('header', '', headers => [ 'X-API-KEY' => 'a' ]), 'value', 'header: a value';
is seen('header', '', headers => [ 'X-Api-Key' => ' ' ]), 'doubt', 'header: empty';
is seen('header', '', headers => [ 'X_Api_Key' => 'a' ]), 'doubt', 'header: written with _, which is the same to CGI and WSGI';
is seen('header', '', headers => [ 'X-Api-Key-2' => 'a', 'X-Api' => 'b' ]), 'absent', 'header: others';

is seen('cookie', ''), 'absent', 'cookie: none sent';
is seen('cookie', '', headers => [ Cookie => 'a=b; user_i=2; x_user_id=3; c="user_id"; d=user_id' ]), 'absent', 'cookie: others';
is seen('cookie', '', headers => [ Cookie => 'a=b; user_id=2' ]), 'value', 'cookie: a value';
is seen('cookie', '', headers => [ Cookie => $_ ]), 'doubt', "cookie: $_ is in doubt" for 'user_id=', 'user_id', 'user_id=1; user_id=2', 'user.id=1', 'a=1, user_id=2', 'User_Id=1', 'user%5Fid=2', 'user_id[]=1';

is seen('env', ''), 'absent', 'env: not set';
is seen('env', '', headers => [ 'X-Tenant' => 'a' ]), 'value', 'env: a value';
is seen('expr', '', headers => [ 'X-Tenant' => 'a' ]), 'value', 'expr: a value';
is seen('expr', ''), 'doubt', 'expr: what comes to nothing is in doubt';

is seen('claimed', ''), 'absent', 'claimed-user: no Authorization';
is seen('claimed', '', auth => 'alice:x'), 'value', 'claimed-user: a name';
is seen('claimed', '', headers => [ Authorization => $_ ]), 'doubt', "claimed-user: '$_' is in doubt" for 'Bearer abc', 'Basic', 'Basic YWxpY2U=', 'Basic !';
is seen('claimed', '', auth => ':x'), 'doubt', 'claimed-user: an empty name is in doubt';

is join(' ', map { raw($s->port, ["GET /host-$_ HTTP/1.0\r\n\r\n"])->{statuses} } qw(skip deny)), '200 429', 'host: HTTP/1.0 without one';

# ---- several parts --------------------------------------------------------------------------------------------
is seen('two', ''), 'absent', 'two parts: both absent';
is seen('two', '?a=b', method => 'POST', body => 'a=b', type => $URLENCODED), 'absent', 'two parts: both absent, and others there';
is seen('two', '?user=a', method => 'POST', body => 'user=a', type => $URLENCODED), 'value', 'two parts: both there';
is seen('two', '', method => 'POST', body => 'user=a', type => $URLENCODED), 'absent', 'two parts: one absent';
is seen('two', '', method => 'POST', body => 'user[]=a', type => $URLENCODED), 'doubt', 'two parts: doubt about one wins over the absence of the other';
is seen('two', '?user=', method => 'POST', body => 'a=b', type => $URLENCODED), 'doubt', 'whichever';
is seen('ip', ''), 'absent', 'a value beside it changes nothing';

# ---- what is counted, and never cleared -------------------------------------------------------------------------
my $counting = <<'END';
ScriptAliasMatch "^/(?:usual|skip|share|only|clear)/(.*)" "${CGIBIN}/$1"
<Location /usual>
    RateLimit r 3/30d key=form:user
</Location>
<Location /skip>
    RateLimit r 3/30d key=form:user missing=share absent=skip
    RateLimit same 1000/30d key=form:user
</Location>
<Location /share>
    RateLimit r 3/30d key=form:user missing=skip absent=share
</Location>
<Location /only>
    RateLimit other 1000/30d key=form:user
    RateLimit r 3/30d key=form:user missing=share absent=deny
</Location>
<Location /clear>
    RateLimit r 3/30d key=form:user missing=share absent=share "count=expr=%{QUERY_STRING} != 'ok'" "clear=expr=%{QUERY_STRING} == 'ok'"
</Location>
END
for (stores()) {
    my ($name, $store) = @$_;
    my $t = httpd($store . $counting);
    my $post = sub { my ($place, $body, $n) = @_; return join ' ', map { (logged($t, 'POST', "/$place/env.cgi" . ($_ > 0 ? '' : '?ok'), body => $body, type => $URLENCODED))[0]->status } $n == 0 ? 0 : 1 .. $n };
    is $post->('usual', 'a=b', 2) . ' ' . $post->('usual', 'user[]=x', 2), '200 200 200 429', "$name: without absent= they are one key";
    is $post->('skip', 'a=b', 6), '200 200 200 200 200 200', "$name: absent=skip counts nothing";
    is $post->('skip', 'user[]=b', 2) . ' ' . $post->('skip', '{"', 2), '200 200 200 429', "$name: what is in doubt goes on being counted";
    is $post->('share', 'user[]=b', 5), '200 200 200 200 200', "$name: missing=skip";
    is $post->('share', 'a=b', 4), '200 200 200 429', "$name: absent=share";
    is $post->('only', 'a=b', 1) . ' ' . $post->('only', 'user=b', 4) . ' ' . $post->('only', 'user[]=b', 4), '429 200 200 200 429 200 200 200 429', "$name: absent=deny, after a rule of the same key without absent=";
    is $post->('clear', 'a=b', 2) . ' ' . $post->('clear', 'a=b', 0) . ' ' . $post->('clear', 'a=b', 2), '200 200 200 200 429', "$name: a success clears nothing if a part is absent";
}

# ---- the directive --------------------------------------------------------------------------------------------
config_error "RateLimit r 5/m key=form:user absent=maybe\n", 'RateLimit', 'absent=maybe', 'absent=maybe', qr/share, skip or deny/;
config_error "RateLimit r 5/m absent=skip absent=deny\n", 'RateLimit', 'absent=deny', 'absent= twice', qr/twice/;
config_ok "RateLimit r 5/m key=form:user absent=$_ missing=deny\n" for qw(share skip DENY);

finish;
