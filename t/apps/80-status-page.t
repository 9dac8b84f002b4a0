# SPDX-License-Identifier: Apache-2.0
# The status page in a real browser: on a phone, in the dark, while it refreshes, and when its buttons are pressed.
use Apps;
use MIME::Base64 qw(decode_base64);
use RL::Status;

my $s = httpd(statuspage() . <<'END', workers => 128);
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
RateLimitLog warn keys
<Location "/ok/login">
    RateLimit login 5/30d key=ip+header:X-Who
</Location>
<Location "/ok/api-with-a-long-name-which-fills-a-line-of-a-telephone-and-then-some/and-another/and-another">
    RateLimit api-with-the-longest-name-of-all 1000/30d algorithm=token-bucket burst=50 key=ip/24/48+cookie:session-of-somebody
</Location>
END
my $url = 'http://127.0.0.1:' . $s->port . '/rl';
my @who = ('carol', 'admin', '<script>alert(1)</script>', 'a' x 200);
sub attack { my ($n) = @_; for my $who (@who) { status($s, '/ok/login', from => '198.51.100.7', headers => [ 'X-Who' => $who ]) for 1 .. $n } return }
attack(9);

my $b = browser($s);

sub media {
    my (%f) = @_;
    return $b->call('Emulation.setEmulatedMedia', { features => [ map { { name => $_ =~ tr/_/-/r, value => $f{$_} } } sort keys %f ] });
}
sub width {
    my ($width, $height) = @_;
    return $b->call('Emulation.setDeviceMetricsOverride', { width => $width, height => $height // 800, deviceScaleFactor => 1, mobile => $width < 600 ? \1 : \0 });
}

# With RL_SHOTS=DIRECTORY, pictures to look at.
sub shot {
    my ($name) = @_;
    my $dir = $ENV{RL_SHOTS} // return;
    my $r = $b->call('Page.captureScreenshot', { format => 'png' });
    open my $fh, '>:raw', "$dir/$name.png" or die "$dir/$name.png: $!\n";
    print {$fh} decode_base64($r->{data});
    close $fh;
    return;
}
sub until_true { my ($script) = @_; return await(30, sub { $b->run($script) }) }
my $refreshed = 'window.old === undefined ? (window.old = document.querySelector("#when time").textContent, false) : window.old !== document.querySelector("#when time").textContent';
sub await_refresh { $b->run('window.old = undefined'); return until_true($refreshed) }

# ---- on any screen --------------------------------------------------------------------------------------------
for my $width (320, 360, 700, 800, 1060, 1280) {
    for my $colours (qw(light dark)) {
        width($width);
        media(prefers_color_scheme => $colours);
        $b->open($url);
        shot("$colours-$width");
        $b->run('for (const d of document.querySelectorAll("details")) d.open = true');
        cmp_ok $b->run('document.documentElement.scrollWidth'), '<=', $b->run('innerWidth'), "$width wide, $colours: the page doesn't scroll sideways";
        shot("$colours-$width-open");
    }
}
is join('; ', $b->complaints), '', 'the browser has nothing to complain of';
like $b->run('document.title'), qr/\A4 keys limited - 127\.0\.0\.1\z/, 'the title';
is $b->run('document.querySelectorAll("script").length'), 1, 'names are no markup';
media(forced_colors => 'active');
shot('forced-colours');

# Contrast of all text, by WCAG 2.2: the colour of the text against that of the nearest background.
my $CONTRAST = <<'END';
(() => {
    const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 }; };
    const light = (rgb) => { const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const back = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c.rgb; } return [255, 255, 255]; };
    const bad = new Set();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || e.closest("svg, script, style")) continue;
        const [a, b] = [light(parse(getComputedStyle(e).color).rgb), light(back(e))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) bad.add(e.tagName + "." + e.className + " " + ratio.toFixed(2));
    }
    return Array.from(bad).join(", ");
})()
END
for my $colours (qw(light dark)) {
    width(1280);
    media(prefers_color_scheme => $colours);
    $b->open($url);
    is $b->run($CONTRAST), '', "$colours: each text has a contrast of 4.5:1 at least";
}

# ---- by keyboard ----------------------------------------------------------------------------------------------
sub press {
    my ($key, $code) = @_;
    my @text = $key eq 'Enter' ? (text => "\r") : ();
    $b->call('Input.dispatchKeyEvent', { type => $_, key => $key, code => $key, windowsVirtualKeyCode => $code, @text }) for qw(keyDown keyUp);
    return;
}
press('Tab', 9);
is $b->run('document.activeElement.className'), 'skip', 'the first stop leads past the head';
cmp_ok $b->run('document.activeElement.getBoundingClientRect().top'), '>=', 0, 'and is seen';
isnt $b->run('getComputedStyle(document.activeElement).outlineStyle'), 'none', 'the focus is seen';

# ---- refreshing -----------------------------------------------------------------------------------------------
my ($name) = $b->run('Array.from(document.querySelectorAll("#rules h3")).find((h) => h.textContent.startsWith("login ")).closest("li").id');
$b->run(<<"END");
document.documentElement.style.scrollBehavior = "auto";
window.find = document.querySelector("#$name-find");
find.open = true;
document.querySelector("#plot-hour-table").open = true;
window.field = find.querySelector("input[name='value.header:x-who']");
field.value = "somebody";
field.focus();
field.setSelectionRange(2, 5);
scrollTo(0, 700);
window.place = scrollY;
END
attack(1);
ok await_refresh(), 'the page refreshes itself';
is $b->run('document.activeElement === field && field.isConnected'), 1, 'the focus stays';
is $b->run('field.value + field.selectionStart + field.selectionEnd'), 'somebody25', 'what is typed stays, and what is selected of it';
is $b->run('find.open && document.querySelector("#plot-hour-table").open'), 1, 'what is open stays open';
is $b->run('scrollY === place'), 1, 'the page stays where it is';
is $b->run("document.querySelector('#$name .denied b').textContent"), rule(figures($s), 'login')->{denied}, 'the figures are new ones';

my $row = $b->run('window.button = document.querySelector("#now tbody tr:last-child button"); button.focus(); button.closest("tr").id');
status($s, '/ok/login', from => '198.51.100.7', headers => [ 'X-Who' => $who[-1] ]) for 1 .. 20;
status($s, '/ok/login', from => '198.51.100.7', headers => [ 'X-Who' => $who[0] ]) for 1 .. 10;
ok await_refresh(), 'keys have changed places';
is $b->run('document.activeElement === button && button.closest("tr").id'), $row, 'the focus goes with its key';

$b->run('document.querySelector("#pause").click()');
is $b->run('document.querySelector("#pause").textContent'), 'Resume', 'it can be paused';
$b->run('window.then = document.querySelector("#when time").textContent');
attack(1);
sleep 7;    # longer than it waits between two
is $b->run('document.querySelector("#when time").textContent === then'), 1, 'and then it stays as it is';
$b->run('document.querySelector("#pause").click()');
ok until_true('document.querySelector("#when time").textContent !== then'), 'until it goes on';

my @children = $s->serving;
kill STOP => @children;
ok until_true('/does not answer any more. Last refreshed at [0-9:]+ UTC/.test(document.querySelector("#trouble").textContent)'), 'it says when the server does not answer';
shot('no-answer');
kill CONT => @children;
ok until_true('document.querySelector("#trouble").textContent === ""'), 'and is quiet when it does again';
is join('; ', $b->complaints), '', 'the browser has nothing to complain of';

# ---- by hand --------------------------------------------------------------------------------------------------
my ($key) = grep { $_->{values}[1] eq 'header:x-who=admin' } keys_of(figures($s), 'login');
sub is_limited { my ($who) = @_; return status($s, '/ok/login', from => '198.51.100.7', headers => [ 'X-Who' => $who ]) == 429 }
sub press_and_wait { my ($script) = @_; $b->{loaded} = 0; $b->run($script); $b->wait; return }
ok is_limited('admin'), 'somebody is limited';
press_and_wait(qq{document.querySelector("#now tr[id\$='$key->{tag}'] button[value=clear]").click()});
shot('cleared');
is $b->run('document.activeElement === document.querySelector("#deed > p")'), 1, 'the answer has the focus';
like $b->run('document.activeElement.textContent'), qr/\A1 key cleared\./, 'the answer says what was done';
ok !is_limited('admin'), 'one click on Clear, and he is not';
ok await_refresh(), 'the answer refreshes itself, too';
is $b->run('!!document.querySelector("#deed > p")'), 1, 'and stays';

press_and_wait(qq{document.querySelector("#now tr[id\$='$key->{tag}'], #rules tr[id\$='$key->{tag}']").querySelector("button[value=exempt]").click()});
like $b->run('document.activeElement.textContent'), qr/\A1 key exempted for 1h\./, 'Exempt';
is join(' ', map { is_limited('admin') + 0 } 1 .. 9), join(' ', (0) x 9), 'somebody who is exempt is not limited';

$b->run("document.querySelector('#$name-find').open = true");
$b->run("const f = document.querySelector('#$name-find form'); f['value.ip'].value = '198.51.100.7'; f['value.header:x-who'].value = 'carol'");
press_and_wait("document.querySelector('#$name-find button[value=show]').click()");
like $b->run('document.activeElement.textContent'), qr/\A1 key found\./, 'a key is looked up by its values';
like $b->run('document.querySelector("#deed tbody").textContent'), qr/5 of 5.*limited/, 'and its figures are told';
shot('found');
is join('; ', $b->complaints), '', 'the browser has nothing to complain of';

# ---- without a script -----------------------------------------------------------------------------------------
$b->call('Emulation.setScriptExecutionDisabled', { value => \1 });
$b->open($url);
is $b->run('document.querySelector("#pause") === null && document.querySelectorAll("#rules article").length'), 2, 'without a script the page is there, and has no button to pause';
($key) = grep { $_->{values}[1] eq 'header:x-who=carol' } keys_of(figures($s), 'login');
ok is_limited('carol'), 'somebody is limited';
$b->run(qq{document.querySelector("#now tr[id\$='$key->{tag}'] button[value=clear]").focus()});
$b->{loaded} = 0;
press('Enter', 13);
$b->wait;
is $b->run('document.activeElement === document.querySelector("#deed > p")'), 1, 'without a script the answer has the focus, too';
ok !is_limited('carol'), 'without a script, Clear by the keyboard';
is join('; ', $b->complaints), '', 'the browser has nothing to complain of';

finish;
