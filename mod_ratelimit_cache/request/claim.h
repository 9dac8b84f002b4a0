/* Claims: what rules ask of a request: on which counter, at which rate, how many units. */
#ifndef RL_REQUEST_CLAIM_H
#define RL_REQUEST_CLAIM_H

#include <stdbool.h>

#include <httpd.h>

#include "../config/config.h"
#include "../key/request_values.h"
#include "record.h"

/* Makes the claim of a rule that applies to the request; evaluates expressions for it. Keeps
 * the values found for the key in `values` for the next rule, see rl_key_of_request(). Returns
 * false if there is nothing to claim: no authenticated user, no value for a key that is to be
 * skipped then, or no rate. */
bool rl_claim_make(request_rec *r, const rl_dir_config_t *conf, const rl_rule_t *rule,
                   rl_key_values_t *values, rl_claim_t *claim);

/* Returns true if an overrun of the rule is told at this location, not enforced. */
bool rl_claim_is_observed(const rl_dir_config_t *conf, const rl_rule_t *rule);

typedef enum {
    RL_CLAIM_MADE,
    RL_CLAIM_NONE,     /* there is nothing to claim */
    RL_CLAIM_MALFORMED /* a value is not what its key part takes */
} rl_claim_result_e;

/* The same for another module: for values that are given, see rl_key_of_values(), or the
 * request's own when that is NULL. */
rl_claim_result_e rl_claim_make_for(request_rec *r, const rl_dir_config_t *conf,
                                    const rl_rule_t *rule, const char *const *given,
                                    rl_claim_t *claim);

#endif
