# SPDX-License-Identifier: Apache-2.0
# A fresh Debian to try things in; try.sh and try-install.sh read this file with `.`. It is made with mmdebstrap in a
# directory of its own and thrown away.
[ "$(id -u)" -eq 0 ] || { echo 'A fresh Debian needs root. Try it with sudo.' >&2; exit 1; }
work=$(mktemp -d)
tree=$work/tree
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
began=$(date +%s)

# make_tree PACKAGES, or a copy of TREE if that is set. From the system's own sources of packages, or the usual mirror.
make_tree() {
    if [ -n "${TREE:-}" ]; then
        cp -a "$TREE" "$tree"
    else
        sources=/etc/apt/sources.list.d/debian.sources
        [ -e "$sources" ] || sources=
        mmdebstrap --quiet --variant=minbase --include="$1" "${SUITE:-bookworm}" "$tree" $sources
    fi
    mkdir "$tree/try"
    cp "$top/packaging/inside.sh" "$tree/try/"
}

inside() { chroot "$tree" "$@"; }

# With its own network, which is a loopback alone, and its own processes, which all end with it.
apart() { unshare --net --pid --mount --fork --mount-proc sh -c "ip link set lo up && mount -t proc proc '$tree/proc' && $1"; }
