/* SPDX-License-Identifier: Apache-2.0 */
/* Where directives stand, and if one request can be subject to both of two. httpd finds the
 * sections of a request only when it has the request, so what can't be known counts as
 * possible. */
#ifndef RL_ADVICE_PLACE_H
#define RL_ADVICE_PLACE_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

/* Returns true if one request may be subject to both directives: not if they stand in two
 * virtual hosts, or in two <Location>s or two <Directory>s of which neither is within the
 * other. */
bool rl_place_may_meet(apr_pool_t *pool, const ap_directive_t *a, const ap_directive_t *b);

/* Returns the directive of this name that holds for `inner`, as far as the sections around it
 * tell: the last one of the innermost section that has any. NULL if there is none. Containers
 * such as <RequireAny> and <Limit> aren't taken for sections. */
const ap_directive_t *rl_place_around(const ap_directive_t *inner, const char *name);

/* Returns true if the directive stands in an <If>, <ElseIf> or <Else>. */
bool rl_place_is_conditional(const ap_directive_t *at);

#endif
