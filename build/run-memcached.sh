#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demonstration behind `make run STORE=memcached`: a private memcached on a unix socket, and
# two httpds, on 127.0.0.1:$PORT (8080) and the port after it, that share one limit through it.
# Then memcached is ended, and comes back. Everything it needs lies in a temporary directory that
# is removed at the end.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/build/httpd.sh"

PORT=${PORT:-8080}
module=${RL_MODULE:-$top/out/mod_ratelimit_cache.so}
memcached=${RL_MEMCACHED:-memcached}
root=
pids=
memcached_pid=

clean_up() {
    status=$?
    trap - EXIT
    trap '' INT TERM HUP PIPE
    for pid in $pids; do
        stop_httpd "$pid"
    done
    end_memcached
    [ -z "$root" ] || rm -rf "$root"
    exit "$status"
}
trap clean_up EXIT
trap 'say "" "Stopped."; exit 0' INT TERM HUP
trap 'exit 1' PIPE

# ---- the servers ----

check_port() {
    case $PORT in
    '' | *[!0-9]* | ??????*) die "PORT=$PORT: expected a number from 1 to 65534." ;;
    esac
    [ "$PORT" -ge 1 ] && [ "$PORT" -le 65534 ] || die "PORT=$PORT: expected a number from 1 to 65534."
    first=http://127.0.0.1:$PORT
    second=http://127.0.0.1:$((PORT + 1))
}

# memcached and httpd's children may run as other users, who must reach all of this.
make_root() {
    root=$(mktemp -d "${TMPDIR:-/tmp}/rl-run.XXXXXX")
    chmod 755 "$root"
    mkdir "$root/htdocs" "$root/memcached"
    chmod 1777 "$root/memcached"
    echo 'Welcome.' >"$root/htdocs/index.txt"
    cp "$module" "$root/"
    chmod -R go+rX "$root/htdocs" "$root/mod_ratelimit_cache.so"
    rule > "$root/rule.conf"
}

rule() {
    cat <<END
RateLimitStore memcached unix:$root/memcached/socket lease=off
RateLimitSecret a-demonstration
<Location "/">
    RateLimit api 10/m
</Location>
END
}

# httpd's configuration for the port $1 with the directory $2.
write_conf() {
    load_modules mpm_event unixd authz_core mime dir alias log_config
    cat <<END
LoadModule ratelimit_cache_module "$root/mod_ratelimit_cache.so"
ServerRoot "$2"
ServerName localhost
Listen 127.0.0.1:$1
PidFile httpd.pid
DefaultRuntimeDir "$2"
ErrorLog error.log
LogLevel notice
LogFormat "%t \\"%r\\" %>s %{RATELIMIT_STATUS}e" demo
CustomLog access.log demo
GracefulShutdownTimeout 3
TypesConfig /dev/null
AddType text/plain .txt
DirectoryIndex index.txt
DocumentRoot "$root/htdocs"
<Directory "/">
    AllowOverride None
    Require all denied
</Directory>
<Directory "$root/htdocs">
    Require all granted
</Directory>
Include "$root/rule.conf"
END
    user_lines
}

start_memcached() {
    set -- -s "$root/memcached/socket" -a 0777 -m 8
    [ "$(id -u)" -ne 0 ] || set -- "$@" -u nobody
    rm -f "$root/memcached/socket"
    setsid "$memcached" "$@" >"$root/memcached.out" 2>&1 </dev/null &
    memcached_pid=$!
    tries=200
    while [ ! -S "$root/memcached/socket" ]; do
        kill -0 "$memcached_pid" 2>/dev/null && [ "$tries" -gt 0 ] ||
            die "memcached did not start:" "$(cat "$root/memcached.out")"
        sleep 0.05
        tries=$((tries - 1))
    done
}

end_memcached() {
    [ -n "$memcached_pid" ] || return 0
    kill "$memcached_pid" 2>/dev/null || true
    wait "$memcached_pid" 2>/dev/null || true
    memcached_pid=
}

start() {
    dir=$root/$1
    mkdir "$dir"
    chmod 755 "$dir"
    write_conf "$2" "$dir" >"$dir/httpd.conf"
    start_httpd "$dir"
    pids="$pids $HTTPD_PID"
    await_httpd "$HTTPD_PID" "$dir" && return 0
    if grep -qi 'address already in use' "$dir/start.out"; then
        die "Port $2 is taken by another program. Choose another one: make run STORE=memcached PORT=$(((PORT + 1) % 65534 + 1))"
    fi
    say "httpd did not start:" >&2
    cat "$dir/start.out" "$dir/error.log" >&2 2>/dev/null || true
    exit 1
}

# ---- the demonstration ----

# Sends a request and prints one line about the answer; sets `code`.
send() {
    headers=$(curl -sS --max-time 10 -o /dev/null -D - "$1/" | tr -d '\r') || headers=
    phrase=$(say "$headers" | sed -n '1s/^[^ ]* //p')
    code=${phrase%% *}
    [ -n "$code" ] || die "No answer from $1."
    retry=$(say "$headers" | sed -n 's/^[Rr]etry-[Aa]fter: //p')
    printf '    GET %s/ -> %s%s\n' "$1" "$phrase" "${retry:+   Retry-After: $retry}"
}

# Requests to both in turn until both have denied one, fourteen at most; sets `admitted`.
exhaust() {
    admitted=0
    tries=7
    while [ "$tries" -gt 0 ]; do
        for server in "$first" "$second"; do
            send "$server"
            [ "$code" != 200 ] || admitted=$((admitted + 1))
        done
        tries=$((tries - 1))
    done
}

demonstrate() {
    say "The rule on both, and the store that they share:" ""
    sed 's/^/    /' "$root/rule.conf"
    say "" "Fourteen requests, to the two in turn:" ""
    exhaust
    say "" "Together they admitted $admitted."
    # A window of a minute may end at any moment; then there are two windows' worth.
    [ "$admitted" -ge 10 ] || die "That is fewer than ten: a defect of the module."
    show_outage
}

show_outage() {
    say "" "memcached ends; who is over the limit stays so, and nobody waits:" ""
    end_memcached
    send "$first"
    send "$second"
    say "" "It comes back, empty; still so:" ""
    start_memcached
    send "$first"
    send "$second"
    say "" "What the error log of the first says:" ""
    sed -n 's/^.*\(ratelimit: .*\)/    \1/p' "$root/first/error.log"
}

invite() {
    cat <<END

All three stay up; Ctrl-C stops them and removes everything.

    Try     curl -i $first/
            curl -i $second/
            for i in 1 2 3 4 5 6 7 8 9 10 11; do curl -s -o /dev/null -w '%{http_code}\\n' $second/; done

    Logs    tail -f $root/first/error.log $root/second/error.log

END
}

check_port
[ -f "$module" ] || die "$module is not there yet: run make."
find_httpd
make_root
start_memcached
start first "$PORT"
start second $((PORT + 1))
say "" "Two httpds are up: $first and $second" ""
demonstrate
invite
wait
