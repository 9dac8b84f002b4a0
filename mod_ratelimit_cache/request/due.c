/* SPDX-License-Identifier: Apache-2.0 */
#include "due.h"

#include <string.h>

#include "claim.h"
#include "outcome_watch.h"

/* A rule is decided on once for a client request. One exception: its overrun was only observed
 * so far, and this location enforces the rule. */
static bool is_decided(const rl_visit_t *visit, const rl_rule_t *rule)
{
    const int i = rl_request_find_claim(visit->request, rule);
    const rl_claim_t *claim = i >= 0 ? &visit->request->claims[i] : NULL;
    return claim != NULL && (!claim->observed_by_rule || claim->step.granted ||
                             rl_claim_is_observed(visit->conf, rule));
}

static bool rule_is_due(const rl_visit_t *visit, const rl_rule_t *rule)
{
    return rule->phase == visit->phase && !rule->dropped && !rule->unlimited &&
           !is_decided(visit, rule) && (rule->always || rl_rule_applies(rule, visit->r));
}

static void swap_claims(const rl_request_t *request, int i, int j)
{
    const rl_claim_t claim = request->claims[i];
    request->claims[i] = request->claims[j];
    request->claims[j] = claim;
}

/* Several rules of a group can share one counter, which a request pays once. Reduces the
 * claim's cost by what earlier claims (those before `first`) have paid; what they only observed
 * is still due. Returns true if nothing is left to decide, with the earlier result copied into
 * the claim. */
static bool due_share_earlier(const rl_request_t *request, int first, rl_claim_t *claim)
{
    const rl_claim_t *payer = NULL;
    uint32_t charged = 0, observed = 0;
    for (int j = 0; j < first; j++) {
        const rl_claim_t *other = &request->claims[j];
        if (!rl_claim_shares_counter(claim, other)) {
            continue;
        }
        if (other->charged) {
            payer = other;
            charged += other->op.cost;
        }
        else if (!other->step.granted && other->op.cost > observed) {
            observed = other->op.cost;
        }
    }
    claim->op.cost = claim->op.cost > charged ? claim->op.cost - charged : 0;
    claim->op.cost = claim->op.cost > observed ? claim->op.cost : observed;
    if (payer == NULL || claim->op.cost > 0 || claim->refuse ||
        (claim->op.meter.penalty_us > 0 && payer->op.meter.penalty_us == 0)) {
        return false;
    }
    claim->step = payer->step;
    return true;
}

/* If the rule of the last claim has made an earlier one, removes that: it was only observed and
 * has charged nothing. Returns how many claims were removed, 0 or 1. */
static int due_drop_observed(rl_request_t *request)
{
    const int last = request->n - 1;
    const int i = rl_request_find_claim(request, request->claims[last].rule);
    const size_t after = (size_t)(last - i);
    if (i == last) {
        return 0;
    }
    memmove(&request->claims[i], &request->claims[i + 1], after * sizeof(rl_claim_t));
    request->n--;
    request->progress.ran -= i < request->progress.ran;
    return 1;
}

/* Appends the rule's claim, if the rule asks for anything. `first` is the index of the first
 * claim that is to be decided on; returns its new value. A claim that earlier ones have paid
 * for is moved before it. */
static int add_claim(const rl_visit_t *visit, const rl_rule_t *rule, rl_key_values_t *values,
                     int first)
{
    rl_request_t *request = visit->request;
    rl_request_reserve(visit->r, request);
    if (!rl_claim_make(visit->r, visit->conf, rule, values, &request->claims[request->n])) {
        return first;
    }
    request->n++;
    if (rule->count != NULL || rule->clear != NULL) {
        rl_outcome_watch(visit->r, request);
    }
    if (first == 0) {
        return 0; /* nothing was decided on before */
    }
    first -= due_drop_observed(request);
    if (!due_share_earlier(request, first, &request->claims[request->n - 1])) {
        return first;
    }
    swap_claims(request, first, request->n - 1);
    return first + 1;
}

/* Rules of one group can share one counter, which a request pays once: at the highest cost that
 * any of them asks for. Sets this cost in claim i and in those claims from `first` on that
 * share its counter. */
static void share_cost(const rl_request_t *request, int first, int i)
{
    rl_claim_t *claim = &request->claims[i];
    for (int j = first; j < i && claim->rule->group != NULL; j++) {
        rl_claim_t *other = &request->claims[j];
        if (rl_claim_shares_counter(claim, other)) {
            const uint32_t cost =
                claim->op.cost > other->op.cost ? claim->op.cost : other->op.cost;
            claim->op.cost = other->op.cost = cost;
        }
    }
}

int rl_due_collect(const rl_visit_t *visit, bool tenants)
{
    const rl_rule_set_t *rules = visit->conf->rules;
    rl_request_t *request = visit->request;
    int first = request->n;
    rl_key_values_t values;
    values.spec = NULL;
    values.body = request->body;
    for (int i = 0; i < rules->n; i++) {
        const rl_rule_t *rule = rules->rules[i];
        if (rule->tenant == tenants && rule_is_due(visit, rule)) {
            first = add_claim(visit, rule, &values, first);
        }
    }
    for (int i = first + 1; rules->groups && i < request->n; i++) {
        share_cost(request, first, i);
    }
    return request->n - first;
}

int rl_due_look_at_body(const rl_visit_t *visit)
{
    const rl_rule_set_t *rules = visit->conf->rules;
    if (visit->phase != RL_PHASE_EARLY_BODY && visit->phase != RL_PHASE_LATE_BODY) {
        return OK;
    }
    for (int i = 0; i < rules->n; i++) {
        if (rule_is_due(visit, rules->rules[i])) {
            visit->request->now = 0; /* the client may keep us waiting */
            return rl_body_peek(visit->r, &visit->request->body,
                                (apr_size_t)rl_dir_form_limit(visit->conf),
                                rl_dir_form_charset(visit->conf));
        }
    }
    return OK;
}
