/* SPDX-License-Identifier: Apache-2.0 */
/* Where a rule stands, for people. */
#ifndef RL_RULE_SECTION_H
#define RL_RULE_SECTION_H

#include "rule.h"

/* Returns the heads of the sections around the rule's directive, as they are written, outermost
 * first and without <VirtualHost>: "<Location /login>"; "" if there are none. For a rule of the
 * server's configuration. */
const char *rl_rule_section(apr_pool_t *pool, const rl_rule_t *rule);

/* Returns the same of any directive of the server's configuration. */
const char *rl_section_around(apr_pool_t *pool, const ap_directive_t *directive);

#endif
