#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds packaging/mod_ratelimit_cache.spec from the source as it stands. On Debian, whose rpmbuild knows nothing of
# Debian's packages, what it needs isn't looked for, and httpd is Debian's: the RPM shows that the spec is whole, and is
# for no system to install.
# Usage: rpm.sh DIRECTORY
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
cd "$(dirname "$0")/.."
mkdir -p "$1"
into=$(cd "$1" && pwd)
# What was said to the make that runs this isn't for the package's own.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES OUT CC
version=$(awk '/define RATELIMIT_VERSION_/ { gsub(/"/, "", $3); v = v (n++ % 3 ? "." : "") $3 } END { print v }' \
    mod_ratelimit_cache/mod_ratelimit_cache.h | sed 's/-dev/~dev/')

mkdir -p "$into/SOURCES"
git ls-files --cached --others --exclude-standard | while IFS= read -r file; do [ ! -f "$file" ] || echo "$file"; done |
    tar -cz -T - --transform "s|^|mod_ratelimit_cache-$version/|" -f "$into/SOURCES/mod_ratelimit_cache-$version.tar.gz"

set -- --define "_topdir $into" --define "rl_version $version"
if [ -e /etc/debian_version ]; then
    moddir=$("${APXS:-apxs}" -q LIBEXECDIR)
    set -- "$@" --nodeps --define "_httpd_apxs $(command -v "${APXS:-apxs}")" --define "_httpd_moddir $moddir" \
        --define '_pkgdocdir /usr/share/doc/mod_ratelimit_cache'
fi
rpmbuild -ba "$@" packaging/mod_ratelimit_cache.spec >"$into/build.log" 2>&1 ||
    { tail -30 "$into/build.log"; echo "All of it: $into/build.log"; exit 1; }
rm -rf "$into/BUILD" "$into/BUILDROOT"
find "$into/RPMS" "$into/SRPMS" -name '*.rpm'
