# SPDX-License-Identifier: Apache-2.0
# Finding and running a private httpd; `make run` and the benchmarks read this file with `.`.
# Environment: APXS (default apxs), RL_HTTPD (the httpd binary), RL_LIBEXECDIR (its modules).

# One line for each argument; an empty one for none.
say() { printf '%s\n' "$@"; }
die() { printf '%s\n' "$@" >&2; exit 1; }

# Sets HTTPD and LIBEXECDIR, or explains what is missing.
find_httpd() {
    apxs=${APXS:-apxs}
    LIBEXECDIR=${RL_LIBEXECDIR:-$("$apxs" -q LIBEXECDIR 2>/dev/null || true)}
    HTTPD=${RL_HTTPD:-$("$apxs" -q SBINDIR 2>/dev/null || true)/$("$apxs" -q PROGNAME 2>/dev/null || true)}
    [ -x "$HTTPD" ] && [ -f "$HTTPD" ] ||
        die "No httpd found (tried '$HTTPD'): install it, or set RL_HTTPD to the binary."
    [ -d "$LIBEXECDIR" ] ||
        die "No httpd modules found (tried '$LIBEXECDIR'): set RL_LIBEXECDIR to their directory."
    BUILT_IN=$("$HTTPD" -l)
}

# A LoadModule line for each stock module named; nothing for one that is compiled in.
load_modules() {
    for stock in "$@"; do
        case $BUILT_IN in
        *"mod_$stock.c"* | *" ${stock#mpm_}.c"*) continue ;;
        esac
        [ -f "$LIBEXECDIR/mod_$stock.so" ] || die "httpd has no mod_$stock in $LIBEXECDIR."
        say "LoadModule ${stock}_module \"$LIBEXECDIR/mod_$stock.so\""
    done
}

# Whom the children run as: root may not serve, so another user that this system knows.
user_lines() {
    [ "$(id -u)" -eq 0 ] || return 0
    for user in www-data apache nobody daemon; do
        if id "$user" >/dev/null 2>&1; then
            printf 'User %s\nGroup %s\n' "$user" "$(id -gn "$user")"
            return 0
        fi
    done
    die "Running as root, and no user to hand the children to (www-data, apache, nobody, daemon)."
}

# Starts httpd on the root directory $1 with $1/httpd.conf, in a session of its own, because
# some MPMs signal their whole process group when they stop. Sets HTTPD_PID. $2 is put in
# front of the command, as a list of words (taskset -c 0, say).
start_httpd() {
    setsid ${2:-} "$HTTPD" -d "$1" -f "$1/httpd.conf" -DFOREGROUND >"$1/start.out" 2>&1 </dev/null &
    HTTPD_PID=$!
}

# Waits until the httpd $1 serves on the root directory $2; fails when it ended instead. The
# pid file is written once the ports are bound.
await_httpd() {
    tries=200
    while [ "$tries" -gt 0 ]; do
        kill -0 "$1" 2>/dev/null || return 1
        if grep -q 'resuming normal operations' "$2/error.log" 2>/dev/null; then
            return 0
        fi
        sleep 0.05
        tries=$((tries - 1))
    done
    return 1
}

# Stops the httpd with this pid and waits until it is gone.
stop_httpd() {
    kill "$1" 2>/dev/null || return 0
    tries=100
    while [ "$tries" -gt 0 ] && kill -0 "$1" 2>/dev/null; do
        sleep 0.05
        tries=$((tries - 1))
    done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}
