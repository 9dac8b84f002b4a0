/* SPDX-License-Identifier: Apache-2.0 */
/* Set-Cookie header fields (RFC 6265 5.2): which cookie a browser has after the answer. */
#ifndef RL_CORE_SET_COOKIE_H
#define RL_CORE_SET_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of a field, not NUL-terminated. */
typedef struct rl_cookie_text {
    const char *at; /* NULL: none */
    size_t len;
} rl_cookie_text_t;

typedef struct rl_set_cookie {
    rl_cookie_text_t name;
    rl_cookie_text_t domain, path; /* as they are written */
    bool live; /* it has a value, and isn't over yet; else the field removes the cookie */
} rl_set_cookie_t;

/* Reads the value of a Set-Cookie field at time now_s, seconds since the epoch. The texts of
 * *cookie lie in the value. Returns false if it names no cookie. */
bool rl_set_cookie_parse(const char *value, int64_t now_s, rl_set_cookie_t *cookie);

/* Returns true if a browser keeps both under one name, so that the later replaces the earlier.
 */
bool rl_set_cookie_replaces(const rl_set_cookie_t *later, const rl_set_cookie_t *earlier);

#endif
