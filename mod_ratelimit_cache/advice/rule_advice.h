/* SPDX-License-Identifier: Apache-2.0 */
/* Advice about rules: private to advice/. */
#ifndef RL_ADVICE_RULE_ADVICE_H
#define RL_ADVICE_RULE_ADVICE_H

#include "../rule/rule.h"

/* Adds each piece of advice about the rule to `pieces`, of const char *, in the pool: the
 * option, what is wrong, and the remedy. */
void rl_rule_advice(apr_pool_t *pool, const rl_rule_t *rule, apr_array_header_t *pieces);

#endif
