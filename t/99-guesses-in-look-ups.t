# SPDX-License-Identifier: Apache-2.0
# count=auth-failed: where httpd only looks something up, or shows an error document, the answer tells if a password was
# right. So that is a try, and charged to the rules of what is looked up, though the page itself has none.
use RL::Test;
use RL::Stores;

my $rules = <<'END';
Alias /look "${DOCROOT}/look"
<Directory "${DOCROOT}/look">
    Options +Indexes +Includes
    AddOutputFilter INCLUDES .shtml
    ErrorDocument 404 /look/private/err.html
</Directory>
<Location /look/private>
    Include conf/auth.conf
    RateLimit wrong 3/30d key=header:X-K count=auth-failed
</Location>
END
my %files = (
    'htdocs/look/private/x' => 'x', 'htdocs/look/private/err.html' => 'an error', 'htdocs/look/open' => 'open',
    'htdocs/look/date.shtml' => '<!--#flastmod virtual="/look/private/x" -->.',
);
my @wrong = (auth => 'alice:wrong');
my @right = (auth => 'alice:secret');

for (stores()) {
    my ($name, $store) = @$_;
    my $s = httpd($store . $rules, files => \%files, modules => ['autoindex']);
    my $n = 0;
    my $get = sub { my ($path, @o) = @_; return request($s, 'GET', $path, @o, headers => [ 'X-K' => "k$n" ]) };
    my %tells = (
        '/look/'           => qr/private/,
        '/look/date.shtml' => qr/\d\d:\d\d/,
        '/look/nothing'    => qr/an error/,
    );
    for my $path (sort keys %tells) {
        $n++;
        like $get->($path, @right)->body, $tells{$path}, "$name: $path tells who knows the password";
        unlike $get->($path, @wrong)->body, $tells{$path}, "$name: $path: ... and not who doesn't" for 1 .. 3;
        unlike $get->($path, @right)->body, $tells{$path}, "$name: $path: after three guesses it tells nobody";
        is $get->('/look/private/x', @right)->status, 429, "$name: $path: ... nor does the protected file";
        is $get->('/look/open')->status, 200, "$name: $path: what is open stays so";
        $n++;
        $get->($path) for 1 .. 5;
        $get->($path, @right) for 1 .. 5;
        is $get->('/look/private/x', @right)->status, 200, "$name: $path: without a password, or with the right one, it costs nothing";
    }
}

finish allow => qr/AH01617|AH01339/;
