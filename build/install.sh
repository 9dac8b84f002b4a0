#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the module through apxs, the header for other modules beside httpd's own, and rlctl with its manual page and
# its completion for bash; where httpd is laid out as on Debian, also the files that a2enmod looks for. Nothing is enabled and no server is touched.
# Usage: install.sh APXS DESTDIR MODULE      (DESTDIR may be empty; BINDIR and DATADIR are of the environment)
set -eu
[ $# -eq 3 ] || { echo "usage: $0 APXS DESTDIR MODULE" >&2; exit 2; }
apxs=$1
destdir=$2
module=$3
top=$(cd "$(dirname "$0")/.." && pwd)
conf=$top/conf

libexecdir=$("$apxs" -q LIBEXECDIR)
sysconfdir=$("$apxs" -q SYSCONFDIR)
includedir=$("$apxs" -q INCLUDEDIR)
bindir=${BINDIR:-/usr/local/bin}
datadir=${DATADIR:-${bindir%/bin}/share}

# A directory that we can write to, or one sentence instead of three tools' complaints.
need_directory() {
    if ! mkdir -p "$1" 2>/dev/null || [ ! -w "$1" ]; then
        echo "Cannot write to $1. Try: sudo make install, or make install DESTDIR=DIRECTORY" >&2
        exit 1
    fi
}

# apxs hands the .so to libtool, which copies a file that isn't its own as it is; then it warns
# that no libtool archive was found. That is what we want.
install_module() {
    need_directory "$destdir$libexecdir"
    "$apxs" -S LIBEXECDIR="$destdir$libexecdir" -i -n ratelimit_cache "$module"
}

install_header() {
    need_directory "$destdir$includedir"
    install -m 644 "$top/mod_ratelimit_cache/mod_ratelimit_cache.h" "$destdir$includedir"
}

install_rlctl() {
    need_directory "$destdir$bindir"
    install -m 755 "$(dirname "$module")/rlctl" "$destdir$bindir"
    need_directory "$destdir$datadir/man/man1"
    install -m 644 "$top/docs/rlctl.1" "$destdir$datadir/man/man1"
    need_directory "$destdir$datadir/bash-completion/completions"
    install -m 644 "$conf/rlctl.bash" "$destdir$datadir/bash-completion/completions/rlctl"
}

# a2enmod links NAME.load and NAME.conf from mods-available. LoadModule names the place where
# the module will be, which is not below DESTDIR. An administrator's changed .conf stays.
install_debian_files() {
    available=$destdir$sysconfdir/mods-available
    need_directory "$available"
    sed "s|/usr/lib/apache2/modules|$libexecdir|" "$conf/ratelimit_cache.load" \
        >"$available/ratelimit_cache.load"
    chmod 644 "$available/ratelimit_cache.load"
    target=$available/ratelimit_cache.conf
    if [ -e "$target" ] && ! cmp -s "$conf/ratelimit_cache.conf" "$target"; then
        echo "$target was changed and stays; the new one is beside it as ratelimit_cache.conf.new."
        target=$target.new
    fi
    install -m 644 "$conf/ratelimit_cache.conf" "$target"
}

install_module
install_header
install_rlctl
if [ -d "$sysconfdir/mods-available" ] || [ -e /etc/debian_version ]; then
    install_debian_files
    echo "Installed. To enable it: a2enmod ratelimit_cache, then restart httpd."
else
    echo "Installed. To enable it, put this into httpd's configuration and restart httpd:"
    echo "    LoadModule ratelimit_cache_module \"$libexecdir/mod_ratelimit_cache.so\""
fi
