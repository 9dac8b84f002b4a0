/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as it is written: httpd's tree of directives, of which the root is
 * ap_conftree. */
#ifndef RL_HTTPD_WRITTEN_H
#define RL_HTTPD_WRITTEN_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

/* Returns the directive after `at` in the order in which they are written, sections before what
 * they hold; NULL after the last. */
const ap_directive_t *rl_written_next(const ap_directive_t *at);

/* Returns true if the directive, or section (`<If`), has this name, in any letter case. */
bool rl_written_is(const ap_directive_t *at, const char *name);

/* Returns the value of an option of a RateLimit directive, in the pool; NULL if it isn't given.
 */
const char *rl_written_option(apr_pool_t *pool, const ap_directive_t *rule, const char *name);

/* Returns the first argument of a directive, in the pool; "" if it has none. */
const char *rl_written_first(apr_pool_t *pool, const ap_directive_t *at);

/* Returns true if one of the words of a comma list is `word`, in any letter case. */
bool rl_written_list_has(const char *list, const char *word);

#endif
