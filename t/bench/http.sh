#!/bin/sh
# Measures httpd with the module against httpd without it: one private server for each case,
# all up at the same time on a core of their own, wrk on another core. A round loads every
# case once, the order turned by one from round to round. Prints a line for each load:
#     case, round, requests, seconds, CPU seconds of the server, answers other than 2xx and 3xx
# Environment: ROUNDS, SECONDS_EACH, CONNECTIONS (16), CASES (those below).
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/build/httpd.sh"
. "$top/t/bench/servers.sh"

ROUNDS=${ROUNDS:-10}
SECONDS_EACH=${SECONDS_EACH:-2}
CONNECTIONS=${CONNECTIONS:-16}
CASES=${CASES:-bare control rules headers forbidden denied post form}
root=
pids=
load_pid=

clean_up() {
    status=$?
    trap - EXIT
    trap '' INT TERM HUP PIPE
    [ -z "$load_pid" ] || kill "$load_pid" 2>/dev/null || true
    for pid in $pids; do
        stop_httpd "$pid"
    done
    [ -z "$root" ] || rm -rf "$root"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP PIPE

# With one core only, server and client share it, and the ratios say less.
pin_to() {
    if command -v taskset >/dev/null 2>&1 && [ "$(getconf _NPROCESSORS_ONLN)" -ge 2 ]; then
        echo "taskset -c $1"
    fi
}

# ---- servers and loads ----

start_case() {
    dir=$root/$1
    make_server "$1" "$dir"
    start_httpd "$dir" "$(pin_to 0)"
    pids="$pids $HTTPD_PID"
    echo "$HTTPD_PID" >"$dir/pid"
    await_httpd "$HTTPD_PID" "$dir" || { cat "$dir/start.out" "$dir/error.log" >&2; die "httpd ($1) did not start."; }
}

# utime + stime of the parent and all its children, in seconds. The command in stat's second
# field may contain blanks, so fields are counted behind it: ppid is the 2nd there, utime the
# 12th, stime the 13th.
cpu_seconds() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v pid="$1" -v hz="$(getconf CLK_TCK)" '
        { own = $1; sub(/^.*\) /, ""); split($0, f, " ") }
        own == pid || f[2] == pid { ticks += f[12] + f[13] }
        END { printf "%.2f", ticks / hz }'
}

# Leaves requests, seconds and wrong answers of one load in the variable `result`.
load() {
    path=/index.html
    script=
    if posts "$1"; then
        path=/form
        script="-s $top/t/bench/post.lua"
    fi
    $(pin_to 1) wrk -t 1 -c "$CONNECTIONS" -d "$2s" $script \
        "http://127.0.0.1:$(cat "$root/$1/port")$path" >"$root/wrk.out" 2>&1 &
    load_pid=$!
    wait "$load_pid" || { cat "$root/wrk.out" >&2; die "wrk failed."; }
    load_pid=
    result=$(perl "$top/t/bench/wrk.pl" "$root/wrk.out")
}

measure() {
    pid=$(cat "$root/$1/pid")
    before=$(cpu_seconds "$pid")
    load "$1" "$SECONDS_EACH"
    after=$(cpu_seconds "$pid")
    set -- "$1" "$2" $result
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$(awk "BEGIN { print $after - $before }")" "$5"
}

turn_cases() {
    set -- $CASES
    first=$1
    shift
    CASES="$* $first"
}

make_root
find_httpd
for case in $CASES; do
    start_case "$case"
    load "$case" 1
done
round=1
while [ "$round" -le "$ROUNDS" ]; do
    for case in $CASES; do
        measure "$case" "$round"
    done
    turn_cases
    round=$((round + 1))
done
