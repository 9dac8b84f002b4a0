#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds Debian's packages, binary and source, of the source as it stands (what git ignores stays out), and has lintian
# look at them. The version is the header's, "0.2.0" or, before it is released, "0.2.0~dev20260131.1530", with the
# commit's time: of two builds the later is the newer package, and a second build of one commit in the same place has
# the same bytes (in another place too, but for rlctl's debugging information and with it its build ID).
# debian/changelog is made of the first entry of CHANGES. Who maintains the package is who DEBFULLNAME and DEBEMAIL name;
# without them nobody is asked for an address, and debian/control's leads nowhere.
# Usage: deb.sh DIRECTORY       (VERSION= gives another version; LINTIAN= leaves lintian out)
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
cd "$(dirname "$0")/.."
mkdir -p "$1"
into=$(cd "$1" && pwd)
# What was said to the make that runs this isn't for the package's own: its `make clean` would clean OUT, where the packages go.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES OUT CC

# The commit's time, or CHANGES' where there is no git.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGES)}
export SOURCE_DATE_EPOCH

version() {
    released=$(awk '/define RATELIMIT_VERSION_/ { gsub(/"/, "", $3); v = v (n++ % 3 ? "." : "") $3 } END { print v }' \
        mod_ratelimit_cache/mod_ratelimit_cache.h)
    case $released in
    *-dev) echo "${released%-dev}~dev$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d.%H%M)" ;;
    *) echo "$released" ;;
    esac
}

maintainer() {
    if [ -n "${DEBEMAIL:-}" ]; then
        echo "${DEBFULLNAME:-mod_ratelimit_cache maintainers} <$DEBEMAIL>"
    else
        sed -n 's/^Maintainer: //p' debian/control
    fi
}

# The first entry of CHANGES as Debian writes such files, whose lines have at most 80 columns.
changelog() {
    distribution=unstable
    case $1 in *~dev*) distribution=UNRELEASED ;; esac
    printf '%s\n\n' "mod-ratelimit-cache ($1) $distribution; urgency=medium"
    perl -MText::Wrap -00 -ne '
        $Text::Wrap::columns = 80;
        last if $. > 1 && /^Changes with /;
        print wrap("  * ", "    ", $_ =~ s/^ *\*\) *//r =~ s/\s+/ /gr =~ s/ $//r), "\n\n" if $. > 1' CHANGES
    echo " -- $(maintainer)  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
}

# What git has or would add; without git everything but what was built.
files() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files -z --cached --others --exclude-standard
    else
        find . -path ./out -prune -o -type f -print0
    fi
}

version=${VERSION:-$(version)}
source=$into/mod-ratelimit-cache-$version
rm -rf "$source"
mkdir "$source"
files | xargs -0 sh -c 'for file; do [ ! -f "$file" ] || printf "%s\0" "$file"; done' sh |
    tar -c --null -T - | tar -x -C "$source"
changelog "$version" >"$source/debian/changelog"
MAINTAINER=$(maintainer) perl -pi -e 's/^Maintainer: \K.*/$ENV{MAINTAINER}/' "$source/debian/control"

cd "$source"
dpkg-buildpackage -jauto -us -uc -F >"$into/build.log" 2>&1 || { tail -40 "$into/build.log"; echo "All of it: $into/build.log"; exit 1; }
cd "$into"
rm -rf "$source"
if [ "${LINTIAN-yes}" = yes ]; then
    said=0
    lintian -i -I --pedantic --tag-display-limit 0 --fail-on error,warning "mod-ratelimit-cache_${version}"_*.changes \
        >lintian.log 2>&1 || said=$?
    grep '^[A-Z]: ' lintian.log | grep -v '^N' || echo 'lintian has nothing to say.'
    [ "$said" -eq 0 ] || { echo "More about it: $into/lintian.log"; exit 1; }
fi
ls -1 "$into"/*"_${version}"*
