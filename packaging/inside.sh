# SPDX-License-Identifier: Apache-2.0
# What the scripts that run inside of a fresh Debian have in common; they read this file with `.`. Commands are shown with
# what they say, and the first thing that isn't as the manual says ends the script.
cd /try
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
log=/var/log/apache2/error.log
site=/etc/apache2/conf-enabled/try.conf

title() { printf '\n# %s\n' "$1"; }
say() { printf '%s\n' "$1"; }

# Shows a command and what it says, and fails if it does.
do_() {
    say "\$ $*"
    said=$(eval "$*" 2>&1) || { say "$said"; say "FAILED: $*"; exit 1; }
    [ -z "$said" ] || say "$said"
}

are() {
    [ "$2" = "$3" ] || { say "FAILED: $1: $2, not $3"; tail -5 "$log"; exit 1; }
    say "ok: $1: $2"
}

get() { curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1$1"; }
several() { for i in $(seq "$2"); do printf '%s ' "$(get "$1")"; done; }
started() { grep -c 'resuming normal operations' "$log" || :; }

wait_for() {
    for i in $(seq 600); do
        ! eval "$1" >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    [ ! -e apt.log ] || cat apt.log
    say "FAILED: waited a minute for: $1"
    exit 1
}

# A graceful restart is over when a new generation has begun.
graceful() {
    began=$(started)
    do_ 'apachectl configtest && apachectl graceful'
    wait_for "[ \$(started) != $began ]"
}

pid() { cat /run/apache2/apache2.pid; }
up() { wait_for '[ "$(get /)" != 000 ]'; }

# A stop and a start, as the service manager does it.
restart() {
    began=$(started)
    do_ 'service apache2 restart'
    wait_for "[ \$(started) != $began ]"
    up
}

# httpd as on a system that was booted: packages may reload its services.
begin_httpd() {
    echo 'ServerName localhost' >/etc/apache2/conf-enabled/name.conf
    printf '#!/bin/sh\nexit 0\n' >/usr/sbin/policy-rc.d
    printf '#!/bin/sh\necho N 2\n' >/sbin/runlevel
    chmod 755 /usr/sbin/policy-rc.d /sbin/runlevel
    echo login >/var/www/html/login
    apachectl start
    up
}
