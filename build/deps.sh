#!/bin/sh
# Makes sure that the packages a purpose needs are there: installs what is missing from Debian's
# packages, as root or through sudo; on another system says what is needed and stops.
# Usage: deps.sh build|bench|lint
set -eu

case "${1:-}" in
build) packages="gcc make libc6-dev perl apache2-bin apache2-dev libapr1-dev libaprutil1-dev
        libutf8proc-dev libcmocka-dev curl nghttp2-client media-types" ;;
bench) packages="wrk valgrind" ;;
lint)  packages="clang-format cppcheck clang-tidy" ;;
*)     echo "usage: $0 build|bench|lint" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1; then
    # Not Debian: trust a machine that has what it takes, else name it.
    if [ "$1" = build ] && command -v apxs >/dev/null 2>&1 && command -v apr-1-config >/dev/null 2>&1; then
        exit 0
    fi
    echo "This is not a Debian system. Please install the equivalents of these packages:" >&2
    echo " " $packages >&2
    exit 1
fi

missing=
for p in $packages; do
    dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Missing packages, and neither root nor sudo to install them:$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "Installing from Debian's packages:$missing"
$as_root apt-get update -qq
# apache2-bin alone doesn't start a server; no package here does.
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
