#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the module where apxs says that httpd's modules are, the header for other modules beside httpd's own, rlctl with
# its manual page and its completion for bash, the manual and the examples; where httpd is laid out as on Debian, also
# the files that a2enmod looks for. Nothing is enabled and no server is touched.
#   check      says what is missing, or in the way; of several things all
#   install    installs, and says what to do next on this system
#   uninstall  removes what install put there, and nothing else: an edited .conf stays. Not while the module is enabled
# Usage: install.sh check|install|uninstall APXS DESTDIR MODULE
#        (DESTDIR may be empty; with it, this system isn't looked at. BINDIR, DATADIR, DOCDIR and FAIL2BAN are of the environment)
set -eu
[ $# -eq 4 ] || { echo "usage: $0 check|install|uninstall APXS DESTDIR MODULE" >&2; exit 2; }
mode=$1
apxs=$2
destdir=$3
module=$4
top=$(cd "$(dirname "$0")/.." && pwd)

if ! libexecdir=$("$apxs" -q LIBEXECDIR 2>/dev/null); then
    echo "$apxs doesn't answer: it comes with httpd's headers (Debian: apache2-dev, Fedora: httpd-devel). APXS= names another." >&2
    exit 1
fi
sysconfdir=$("$apxs" -q SYSCONFDIR)
includedir=$("$apxs" -q INCLUDEDIR)
httpd=$("$apxs" -q SBINDIR)/$("$apxs" -q PROGNAME)
bindir=${BINDIR:-/usr/local/bin}
datadir=${DATADIR:-${bindir%/bin}/share}
docdir=${DOCDIR:-$datadir/doc/mod_ratelimit_cache}
fail2ban=${FAIL2BAN:-/etc/fail2ban}
so=$libexecdir/mod_ratelimit_cache.so
conf=$sysconfdir/mods-available/ratelimit_cache.conf

# Whether httpd is Debian's, or laid out like it. Debian's may be absent: a package is built without.
like_debian() { [ -d "$sysconfdir/mods-available" ] || [ "$sysconfdir" = /etc/apache2 ]; }

# ---- what is missing ----------------------------------------------------------------------

# One sentence for each thing that is missing. A module without its httpd would be of no use.
missing() {
    [ -x "$httpd" ] ||
        echo "httpd itself isn't installed: there is no $httpd.$(like_debian && echo ' Debian: apt install apache2')"
    if like_debian && ! command -v a2enmod >/dev/null 2>&1; then
        echo "a2enmod isn't installed, which enables modules. Debian: apt install apache2"
    fi
    if owner=$(dpkg-query -S "$so" 2>/dev/null); then
        echo "$so belongs to the package ${owner%%:*}, which would be damaged. First: apt remove ${owner%%:*}"
    fi
}

check() {
    [ -z "$destdir" ] || return 0
    found=$(missing)
    [ -z "$found" ] || { printf '%s\n' "$found" 'Nothing was installed. (DESTDIR= installs into a directory.)' >&2; exit 1; }
}

# ---- what there is to install -------------------------------------------------------------

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' INT TERM HUP

# put DIRECTORY FILE...: these go there.
put() {
    directory=$1
    shift
    mkdir -p "$stage$directory"
    for file; do
        [ ! -f "$file" ] || cp "$file" "$stage$directory/"
    done
}

# Text that names files of the source, with the names that they have when installed.
put_text() {
    directory=$1
    shift
    mkdir -p "$stage$directory"
    for file; do
        sed 's|conf/examples|examples|g' "$file" >"$stage$directory/$(basename "$file")"
    done
}

# LoadModule names the place where the module will be, which is not below DESTDIR.
put_debian_files() {
    put "${conf%/*}" "$top/conf/ratelimit_cache.conf"
    sed "s|/usr/lib/apache2/modules|$libexecdir|" "$top/conf/ratelimit_cache.load" >"$stage${conf%.conf}.load"
}

# What is installed, as it will lie below DESTDIR. Where a program wasn't built, as may be when it
# is to be removed, an empty file stands for it.
stage() {
    put "$libexecdir" "$module"
    [ -e "$stage$so" ] || : >"$stage$so"
    put "$includedir" "$top/mod_ratelimit_cache/mod_ratelimit_cache.h"
    put "$bindir" "$(dirname "$module")/rlctl"
    [ -e "$stage$bindir/rlctl" ] || : >"$stage$bindir/rlctl"
    put "$datadir/man/man1" "$top"/docs/*.1
    put "$datadir/bash-completion/completions" "$top/conf/rlctl.bash"
    mv "$stage$datadir/bash-completion/completions/rlctl.bash" "$stage$datadir/bash-completion/completions/rlctl"
    put_text "$docdir" "$top/README.md" "$top/SECURITY.md" "$top/CHANGES"
    put_text "$docdir/docs" "$top"/docs/*.md
    put "$docdir/docs" "$top"/docs/*.png
    put "$docdir/examples" "$top"/conf/examples/* "$top/conf/ratelimit_cache.conf"
    put "$docdir/examples/monitoring" "$top"/conf/monitoring/*
    put_fail2ban
    if like_debian; then
        put_debian_files
    fi
}

# A filter bans nobody until a jail names it, so it goes where fail2ban looks; jails are examples.
put_fail2ban() {
    if [ -n "$destdir" ] || [ -d "$fail2ban/filter.d" ]; then
        put "$fail2ban/filter.d" "$top"/conf/fail2ban/filter.d/*
    fi
    put "$docdir/examples/fail2ban/filter.d" "$top"/conf/fail2ban/filter.d/*
    put "$docdir/examples/fail2ban/jail.d" "$top"/conf/fail2ban/jail.d/*
}

# The files, one a line, each with the name that it gets after DESTDIR.
staged() { (cd "$stage" && find . -type f | sed 's/^\.//' | LC_ALL=C sort); }

# ---- install ------------------------------------------------------------------------------

# Directories that we can write to, or one sentence instead of many complaints.
need_directory() {
    if ! mkdir -p "$1" 2>/dev/null || [ ! -w "$1" ]; then
        echo "Cannot write to $1. Try: sudo make install, or make install DESTDIR=DIRECTORY" >&2
        exit 1
    fi
}

# An administrator's changed .conf stays.
install_file() {
    target=$destdir$1
    mode=644
    [ "$1" != "$bindir/rlctl" ] || mode=755
    if [ "$1" = "$conf" ] && [ -e "$target" ] && ! cmp -s "$stage$1" "$target"; then
        echo "$target was changed and stays; the new one is beside it as ratelimit_cache.conf.new."
        target=$target.new
    fi
    install -m "$mode" "$stage$1" "$target"
}

install_all() {
    staged | sed 's|/[^/]*$||' | sort -u | while IFS= read -r directory; do
        need_directory "$destdir$directory"
    done
    staged | while IFS= read -r file; do
        install_file "$file"
    done
}

enabled() { grep -RlsE '^[[:space:]]*LoadModule[[:space:]]+ratelimit_cache_module' "$sysconfdir" "$sysconfdir/../conf.modules.d" | grep -v /mods-available/ | head -1; }

how_to_reload() {
    unit=$(basename "$httpd")
    if [ -d /run/systemd/system ]; then
        echo "systemctl reload $unit"
    else
        echo "${httpd%/*}/apachectl graceful"
    fi
}

say_next() {
    echo "Installed: the module $so, rlctl, the manual in $docdir/docs, examples in $docdir/examples."
    if [ -n "$destdir" ]; then
        return
    elif [ -n "$(enabled)" ]; then
        printf '%s\n' 'The module is enabled already. Next, as root, to have this version run:'
    elif like_debian; then
        printf '%s\n' 'Next, as root (it limits nothing until you write a rule):' '    a2enmod ratelimit_cache'
    else
        printf '%s\n' "Next, as root (it limits nothing until you write a rule): put this into httpd's configuration," \
            "$(load_file)," "    LoadModule ratelimit_cache_module \"$so\""
    fi
    printf '    %s\n' "${httpd%/*}/apachectl configtest && $(how_to_reload)"
}

load_file() {
    if [ -d "$sysconfdir/../conf.modules.d" ]; then
        echo "as $(cd "$sysconfdir/.." && pwd)/conf.modules.d/10-ratelimit_cache.conf"
    else
        echo "$sysconfdir/$(basename "$httpd").conf"
    fi
}

# ---- uninstall ----------------------------------------------------------------------------

uninstall_file() {
    target=$destdir$1
    [ -e "$target" ] || return 0
    if [ "$1" = "$conf" ] && ! cmp -s "$stage$1" "$target"; then
        echo "$target was changed and stays."
        return 0
    fi
    if ! rm -f "$target" 2>/dev/null; then
        echo "Cannot remove $target. Try: sudo make uninstall" >&2
        exit 1
    fi
}

uninstall_all() {
    staged | while IFS= read -r file; do
        uninstall_file "$file"
    done
    rm -f "$destdir$conf.new"
    find "$destdir$docdir" -depth -type d -exec rmdir {} + 2>/dev/null || :
}

# A module that is enabled and gone would keep httpd from starting; and a2dismod disables only what is still there.
check_disabled() {
    [ -z "$destdir" ] || return 0
    where=$(enabled)
    [ -n "$where" ] || return 0
    first="take the LoadModule line away, with the rules"
    ! like_debian || first="a2dismod ratelimit_cache, take the rules away"
    printf '%s\n' "The module is enabled, by $where: httpd wouldn't start again without it." \
        "First, as root: $first; then ${httpd%/*}/apachectl configtest && $(how_to_reload)" \
        'Nothing was removed.' >&2
    exit 1
}

case $mode in
check) check ;;
install)
    check
    stage
    install_all
    say_next ;;
uninstall)
    if [ -z "$destdir" ] && owner=$(dpkg-query -S "$so" 2>/dev/null); then
        echo "$so belongs to the package ${owner%%:*}: apt remove ${owner%%:*}" >&2
        exit 1
    fi
    check_disabled
    stage
    uninstall_all
    echo "Removed." ;;
*)  echo "No such mode: $mode" >&2
    exit 2 ;;
esac
