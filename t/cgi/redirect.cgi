#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Redirects inside the server (RFC 3875 6.2.2) to the path in the query string.
printf 'Location: %s\n\n' "$QUERY_STRING"
