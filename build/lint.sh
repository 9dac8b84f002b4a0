#!/bin/sh
# What `make lint` holds: formatting, the rooms and the direction of includes and calls, lengths, static
# analysis, and that scripts parse. Runs every check and fails at the end when one did.
# Suppressions stand here and in build/cppcheck.txt, each with its reason.
set -u
cd "$(dirname "$0")/.." || exit 1

failed=
run() {
    title=$1
    shift
    printf '%-34s' "$title"
    if said=$("$@" 2>&1); then
        echo ok
    else
        echo FAILED
        printf '%s\n' "$said" | sed 's/^/    /'
        failed="$failed
    $title"
    fi
}

# Files as they stand, committed or not; what is built lies in out/. No name has a blank in it.
files() {
    find mod_ratelimit_cache t build conf .ci -type f "$@" | LC_ALL=C sort
}
c_files=$(files -name '*.[ch]')
module_c=$(find mod_ratelimit_cache -name '*.c' | LC_ALL=C sort)
perl_files=$(files \( -name '*.pl' -o -name '*.pm' -o -name '*.t' -o -name '*.cgi' \) \
    -exec grep -lE '^#!.*perl|^(use strict|package )' {} +)
shell_files=$(files \( -name '*.sh' -o -name '*.cgi' -o -path .ci/run \) -exec grep -lE '^#!/bin/sh|^# .*read this file with' {} +)

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
    perl build/check-source.pl $c_files $perl_files $shell_files
}

# APR's flags define what its headers need (LINUX, _REENTRANT, _GNU_SOURCE); the headers
# themselves are not ours to analyse, so cppcheck sees calls into them as unknown functions.
static_analysis() {
    cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
        --inline-suppr --suppressions-list=build/cppcheck.txt --error-exitcode=1 \
        -DLINUX -D_REENTRANT -D_GNU_SOURCE $module_c t/bench/*.c t/module/*.c
}

# Left out of clang-tidy's checks, each for a reason:
#   DeprecatedOrUnsafeBufferHandling  wants memcpy_s and the like, which glibc doesn't have
#   bugprone-easily-swappable-parameters, -reserved-identifier, Padding  a matter of taste
#   bugprone-narrowing-conversions    gcc's -Wconversion holds that, and knows constants
#   bugprone-implicit-widening-...    products of constants, which the compiler checks
deep_analysis() {
    checks='-*,clang-analyzer-*,bugprone-*
        -clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
        -clang-analyzer-optin.performance.Padding
        -bugprone-easily-swappable-parameters,-bugprone-reserved-identifier
        -bugprone-narrowing-conversions
        -bugprone-implicit-widening-of-multiplication-result'
    checks=$(printf '%s' "$checks" | tr -s '\n ' ',')
    # The counts of what it left out go to standard error.
    clang-tidy --quiet -warnings-as-errors='*' -checks="$checks" $module_c t/module/*.c -- \
        -std=gnu11 -fPIC -Imod_ratelimit_cache \
        $(apr-1-config --includes --cppflags) -isystem "$(${APXS:-apxs} -q INCLUDEDIR)" 2>/dev/null
}

shell_syntax() {
    bad=0
    for file in $shell_files; do
        sh -n "$file" || bad=1
    done
    return $bad
}

perl_syntax() {
    bad=0
    for file in $perl_files; do
        said_perl=$(perl -It/lib -It/bench/lib -Ibuild -wc "$file" 2>&1) || { echo "$said_perl"; bad=1; }
    done
    return $bad
}

run "clang-format" formatting
run "rooms, directions, circles" rooms
run "lengths" source_rules
run "cppcheck" static_analysis
run "clang-tidy" deep_analysis
run "sh -n" shell_syntax
run "perl -c" perl_syntax

[ -z "$failed" ] || { echo "Failed:$failed"; exit 1; }
