#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The benchmarks behind `make bench`; README.md beside this file says how they measure.
# Environment: ROUNDS (default 5), SECONDS_EACH (1: how long one load lasts), ONLY (some of: ledger contended networks instructions, and the
# names of sections in lib/Bench/Cases.pm). Raw numbers are kept in out/bench/, or where RL_OUT says.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$top/build/httpd.sh"
out=${RL_OUT:-$top/out}/bench
mkdir -p "$out"

ROUNDS=${ROUNDS:-5}
SECONDS_EACH=${SECONDS_EACH:-1}
ONLY=${ONLY:-}
export ROUNDS SECONDS_EACH ONLY

# What runs when we are stopped ends first, with its servers.
child=
trap '[ -z "$child" ] || kill "$child" 2>/dev/null && wait "$child" || true; exit 1' INT TERM HUP

# Runs a command with its output in the file $1.
measure() {
    file=$1
    shift
    "$@" >"$out/$file" &
    child=$!
    wait "$child"
    child=
}

# Whether ONLY has one of the words given, or nothing at all.
wanted() {
    [ -n "$ONLY" ] || return 0
    for word in $ONLY; do
        case " $* " in *" $word "*) return 0 ;; esac
    done
    return 1
}

peers() {
    for file in "$out"/peers/*.version; do
        [ -s "$file" ] || continue
        name=${file##*/}
        case $name in lib[!a]*) continue ;; esac # the libraries they need
        printf ', %s %s' "${name%.version}" "$(cat "$file")"
    done
}

# Others at work on the machine make every figure worse: their load before we start is told.
machine() {
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    echo "${model:-$(uname -m)}, $(getconf _NPROCESSORS_ONLN) cores, $(uname -sr); load average before the start: $(cut -d' ' -f1-3 /proc/loadavg)"
    echo "$("$HTTPD" -v | sed -n 's/^Server version: //p'), $(wrk -v 2>&1 | sed -n 's/^\(wrk [^ ]*\).*/\1/p'), $(memcached -V)$(peers)"
    echo "$ROUNDS rounds, $SECONDS_EACH s for each load"
}

find_httpd
rm -f "$out"/*.tsv
machine | tee "$out/machine.txt"
if wanted ledger; then
    echo "Ledger ..."
    measure ledger.tsv "$out/ledger" "$ROUNDS" 500000
fi
if wanted contended; then
    echo "One counter, many processes ..."
    measure contended.tsv "$out/contended" "$ROUNDS" 100
fi
if wanted networks; then
    echo "Networks ..."
    measure networks.tsv "$out/networks"
fi
sections=$(perl -I"$here/lib" -MBench::Cases -e 'print join " ", map { $_->{name} } @Bench::Cases::SECTIONS')
if wanted $sections; then
    echo "Servers ..."
    measure loads.tsv "$here/loads.pl" "$out/strict"
fi
if wanted instructions; then
    echo "Instructions ..."
    measure instructions.tsv "$here/instructions.pl" "$out/ledger"
fi
"$here/report.pl" "$out" | tee "$out/table.txt"
