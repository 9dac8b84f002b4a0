#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tries the package that `make deb` built as an administrator would, in a fresh Debian: installs it, enables it, writes a
# rule, is denied; upgrades under load, removes, purges. Then autopkgtest runs debian/tests there. The tree is made with
# mmdebstrap and thrown away; httpd runs in namespaces of its own, so that no port of this machine is used. As root; five
# minutes, most of it for packages.
# Usage: try.sh DIRECTORY   (where make deb put the packages. TREE= names a tree of apache2 and curl to copy instead of
#        making one; OLD= a package to upgrade from: by default the same one, repacked with a lower version)
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)
from=$(cd "$1" && pwd)
name=libapache2-mod-ratelimit-cache
new=$(ls -t "$from/$name"_*.deb 2>/dev/null | head -1)
dev=$(ls -t "$from/$name-dev"_*.deb 2>/dev/null | head -1)
[ -n "$new" ] && [ -n "$dev" ] || { echo "No package in $from. First: make deb" >&2; exit 1; }

. "$top/packaging/fresh.sh"

# The version before: its .conf differs in a line, as that of another version would.
repack_as_old() {
    dpkg-deb -R "$new" "$work/old"
    sed -i 's/^Version: .*/Version: 0.1.0/' "$work/old/DEBIAN/control"
    echo '# A line of the version before.' >>"$work/old/etc/apache2/mods-available/ratelimit_cache.conf"
    (cd "$work/old" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | xargs -0 md5sum >DEBIAN/md5sums)
    dpkg-deb -b "$work/old" "$1" >/dev/null
}

# Everything that the packages need, to be installed later without a network.
download() {
    inside apt-get -q update >/dev/null
    inside sh -c 'apt-get -q -y install --download-only /try/*.deb' >/dev/null 2>&1
}

make_tree apache2,apt-utils,curl,gcc,apache2-dev
cp "$new" "$dev" "$tree/try/"
download
cp "${OLD:-/dev/null}" "$tree/try/old" && [ -n "${OLD:-}" ] || repack_as_old "$tree/try/old"
mv "$tree/try/old" "$tree/try/${name}_old.deb"
cp "$top/packaging/try-inside.sh" "$tree/try/"
echo "A fresh Debian $(cat "$tree/etc/debian_version"), with $(inside dpkg-query -W -f '${Package} ${Version}' apache2)"

apart "chroot '$tree' sh /try/try-inside.sh $name"

echo
echo '# autopkgtest'
mkdir "$work/source" "$work/results"
tar -c -C "$top" --exclude=./out --exclude=./.git . | tar -x -C "$work/source"
[ -e "$work/source/debian/changelog" ] || printf '%s\n' "mod-ratelimit-cache (0) unstable; urgency=medium" '' '  * Try.' '' \
    " -- $(sed -n 's/^Maintainer: //p' "$top/debian/control")  $(LC_ALL=C date -R)" >"$work/source/debian/changelog"
apart "autopkgtest --no-built-binaries '$new' '$dev' '$work/source/' -o '$work/results' -- chroot '$tree' >'$work/autopkgtest.log' 2>&1" ||
    { tail -60 "$work/autopkgtest.log"; exit 1; }
cat "$work/results/summary"
echo "Tried in $(($(date +%s) - began)) s."
