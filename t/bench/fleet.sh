#!/bin/sh
# Measures the shared store: one rule in strict mode (lease=off) against httpd without the module,
# against the same rule in shared memory, and against one bare libmemcached increment; and with a
# memcached that hangs, once the breaker is open. Servers and memcached share a core, as in
# http.sh; wrk has the other. A round loads every case with 16 connections and with one, the order
# turned by one from round to round. Prints a table of medians; every ratio is of one round.
# Environment: ROUNDS (5), SECONDS_EACH (2). Raw numbers: out/bench/fleet.tsv.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/build/httpd.sh"
. "$top/t/bench/servers.sh"

ROUNDS=${ROUNDS:-5}
SECONDS_EACH=${SECONDS_EACH:-2}
CASES="bare shm memcached hung"
out=$top/out/bench
root=
pids=
stores=
load_pid=

clean_up() {
    status=$?
    trap - EXIT
    trap '' INT TERM HUP PIPE
    [ -z "$load_pid" ] || kill "$load_pid" 2>/dev/null || true
    for pid in $pids; do
        stop_httpd "$pid"
    done
    for pid in $stores; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    [ -z "$root" ] || rm -rf "$root"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP PIPE

pin_to() {
    if command -v taskset >/dev/null 2>&1 && [ "$(getconf _NPROCESSORS_ONLN)" -ge 2 ]; then
        echo "taskset -c $1"
    fi
}

# ---- servers; these two take the place of those in servers.sh ----

section_of_case() {
    case $1 in
    bare) ;;
    *) say "    RateLimit api 8000000/h" ;;
    esac
}

module_of_case() {
    [ "$1" != bare ] || return 0
    say "LoadModule ratelimit_cache_module \"$module\""
    case $1 in
    memcached) say "RateLimitStore memcached 127.0.0.1:$store_port lease=off" "RateLimitSecret bench" ;;
    hung) say "RateLimitStore memcached 127.0.0.1:$hung_port lease=off" "RateLimitSecret bench" ;;
    esac
}

# Sets `store_pid` once a memcached listens on the port $1.
start_store() {
    set -- -l 127.0.0.1 -p "$1" -U 0
    [ "$(id -u)" -ne 0 ] || set -- "$@" -u nobody
    $(pin_to 0) "${RL_MEMCACHED:-memcached}" "$@" </dev/null &
    store_pid=$!
    stores="$stores $store_pid"
    perl -MIO::Socket::INET -e 'for (1 .. 250) {
        exit 0 if IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]);
        select undef, undef, undef, 0.02;
    }
    exit 1' "$3" 2>/dev/null || die "memcached did not start."
}

start_case() {
    dir=$root/$1
    make_server "$1" "$dir"
    start_httpd "$dir" "$(pin_to 0)"
    pids="$pids $HTTPD_PID"
    await_httpd "$HTTPD_PID" "$dir" || { cat "$dir/start.out" "$dir/error.log" >&2; die "httpd ($1) did not start."; }
}

# ---- loads ----

# Requests per second, and the median and 99th percentile of the latency in microseconds.
load() {
    $(pin_to 1) wrk -t 1 -c "$2" -d "$3s" --latency \
        "http://127.0.0.1:$(cat "$root/$1/port")/index.html" >"$root/wrk.out" 2>&1 &
    load_pid=$!
    wait "$load_pid" || { cat "$root/wrk.out" >&2; die "wrk failed."; }
    load_pid=
    perl -ne 'BEGIN { %us = (us => 1, ms => 1e3, s => 1e6) }
        $p{$1} = $2 * $us{$3} if /^\s+(50|99)%\s+([\d.]+)(us|ms|s)/;
        $rate = $1 if m{^Requests/sec:\s+([\d.]+)};
        die "answers other than 200: $_" if /Non-2xx/;
        END { printf "%s\t%s\t%s\n", $rate, $p{50}, $p{99} }' "$root/wrk.out"
}

measure() {
    for connections in 16 1; do
        printf '%s\t%s\t%s\t%s\n' "$1" "$connections" "$2" "$(load "$1" "$connections" "$SECONDS_EACH")"
    done
}

report() {
    perl -e '
        my (%v, %order);
        while (<>) { chomp; my ($case, $c, $round, @n) = split /\t/; $v{$case}{$c}{$round} = [@n] }
        sub median { my @s = sort { $a <=> $b } @_; return $s[ $#s / 2 ] }
        sub column { my ($case, $c, $i) = @_; return median(map { $_->[$i] } values %{ $v{$case}{$c} }) }
        sub ratio {
            my ($case, $base) = @_;
            return median(map { $v{$case}{16}{$_}[0] / $v{$base}{16}{$_}[0] } grep { $v{$base}{16}{$_} } keys %{ $v{$case}{16} });
        }
        my %title = (bare => "no module", shm => "one rule, shm", memcached => "one rule, memcached, strict",
            hung => "one rule, memcached hangs");
        printf "%-30s %10s %12s %12s %16s %16s\n", "", "requests/s", "of no module", "of shm", "us, c=1, median", "us, c=16, p99";
        printf "%-30s %10.0f %12.2f %12.2f %16.0f %16.0f\n", $title{$_}, column($_, 16, 0), ratio($_, "bare"), ratio($_, "shm"),
            column($_, 1, 1), column($_, 16, 2) for qw(bare shm memcached hung);
        printf "%-30s %10s %12s %12s %16.0f %16s\n", "one bare incr", "", "", "", median(map { $_->[1] } values %{ $v{incr}{1} }), "";
        printf "\nA request in strict mode takes %.0f us longer than without the module; an increment alone %.0f us.\n",
            column("memcached", 1, 1) - column("bare", 1, 1), median(map { $_->[1] } values %{ $v{incr}{1} });
        printf "With a store that hangs: %.2f of the throughput with shm (target 0.90).\n", ratio("hung", "shm");
    ' "$out/fleet.tsv"
}

turn_cases() {
    set -- $CASES
    first=$1
    shift
    CASES="$* $first"
}

mkdir -p "$out"
make_root
find_httpd
store_port=$(free_port)
start_store "$store_port"
hung_port=$(free_port)
start_store "$hung_port"
hung_pid=$store_pid
for case in $CASES; do
    start_case "$case"
done
kill -STOP "$hung_pid"
for case in $CASES; do
    load "$case" 16 1 >/dev/null # and the breaker opens
done
round=1
while [ "$round" -le "$ROUNDS" ]; do
    for case in $CASES; do
        measure "$case" "$round"
    done
    printf 'incr\t1\t%s\t%s\n' "$round" "$($(pin_to 1) "$out/incr" "$store_port" 20000)"
    turn_cases
    round=$((round + 1))
done >"$out/fleet.tsv"
cat "$out/machine.txt" 2>/dev/null || cut -d' ' -f1-3 /proc/loadavg | sed 's/^/load average: /'
report
