#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make lint` holds: the rooms and the direction of includes and calls, lengths, licence
# lines, formatting, that scripts parse, and static analysis. Runs every check, the quick ones
# first, and fails at the end when one did.
# Suppressions stand here and in build/cppcheck.txt, each with its reason.
set -u
cd "$(dirname "$0")/.." || exit 1

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
failed=
run() {
    title=$1
    shift
    printf '%-34s' "$title"
    began=$(date +%s)
    if said=$("$@" 2>&1); then
        echo "ok $(($(date +%s) - began)) s"
    else
        echo FAILED
        printf '%s\n' "$said" | sed 's/^/    /'
        failed="$failed
    $title"
    fi
}

# Files as they stand, committed or not; what is built lies in out/. No name has a blank in it.
files() {
    find mod_ratelimit_cache rlctl t build conf packaging .ci -type f "$@" | LC_ALL=C sort
}
c_files=$(files -name '*.[ch]')
module_c=$(find mod_ratelimit_cache -name '*.c' | LC_ALL=C sort)
perl_files=$(files \( -name '*.pl' -o -name '*.pm' -o -name '*.t' -o -name '*.cgi' \) \
    -exec grep -lE '^#!.*perl|^(use|package) ' {} +)
shell_files=$(files \( -name '*.sh' -o -name '*.cgi' -o -path .ci/run \) -exec grep -lE '^#!/bin/sh|^# .*read this file with' {} +)

# in_parallel COMMAND FILE...: several at a time, 4 files each.
in_parallel() {
    command=$1
    shift
    printf '%s\n' "$@" | xargs -P "$jobs" -n 4 sh -c "$command" sh
}

# Names the lines only: `make format` rewrites them.
formatting() {
    found=$(clang-format --dry-run -Werror $c_files 2>&1) && return 0
    printf '%s\n' "$found" | sed -n 's/: error: code should be clang-formatted.*//p' | cut -d: -f1,2 | uniq
    echo "make format rewrites them."
    return 1
}

rooms() {
    perl build/check-rooms.pl
}

source_rules() {
    # Not yet t/*.t that leave `use strict` to RL::Test: some of them have long subs.
    perl build/check-source.pl $c_files $(grep -lE '^#!.*perl|^(use strict|package )' $perl_files) $shell_files
}

licences() {
    bare=$(grep -L 'SPDX-License-Identifier: Apache-2.0' Makefile $c_files $perl_files $shell_files)
    [ -z "$bare" ] || { printf '%s\n' "$bare" "These need a line SPDX-License-Identifier: Apache-2.0."; return 1; }
}

# APR's flags define what its headers need (LINUX, _REENTRANT, _GNU_SOURCE); the headers
# themselves are not ours to analyse, so cppcheck sees calls into them as unknown functions.
static_analysis() {
    cppcheck -j "$jobs" --quiet --std=c11 --language=c --enable=warning,performance,portability \
        --inline-suppr --suppressions-list=build/cppcheck.txt --error-exitcode=1 \
        -DLINUX -D_REENTRANT -D_GNU_SOURCE $module_c rlctl/*.c rlctl/*/*.c t/bench/*.c t/module/*.c
}

# Left out of clang-tidy's checks, each for a reason:
#   DeprecatedOrUnsafeBufferHandling  wants memcpy_s and the like, which glibc doesn't have
#   bugprone-easily-swappable-parameters, -reserved-identifier, Padding  a matter of taste
#   bugprone-narrowing-conversions    gcc's -Wconversion holds that, and knows constants
#   bugprone-implicit-widening-...    products of constants, which the compiler checks
#   valist.Uninitialized              is wrong about all but the first file of a run (clang 14)
deep_analysis() {
    checks='-*,clang-analyzer-*,bugprone-*
        -clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
        -clang-analyzer-optin.performance.Padding
        -bugprone-easily-swappable-parameters,-bugprone-reserved-identifier
        -bugprone-narrowing-conversions
        -bugprone-implicit-widening-of-multiplication-result
        -clang-analyzer-valist.Uninitialized'
    checks=$(printf '%s' "$checks" | tr -s '\n ' ',')
    flags="-std=gnu11 -fPIC -D_GNU_SOURCE -DRLCTL_HTTPD_PATH=__FILE__ -DRLCTL_LIBEXECDIR=__FILE__ -DRLCTL_VERSION=__FILE__ -Irlctl -Imod_ratelimit_cache $(apr-1-config --includes --cppflags) -isystem $(${APXS:-apxs} -q INCLUDEDIR)"
    # The counts of what it left out go to standard error.
    in_parallel "clang-tidy --quiet -warnings-as-errors='*' -checks='$checks' \"\$@\" -- $flags 2>/dev/null" \
        $module_c rlctl/*.c rlctl/*/*.c t/module/*.c
}

shell_syntax() {
    bad=0
    for file in $shell_files; do
        sh -n "$file" || bad=1
    done
    return $bad
}

perl_syntax() {
    # shellcheck disable=SC2016 # for the shells that in_parallel starts
    in_parallel 'bad=0
        for file; do
            said=$(perl -It/lib -It/apps/lib -It/moving/lib -It/bench/lib -Ibuild -wc "$file" 2>&1) || { echo "$said"; bad=1; }
        done
        exit $bad' $perl_files
}

run "rooms, directions, circles" rooms
run "lengths" source_rules
run "SPDX lines" licences
run "sh -n" shell_syntax
run "clang-format" formatting
run "perl -c" perl_syntax
run "cppcheck" static_analysis
run "clang-tidy" deep_analysis

[ -z "$failed" ] || { echo "Failed:$failed"; exit 1; }
