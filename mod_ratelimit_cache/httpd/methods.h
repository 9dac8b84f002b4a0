/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of request methods: what methods= says. */
#ifndef RL_HTTPD_METHODS_H
#define RL_HTTPD_METHODS_H

#include <stdbool.h>

#include <httpd.h>

typedef struct rl_methods {
    bool all;                  /* every method; the other members are empty */
    apr_int64_t mask;          /* AP_METHOD_BIT << number for each method that httpd numbers */
    apr_array_header_t *other; /* the other methods' names, upper case, sorted; NULL: none */
} rl_methods_t;

/* Reads ALL, UNSAFE (POST, PUT, PATCH and DELETE) or a comma list of method names, in any
 * letter case and order. Fills in *methods, in the pool, and returns NULL, or returns the
 * reason why the text is refused. */
const char *rl_methods_parse(apr_pool_t *pool, const char *text, rl_methods_t *methods);

/* Returns the set as text, in the pool. Sets with the same text are equal; the order and letter
 * case in which methods were written make no difference. */
const char *rl_methods_text(apr_pool_t *pool, const rl_methods_t *methods);

/* Returns true if the request's method is in the set, which must not be `all`. As in <Limit>,
 * GET covers HEAD. */
bool rl_methods_cover(const rl_methods_t *methods, const request_rec *r);

#endif
