#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches the modules and servers that `make bench` and `make test-moving` compare with from Debian's packages, and unpacks
# them in the directory given: those named, or else those of `make bench`. They aren't installed: that would enable modules and start services of this machine (nginx, and a
# mailer that mod_evasive depends on). What can't be had is told and left out, so this never fails.
# Usage: peers.sh DIRECTORY [PACKAGE...]
set -u
dir=$1
shift
peers="libapache2-mod-evasive libapache2-mod-qos libapache2-mod-security2 nginx haproxy"
# Of mod_qos, ModSecurity and HAProxy, beyond what httpd itself needs.
libraries="libpcre3 liblua5.1-0 libyajl2 libcurl3-gnutls liblua5.3-0 libopentracing-c-wrapper0 libopentracing1"
[ $# -eq 0 ] || peers="$*" libraries=

mkdir -p "$dir" && cd "$dir" || exit 0
if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then
    echo "Not a Debian system: it is compared with those peers that are installed."
    exit 0
fi

fetch() {
    apt-get download -qq -o APT::Sandbox::User=root "$1" >/dev/null 2>&1 && set -- "$1" "$1"_*.deb &&
        dpkg-deb -x "$2" . && dpkg-deb -f "$2" Version >"$1.version" && rm -f "$2"
}

update_lists() {
    echo "Reading Debian's package lists ..."
    if [ "$(id -u)" -eq 0 ]; then apt-get update -qq; else sudo -n apt-get update -qq; fi >/dev/null 2>&1
    updated=yes
}

updated=
for package in $peers $libraries; do
    [ ! -s "$package.version" ] || continue
    fetch "$package" && continue
    [ -n "$updated" ] || update_lists
    fetch "$package" || echo "$package could not be fetched."
done
exit 0
