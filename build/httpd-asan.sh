#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# httpd for `make test-asan`. A module that is built with AddressSanitizer needs the sanitizer's
# runtime loaded before everything else, and httpd itself is built without. What httpd and its
# pools still hold when a process ends is no leak of ours.
# Environment: RL_ASAN_HTTPD (the binary), RL_ASAN_RUNTIME (libasan.so).
exec env LD_PRELOAD="$RL_ASAN_RUNTIME" ASAN_OPTIONS=detect_leaks=0 "$RL_ASAN_HTTPD" "$@"
