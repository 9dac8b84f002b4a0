#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A login form as sites have had for decades: a GET shows it, a POST checks the password and
# answers 200 with the form again, or 302 to the welcome page. It knows nothing about rate
# limits; httpd counts before it runs. What it shows of them comes from its environment.
use strict;
use warnings;

my %password_of = (demo => 'secret', alice => 'wonderland');

# The fields of an urlencoded body. The first value of a repeated field counts.
sub read_form {
    my %field;
    my $length = $ENV{CONTENT_LENGTH} // 0;
    return %field if $length !~ /\A[0-9]{1,5}\z/ || ($ENV{CONTENT_TYPE} // '') !~ m{\Aapplication/x-www-form-urlencoded\b}i;
    my $body = '';
    while (length $body < $length) {
        read(STDIN, $body, $length - length $body, length $body) or last;
    }
    for my $pair (split /&/, $body) {
        my ($name, $value) = map { decode($_) } split(/=/, $pair, 2), '', '';
        $field{$name} //= $value;
    }
    return %field;
}

sub decode {
    my ($text) = @_;
    $text =~ tr/+/ /;
    $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    return $text;
}

# Text for HTML, in content and in quoted attributes.
sub escape {
    my ($text) = @_;
    my %entity = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;', "'" => '&#39;');
    $text =~ s/([&<>"'])/$entity{$1}/g;
    return $text;
}

# What the module tells every program behind it; nothing when it isn't loaded.
sub quota {
    my ($left, $reset) = @ENV{qw(RATELIMIT_REMAINING RATELIMIT_RESET)};
    return '' if !defined $left || !defined $reset;
    return '<p class="quota">Requests left before the limit: ' . escape($left) . ' (a new window starts within '
        . escape($reset) . " s)</p>\n";
}

sub show_form {
    my ($user, $error) = @_;
    my $shown = escape($user);
    my $notice = $error ? '<p class="error" role="alert">' . escape($error) . "</p>\n" : '';
    my $quota = quota();
    print "Content-Type: text/html; charset=utf-8\nCache-Control: no-store\n\n", <<"END";
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>Sign in</h1>
$notice<form method="post" action="login.cgi">
<label>User name <input name="username" value="$shown" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button>
</form>
<p class="hint">Try <b>demo</b> with the password <b>secret</b>.</p>
$quota</main>
</body>
</html>
END
    return;
}

my $method = $ENV{REQUEST_METHOD} // 'GET';
if ($method ne 'POST') {
    show_form('', '');
    exit;
}
my %field = read_form();
my ($user, $password) = map { $_ // '' } @field{qw(username password)};
if (exists $password_of{$user} && $password_of{$user} eq $password) {
    print "Status: 302 Found\nLocation: /welcome.html\nContent-Type: text/plain\n\nwelcome\n";
}
else {
    show_form($user, 'Wrong user name or password.');
}
