# SPDX-License-Identifier: Apache-2.0
package RL::Intact;

# Every byte of a body reaches its handler, whatever the handler, the size and the way of sending: the same server
# with and without form rules must give the same answers. One run takes one MPM.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);

use RL::Test;
use RL::Body;
use RL::Fpm;

our @EXPORT_OK = qw(check);
use Exporter qw(import);

# Name => path; see places().
my %HANDLER = (
    'CGI'                         => '/cgi-bin/body-digest.cgi',
    'mod_proxy_http'              => '/proxy/body-digest.cgi',
    'mod_proxy_fcgi, php-fpm'     => '/php/body-digest.php',
    'Action'                      => '/act/thing.act',
    'per-directory rewrite'       => '/rw/to',
    'rewrite to php-fpm'          => '/rw/php',
    'rewrite to mod_proxy_http'   => '/rw/proxy',
    'MultiViews'                  => '/mv/body',
    'DirectoryIndex CGI'          => '/di/',
    'FallbackResource to php-fpm' => '/fb/whatever',
);
my @HANDLERS = sort keys %HANDLER;
my @WAYS = qw(length chunked expect dripped dripped-chunked h2);
my %LIMIT = (small => 1024, default => 65536);

sub sizes { my ($limit) = @_; return (0, 1, $limit - 1, $limit, $limit + 1, 8192, 70_000, 1_048_576) }

# check($mpm): the whole matrix.
sub check {
    my ($mpm) = @_;
    my @ways = grep { $mpm ne 'prefork' || $_ ne 'h2' } @WAYS;    # mod_http2 does not work with prefork
    my $backend = httpd('', rl => 0, mpm => 'event');
    my %server = map { $_ => server($mpm, $backend, $_) } qw(without with);
    my $mark = $server{with}->access_mark;
    my $n = 0;
    for my $way (@ways) {
        $n += compare(\%server, $way, $_) for sort keys %LIMIT;
    }
    every_request_was_checked($server{with}, $mark, $n);
    return;
}

sub server {
    my ($mpm, $backend, $which) = @_;
    my $s = httpd(conf($mpm, $backend->port, $which), mpm => $mpm, rl => $which eq 'with', workers => 110,
        modules => [qw(proxy proxy_http proxy_fcgi)], files => files());
    RL::Fpm->start($s);
    return $s;
}

sub files {
    my $t = abs_path(dirname(__FILE__) . '/../..');
    my ($cgi, $php) = map { slurp("$t/cgi/body-digest.$_") } qw(cgi php);
    return {
        'htdocs/php/body-digest.php' => $php, 'htdocs/di/index.cgi' => $cgi, 'htdocs/mv/body.cgi' => $cgi,
        'htdocs/act/thing.act' => "thing\n", 'htdocs/rw/x' => "x\n", 'htdocs/fb/x' => "x\n",
    };
}

# On the first port the rules stand on everything; on the second only where requests end up, and the limit is small.
sub conf {
    my ($mpm, $backend, $which) = @_;
    my $rules = "RateLimit login 1000000/d key=form:user\nRateLimit other 1000000/d key=form:other\n";
    my %limit = (default => '', small => '');
    if ($which eq 'with') {
        $limit{default} = "<Location \"/\">\n$rules</Location>";
        $limit{small}   = "RateLimitFormLimit 1K\n" . join "\n", map { "<$_>\n$rules</" . (split)[0] . '>' }
            'Location "/cgi-bin/"', 'LocationMatch "^/(php|proxy)/."', 'Files "index.cgi"', 'Files "body.cgi"',
            'Location "/rw/proxy"';
    }
    my $protocols = $mpm eq 'prefork' ? '' : 'Protocols h2c http/1.1';
    return <<"END";
$protocols
Define BACKEND $backend
@{[ places() ]}
<VirtualHost 127.0.0.1:\${PORT}>
    ProxyPass /proxy/ http://127.0.0.1:$backend/cgi-bin/ disablereuse=on
$limit{default}
</VirtualHost>
<VirtualHost 127.0.0.1:\${PORT2}>
    ProxyPass /proxy/ http://127.0.0.1:$backend/cgi-bin/ disablereuse=on
$limit{small}
</VirtualHost>
END
}

sub places {
    return <<'END';
DirectoryIndex index.cgi
Action acting /cgi-bin/body-digest.cgi
AddHandler acting .act
<FilesMatch "\.php$">
    SetHandler "proxy:unix:${ROOT}/run/fpm.sock|fcgi://localhost/"
</FilesMatch>
<Directory "${DOCROOT}/di">
    Options +ExecCGI
    AddHandler cgi-script .cgi
</Directory>
<Directory "${DOCROOT}/mv">
    Options +ExecCGI +MultiViews
    MultiviewsMatch Handlers
    AddHandler cgi-script .cgi
</Directory>
<Directory "${DOCROOT}/rw">
    RewriteEngine On
    RewriteRule "^to$" "/cgi-bin/body-digest.cgi" [L]
    RewriteRule "^php$" "/php/body-digest.php" [L]
    RewriteRule "^proxy$" "http://127.0.0.1:${BACKEND}/cgi-bin/body-digest.cgi" [P,L]
</Directory>
<Directory "${DOCROOT}/fb">
    FallbackResource /php/body-digest.php
</Directory>
END
}

# All sizes to every handler of both servers, all at once; how many requests that were for each server.
sub compare {
    my ($server, $way, $limit) = @_;
    my $port = $limit eq 'small' ? 'port2' : 'port';
    my @jobs = map { jobs_of_size($way, $_) } sizes($LIMIT{$limit});
    my @got = send_all($way, map { my $s = $server->{$_}; map { { %$_, port => $s->$port } } @jobs } qw(without with));
    my ($without, $with) = ([ @got[ 0 .. $#jobs ] ], [ @got[ @jobs .. $#got ] ]);
    for my $size (sizes($LIMIT{$limit})) {
        my @bad = map { bad_line($way, $jobs[$_], $without->[$_], $with->[$_]) } grep { length $jobs[$_]{body} == $size } 0 .. $#jobs;
        ok !@bad, "$way, $size bytes, RateLimitFormLimit $LIMIT{$limit}: every handler gets the whole body" or diag join "\n", @bad;
    }
    return scalar @jobs;
}

# One request for each handler, forms of both types in turn, and one of another type.
sub jobs_of_size {
    my ($way, $size) = @_;
    my %form = map { my ($type, $body) = RL::Body->can($_)->($size); $_ => { type => $type, body => $body } } qw(urlencoded multipart other);
    my @kind = (length($way) + $size) % 2 ? qw(urlencoded multipart) : qw(multipart urlencoded);
    my @jobs = map { { name => "$HANDLERS[$_], $kind[$_ % 2]", path => $HANDLER{ $HANDLERS[$_] }, %{ $form{ $kind[$_ % 2] } } } } 0 .. $#HANDLERS;
    return (@jobs, { name => 'CGI, octet-stream', path => $HANDLER{CGI}, %{ $form{other} } });
}

# Nothing when both answers are the same and tell of the whole body.
sub bad_line {
    my ($way, $job, $without, $with) = @_;
    my $whole = '200 ' . seen($job->{body}) . ' ';
    return if $with eq $without && $with =~ /\A\Q$whole\E/;
    return if length_unknown($way, $job, $without, $with);
    return "$job->{name}:\n  without: $without\n  with:    $with\n  whole:   $whole";
}

# mod_proxy_fcgi needs a length. Without one it reads ahead as far as the body has come, and when that is not to its
# end, PHP sees no body, or httpd answers with an error: on a dripped body a matter of chance. A rule that has seen
# the end early makes it better. No other difference is let through.
sub length_unknown {
    my ($way, $job, @answers) = @_;
    return 0 if $job->{name} !~ /php-fpm/ || $way !~ /chunked/;
    my $whole = '200 ' . seen($job->{body}) . ' ';
    my ($without, $with) = map { /\A\Q$whole\E/ ? 'whole' : /\A(?:411|5\d\d|200 digest=\w+ length=0 announced=-) / ? 'none' : 'bad' } @answers;
    return 0 if $without eq 'bad' || $with eq 'bad';
    return $without eq 'none' || $way eq 'dripped-chunked';
}

# A comparison would also be equal if the rules had never run.
sub every_request_was_checked {
    my ($s, $mark, $n) = @_;
    my @lines = $s->access($mark, $n);
    my @passed_by = grep { ($_->{state} // '-') ne 'allowed' || $_->{limit} != 1_000_000 } @lines;
    is scalar @lines, $n, "the server with form rules has logged $n requests";
    ok !@passed_by, "the form rules saw each of the $n requests" or diag join ' ', %{ $passed_by[0] };
    return;
}

1;
