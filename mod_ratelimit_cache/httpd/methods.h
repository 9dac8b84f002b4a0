/* methods= and status codes: the small vocabularies of HTTP. */
#ifndef RL_HTTPD_METHODS_H
#define RL_HTTPD_METHODS_H

#include <httpd.h>

#include "../rule/rule.h"

/* Reads ALL, UNSAFE or a comma list of method tokens, in any letter case and order. Returns
 * NULL or the reason. */
const char *rl_methods_parse(apr_pool_t *pool, const char *text, rl_methods_t *methods);

/* The set in one spelling: equal text, equal sets. */
const char *rl_methods_text(apr_pool_t *pool, const rl_methods_t *methods);

/* Whether the request's method is in the set; as in <Limit>, GET covers HEAD. */
bool rl_methods_cover(const rl_methods_t *methods, const request_rec *r);

/* Reads the status code of a denial, 400 to 599. Returns NULL or the reason. */
const char *rl_status_parse(const char *text, int *status);

/* Reads local, allow or deny as an rl_on_error_e. Returns NULL or the reason. */
const char *rl_on_error_parse(const char *text, int *on_error);

#endif
