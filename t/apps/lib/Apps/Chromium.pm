# SPDX-License-Identifier: Apache-2.0
package Apps::Chromium;

# A real browser without a window, driven through its debugging pipe: it opens pages with all that belongs to them, over
# as many connections as browsers open, and tells what came back.
#
#   my $b = Apps::Chromium->start($s);                      # profile and log in the directory of an RL::Httpd
#   $b->open('https://127.0.0.1:8443/private/');            # waits until the page and its images are there
#   $b->run(q{document.forms[0].submit()}); $b->wait;
#   $b->statuses;                                           # since the last forget(): { 200 => 41 }; $b->refused: URLs of 4xx and 5xx
#   $b->protocols                                           # { h2 => 41 }
#   $b->complaints                                          # what stands in its console: a policy that is broken, a script's error

use strict;
use warnings;
use File::Path qw(make_path);
use IO::Handle;
use IO::Select;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time);

use RL::Httpd qw(await slurp);

my @started;

# Options: user, password, for Basic authentication; headers => { name => value } of every request; preferences, as in the
# profile's file of that name.
sub start {
    my ($class, $s, %o) = @_;
    my $self = bless { %o, id => 0, in => '', owner => $$, answers => [], waiting => {}, dir => $s->root . "/chromium-$$-" . @started },
        $class;
    mkdir $self->{dir};
    $self->write_preferences if $self->{preferences};
    pipe my $to_read, $self->{to} or die "pipe: $!";
    pipe $self->{from}, my $from_write or die "pipe: $!";
    $self->{pid} = fork // die "fork: $!";
    $self->child($to_read, $from_write) if !$self->{pid};
    close $to_read;
    close $from_write;
    $self->{to}->autoflush(1);
    $self->{select} = IO::Select->new($self->{from});
    push @started, $self;
    $self->begin_page;
    return $self;
}

sub write_preferences {
    my ($self) = @_;
    make_path("$self->{dir}/profile/Default");
    open my $fh, '>', "$self->{dir}/profile/Default/Preferences" or die "preferences: $!";
    print {$fh} JSON::PP->new->encode($self->{preferences});
    close $fh or die "preferences: $!";
    return;
}

# Chromium reads commands on descriptor 3 and writes to 4.
sub child {
    my ($self, $read, $write) = @_;
    POSIX::setsid();
    RL::Httpd::stop_with_parent();
    my ($r, $w) = (POSIX::dup(fileno $read), POSIX::dup(fileno $write));
    my $high_r = POSIX::dup2($r, 20);
    my $high_w = POSIX::dup2($w, 21);
    POSIX::dup2($high_r, 3);
    POSIX::dup2($high_w, 4);
    open STDIN,  '<', '/dev/null';
    open STDOUT, '>', "$self->{dir}/log";
    open STDERR, '>&', \*STDOUT;
    $^F = 255;
    { exec 'chromium', '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-extensions',
          '--disable-background-networking', '--disable-component-update', '--ignore-certificate-errors', "--user-data-dir=$self->{dir}/profile",
          '--remote-debugging-pipe', 'about:blank' }
    POSIX::_exit(127);
}

sub begin_page {
    my ($self) = @_;
    my $target = $self->call('Target.createTarget', { url => 'about:blank' })->{targetId};
    $self->{session} = $self->call('Target.attachToTarget', { targetId => $target, flatten => JSON::PP::true })->{sessionId};
    $self->call($_) for qw(Page.enable Network.enable Runtime.enable Log.enable);
    $self->call('Network.setExtraHTTPHeaders', { headers => $self->{headers} }) if $self->{headers};
    $self->call('Fetch.enable', { handleAuthRequests => JSON::PP::true }) if defined $self->{user};
    $self->{complaints} = [];
    $self->forget;
    return;
}

# ---- what a test does with it ---------------------------------------------------------------------------------

sub forget    { my ($self) = @_; $self->{answers} = []; $self->{waiting} = {}; return }
sub refused   { my ($self) = @_; return map { "$_->{status} $_->{url}" } grep { $_->{status} >= 400 } @{ $self->{answers} } }
sub statuses  { my ($self) = @_; my %n; $n{ $_->{status} }++ for @{ $self->{answers} }; return \%n }
sub protocols { my ($self) = @_; my %n; $n{ $_->{protocol} // '-' }++ for @{ $self->{answers} }; return \%n }

# Not those of pages that were refused, nor hints.
sub complaints { my ($self) = @_; return grep { !/\A(?:info|verbose): |Failed to load resource/ } @{ $self->{complaints} } }

# Cookies of a site, as if it had set them before.
sub give_cookies {
    my ($self, $origin, %cookies) = @_;
    $self->call('Network.setCookie', { url => $origin, name => $_, value => $cookies{$_} }) for keys %cookies;
    return;
}

# Goes to a page, and waits until it is there.
sub open {
    my ($self, $url) = @_;
    $self->{loaded} = 0;
    my $r = $self->call('Page.navigate', { url => $url });
    die "chromium: $url: $r->{errorText}\n" if $r->{errorText} && $r->{errorText} ne 'net::ERR_HTTP_RESPONSE_CODE_FAILURE';
    return $self->wait;
}

# Until the page has loaded and nothing has been under way for half a second.
sub wait {
    my ($self) = @_;
    my ($end, $quiet) = (time + 60, time);
    while (time < $end) {
        $quiet = time if $self->take_message(0.1) || !$self->{loaded} || %{ $self->{waiting} };
        last if time - $quiet > 0.5;
    }
    return $self;
}

# A script in the page; its value.
sub run {
    my ($self, $script) = @_;
    return $self->call('Runtime.evaluate', { expression => $script, returnByValue => JSON::PP::true })->{result}{value};
}

# Fills in fields by their names, and presses the form's button; waits for what comes.
sub fill_in {
    my ($self, $fields, $button) = @_;
    my $values = JSON::PP->new->encode($fields);
    my $press  = JSON::PP->new->allow_nonref->encode($button);
    $self->{loaded} = 0;
    $self->run("for (const [n, v] of Object.entries($values)) document.getElementsByName(n)[0].value = v; document.querySelector($press).click()");
    return $self->wait;
}

# ---- the pipe: messages in JSON, each with a NUL behind it -------------------------------------------------------

# A command and its result.
sub call {
    my ($self, $method, $params) = @_;
    my $id = $self->tell($method, $params);
    my $end = time + 60;
    while (time < $end) {
        my $m = $self->take_message(1) // next;
        next if ($m->{id} // 0) != $id;
        die "chromium: $method: $m->{error}{message}\n" if $m->{error};
        return $m->{result};
    }
    die "chromium does not answer $method:\n" . slurp("$self->{dir}/log");
}

sub tell {
    my ($self, $method, $params) = @_;
    my %m = (id => ++$self->{id}, method => $method, params => $params // {});
    $m{sessionId} = $self->{session} if $self->{session};
    print { $self->{to} } JSON::PP->new->encode(\%m), "\0";
    return $m{id};
}

# The next message, if one comes in time; events are noted.
sub take_message {
    my ($self, $seconds) = @_;
    while ($self->{in} !~ /\0/) {
        return if !$self->{select}->can_read($seconds);
        sysread $self->{from}, $self->{in}, 65536, length $self->{in} or die "chromium has ended:\n" . slurp("$self->{dir}/log");
    }
    $self->{in} =~ s/\A(.*?)\0//s;
    my $m = JSON::PP->new->utf8->decode($1);
    $self->note($m) if $m->{method};
    return $m;
}

my %NOTE = (
    'Page.loadEventFired'         => sub { $_[0]{loaded} = 1 },
    'Network.requestWillBeSent'   => sub { my ($self, $p) = @_; $self->{waiting}{ $p->{requestId} } = 1; $self->note_answer($p->{redirectResponse}) },
    'Network.responseReceived'    => sub { my ($self, $p) = @_; $self->note_answer($p->{response}) },
    'Network.loadingFinished'     => sub { my ($self, $p) = @_; delete $self->{waiting}{ $p->{requestId} } },
    'Network.loadingFailed'       => sub { my ($self, $p) = @_; delete $self->{waiting}{ $p->{requestId} } },
    'Log.entryAdded'              => sub { my ($self, $p) = @_; push @{ $self->{complaints} }, "$p->{entry}{level}: $p->{entry}{text} " . ($p->{entry}{url} // '') },
    'Runtime.exceptionThrown'     => sub { my ($self, $p) = @_; my $e = $p->{exceptionDetails}; push @{ $self->{complaints} }, "$e->{text} " . ($e->{exception}{description} // '') },
    'Fetch.requestPaused'         => sub { my ($self, $p) = @_; $self->tell('Fetch.continueRequest', { requestId => $p->{requestId} }) },
    'Fetch.authRequired'          => \&give_password,
    'Page.javascriptDialogOpening' => sub { $_[0]->tell('Page.handleJavaScriptDialog', { accept => JSON::PP::true }) },
);

sub note {
    my ($self, $m) = @_;
    my $what = $NOTE{ $m->{method} } // return;
    $what->($self, $m->{params});
    return;
}

sub note_answer {
    my ($self, $r) = @_;
    return if !$r || $r->{url} !~ /\Ahttp/ || $r->{fromDiskCache};
    push @{ $self->{answers} }, { status => $r->{status}, url => $r->{url}, protocol => $r->{protocol} };
    return;
}

sub give_password {
    my ($self, $p) = @_;
    my %answer = (response => 'ProvideCredentials', username => $self->{user}, password => $self->{password});
    $self->tell('Fetch.continueWithAuth', { requestId => $p->{requestId}, authChallengeResponse => \%answer });
    return;
}

sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    close $self->{to};
    kill TERM => -$self->{pid};
    await(10, sub { waitpid($self->{pid}, POSIX::WNOHANG()) != 0 }) or do { kill KILL => -$self->{pid}; waitpid $self->{pid}, 0 };
    $self->{pid} = 0;
    return;
}

END {
    my $code = $?;
    $_->stop for @started;
    $? = $code;
}

1;
