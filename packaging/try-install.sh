#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tries make install and make uninstall in a fresh Debian, as docs/install.md has them: the packages that make deps installs,
# what is missing, what to do next, a rule, a second time, away again. As root; some minutes, most of it for packages and
# for building.
# Usage: try-install.sh    (TREE= names a tree to copy instead of making one: ca-certificates, make and what apt needs)
set -eu
[ $# -eq 0 ] || { echo "usage: $0" >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/packaging/fresh.sh"

make_tree apt-utils,curl,make
mkdir "$tree/try/source"
(cd "$top" && git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read -T -) | tar -x -C "$tree/try/source"
cp "$top/packaging/try-install-inside.sh" "$tree/try/"

# What needs a network.
echo "A fresh Debian $(cat "$tree/etc/debian_version")"
inside apt-get -q update >/dev/null
echo '$ make deps'
inside make -s -C /try/source deps >"$work/deps.log" 2>&1 || { tail -20 "$work/deps.log"; exit 1; }
inside apt-get -q -y install --no-install-recommends --download-only apache2 >/dev/null 2>&1

apart "chroot '$tree' sh /try/try-install-inside.sh"
echo "Tried in $(($(date +%s) - began)) s."
