/* Sets of request methods. */
#ifndef RL_HTTPD_METHODS_H
#define RL_HTTPD_METHODS_H

#include <stdbool.h>

#include <httpd.h>

typedef struct rl_methods {
    bool all;
    apr_int64_t mask;          /* bits of httpd's method numbers */
    apr_array_header_t *other; /* names that httpd doesn't know, upper case; NULL for none */
} rl_methods_t;

/* Reads ALL, UNSAFE or a comma list of method tokens, in any letter case and order. Returns
 * NULL or the reason. */
const char *rl_methods_parse(apr_pool_t *pool, const char *text, rl_methods_t *methods);

/* The set in one spelling: equal text, equal sets. */
const char *rl_methods_text(apr_pool_t *pool, const rl_methods_t *methods);

/* Whether the request's method is in the set; as in <Limit>, GET covers HEAD. */
bool rl_methods_cover(const rl_methods_t *methods, const request_rec *r);

#endif
