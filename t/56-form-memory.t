# SPDX-License-Identifier: Apache-2.0
# Fifty uploads at the same time: the memory of httpd's children grows by what was looked at, not by what is sent.
# RL_UPLOAD_MB (3) is the size of each.
use RL::Test;
use RL::Body;
use Time::HiRes qw(time);

my $UPLOADS = 50;
my $MB      = $ENV{RL_UPLOAD_MB} // 3;
my $LIMIT   = 1_048_576;                    # the most there is, to stand out from the noise
my $BOUND   = $UPLOADS * $LIMIT * 1.25;     # what children, threads and pools touch for the first time is a quarter at most
my $BLOCK   = filler(65_536);

# What the children hold for themselves, in bytes. Shared memory (the counters) does not count.
sub held {
    my ($s) = @_;
    my $sum = 0;
    for my $pid ($s->children) { $sum += slurp("/proc/$pid/smaps_rollup") =~ /^Pss_Anon:\s+(\d+) kB/m ? $1 * 1024 : 0 }
    return $sum;
}

# Fifty uploads in turn, a block of each; the answers, and the most that the children held meanwhile.
sub upload {
    my ($s, $how, $bytes, $blocks) = @_;
    my $length = length($bytes) * $blocks;
    my @conns = map { connection($s) } 1 .. $UPLOADS;
    for my $c (@conns) {
        $c->send_request('POST', '/cgi-bin/body-digest.cgi?digest=0', no_body => 1, keepalive => 0,
            headers => [ 'Content-Type' => 'application/x-www-form-urlencoded', $how eq 'chunked' ? ('Transfer-Encoding' => 'chunked') : () ],
            $how eq 'chunked' ? () : (length => $length));
    }
    my $block = $how eq 'chunked' ? sprintf("%x\r\n%s\r\n", length $bytes, $bytes) : $bytes;
    my ($most, $next) = (0, 0);
    for my $i (1 .. $blocks) {
        $_->write_all($block) for @conns;
        next if time < $next && $i < $blocks;
        my $now = held($s);
        ($most, $next) = ($now > $most ? $now : $most, time + 0.05);
    }
    if ($how eq 'chunked') { $_->write_all("0\r\n\r\n") for @conns }
    my %answers;
    for my $c (@conns) {
        my $r = $c->read_response;
        $answers{ $r->status . ($r->body =~ / length=$length / ? ' whole' : ' broken') }++;
        $c->close;
    }
    return (\%answers, $most);
}

# How much the children grow by uploads, beyond what they grow by the first requests of all.
sub growth {
    my ($mpm, $how, $which) = @_;
    my $rule = $which eq 'with' ? "<Location \"/\">\nRateLimitFormLimit $LIMIT\nRateLimit login 1000000/d key=form:user\n</Location>" : '';
    my $s = httpd($rule, mpm => $mpm, rl => $which eq 'with', workers => 128);
    upload($s, $how, "user=first&pad=" . 'x' x 500, 1);    # whatever is touched once
    my $before = held($s);
    my ($answers, $most) = upload($s, $how, $BLOCK, $MB * 16);
    is_deeply $answers, { '200 whole' => $UPLOADS }, "$mpm, $how, $which the rule: $UPLOADS uploads of $MB MB come whole";
    $s->stop;
    return $most - $before;
}

for my $mpm (qw(event prefork)) {
    for my $how ('Content-Length', 'chunked') {
        my ($without, $with) = map { growth($mpm, $how, $_) } qw(without with);
        note sprintf '%s, %s: children grew by %.1f MB, without the rule by %.1f MB', $mpm, $how, $with / 1e6, $without / 1e6;
        cmp_ok $with - $without, '<', $BOUND, "$mpm, $how: the children grow by what was looked at, not by what was sent";
    }
}

finish;
