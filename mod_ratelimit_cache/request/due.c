/* SPDX-License-Identifier: Apache-2.0 */
#include "due.h"

#include <string.h>

#include "../core/hot.h"
#include "claim.h"
#include "figures.h"
#include "server_view.h"
#include "session.h"
#include "trace.h"

/* What a page includes is asked for by whoever asks for the page. */
static const rl_pass_shown_t *pass_of(const rl_visit_t *visit)
{
    return visit->above != NULL ? &visit->above->pass : &visit->request->pass;
}

/* Begins to look for claims in a location. */
static inline void due_begin(const rl_visit_t *visit, rl_claimant_t *claimant)
{
    rl_claimant_begin(claimant, visit->r, visit->conf, visit->request, pass_of(visit));
}

/* Returns true if the key says something else of r, the target that httpd has chosen, than it
 * said of the name that the client asked by: the request is charged where it ends. Otherwise
 * a client could choose among many names of one thing. Where the key has no value at the
 * target, the first one stands. */
static bool has_moved(const rl_visit_t *visit, const rl_rule_t *rule, const rl_claim_t *earlier)
{
    rl_claimant_t claimant;
    rl_claim_t claim;
    due_begin(visit, &claimant);
    return rl_claim_make(&claimant, rule, &claim) && !claim.missing && !claim.valueless &&
           !rl_claim_shares_charge(&claim, earlier);
}

/* A rule is decided on once for a client request. Two exceptions: its overrun was only observed
 * so far, and this location enforces the rule; or it counts by what is asked for, and httpd has
 * put something else in its place, without having run anything. */
static bool is_decided(const rl_visit_t *visit, const rl_rule_t *rule)
{
    const int i = rl_request_find_claim(visit->request, rule);
    const rl_claim_t *claim = i >= 0 ? &visit->request->claims[i] : NULL;
    if (claim == NULL || (claim->observed_by_rule && !claim->step.granted &&
                          !rl_claim_is_observed(visit->conf, rule))) {
        return false;
    }
    return !rule->of_target || i < visit->request->progress.ran ||
           !has_moved(visit, rule, claim);
}

/* Returns true if the page that includes r has paid for the rule with the same key. */
static bool is_paid_above(const rl_visit_t *visit, const rl_rule_t *rule)
{
    const int i = visit->above != NULL ? rl_request_find_claim(visit->above, rule) : -1;
    return i >= 0 && !(rule->of_target && has_moved(visit, rule, &visit->above->claims[i]));
}

/* Look-ups are the server's doing, but for the credentials that they try. */
static bool concerns_visit(const rl_visit_t *visit, const rl_rule_t *rule)
{
    return !visit->look_up || (rule->count != NULL && rl_outcomes_read_auth(rule->count));
}

/* Goes through all that can keep a rule from being due. */
static bool may_be_due(const rl_visit_t *visit, const rl_rule_t *rule)
{
    return rule->phase == visit->phase && !rule->dropped && !rule->unlimited &&
           concerns_visit(visit, rule) && !is_decided(visit, rule) &&
           !is_paid_above(visit, rule) &&
           (rule->always || rl_rule_hindrance(rule, visit->r) == RL_APPLIES);
}

/* Returns true if no rule has been decided on for this request, or for the page that includes
 * it, and there are only plain ones here. */
static bool are_plain_and_first(const rl_visit_t *visit)
{
    return visit->conf->rules->plain && visit->request->n == 0 &&
           visit->phase == RL_PHASE_EARLY && visit->above == NULL && !visit->look_up;
}

static void swap_claims(const rl_request_t *request, int i, int j)
{
    const rl_claim_t claim = request->claims[i];
    request->claims[i] = request->claims[j];
    request->claims[j] = claim;
}

/* Several rules of a group can share one charge, which a request pays once. Reduces the
 * claim's cost by what earlier claims (those before `first`) have paid; what they only observed
 * is still due. Returns true if nothing is left to decide, with the earlier result copied into
 * the claim. */
static bool due_share_earlier(const rl_request_t *request, int first, rl_claim_t *claim)
{
    const rl_claim_t *payer = NULL;
    uint32_t charged = 0, observed = 0;
    for (int j = 0; j < first; j++) {
        const rl_claim_t *other = &request->claims[j];
        if (!rl_claim_shares_charge(claim, other)) {
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

static void due_give_back(const rl_visit_t *visit, rl_claim_t *claim)
{
    rl_request_t *request = visit->request;
    rl_session_t session;
    if (claim->charged) {
        rl_session_begin(visit->r, request->store_time, &session);
        rl_limiter_refund(&session.source, claim, 1, rl_request_now(request));
        if (rl_trace_is_on(visit->r)) {
            rl_trace_refund(visit->r, claim, "the request is charged elsewhere");
        }
        request->store_time += rl_session_end(&session);
    }
}

/* If the rule of the last claim has made an earlier one, removes that, and gives back what it
 * was charged. Returns how many claims were removed, 0 or 1. */
static int due_drop_earlier(const rl_visit_t *visit)
{
    rl_request_t *request = visit->request;
    const int last = request->n - 1;
    const int i = rl_request_find_claim(request, request->claims[last].rule);
    const size_t after = (size_t)(last - i);
    if (i == last) {
        return 0;
    }
    due_give_back(visit, &request->claims[i]);
    memmove(&request->claims[i], &request->claims[i + 1], after * sizeof(rl_claim_t));
    request->n--;
    request->progress.ran -= i < request->progress.ran;
    return 1;
}

static void watch_for(rl_request_t *request, const rl_outcomes_t *outcomes)
{
    if (outcomes != NULL) {
        request->outcome.matters = true;
        if (rl_outcomes_read_auth(outcomes)) {
            request->outcome.reads_auth = request->outcome.pending = true;
        }
        request->outcome.reads_header |= rl_outcomes_read_header(outcomes);
    }
}

/* The rule asks for nothing. */
RL_RARELY static void note_unclaimed(const rl_visit_t *visit, const rl_rule_t *rule,
                                     const rl_claim_t *claim)
{
    if (rl_trace_is_on(visit->r)) {
        rl_trace_unclaimed(visit->r, rule, claim);
    }
    if (claim->missing) {
        rl_figures_of_skipped(visit->r, rule);
    }
}

/* Appends the rule's claim, if the rule asks for anything. `first` is the index of the first
 * claim that is to be decided on; returns its new value. A claim that earlier ones have paid
 * for is moved before it. */
RL_INLINE int add_claim(const rl_visit_t *visit, const rl_rule_t *rule, rl_claimant_t *claimant,
                        int first)
{
    rl_request_t *request = visit->request;
    rl_request_reserve(visit->r, request);
    if (!rl_claim_make(claimant, rule, &request->claims[request->n])) {
        note_unclaimed(visit, rule, &request->claims[request->n]);
        return first;
    }
    request->n++;
    if (!rule->plain) {
        request->special = true;
        watch_for(request, rule->count);
        watch_for(request, rule->clear);
    }
    if (first == 0) {
        return 0; /* nothing was decided on before */
    }
    first -= due_drop_earlier(visit);
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
        if (rl_claim_shares_charge(claim, other)) {
            const uint32_t cost =
                claim->op.cost > other->op.cost ? claim->op.cost : other->op.cost;
            claim->op.cost = other->op.cost = cost;
        }
    }
}

static void trace_not_due(const rl_visit_t *visit, const rl_rule_t *rule)
{
    if (rule->phase == visit->phase && !rule->dropped && !rule->unlimited) {
        rl_trace_idle(visit->r, rule, is_decided(visit, rule) || is_paid_above(visit, rule));
    }
}

/* Appends the claims. Returns the index of the first one that is to be decided on. */
static int add_claims(const rl_visit_t *visit, bool tenants)
{
    const rl_rule_set_t *rules = visit->conf->rules;
    const bool traced = rl_trace_is_on(visit->r);
    int first = visit->request->n;
    rl_claimant_t claimant;
    due_begin(visit, &claimant);
    for (int i = 0; i < rules->n; i++) {
        const rl_rule_t *rule = rules->rules[i];
        if (rule->tenant == tenants && may_be_due(visit, rule)) {
            first = add_claim(visit, rule, &claimant, first);
        }
        else if (traced && rule->tenant == tenants) {
            trace_not_due(visit, rule);
        }
    }
    return first;
}

/* Does the same for plain rules that the request meets as the first ones: all are due. */
RL_INLINE void add_plain_claims(const rl_visit_t *visit)
{
    const rl_rule_set_t *rules = visit->conf->rules;
    rl_claimant_t claimant;
    due_begin(visit, &claimant);
    for (int i = 0; i < rules->n; i++) {
        add_claim(visit, rules->rules[i], &claimant, 0);
    }
}

/* Gives the request the view that the rules have of it. Returns what rl_server_view_leave() has
 * to put back. */
static rl_own_view_t due_enter(const rl_visit_t *visit, bool tenants)
{
    const rl_rule_set_t *rules = visit->conf->rules;
    const rl_view_needs_t needs = {.env = !tenants && rules->reads_env,
                                   .headers = !tenants && rules->reads_headers};
    return rl_server_view_enter(visit->r, visit->request, needs);
}

/* A form's field is looked for there, too. */
static void want_in_query(rl_fields_t *query, apr_pool_t *pool, const rl_key_spec_t *key)
{
    for (int i = 0; i < key->n; i++) {
        if (key->parts[i].kind == RL_PART_QUERY || key->parts[i].kind == RL_PART_FORM) {
            rl_fields_want(query, pool, key->parts[i].name);
        }
    }
}

/* Has the query string parsed once for the fields of all rules. */
static void prepare_query(const rl_visit_t *visit)
{
    const rl_rule_set_t *rules = visit->conf->rules;
    request_rec *r = visit->r;
    rl_fields_t *query = visit->request->query;
    if (r->args == NULL || (query != NULL && query->text == r->args)) {
        return;
    }
    query = visit->request->query = apr_pcalloc(r->pool, sizeof(*query));
    query->text = r->args;
    query->len = strlen(r->args);
    query->type = RL_FORM_URLENCODED;
    query->ended = true;
    for (int i = 0; i < rules->n; i++) {
        want_in_query(query, r->pool, &rules->rules[i]->key);
        if (rules->rules[i]->distinct != NULL) {
            want_in_query(query, r->pool, rules->rules[i]->distinct);
        }
    }
}

/* Does the work of rl_due_collect() where rules may have anything. */
RL_RARELY static int due_collect_all(const rl_visit_t *visit, bool tenants)
{
    const rl_rule_set_t *rules = visit->conf->rules;
    rl_request_t *request = visit->request;
    const rl_own_view_t own = due_enter(visit, tenants);
    int first;
    if (rules->query_fields > 1) {
        prepare_query(visit);
    }
    first = add_claims(visit, tenants);
    rl_server_view_leave(visit->r, &own);
    for (int i = first + 1; rules->groups && i < request->n; i++) {
        share_cost(request, first, i);
    }
    return request->n - first;
}

RL_EACH_REQUEST int rl_due_collect(const rl_visit_t *visit, bool tenants)
{
    if (are_plain_and_first(visit) && !tenants) {
        add_plain_claims(visit);
        return visit->request->n;
    }
    return due_collect_all(visit, tenants);
}

/* Returns true if any of the rules is due. */
static bool any_is_due(const rl_visit_t *visit, bool tenants)
{
    const rl_rule_set_t *rules = visit->conf->rules;
    const rl_own_view_t own = due_enter(visit, tenants);
    bool due = false;
    for (int i = 0; i < rules->n && !due; i++) {
        due = rules->rules[i]->tenant == tenants && may_be_due(visit, rules->rules[i]);
    }
    rl_server_view_leave(visit->r, &own);
    return due;
}

static void want_fields(const rl_visit_t *visit, const rl_key_spec_t *key)
{
    for (int i = 0; i < key->n; i++) {
        if (key->parts[i].kind == RL_PART_FORM) {
            rl_body_want_field(visit->request->body, visit->r->pool, key->parts[i].name);
        }
    }
}

/* Reads the beginning of the body, and has it parsed once for the fields of all rules. Returns
 * as rl_due_look_at_body() does. */
static int read_body(const rl_visit_t *visit)
{
    const rl_rule_set_t *rules = visit->conf->rules;
    const int status = rl_body_peek(visit->r, &visit->request->body,
                                    (apr_size_t)rl_dir_form_limit(visit->conf),
                                    rl_dir_form_charset(visit->conf));
    for (int i = 0; status == OK && i < rules->n; i++) {
        want_fields(visit, &rules->rules[i]->key);
        if (rules->rules[i]->distinct != NULL) {
            want_fields(visit, rules->rules[i]->distinct);
        }
    }
    return status;
}

int rl_due_look_at_body(const rl_visit_t *visit, bool tenants)
{
    if (!any_is_due(visit, tenants)) {
        return OK;
    }
    visit->request->now = 0; /* the client may keep us waiting */
    return read_body(visit);
}
