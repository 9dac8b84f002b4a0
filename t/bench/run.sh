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

# Others at work on the machine make every figure worse: their load before we start is told.
machine() {
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    printf '%s, %s cores, %s, httpd %s\n' "${model:-$(uname -m)}" "$(getconf _NPROCESSORS_ONLN)" \
        "$(uname -sr)" "$("${APXS:-apxs}" -q HTTPD_VERSION 2>/dev/null || echo unknown)"
    echo "load average before the start: $(cut -d' ' -f1-3 /proc/loadavg)"
}

bench_ledger() {
    echo "Ledger: $ROUNDS rounds ..."
    "$out/ledger" "$ROUNDS" 300000 >"$out/ledger.tsv"
    "$here/instructions.sh" ledger "$out/ledger" >"$out/ledger-instructions.tsv"
}

bench_http() {
    echo "httpd: $ROUNDS rounds of $SECONDS_EACH s for each server ..."
    "$here/http.sh" >"$out/http.tsv"
    "$here/instructions.sh" http >"$out/http-instructions.tsv"
}

rm -f "$out"/*.tsv
machine >"$out/machine.txt"
[ "$ONLY" = http ] || bench_ledger
[ "$ONLY" = ledger ] || bench_http
"$here/report.pl" "$out"
