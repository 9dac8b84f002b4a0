#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make fuzz` runs: every t/fuzz/fuzz_*.c under libFuzzer with the address and undefined
# behaviour sanitizers, one after the other. Starts from the corpus here; what it finds goes to
# out/fuzz/. Stops at the first broken property and tells the input.
# Usage: run.sh [TARGET...]     (such as multipart; default all)
# Environment: FUZZ_SECONDS (60, for each target), CLANG (clang), RL_OUT (out).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=${RL_OUT:-$top/out}/fuzz
CLANG=${CLANG:-clang}
FUZZ_SECONDS=${FUZZ_SECONDS:-60}

if ! echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d[0] && n; }' |
    "$CLANG" -x c -fsanitize=fuzzer -o /dev/null - 2>/dev/null; then
    echo "make fuzz needs clang with libFuzzer (Debian: clang libclang-rt-dev)." >&2
    exit 1
fi
mkdir -p "$out"

sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"

# The library without httpd, built by the Makefile as always, but with clang and for the fuzzer.
library() {
    make -C "$top" --no-print-directory CC="$CLANG" OUT="$out" LTO= HARDEN= OPTIMIZE='-g -O1' \
        CFLAGS="$sanitize -fsanitize=fuzzer-no-link" "$out/librl.a"
}

build() {
    # shellcheck disable=SC2046,SC2086 # lists of flags
    "$CLANG" -std=gnu11 -g -O1 $sanitize -fsanitize=fuzzer -I"$top/mod_ratelimit_cache" \
        $(apr-1-config --includes --cppflags) $(apu-1-config --includes) -o "$out/$1" \
        "$here/fuzz_$1.c" "$out/librl.a" \
        -lutf8proc -lmemcached $(apr-1-config --link-ld --libs) $(apu-1-config --link-ld)
}

# shellcheck disable=SC2046 # names have no blanks
[ $# -gt 0 ] || set -- $(cd "$here" && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
library
for target in "$@"; do
    echo "== $target, $FUZZ_SECONDS s"
    build "$target"
    mkdir -p "$out/corpus-$target"
    corpus=$here/corpus/$target
    [ -d "$corpus" ] || corpus=
    # shellcheck disable=SC2086 # one word or none
    "$out/$target" -max_total_time="$FUZZ_SECONDS" -max_len=8192 -timeout=10 -print_final_stats=1 \
        -verbosity=0 -artifact_prefix="$out/$target-" "$out/corpus-$target" $corpus
done
