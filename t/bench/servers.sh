# The servers that the benchmarks compare; http.sh and instructions.sh read this file with `.`.

module=${RL_MODULE:-$top/out/mod_ratelimit_cache.so}

# A directory with the page that all servers serve: 1 KiB, as small pages go. The smaller the
# answer, the larger our share of the work. Sets `root`; the module is a copy, as in make run.
make_root() {
    root=$(mktemp -d "${TMPDIR:-/tmp}/rl-bench.XXXXXX")
    chmod 755 "$root"
    mkdir "$root/htdocs"
    perl -e 'print "<!DOCTYPE html>\n", "x" x 1007, "\n"' >"$root/htdocs/index.html"
    chmod -R go+rX "$root/htdocs"
    cp "$module" "$root/"
    module=$root/mod_ratelimit_cache.so
}

# What the case $1 adds to the bare server: in its <Location "/">, ...
section_of_case() {
    case $1 in
    forbidden) say "    Require all denied" ;;
    # Limits out of reach, so that nothing is denied.
    rules) say "    RateLimit burst 4000000000/h" "    RateLimit day 4000000000/d" ;;
    # The same, and the client is told.
    headers) say "    RateLimit burst 4000000000/h" "    RateLimit day 4000000000/d" \
        "    RateLimitHeaders standard legacy" ;;
    # A handful is allowed, the rest of the day denied.
    denied) say "    RateLimit burst 4000000000/h" "    RateLimit day 5/d" ;;
    form) say "    RateLimit account 4000000000/h methods=POST key=form:username" ;;
    esac
}

# ... and whether it has the module at all.
module_of_case() {
    case $1 in
    unused | rules | headers | denied | post | form) say "LoadModule ratelimit_cache_module \"$module\"" ;;
    esac
}

# Whether the case is about posting a form of 1 KiB, to a handler that reads it and sends it
# back: less work than any CGI, so our share of it is larger.
posts() {
    [ "$1" = post ] || [ "$1" = form ]
}

# Event MPM, one child, so that all of it runs on the server's core; no access log. Every server
# has the one <Location>, because walking and merging sections costs something by itself.
server_conf() {
    dir=$2
    port=$3
    module_of_case "$1"
    load_modules mpm_event unixd authz_core authz_host mime dir alias reflector
    cat <<END
ServerRoot "$dir"
ServerName localhost
Listen 127.0.0.1:$port
PidFile httpd.pid
DefaultRuntimeDir "$dir"
ErrorLog error.log
LogLevel notice
TypesConfig /dev/null
AddType text/html .html
DocumentRoot "$root/htdocs"
ServerLimit 1
StartServers 1
ThreadsPerChild 32
MaxRequestWorkers 32
MinSpareThreads 1
MaxSpareThreads 32
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 30
<Directory "/">
    AllowOverride None
    Require all denied
</Directory>
<Directory "$root/htdocs">
    Require all granted
</Directory>
<Location "/">
$(section_of_case "$1")
</Location>
<Location "/form">
    SetHandler reflector
</Location>
END
    user_lines
}

free_port() {
    perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport'
}

# The directory $2 of a server of the case $1: its httpd.conf, and the port it will have.
make_server() {
    mkdir "$2"
    chmod 755 "$2"
    port=$(free_port)
    echo "$port" >"$2/port"
    server_conf "$1" "$2" "$port" >"$2/httpd.conf"
}
