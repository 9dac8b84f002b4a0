#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An ErrorDocument that tells what the denial left in the environment.
printf 'Content-Type: text/plain\n\n'
printf 'sorry from a CGI\n'
env | LC_ALL=C sort | grep -E '^(REDIRECT_STATUS|(REDIRECT_)?RATELIMIT_[A-Z_]+|REDIRECT_URL)='
exit 0
