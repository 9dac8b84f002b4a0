#!/bin/sh
# The benchmarks behind `make bench`; README.md beside this file says how they measure.
# Environment: ROUNDS (default 10), SECONDS_EACH (2: how long one load lasts), ONLY (ledger or
# http). Raw numbers are kept in out/bench/.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/out/bench
mkdir -p "$out"

ROUNDS=${ROUNDS:-10}
SECONDS_EACH=${SECONDS_EACH:-2}
ONLY=${ONLY:-}
export ROUNDS SECONDS_EACH

machine() {
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    printf '%s, %s cores, %s, httpd %s\n' "${model:-$(uname -m)}" "$(getconf _NPROCESSORS_ONLN)" \
        "$(uname -sr)" "$("${APXS:-apxs}" -q HTTPD_VERSION 2>/dev/null || echo unknown)"
}

# Instructions per operation: callgrind counts inside one function. They don't depend on what
# else the machine does.
instructions() {
    for case in digest hot-1 hot-2 hot-denied spread-1; do
        collected=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null \
            --toggle-collect=counted "$out/ledger" --once "$case" 20000 2>&1 |
            sed -n 's/.*Collected : \([0-9]*\).*/\1/p')
        printf '%s\t%s\n' "$case" $((collected / 20000))
    done
}

bench_ledger() {
    echo "Ledger: $ROUNDS rounds ..."
    "$out/ledger" "$ROUNDS" 500000 >"$out/ledger.tsv"
    if command -v valgrind >/dev/null 2>&1; then
        instructions >"$out/instructions.tsv"
    fi
}

bench_http() {
    echo "httpd: $ROUNDS rounds of $SECONDS_EACH s for each server ..."
    "$here/http.sh" >"$out/http.tsv"
}

machine >"$out/machine.txt"
[ "$ONLY" = http ] || bench_ledger
[ "$ONLY" = ledger ] || bench_http
"$here/report.pl" "$out"
