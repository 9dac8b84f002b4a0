/* SPDX-License-Identifier: Apache-2.0 */
/* The charset in which browsers write a location's forms. */
#ifndef RL_CORE_CHARSET_H
#define RL_CORE_CHARSET_H

#include <stdbool.h>

#include <apr_pools.h>

typedef struct rl_charset {
    const char *name; /* in lower case */
    bool utf8;
} rl_charset_t;

/* Returns UTF-8. */
const rl_charset_t *rl_charset_default(void);

/* Reads the name of a charset and sets *charset, in the pool. Returns NULL, or the reason why
 * it is refused: nobody knows it, or its ASCII characters aren't ASCII bytes, as in UTF-16. */
const char *rl_charset_parse(apr_pool_t *pool, const char *name, const rl_charset_t **charset);

/* Replaces text by its UTF-8, in the pool; text that is UTF-8 already is left as it is, and not
 * looked at. Returns false if the text isn't valid in the charset. */
bool rl_charset_decode(const rl_charset_t *charset, apr_pool_t *pool, const char **text,
                       apr_size_t *len);

#endif
