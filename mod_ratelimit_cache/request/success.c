/* SPDX-License-Identifier: Apache-2.0 */
#include "success.h"

#include <string.h>

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

/* A denial is no success of anybody's, and an exempt request counts for nothing. */
bool rl_success_clears(const rl_request_t *request, int i, request_rec *last)
{
    const rl_claim_t *claim = &request->claims[i];
    if (claim->rule == NULL || claim->rule->clear == NULL || claim->invalid ||
        request->denied.r != NULL || (request->exempt && i >= request->progress.ran)) {
        return false;
    }
    return may_clear(request, claim) && rl_outcomes_include(claim->rule->clear, last, false);
}
