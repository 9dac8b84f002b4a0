/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes: how requests ended, and which of these ends count= and clear= are about. */
#ifndef RL_RULE_OUTCOME_H
#define RL_RULE_OUTCOME_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

/* A set of outcomes; it never changes once it was parsed. */
typedef struct rl_outcomes rl_outcomes_t;

/* Reads all, a comma list of statuses (401) and classes (5xx), or expr=EXPR. Sets *outcomes, in
 * cmd->pool, and returns NULL, or returns the reason why the text is refused. */
const char *rl_outcomes_parse(cmd_parms *cmd, const char *text, const rl_outcomes_t **outcomes);

/* Returns true if the outcome of the request, which has been answered, is in the set. Returns
 * `unknown` if the expression can't be evaluated. */
bool rl_outcomes_include(const rl_outcomes_t *outcomes, request_rec *r, bool unknown);

#endif
