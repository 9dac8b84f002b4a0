# SPDX-License-Identifier: Apache-2.0
# What rules look at is what httpd serves, not the name that led to it: FallbackResource, DirectoryIndex, MultiViews and
# rewrites put a target in the place of what was asked for, often with the very same configuration.
use RL::Test;
use RL::Stores;

my $cgi = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nfront\\n'\n";
my %files = (map { ("htdocs/$_/front.cgi" => $cgi, "htdocs/$_/x.css" => "x\n") } qw(fallback index views rewrite));
my $rules = <<'END';
<Directory "${DOCROOT}/fallback">
    Options +ExecCGI
    AddHandler cgi-script .cgi
    FallbackResource /fallback/front.cgi
</Directory>
<Directory "${DOCROOT}/index">
    Options +ExecCGI
    AddHandler cgi-script .cgi
    DirectoryIndex front.cgi
</Directory>
<Directory "${DOCROOT}/views">
    Options +ExecCGI +MultiViews
    MultiviewsMatch Handlers
    AddHandler cgi-script .cgi
</Directory>
<Directory "${DOCROOT}/rewrite">
    Options +ExecCGI
    AddHandler cgi-script .cgi
    RewriteEngine On
    RewriteCond %{REQUEST_FILENAME} !-f
    RewriteRule "^user/(\w+)" "front.cgi?user=$1"
    RewriteCond %{REQUEST_FILENAME} !-f
    RewriteRule "." "front.cgi"
</Directory>

SetEnvIf X-Rule (.*) RULE=$1
RateLimit when   3/30d key=header:X-Key "when=%{env:RULE} == 'when' && %{REQUEST_FILENAME} =~ /front/"
RateLimit uri    3/30d key=header:X-Key "when=%{env:RULE} == 'uri' && %{REQUEST_URI} =~ /front/"
RateLimit unless 3/30d key=header:X-Key "when=%{env:RULE} == 'unless'" "unless=%{REQUEST_FILENAME} =~ /\.css$/"
RateLimit path   3/30d key=header:X-Key+path "when=%{env:RULE} == 'path'"
RateLimit expr   3/30d "key=header:X-Key+expr:%{REQUEST_URI}" "when=%{env:RULE} == 'expr'"
RateLimit query  3/30d key=header:X-Key+query:user missing=skip "when=%{env:RULE} == 'query'"
RateLimit other  9/30d key=header:X-Key+query:other missing=skip "when=%{env:RULE} == 'query'"
RateLimit once   99/30d key=header:X-Key "when=%{env:RULE} == 'once'"
END

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => \%files);
    my $get = sub { my ($rule, $key, $path) = @_; return (logged($s, 'GET', $path, headers => [ 'X-Rule' => $rule, 'X-Key' => $key ])) };
    my $series = sub { my ($rule, $key, @paths) = @_; return join ' ', map { ($get->($rule, $key, $_))[0]->status } @paths };

    for my $rule (qw(when uri unless path expr)) {
        is $series->($rule, 'f', map { "/fallback/$_.css" } 1 .. 5), '200 200 200 429 429', "$name: FallbackResource: $rule";
        is $series->($rule, 'r', map { "/rewrite/$_.css" } 1 .. 5), '200 200 200 429 429', "$name: a rewrite in a directory: $rule";
        is $series->($rule, 'i', ('/index/') x 5), '200 200 200 429 429', "$name: DirectoryIndex: $rule";
    }
    is $series->('path', 'v', ('/views/front') x 2, ('/views/front.cgi') x 3), '200 200 200 429 429', "$name: MultiViews: path";
    is $series->('when', 'v', ('/views/front') x 5), '200 200 200 429 429', "$name: MultiViews: when";
    is $series->('path', 'f', '/fallback/front.cgi'), 429, "$name: it is the target's own counter";
    is $series->('path', 'f', '/fallback/x.css'), 200, "$name: another thing has another";
    is $series->('query', 'r', map { "/rewrite/user/admin?user=$_" } 1 .. 5), '200 200 200 429 429', "$name: the query that the program sees";
    is $series->('query', 'q', map { "/rewrite/any/?user=$_" } 1 .. 5), '200 200 200 200 200', "$name: which may be the client's";
    is $series->('unless', 'c', ('/fallback/x.css') x 5), '200 200 200 200 200', "$name: what is served as it was asked for is as ever";

    # ---- charged once all the same ------------------------------------------------------------------------------------
    is join(' ', map { ($get->('once', 'o', "/$_"))[1]{remaining} } qw(fallback/a rewrite/a index/ views/front fallback/x.css)),
        '98 97 96 95 94', "$name: once for each request";
    my @moved = map { $get->('path', 'm', $_) } qw(/fallback/a /fallback/a /fallback/b);
    is join(' ', map { $moved[$_]{remaining} } 1, 3, 5), '2 1 0', "$name: where it ends";
    $s->stop;
}

finish;
