#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demonstration behind `make run`: a private httpd on 127.0.0.1:$PORT (8080) with a CGI
# login form behind stacked rules. Everything it needs lies in a temporary directory that is
# removed at the end; several can run at the same time on different ports.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/build/httpd.sh"

PORT=${PORT:-8080}
module=${RL_MODULE:-$top/out/mod_ratelimit_cache.so}
base=http://127.0.0.1:$PORT
form=/cgi-bin/login.cgi
root=
HTTPD_PID=

clean_up() {
    status=$?
    trap - EXIT
    trap '' INT TERM HUP PIPE
    [ -z "$HTTPD_PID" ] || stop_httpd "$HTTPD_PID"
    [ -z "$root" ] || rm -rf "$root"
    exit "$status"
}
trap clean_up EXIT
trap 'say "" "Stopped."; exit 0' INT TERM HUP
trap 'exit 1' PIPE

check_port() {
    case $PORT in
    '' | *[!0-9]* | ??????*) die "PORT=$PORT: expected a number from 1 to 65535." ;;
    esac
    [ "$PORT" -ge 1 ] && [ "$PORT" -le 65535 ] || die "PORT=$PORT: expected a number from 1 to 65535."
}

# ---- the server ----

# The children may run as another user, who must be able to read all of this. The module is a
# copy, so that a `make` meanwhile doesn't change the file that httpd has mapped.
make_root() {
    root=$(mktemp -d "${TMPDIR:-/tmp}/rl-run.XXXXXX")
    chmod 755 "$root"
    mkdir "$root/htdocs" "$root/cgi-bin" "$root/run"
    cp "$module" "$root/"
    cp "$top/conf/demo/login.cgi" "$root/cgi-bin/"
    cp "$top/conf/demo/style.css" "$top/conf/demo/welcome.html" "$root/htdocs/"
    cp "$top/conf/demo/rules.conf" "$root/"
    chmod -R go+rX "$root"
    chmod 755 "$root/cgi-bin/login.cgi"
    write_conf >"$root/httpd.conf"
}

write_conf() {
    load_modules mpm_event unixd authz_core mime dir alias cgid log_config
    cat <<END
LoadModule ratelimit_cache_module "$root/mod_ratelimit_cache.so"
ServerRoot "$root"
ServerName localhost
Listen 127.0.0.1:$PORT
PidFile run/httpd.pid
DefaultRuntimeDir "$root/run"
ScriptSock "$root/run/cgid.sock"
ErrorLog error.log
LogLevel notice
LogFormat "%t \\"%r\\" %>s %{RATELIMIT_STATUS}e %{RATELIMIT_RULE}e" demo
CustomLog access.log demo
GracefulShutdownTimeout 3
TypesConfig /dev/null
AddType text/html .html
AddType text/css .css
DocumentRoot "$root/htdocs"
ScriptAlias /cgi-bin/ "$root/cgi-bin/"
RedirectMatch 302 "^/\$" "$form"
<Directory "/">
    AllowOverride None
    Require all denied
</Directory>
<Directory "$root/htdocs">
    Require all granted
</Directory>
<Directory "$root/cgi-bin">
    Require all granted
</Directory>
Include "$root/rules.conf"
END
    user_lines
}

start() {
    start_httpd "$root"
    await_httpd "$HTTPD_PID" "$root" && return 0
    if grep -qi 'address already in use' "$root/start.out"; then
        die "Port $PORT is taken by another program. Choose another one: make run PORT=$((PORT % 65535 + 1))"
    fi
    if grep -qi 'permission denied.*bind\|could not bind' "$root/start.out"; then
        die "httpd may not listen on port $PORT. Choose one above 1023: make run PORT=8080"
    fi
    say "httpd did not start:" >&2
    cat "$root/start.out" "$root/error.log" >&2 2>/dev/null || true
    exit 1
}

# ---- the demonstration ----

# Sends a request and prints one line about the answer; sets `code` and `retry`.
send() {
    shown=$1
    shift
    headers=$(curl -sS --max-time 10 -o /dev/null -D - "$@" "$base$form" | tr -d '\r') || headers=
    phrase=$(say "$headers" | sed -n '1s/^[^ ]* //p')
    code=${phrase%% *}
    [ -n "$code" ] || die "No answer from httpd. Its log: $(tail -n 3 "$root/error.log")"
    retry=$(say "$headers" | sed -n 's/^[Rr]etry-[Aa]fter: //p')
    printf '    %-46s -> %s%s\n' "$shown" "$phrase" "${retry:+   Retry-After: $retry}"
}

sign_in() {
    send "POST username=$1 password=$2" --data-urlencode "username=$1" --data-urlencode "password=$2"
}

demonstrate() {
    say "The rules on $form (conf/demo/rules.conf):" ""
    sed -n '/^ *RateLimit /p' "$root/rules.conf"
    show_login_rule
    show_burst_rule
    show_log
}

show_login_rule() {
    say "" "A browser opens the form, then somebody guesses a password:" ""
    send "GET  $form"
    for password in 123456 password qwerty letmein dragon monkey 111111 abc123 iloveyou admin; do
        [ "$code" != 429 ] || break
        sign_in demo "$password"
    done
    [ "$code" = 429 ] || die "Nothing was denied: that is a defect of the module."
    say "" "Over the limit the right password is not looked at, and other spellings are the same account;" \
        "another account can still sign in:" ""
    sign_in demo secret
    sign_in ' DEMO' secret
    sign_in alice wonderland
}

show_burst_rule() {
    say "" "The other rule counts all requests of an address:" ""
    tries=15
    while [ "$code" != 429 ] && [ "$tries" -gt 0 ]; do
        send "GET  $form"
        tries=$((tries - 1))
    done
    [ -n "$retry" ] || return 0
    say "" "After the $retry s that Retry-After asked for:" ""
    # In steps, because a trap runs only between commands.
    while [ "$retry" -gt 0 ]; do
        sleep 1
        retry=$((retry - 1))
    done
    send "GET  $form"
}

# A key's first denial in a window leaves one line in the error log, its repeats none.
show_log() {
    say "" "What the error log says about all this:" ""
    sed -n 's/^.*\(ratelimit: rule .*\)/    \1/p' "$root/error.log"
}

invite() {
    cat <<END

The server stays up; Ctrl-C stops it and removes everything.

    Open    $base$form
            and sign in as demo with a wrong password a few times (the right one is secret)

    Try     curl -i -d 'username=demo&password=x' $base$form
            for i in 1 2 3 4 5 6 7 8 9 10 11; do curl -s -o /dev/null -w '%{http_code}\\n' $base$form; done

    Logs    tail -f $root/error.log
            tail -f $root/access.log

END
}

check_port
[ -f "$module" ] || die "$module is not there yet: run make."
find_httpd
make_root
start
say "" "httpd is up: $base$form" ""
demonstrate
invite
status=0
wait "$HTTPD_PID" || status=$?
say "httpd ended by itself (status $status). The end of its error log:" >&2
tail -n 20 "$root/error.log" >&2 || true
HTTPD_PID=
exit 1
