#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make i386` runs: builds the module and C tests for i386, and runs the tests. Libraries and headers are fetched from
# Debian's packages and unpacked in the directory given, with lists of packages of their own: this system stays as it is.
# gcc builds for both; the processor and the kernel have to run 32-bit programs. rlctl isn't built. Where the packages can't
# be had, it says so and tries nothing.
# Usage: i386.sh DIRECTORY [TEST...]     (such as unit/meter; default those that take no time)
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
root=$out/root
packages="linux-libc-dev libc6 libc6-dev libcrypt1 libcrypt-dev libgcc-s1 libgcc-$(gcc -dumpversion)-dev libstdc++6
    libapr1 libapr1-dev libaprutil1 libaprutil1-dev apache2-dev libutf8proc2 libutf8proc-dev libmemcached11
    libmemcached-dev libhashkit2 libhashkit-dev libsasl2-2 libsasl2-dev libcmocka0 libcmocka-dev libuuid1 libexpat1 libssl3 zlib1g"

apt() {
    apt-get -qq -o APT::Architecture=i386 -o APT::Architectures=i386 -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Acquire::http::Timeout=10 -o Acquire::Retries=1 \
        -o Dir::State="$out/apt/state" -o Dir::State::status=/dev/null -o Dir::Cache="$out/apt/cache" "$@"
}

fetch() {
    mkdir -p "$out/apt/state/lists/partial" "$out/apt/cache/archives/partial" "$out/apt/debs" "$root"
    apt update || echo 'Not all lists of packages could be read.'
    # shellcheck disable=SC2086 # a list
    (cd "$out/apt/debs" && apt download $packages) || return 1
    for deb in "$out"/apt/debs/*.deb; do
        dpkg-deb -x "$deb" "$root"
    done
    touch "$root/fetched"
}

if [ ! -e "$root/fetched" ] && { ! command -v apt-get >/dev/null || ! fetch; }; then
    echo 'i386: the packages could not be fetched, so nothing was built.'
    exit 0
fi
libraries=$root/usr/lib/i386-linux-gnu
gcc=$root/usr/lib/gcc/i686-linux-gnu/$(gcc -dumpversion)
compiler="gcc -m32 -Wno-psabi --sysroot=$root -B$gcc -B$libraries/ -isystem $root/usr/include/i386-linux-gnu -L$gcc -L$libraries"
compiler="$compiler -L$root/lib/i386-linux-gnu -Wl,--disable-new-dtags,--dynamic-linker=$root/lib/ld-linux.so.2,-rpath,$root/lib/i386-linux-gnu:$libraries"
apr="-isystem =/usr/include/apr-1.0 -DLINUX -D_REENTRANT -D_GNU_SOURCE -D_LARGEFILE64_SOURCE"
# shellcheck disable=SC2046 # a list
[ $# -gt 0 ] || set -- $(cd "$(dirname "$0")/../t" && ls unit/*.c fuzz/fuzz_*.c |
    sed '/rlctl\|fleet_\|interleavings\|ledger_[cfop]\|weak_\|meter_rates\|memcached/d; s/fuzz_//; s/\.c$//')
export GCONV_PATH="$libraries/gconv"
exec make --no-print-directory -j"$(getconf _NPROCESSORS_ONLN)" OUT="$out" CC="$compiler" LTO= HARDEN= OPTIMIZE=-O0 \
    APR_FLAGS="$apr" HTTPD_FLAGS="$apr -isystem =/usr/include/apache2" APR_LIBS='-laprutil-1 -lapr-1' T="$*" \
    "$out/mod_ratelimit_cache.so" check
