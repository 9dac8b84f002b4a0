/* Outcomes: which finished requests count= and clear= speak of. */
#ifndef RL_RULE_OUTCOME_H
#define RL_RULE_OUTCOME_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

/* Unchanging once parsed. */
typedef struct rl_outcomes rl_outcomes_t;

/* Reads all, a comma list of statuses (401) and classes (5xx), or expr=EXPR. Returns NULL and
 * the outcomes, or the reason. */
const char *rl_outcomes_parse(cmd_parms *cmd, const char *text, const rl_outcomes_t **outcomes);

/* Whether the request, which has been answered, is among them; `unknown` when the expression
 * can't be evaluated. */
bool rl_outcomes_include(const rl_outcomes_t *outcomes, request_rec *r, bool unknown);

#endif
