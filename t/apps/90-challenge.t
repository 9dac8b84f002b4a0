# SPDX-License-Identifier: Apache-2.0
# action=challenge in a real browser: the button by keyboard alone, back where one was, once for all; without cookies nothing
# goes round. RL_SHOTS names a directory for pictures of the page.
use Apps;
use MIME::Base64 qw(decode_base64);

my $s = site(undef, files => { Apps::album('htdocs/album') }, after => <<'END');
<Location /album>
    RateLimit strangers 0/d key=all action=challenge "when=%{env:RATELIMIT_PASS} != 'good'"
</Location>
<Location /sso>
    RateLimit strangers 0/d key=all action=challenge "when=%{env:RATELIMIT_PASS} != 'good'"
    Redirect temp /sso http://localhost:${PORT}/album/
</Location>
END

sub title { my ($b) = @_; return $b->run('document.title') }
sub place { my ($b) = @_; return $b->run('location.pathname + location.search') }

# One key, as a keyboard sends it.
sub key {
    my ($b, $key, $code, $text) = @_;
    my %key = (key => $key, code => $key, windowsVirtualKeyCode => $code);
    $b->call('Input.dispatchKeyEvent', { type => 'keyDown', %key, defined $text ? (text => $text) : () });
    $b->call('Input.dispatchKeyEvent', { type => 'keyUp', %key });
    return;
}

sub press_by_keyboard {
    my ($b) = @_;
    key($b, 'Tab', 9);
    my $focus = $b->run('document.activeElement.localName');
    $b->{loaded} = 0;
    key($b, 'Enter', 13, "\r");
    $b->wait;
    return $focus;
}

sub picture {
    my ($b, $name) = @_;
    return if !$ENV{RL_SHOTS};
    open my $fh, '>:raw', "$ENV{RL_SHOTS}/$name.png" or die $!;
    print {$fh} decode_base64($b->call('Page.captureScreenshot', { format => 'png' })->{data});
    close $fh;
    return;
}

# What a screen reader is told: "role name" of what is in the page.
sub heard {
    my ($b) = @_;
    $b->call('Accessibility.enable');
    my $nodes = $b->call('Accessibility.getFullAXTree')->{nodes};
    return map { $_->{role}{value} . ' ' . ($_->{name}{value} // '') } grep { !$_->{ignored} } @$nodes;
}

for my $way ([ 'HTTP/1.1', 'http://127.0.0.1:' . $s->port ], [ 'HTTP/2', 'https://127.0.0.1:' . $s->port2 ]) {
    my ($name, $origin) = @$way;
    my $b = browser($s);
    $b->open("$origin/album/?page=1&x=a%20b");
    is title($b), 'Press the button to go on', "$name: the page of the challenge";
    is join(' ', sort keys %{ $b->statuses }), '429', "$name: with its status";
    for my $scheme (qw(light dark)) {
        $b->call('Emulation.setEmulatedMedia', { features => [ { name => 'prefers-color-scheme', value => $scheme } ] });
        picture($b, "$scheme-" . $name =~ tr{/}{-}r);
    }
    $b->call('Emulation.setEmulatedMedia', { features => [] });
    $b->call('Emulation.setDeviceMetricsOverride', { width => 320, height => 560, deviceScaleFactor => 2, mobile => JSON::PP::true });
    is $b->run('document.documentElement.scrollWidth <= 320'), JSON::PP::true, "$name: it fits a small screen";
    picture($b, 'small-' . $name =~ tr{/}{-}r);
    $b->call('Emulation.clearDeviceMetricsOverride');
    my %heard = map { $_ => 1 } heard($b);
    ok $heard{'heading Press the button to go on'}, "$name: a screen reader hears the heading";
    ok $heard{'button Go on to the page'}, "$name: and the button";
    ok $b->run('getComputedStyle(document.querySelector("button")).minHeight') eq '48px', "$name: the policy lets the style through"
        or diag $b->run('getComputedStyle(document.querySelector("button")).minHeight');

    $b->forget;
    is press_by_keyboard($b), 'button', "$name: Tab leads to the button";
    is title($b), 'album', "$name: Enter leads to the page";
    is place($b), '/album/?page=1&x=a%20b', "$name: the one that was asked for";
    is $b->run('document.images.length + " " + [...document.images].filter(i => i.naturalWidth > 0).length'), '40 40', "$name: with its pictures";
    is join(' ', grep { !/favicon/ } $b->refused), '', "$name: and nothing is denied";
    is $b->run('document.cookie'), '', "$name: scripts don't see the pass";
    my @cookies = grep { $_->{name} eq 'ratelimit-pass' } @{ $b->call('Network.getCookies', { urls => [$origin] })->{cookies} };
    is join(' ', scalar @cookies, map { $_->{secure} ? 'secure' : 'plain', $_->{sameSite}, $_->{httpOnly} ? 'HttpOnly' : '' } @cookies), '1 ' . ($name eq 'HTTP/2' ? 'secure' : 'plain') . ' Lax HttpOnly', "$name: the cookie";
    $b->open("$origin/album/2.png");
    is join(' ', grep { !/favicon/ } $b->refused), '', "$name: it isn't asked again";
    $b->stop;

    # ---- without cookies ------------------------------------------------------------------------------------------
    $b = browser($s, preferences => { profile => { default_content_setting_values => { cookies => 2 } } });
    $b->open("$origin/album/?page=1");
    for my $try (1, 2) {
        $b->forget;
        press_by_keyboard($b);
        is join(', ', title($b), place($b), map { /\A(\d+)/ } grep { !/favicon/ } $b->refused), 'Press the button to go on, /album/?page=1, 429',
            "$name: without cookies the page comes again, $try";
    }
    $b->forget;
    $b->wait;
    is join(' ', values %{ $b->statuses }), '', "$name: and nothing goes round by itself";
    $b->stop;
}

# The site's own redirect to another host, as of a single sign-on, isn't held against the button.
my $b = browser($s);
$b->open('http://127.0.0.1:' . $s->port . '/sso');
press_by_keyboard($b);
is $b->run('location.host'), 'localhost:' . $s->port, 'a redirect to another host after the button';
$b->stop;

# Whoever presses no buttons stays outside.
my $url = 'http://127.0.0.1:' . $s->port . '/album/';
is `curl -s -o /dev/null -w '%{http_code}' -L -c /dev/null $url`, '429', 'curl is denied';
is `curl -s -o /dev/null -w '%{http_code} %{num_redirects}' -L -H 'Accept: text/html' -b '' $url`, '429 0', 'a crawler that keeps cookies and follows redirects gets the page, and no further';

finish;
