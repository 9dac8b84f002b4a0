# SPDX-License-Identifier: Apache-2.0
# The four libraries for Django beside ours. Debian has none of them: RL_DJANGO names a directory with a checkout of each
# (django-ratelimit, ratelimitcache, django-smart-ratelimit, djblets and what that needs: housekeeping, typelets).
use RL::Test;
use JSON::PP ();
use Moving;

my $checkouts = $ENV{RL_DJANGO} // '';
my @there = grep { -d } glob "$checkouts/*";
plan skip_all => 'RL_DJANGO names no checkouts of the libraries' if !$checkouts || !@there;
$ENV{PYTHONPATH} = join ':', @there;

# The statuses that a view gives; nothing if the library isn't there.
sub django {
    my ($view, @requests) = @_;
    pipe my $in, my $out or die $!;
    my $pid = open my $said, '-|';
    if (!$pid) {
        open STDIN, '<&', $in;
        close $out;
        exec '/usr/bin/python3', 't/moving/django_side.py', JSON::PP->new->encode(\@requests);
    }
    close $in;
    print {$out} $view;
    close $out;
    my @statuses = map { split } <$said>;
    close $said;
    return $? == 3 << 8 ? () : (@statuses, $? ? 'failed' : ());
}

sub post { my ($from, $user) = @_; return { from => $from, path => '/login', method => 'POST', body => "username=$user&password=x" } }
my ($A, $B) = ('127.0.0.2', '127.0.0.3');

sub both {
    my ($heading, $name, $requests, %o) = @_;
    my ($theirs, $ours) = blocks($heading);
    my @t = django($theirs, @$requests);
    SKIP: { skip "$name: the library is not there", 1 if !@t }
    return if !@t;
    my @h = map { $_ == 403 ? 429 : $_ } play(apache($ours), @$requests);
    return compares($name, \@t, \@h, denied => '403|429', %o);
}

both('django-ratelimit', 'django-ratelimit, one address, many accounts', [ (map { post($A, "user$_") } 1 .. 8), map { post($B, "other$_") } 1 .. 3 ]);
both('django-ratelimit', 'django-ratelimit, one account, many addresses', [ map { post("127.0.0.$_", 'admin') } 2 .. 9 ]);
both('django-ratelimit', 'django-ratelimit, one account, then others', [ (map { post($A, 'admin') } 1 .. 5), map { post($A, "user$_") } 1 .. 4 ], there => 6, here => 4);
both('ratelimitcache', 'ratelimitcache, one account', [ times(8, post($A, 'admin')), times(3, post($B, 'admin')), times(2, post($A, 'other')) ]);
both('django-smart-ratelimit', 'django-smart-ratelimit, token bucket', [ times(12, { from => $A, path => '/login' }), times(3, { from => $B, path => '/login' }) ]);
both('djblets', 'djblets, failed logins', [ times(3, right($A)), times(10, wrong($A)), right($A), times(2, wrong($B)), right($B) ]);

finish;
