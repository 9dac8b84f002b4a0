#!/bin/sh
# Makes sure that the packages a purpose needs are there: names and installs what is missing
# from Debian's packages, as root or through sudo; on another system says what is needed and
# stops. Services that come with a package are not started.
# Usage: deps.sh build|test|bench|fuzz|lint
set -eu

build="gcc make libc6-dev apache2-bin apache2-dev libapr1-dev libaprutil1-dev libutf8proc-dev perl curl"
case "${1:-}" in
build) packages=$build commands="gcc apxs apr-1-config apu-1-config perl curl" ;;
test)  packages="$build libcmocka-dev nghttp2-client php-fpm"
       commands="gcc apxs apr-1-config apu-1-config perl curl nghttp h2load" ;;
bench) packages="wrk valgrind" commands="wrk valgrind" ;;
fuzz)  packages="clang libclang-rt-dev" commands=clang ;;
lint)  packages="clang-format cppcheck clang-tidy" commands="clang-format cppcheck clang-tidy" ;;
*)     echo "usage: $0 build|test|bench|fuzz|lint" >&2; exit 2 ;;
esac

# Another system: what can be seen of the commands decides.
if ! command -v dpkg-query >/dev/null 2>&1; then
    absent=
    for command in $commands; do
        command -v "$command" >/dev/null 2>&1 || absent="$absent $command"
    done
    [ -n "$absent" ] || exit 0
    echo "This is not a Debian system, and these commands are missing:$absent" >&2
    echo "Please install what corresponds to Debian's packages:" $packages >&2
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

# Debian asks this program whether a package may start its service.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
