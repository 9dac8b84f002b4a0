/* SPDX-License-Identifier: Apache-2.0 */
#include "judgement.h"

#include <string.h>

/* Returns true if the rule of claim i was in force when the outcome came about, and so has a
 * say. A claim whose charge an exemption has refunded has none, nor has one that didn't fit
 * when the request was denied. */
static bool is_involved(const rl_request_t *request, int i)
{
    if (request->exempt && i >= request->progress.ran) {
        return false;
    }
    return request->denied.r == NULL || request->claims[i].step.granted;
}

/* Returns true if the outcome for claim i is not known. A denial hides the outcome of a program
 * that ran before it. */
static bool is_unknown(const rl_request_t *request, int i)
{
    const rl_claim_t *claim = &request->claims[i];
    return claim->rule == NULL || claim->invalid ||
           (request->denied.r != NULL && i < request->progress.ran);
}

/* Returns true if httpd has authenticated the user that the claim's key names. That the request
 * was answered well doesn't say so: it may have needed no password. */
static bool is_authenticated(const rl_request_t *request, const rl_claim_t *claim)
{
    const char *user = request->outcome.user;
    return user != NULL && claim->claimed != NULL && strcmp(user, claim->claimed) == 0;
}

/* Returns true if a success may wipe the claim's counter. Requests without a value for a part
 * of the key share a counter, whoever they try to be: one's own success must not wipe the
 * others' failures. */
static bool may_clear(const rl_request_t *request, const rl_claim_t *claim)
{
    const rl_key_spec_t *key = &claim->rule->key;
    return !claim->missing && (!key->claimed || is_authenticated(request, claim));
}

bool rl_judge_counts(const rl_request_t *request, int i, const rl_ending_t *ending)
{
    const rl_rule_t *rule = request->claims[i].rule;
    if (!is_involved(request, i)) {
        return false;
    }
    return is_unknown(request, i) || rule->count == NULL ||
           rl_outcomes_include(rule->count, ending, true);
}

bool rl_judge_clears(const rl_request_t *request, int i, const rl_ending_t *ending)
{
    const rl_claim_t *claim = &request->claims[i];
    return is_involved(request, i) && !is_unknown(request, i) && request->denied.r == NULL &&
           claim->rule->clear != NULL && may_clear(request, claim) &&
           rl_outcomes_include(claim->rule->clear, ending, false);
}
