#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The target of an Action directive: tells which resource it was called for.
printf 'Content-Type: text/plain\n\nhandled %s\n' "$PATH_INFO"
