#!/bin/sh
# Instructions per operation, counted by callgrind: a figure that doesn't depend on what else the
# machine does. Prints a line for each case: name, instructions.
# Usage: instructions.sh ledger LEDGER-PROGRAM | http
# What httpd executes for a request is the difference of two runs of different length, so that
# starting and stopping don't count. Environment: CASES (those below). The kernel's part of the work isn't in it.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/build/httpd.sh"
. "$top/t/bench/servers.sh"

SHORT=200
LONG=2200
root=
HTTPD_PID=

clean_up() {
    status=$?
    trap - EXIT
    trap '' INT TERM HUP PIPE
    [ -z "$HTTPD_PID" ] || stop_httpd "$HTTPD_PID"
    [ -z "$root" ] || rm -rf "$root"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP PIPE

collected() { sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$1"; }

count_ledger() {
    root=$(mktemp -d "${TMPDIR:-/tmp}/rl-bench.XXXXXX")
    for case in digest hot-1 hot-2 hot-denied spread-1; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=counted \
            "$1" --once "$case" 20000 >"$root/out" 2>&1
        printf '%s\t%s\n' "$case" $(($(collected "$root/out") / 20000))
    done
}

# Serves $2 requests on one connection to a server of the case $1; leaves `count`.
count_run() {
    dir=$root/$1-$2
    make_server "$1" "$dir"
    setsid valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$HTTPD" -d "$dir" -f "$dir/httpd.conf" -X >"$dir/out" 2>&1 </dev/null &
    HTTPD_PID=$!
    method=get
    ! posts "$1" || method=post
    perl "$top/t/bench/requests.pl" "$(cat "$dir/port")" "$2" "$method" || { cat "$dir/out" >&2; exit 1; }
    stop_httpd "$HTTPD_PID"
    HTTPD_PID=
    count=$(collected "$dir/out")
}

count_http() {
    find_httpd
    make_root
    for case in ${CASES:-bare unused rules headers forbidden denied post form}; do
        count_run "$case" "$SHORT"
        short=$count
        count_run "$case" "$LONG"
        printf '%s\t%s\n' "$case" $(((count - short) / (LONG - SHORT)))
    done
}

case ${1:-} in
ledger) count_ledger "$2" ;;
http) count_http ;;
*) die "usage: $0 ledger LEDGER-PROGRAM | http" ;;
esac
