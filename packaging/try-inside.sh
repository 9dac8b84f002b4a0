#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The part of try.sh that runs inside of the fresh Debian, as root.
# Usage: try-inside.sh PACKAGE
set -eu
package=$1
. /try/inside.sh
new=$(ls "${package}"_[0-9]*.deb)

# apt, as an administrator types it; of what it says, what dpkg and the package say. All is in apt.log.
apt_() {
    say "\$ apt $*"
    apt-get -y -q "$@" >apt.log 2>&1 || { cat apt.log; say "FAILED: apt $*"; exit 1; }
    grep -E "^(Setting up|Removing|Purging configuration files for|Unpacking) $package |apache2_invoke|[Rr]eload|[Rr]estart|Configuration file|==>|usr/sbin/apache2" apt.log || :
}

# upgrade_under_load PATH: eight clients ask for it without a pause, before, during and after the upgrade.
upgrade_under_load() {
    before=$(pid)
    generations=$(started)
    ab -q -l -c 8 -t 120 -n 10000000 "http://127.0.0.1$1" >ab.txt 2>&1 &
    load=$!
    sleep 1
    apt_ install -o Dpkg::Options::=--force-confold "./$new"
    wait_for "[ \$(started) != $generations ]"
    sleep 2
    kill -INT "$load" || { say 'FAILED: the load ended before the upgrade'; exit 1; }
    wait "$load" || :
    do_ "grep -E '^(Complete|Failed) requests|^Non-2xx' ab.txt"
    are 'failed requests' "$(sed -n 's/^Failed requests: *//p' ab.txt)$(grep Non-2xx ab.txt || :)" 0
    are 'the same httpd' "$(pid)" "$before"
    do_ "grep -oE 'mod_ratelimit_cache/[^ ]* configured|AH00493.*' $log | tail -2"
}

# What the rule of /quota has counted is what the access log has, to the unit.
all_are_counted() {
    left=$(curl -s -D - -o /dev/null http://127.0.0.1/quota | tr -d '\r' | sed -n 's/^X-RateLimit-Remaining: //ip')
    wait_for "[ \$(grep -c 'GET /quota' /var/log/apache2/access.log) -ge $((1000000 - left)) ]"
    are 'requests that the rule has counted, as many as were answered' "$((1000000 - left))" "$(grep -c 'GET /quota' /var/log/apache2/access.log)"
}

echo quota >/var/www/html/quota
begin_httpd

title 'Install'
apt_ install "./${package}_old.deb"
do_ 'apachectl -M | grep -c ratelimit_cache || :'
title 'Enable: nothing changes'
do_ a2enmod ratelimit_cache
graceful
do_ 'apachectl -M | grep ratelimit_cache'
are 'without a rule' "$(several / 5)" '200 200 200 200 200 '
title 'One rule'
printf '<Location "/login">\n    RateLimit try 3/d\n</Location>\n' >"$site"
do_ cat "$site"
graceful
are 'five requests' "$(several /login 5)" '200 200 200 429 429 '
do_ 'curl -s -D - -o /dev/null http://127.0.0.1/login | grep -iE "^(HTTP|Retry-After)"'
do_ "grep ratelimit: $log | tail -1"

title 'Upgrade under load, with an edited .conf'
conf=/etc/apache2/mods-available/ratelimit_cache.conf
do_ "sed -i 's/^#RateLimitIPv4Prefix 32/RateLimitIPv4Prefix 32/' $conf"
upgrade_under_load /
are 'a client that was over the limit' "$(several /login 2)" '429 429 '
do_ "grep -n '^RateLimit' $conf"
do_ "ls /etc/apache2/mods-available/ratelimit_cache.*"

title 'Upgrade under load, with the counters in a file: they go on after it, and after a stop'
apt_ install --allow-downgrades -o Dpkg::Options::=--force-confold "./${package}_old.deb"
do_ "sed -i 's/^#RateLimitStore shm file=/RateLimitStore shm file=/' $conf"
cat >>"$site" <<'END'
<Location "/quota">
    RateLimit quota 1000000/30d
    RateLimitHeaders legacy
</Location>
END
do_ cat "$site"
restart
are 'two of three, counted by the version before' "$(several /login 2)" '200 200 '
upgrade_under_load /quota
are 'the third, and one more, by the new version' "$(several /login 2)" '200 429 '
all_are_counted
restart
are 'after a stop and a start' "$(several /login 2)" '429 429 '
all_are_counted
do_ "grep -o 'ratelimit: [^,]*ratelimit.table.*' $log | tail -1"
do_ 'ls -l /var/lib/apache2/ratelimit.table*'

title 'Disable, enable'
do_ a2dismod ratelimit_cache
mv "$site" /try/rule.conf
graceful
are 'disabled' "$(several /login 5)" '200 200 200 200 200 '
apt_ install --reinstall -o Dpkg::Options::=--force-confold "./$new"
do_ 'a2query -m ratelimit_cache || :'
do_ a2enmod ratelimit_cache
cp /try/rule.conf "$site"
graceful
are 'enabled: the counters are still there' "$(several /login 2)" '429 429 '

title 'Remove while enabled, the rule taken away before'
rm "$site"
dpkg -L "$package" | sort >files
apt_ remove "$package"
up
do_ 'ls /etc/apache2/mods-enabled/ | grep -c ratelimit_cache || :'
do_ 'apachectl configtest'
are 'removed' "$(several /login 5)" '200 200 200 200 200 '
do_ "grep -c '^RateLimitIPv4Prefix' $conf"

title 'Install again: it was enabled when it was removed, so it is again'
apt_ install -o Dpkg::Options::=--force-confold "./$new"
do_ 'a2query -m ratelimit_cache'
do_ "grep -c '^RateLimitIPv4Prefix' $conf"

title 'Purge: nothing is left, but the file of the counters, whose place the administrator chose'
apt_ purge "$package"
left=$(while IFS= read -r file; do [ -d "$file" ] || [ ! -e "$file" ] || echo "$file"; done <files
    find / -xdev \( -path /try -o -path /proc -o -path /var/cache/apt \) -prune -o \( -name '*ratelimit*cache*' -o -name '*rlctl*' -o -name '*mod-ratelimit-cache*' \) -print)
are 'files left' "${left:-none}" none
do_ 'rm /var/lib/apache2/ratelimit.table'
are 'beside it' "$(ls /var/lib/apache2 | grep -c ratelimit || :)" 0
do_ 'apachectl configtest'
are 'purged' "$(several /login 5)" '200 200 200 200 200 '
apachectl stop
wait_for '[ ! -e /run/apache2/apache2.pid ]'
