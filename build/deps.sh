#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The packages that each purpose needs, from Debian's. `check` names what is missing and the
# command that installs it, and fails; `install` installs it, as root or through sudo. On
# another system both say what is needed. Services that come with a package are not started.
# Usage: deps.sh check|install PURPOSE...
set -eu

purposes="build run unit test apps fail2ban memcached bench differential fuzz clang lint deb rpm"

# Sets `packages`, and `commands`, by which another system is judged.
needs() {
    case $1 in
    build) packages="gcc make libc6-dev perl apache2-dev libapr1-dev libaprutil1-dev libutf8proc-dev libmemcached-dev zlib1g-dev libcurl4-openssl-dev libjansson-dev"
           commands="gcc perl apxs apr-1-config apu-1-config curl-config" ;;
    run)   needs build
           packages="$packages apache2-bin curl" commands="$commands curl" ;;
    unit)  needs build
           packages="$packages libcmocka-dev" ;;
    test)  needs unit
           packages="$packages apache2-bin nghttp2-client php-fpm memcached python3-prometheus-client prometheus openssl mandoc"
           commands="$commands nghttp h2load memcached" ;;
    apps)  needs test
           packages="$packages wordpress wordpress-theme-twentytwentyone dokuwiki phpmyadmin mariadb-server php-fpm php-mysql"
           packages="$packages git gitweb php-xml php-mbstring libcgi-pm-perl python3-django libapache2-mod-wsgi-py3 hydra chromium curl openssl"
           commands="$commands mariadbd hydra chromium curl openssl" ;;
    fail2ban) packages=fail2ban commands=fail2ban-regex ;;
    memcached) packages=memcached commands=memcached ;;
    bench) needs build
           packages="$packages apache2-bin wrk valgrind memcached" commands="$commands wrk valgrind memcached" ;;
    differential) needs build
           packages="$packages php-cgi libcgi-pm-perl libcgi-simple-perl libplack-perl libhttp-body-perl libmojolicious-perl"
           packages="$packages python3-django python3-werkzeug python3-webob python3-bottle python3-aiohttp python3-tornado"
           packages="$packages python3-starlette python3-multipart ruby-rack golang-go"
           commands="$commands php-cgi python3 ruby go" ;;
    clang) packages=clang commands=clang ;;
    fuzz)  needs build
           packages="$packages clang libclang-rt-dev" commands="$commands clang" ;;
    lint)  needs build
           packages="$packages clang-format cppcheck clang-tidy" commands="$commands clang-format cppcheck clang-tidy" ;;
    deb)   needs unit
           packages="$packages debhelper dpkg-dev lintian autopkgtest mmdebstrap fakeroot"
           commands="$commands dpkg-buildpackage lintian" ;;
    rpm)   needs build
           packages="$packages rpm" commands="$commands rpmbuild" ;;
    *)     echo "No such purpose: $1. One or more of: $purposes" >&2
           exit 2 ;;
    esac
}

missing_commands() {
    for command in $all_commands; do
        command -v "$command" >/dev/null 2>&1 || printf ' %s' "$command"
    done
}

missing_packages() {
    installed=$(dpkg-query -W -f ' ${Package}=${db:Status-Status} ' $all_packages 2>/dev/null || true)
    for package in $all_packages; do
        case $installed in *" $package=installed "*) ;; *) printf ' %s' "$package" ;; esac
    done
}

usage() { echo "usage: $0 check|install PURPOSE...   (purposes: $purposes)" >&2; exit 2; }

[ $# -ge 2 ] || usage
mode=$1
shift
case $mode in check | install) ;; *) usage ;; esac
all_packages= all_commands=
for purpose in "$@"; do
    needs "$purpose"
    all_packages="$all_packages $packages"
    all_commands="$all_commands $commands"
done
all_packages=$(printf '%s\n' $all_packages | sort -u)
all_commands=$(printf '%s\n' $all_commands | sort -u)

if ! command -v dpkg-query >/dev/null 2>&1; then
    missing=$(missing_commands)
    [ -n "$missing" ] || exit 0
    echo "This is not a Debian system, and these commands are missing:$missing" >&2
    echo "Please install what corresponds to Debian's packages:" $all_packages >&2
    exit 1
fi

missing=$(missing_packages)
[ -n "$missing" ] || exit 0

if [ "$mode" = check ]; then
    echo "These packages are missing:$missing" >&2
    case $* in
    build) echo "To install them (as root or through sudo): make deps" >&2 ;;
    *" "*) echo "To install them (as root or through sudo): make deps FOR='$*'" >&2 ;;
    *)     echo "To install them (as root or through sudo): make deps FOR=$1" >&2 ;;
    esac
    exit 1
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "These packages are missing, and installing them takes root or sudo:$missing" >&2
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
# Debian's phpMyAdmin would set up a database, and DokuWiki sites of an httpd, while they are installed.
case $missing in *phpmyadmin* | *dokuwiki*)
    printf '%s\n' 'phpmyadmin phpmyadmin/dbconfig-install boolean false' \
        'phpmyadmin phpmyadmin/reconfigure-webserver multiselect' \
        'dokuwiki dokuwiki/webservers multiselect' | $as_root debconf-set-selections ;;
esac
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
