/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: what a rule asks of a request: which counter is charged, at which rate, how many
 * units. */
#ifndef RL_REQUEST_CLAIM_H
#define RL_REQUEST_CLAIM_H

#include <stdbool.h>

#include <httpd.h>

#include "../config/config.h"
#include "../key/request_values.h"
#include "record.h"

/* Who makes the claims of a request in a location, one after the other. */
typedef struct rl_claimant {
    request_rec *r;
    int on_error;             /* rl_on_error_e, of rules that don't say */
    bool observe;             /* the location only observes */
    const char *const *given; /* the values of the key, from another module; NULL: the request's
                               * are used */
    rl_key_terms_t terms;     /* what keys are made with there */
    rl_scope_t scope;         /* that was made for the last claim, if its rule has none here */
    rl_key_values_t values;   /* the request's, of the last key, kept for the next rule */
} rl_claimant_t;

/* Begins to make claims. `request` is the record whose body and query are
 * read, and pass is what the client shows; either may be NULL. */
void rl_claimant_begin(rl_claimant_t *claimant, request_rec *r, const rl_dir_config_t *conf,
                       const rl_request_t *request, const rl_pass_shown_t *pass);

/* Makes the claim of a rule that applies to the request: evaluates the rule's expressions and
 * builds its key. Returns true; or false if the rule asks for nothing, because there is no
 * authenticated user, no value for a key with missing=skip or absent=skip, or no rate: *claim
 * is undefined then, but for claim->missing, which tells the second case. */
bool rl_claim_make(rl_claimant_t *claimant, const rl_rule_t *rule, rl_claim_t *claim);

/* Returns true if an overrun of the rule is only reported at this location, not denied:
 * action=observe, or RateLimitEngine Observe. */
bool rl_claim_is_observed(const rl_dir_config_t *conf, const rl_rule_t *rule);

typedef enum {
    RL_CLAIM_MADE,
    RL_CLAIM_NONE,     /* the rule asks for nothing */
    RL_CLAIM_MALFORMED /* a given value is not what its key part takes */
} rl_claim_result_e;

/* Makes the claim for another module, from `given`, one value for each part of the key
 * (rl_key_of_values()); or from the request's own values if `given` is NULL. *claim is
 * undefined unless the result is RL_CLAIM_MADE. */
rl_claim_result_e rl_claim_make_given(request_rec *r, const rl_dir_config_t *conf,
                                      const rl_rule_t *rule, const char *const *given,
                                      rl_claim_t *claim);

#endif
