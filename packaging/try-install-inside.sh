#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The part of try-install.sh that runs inside of the fresh Debian, as root.
set -eu
. /try/inside.sh
cd /try/source

# All files that a system keeps; what is built, apt's own and logs aside.
everything() { find / -xdev \( -path /try -o -path /proc -o -path /run -o -path /tmp -o -path /var/cache -o -path /var/lib/apt -o -path /var/log \) -prune -o -type f -print | sort; }

# Shows a command that is to fail, and what it says.
refused() {
    say "\$ $*"
    if said=$(eval "$*" 2>&1); then say "$said"; say "FAILED: it went through: $*"; exit 1; fi
    say "$said" | grep -v '^make'
}

title 'Build'
do_ "make -s -j$(getconf _NPROCESSORS_ONLN) all | tail -1"

title 'Without an httpd: it says what is missing, and installs nothing'
everything >/try/before
refused make install
everything >/try/after
are 'files that are new' "$(comm -13 /try/before /try/after | wc -l)" 0

title 'Install'
apt-get -q -y install --no-install-recommends apache2 >/try/apt.log 2>&1 || { cat /try/apt.log; exit 1; }
begin_httpd
everything >/try/before
do_ make install
do_ 'apachectl -M | grep -c ratelimit_cache || :'

title 'What it says is next'
make install | sed -n 's/^    //p' >/try/next
while IFS= read -r command; do
    began=$(started)
    do_ "$command"
done </try/next
wait_for "[ \$(started) != $began ]"
do_ 'apachectl -M | grep ratelimit_cache'
are 'without a rule' "$(several /login 5)" '200 200 200 200 200 '
printf '<Location "/login">\n    RateLimit try 3/d\n</Location>\n' >"$site"
graceful
are 'five requests by a rule 3/d' "$(several /login 5)" '200 200 200 429 429 '
do_ 'rlctl --version'
do_ 'ls /usr/local/share/doc/mod_ratelimit_cache'

title 'Once more, with an edited .conf'
conf=/etc/apache2/mods-available/ratelimit_cache.conf
do_ "sed -i 's/^#RateLimitIPv4Prefix 32/RateLimitIPv4Prefix 32/' $conf"
do_ make install
do_ "grep -n '^RateLimit' $conf"
graceful
are 'who was over the limit is' "$(several /login 2)" '429 429 '

title 'Uninstall: not while it is enabled'
refused make uninstall
rm "$site"
do_ a2dismod ratelimit_cache
graceful
are 'five requests' "$(several /login 5)" '200 200 200 200 200 '
do_ make uninstall
everything >/try/after
are 'what is left' "$(comm -13 /try/before /try/after | grep -v '^/var/lib/apache2/')" "$conf"
apachectl stop
wait_for '[ ! -e /run/apache2/apache2.pid ]'
