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

/* Returns true if a success may be one for the claim's key. Requests without a value for a part
 * of the key share a counter, whoever they try to be: one's own success must not wipe the
 * others' failures. And who is signed in may send another name in a form that the program sees
 * nothing of: it then answers as to no name, and may renew the session. */
static bool may_succeed(const rl_request_t *request, const rl_claim_t *claim)
{
    const rl_key_spec_t *key = &claim->rule->key;
    return !claim->missing && !claim->unseen &&
           (!key->claimed || is_authenticated(request, claim));
}

/* Returns true if claim i is a stranger's, of a rule that knows browsers. */
static bool is_stranger(const rl_claim_t *claim)
{
    return claim->account != NULL && !claim->known;
}

bool rl_judge_succeeds(const rl_request_t *request, int i, const rl_ending_t *ending)
{
    const rl_claim_t *claim = &request->claims[i];
    return is_involved(request, i) && !is_unknown(request, i) && request->denied.r == NULL &&
           claim->rule->clear != NULL && may_succeed(request, claim) &&
           rl_outcomes_include(claim->rule->clear, ending, false);
}

bool rl_judge_clears(const rl_request_t *request, int i, const rl_ending_t *ending)
{
    return !is_stranger(&request->claims[i]) && rl_judge_succeeds(request, i, ending);
}

bool rl_judge_counts(const rl_request_t *request, int i, const rl_ending_t *ending)
{
    const rl_claim_t *claim = &request->claims[i];
    if (!is_involved(request, i)) {
        return false;
    }
    if (is_unknown(request, i)) {
        return true;
    }
    return (claim->rule->count == NULL ||
            rl_outcomes_include(claim->rule->count, ending, true)) &&
           !(is_stranger(claim) && rl_judge_succeeds(request, i, ending));
}
