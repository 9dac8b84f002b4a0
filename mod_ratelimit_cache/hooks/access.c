#include "access.h"

#include <http_config.h>
#include <http_log.h>
#include <http_request.h>
#include <string.h>

#include "../core/meter/tally.h"
#include "../limiter/limiter.h"
#include "../mod_ratelimit_cache.h"
#include "../key/body.h"
#include "../request/claim.h"
#include "../config/config.h"
#include "../answer/denial.h"
#include "../config/exemption.h"
#include "../answer/denial_hook.h"
#include "../answer/environment.h"
#include "../request/record.h"
#include "settle.h"
#include "../process/store.h"

/* httpd makes several request_recs of one client request: internal redirects (r->prev) and
 * subrequests (r->main), and mod_dir or mod_negotiation put a subrequest's result in the
 * place of the request itself. What has been decided is kept with the first of them: a rule
 * is settled once, a denial takes back what the others were charged. Subrequests (look-ups,
 * includes) and error documents are not the client's doing and are never checked.
 */

static bool is_client_request(const request_rec *r)
{
    return r->main == NULL && !rl_request_is_error_document(r);
}

/* ---- claims ---- */

/* A rule is decided on once for a client request, but for an overrun that was only observed on
 * the way to a location that enforces the rule. */
static bool is_settled(const rl_request_t *request, const rl_dir_config_t *conf,
                       const rl_rule_t *rule)
{
    const int i = rl_request_find_settled(request, rule);
    return i >= 0 && (!request->settled[i].observed || request->claims[i].step.granted ||
                      rl_claim_is_observed(conf, rule));
}

static bool is_due(request_rec *r, const rl_request_t *request, const rl_dir_config_t *conf,
                   const rl_rule_t *rule, rl_phase_e phase)
{
    return rule->phase == phase && !rule->dropped && !rule->unlimited &&
           !is_settled(request, conf, rule) && (rule->always || rl_rule_applies(rule, r));
}

static void swap_claims(const rl_request_t *request, int i, int j)
{
    const rl_claim_t claim = request->claims[i];
    const rl_settled_t settled = request->settled[i];
    request->claims[i] = request->claims[j];
    request->settled[i] = request->settled[j];
    request->claims[j] = claim;
    request->settled[j] = settled;
}

/* A claim that follows others on its counter, of rules of its group that were decided on
 * before: it charges what they have not, and of what they only observed, all. Whether nothing
 * is left for it to be asked. */
static bool follow(const rl_request_t *request, int first, rl_claim_t *claim)
{
    const rl_claim_t *leader = NULL;
    uint32_t charged = 0, observed = 0;
    for (int j = 0; j < first; j++) {
        const rl_claim_t *other = &request->claims[j];
        if (!rl_claim_is_twin(claim, other)) {
            continue;
        }
        if (other->charged) {
            leader = other;
            charged += other->cost;
        }
        else if (!other->step.granted && other->cost > observed) {
            observed = other->cost;
        }
    }
    claim->cost = claim->cost > charged ? claim->cost - charged : 0;
    claim->cost = claim->cost > observed ? claim->cost : observed;
    if (leader == NULL || claim->cost > 0 || claim->refuse ||
        (claim->meter.penalty_us > 0 && leader->meter.penalty_us == 0)) {
        return false;
    }
    claim->step = leader->step;
    return true;
}

/* Takes the claim out that the rule of the last claim made before, if it did. That has charged
 * nothing. */
static int forget(rl_request_t *request)
{
    const int last = request->n - 1;
    const int i = rl_request_find_settled(request, request->settled[last].rule);
    const size_t behind = (size_t)(last - i);
    if (i == last) {
        return 0;
    }
    memmove(&request->claims[i], &request->claims[i + 1], behind * sizeof(rl_claim_t));
    memmove(&request->settled[i], &request->settled[i + 1], behind * sizeof(rl_settled_t));
    request->n--;
    request->spent -= i < request->spent;
    return 1;
}

/* Adds the rule's claim, if it makes one. Returns where the claims begin that
 * are to be decided over: behind those that only follow, if it was `first` before. */
static int add_claim(request_rec *r, rl_request_t *request, const rl_dir_config_t *conf,
                     const rl_rule_t *rule, rl_key_values_t *values, int first)
{
    rl_request_reserve(r, request);
    if (!rl_claim_make(r, conf, rule, values, &request->claims[request->n],
                       &request->settled[request->n])) {
        return first;
    }
    request->n++;
    if (rule->count != NULL || rule->clear != NULL) {
        rl_settle_by_outcome(r, request);
    }
    if (first == 0) {
        return 0; /* nothing was decided on before */
    }
    first -= forget(request);
    if (!follow(request, first, &request->claims[request->n - 1])) {
        return first;
    }
    swap_claims(request, first, request->n - 1);
    return first + 1;
}

/* Rules of one group may share a counter, which is charged once: with what the dearest of them
 * asks for. */
static void share_cost(const rl_request_t *request, int first, int i)
{
    rl_claim_t *claim = &request->claims[i];
    for (int j = first; j < i && request->settled[i].rule->group != NULL; j++) {
        rl_claim_t *other = &request->claims[j];
        if (rl_claim_is_twin(claim, other)) {
            claim->cost = other->cost = claim->cost > other->cost ? claim->cost : other->cost;
        }
    }
}

/* Appends the claims of the rules that are due, the server's or the tenants'; returns how
 * many there are to decide over. */
static int collect_claims(request_rec *r, rl_request_t *request, const rl_dir_config_t *conf,
                          rl_phase_e phase, bool tenants)
{
    int first = request->n;
    rl_key_values_t values;
    values.spec = NULL;
    for (int i = 0; i < conf->rules->n; i++) {
        const rl_rule_t *rule = conf->rules->rules[i];
        if (rule->tenant == tenants && is_due(r, request, conf, rule, phase)) {
            first = add_claim(r, request, conf, rule, &values, first);
        }
    }
    for (int i = first + 1; conf->rules->groups && i < request->n; i++) {
        share_cost(request, first, i);
    }
    return request->n - first;
}

/* Looks at the body if a rule of this phase needs it for this request. */
static int look_at_body(request_rec *r, rl_request_t *request, const rl_dir_config_t *conf,
                        rl_phase_e phase)
{
    if (phase != RL_PHASE_EARLY_BODY && phase != RL_PHASE_LATE_BODY) {
        return OK;
    }
    for (int i = 0; i < conf->rules->n; i++) {
        if (is_due(r, request, conf, conf->rules->rules[i], phase)) {
            request->now = 0; /* the client may keep us waiting */
            return rl_body_peek(r, request, (apr_size_t)rl_dir_form_limit(conf));
        }
    }
    return OK;
}

/* Gives back what was charged for what has not run yet.
 *
 * A tenant's denial gives back what tenants' rules were charged, and no more: the server's
 * rules count the request all the same, or a tenant could lift the server's limit by denying
 * everything itself and serving its site as the error document. */
static void refund(const rl_source_t *source, rl_request_t *request, bool tenants_only,
                   int64_t now)
{
    for (int i = request->spent; i < request->n; i++) {
        const rl_rule_t *rule = request->settled[i].rule;
        if (!tenants_only || (rule != NULL && rule->tenant)) {
            rl_limiter_refund(source, &request->claims[i], 1, now);
        }
    }
}

/* ---- verdicts ---- */

/* The status of a denial: the rule's or the location's; a failure of the shared store, or of
 * a rate's expression, is a 503. */
static int denial_status(const request_rec *r, const rl_rule_t *rule, const rl_claim_t *claim)
{
    if (claim->failed) {
        return HTTP_SERVICE_UNAVAILABLE;
    }
    return rule->status > 0 ? rule->status : rl_dir_deny_status(rl_dir_config(r));
}

static void report_denial(request_rec *r, rl_request_t *request, int i, int64_t now)
{
    rl_report_set(r, &request->report, request->claims[i].failed ? "error" : "denied",
                  &request->settled[i], &request->claims[i], now);
    request->published = NULL;
}

/* What other modules make of the denial: its status, DONE or RATELIMIT_VETO. */
static int ask_about(request_rec *r, rl_request_t *request, int i, int64_t now)
{
    const int status = denial_status(r, request->settled[i].rule, &request->claims[i]);
    report_denial(r, request, i, now);
    return rl_opinion_ask(r, request, i, status, now);
}

/* Denies with this status, or for DONE what another module has answered. */
static int denied_by(request_rec *r, rl_request_t *request, int i, int status, int64_t now)
{
    const rl_rule_t *rule = request->settled[i].rule;
    rl_store_session_t session;
    rl_store_begin(r, request, &session);
    refund(&session.source, request, rule->tenant, now);
    if (!request->claims[i].failed) {
        rl_report_log_denial(r, &session.source, rule, &request->claims[i], now);
        request->denied_claim = i;
    }
    rl_store_end(request, &session);
    request->denied = r;
    request->denied_status =
        status == DONE ? DONE : rl_deny(r, status, request->report.retry_after);
    return request->denied_status;
}

/* The claim to report on: the first that could not be counted, or whose overrun is only
 * observed, else the one that is closest to its limit. */
static int find_closest(const rl_request_t *request)
{
    int closest = 0;
    for (int i = 0; i < request->n; i++) {
        if (request->claims[i].failed || !request->claims[i].step.granted) {
            return i;
        }
        if (i > 0 && rl_claim_is_closer(&request->claims[i], &request->claims[closest])) {
            closest = i;
        }
    }
    return closest;
}

static const char *status_of(const rl_claim_t *claim)
{
    if (claim->failed) {
        return "error";
    }
    return claim->step.granted ? "allowed" : "observed";
}

static void admitted(request_rec *r, const rl_source_t *source, rl_request_t *request,
                     int first_new, int64_t now)
{
    const int i = find_closest(request);
    rl_report_set(r, &request->report, status_of(&request->claims[i]), &request->settled[i],
                  &request->claims[i], now);
    request->published = NULL;
    for (int j = first_new; j < request->n; j++) {
        const rl_claim_t *claim = &request->claims[j];
        if (!claim->step.granted && !claim->failed) {
            rl_report_log_denial(r, source, request->settled[j].rule, claim, now);
        }
    }
}

static void tell_unshared(request_rec *r, const rl_request_t *request, int first)
{
    for (int i = first; i < request->n; i++) {
        if (!rl_meter_is_shareable(&request->claims[i].meter)) {
            rl_report_log_unshared(r, request->settled[i].rule, &request->claims[i]);
        }
    }
}

/* A rate that couldn't be computed is told like a store that can't answer. */
static void mark_invalid(const rl_request_t *request, int first)
{
    for (int i = first; i < request->n; i++) {
        request->claims[i].failed |= request->settled[i].invalid;
    }
}

/* Charges the claims from the first new one on. Returns -1, or the index of the denying one. */
static int charge(request_rec *r, rl_request_t *request, int first, int64_t now)
{
    rl_store_session_t session;
    int denied;
    rl_store_begin(r, request, &session);
    if (session.source.session != NULL) {
        tell_unshared(r, request, first);
    }
    denied =
        rl_limiter_decide(&session.source, &request->claims[first], request->n - first, now);
    mark_invalid(request, first);
    if (denied < 0) {
        admitted(r, &session.source, request, first, now);
    }
    rl_store_end(request, &session);
    return denied < 0 ? -1 : first + denied;
}

/* Decides over the claims from the first new one to the last; returns OK or the status of a
 * denial. A denial that another module vetoes becomes an observation, and all is decided anew:
 * once per vetoed claim at most, and once only when all that deny are known from the start. */
static int decide(request_rec *r, rl_request_t *request, int first)
{
    const int64_t now = rl_request_now(request);
    const int n = request->n - first;
    int denied;
    while ((denied = charge(r, request, first, now)) >= 0) {
        do {
            const int status = ask_about(r, request, denied, now);
            if (status != RATELIMIT_VETO) {
                return denied_by(r, request, denied, status, now);
            }
            request->claims[denied].observe = true;
            denied = rl_limiter_denial(&request->claims[first], n);
            denied = denied < 0 ? denied : first + denied;
        } while (denied >= 0);
    }
    return OK;
}

static int check_rules(request_rec *r, rl_request_t *request, const rl_dir_config_t *conf,
                       rl_phase_e phase, bool tenants)
{
    const int n = collect_claims(r, request, conf, phase, tenants);
    return n > 0 ? decide(r, request, request->n - n) : OK;
}

/* Decides over the server's rules of one phase, then over the tenants'; returns OK or the
 * status of a denial. */
static int check_phase(request_rec *r, rl_request_t *request, const rl_dir_config_t *conf,
                       rl_phase_e phase)
{
    int status = look_at_body(r, request, conf, phase);
    if (status != OK) {
        request->denied = r; /* not by a rule, but as final */
        request->denied_status = status;
        return status;
    }
    status = check_rules(r, request, conf, phase, false);
    if (status == OK && conf->rules->tenants) {
        status = check_rules(r, request, conf, phase, true);
    }
    return status;
}

static void exempt(request_rec *r, rl_request_t *request)
{
    rl_store_session_t session;
    rl_store_begin(r, request, &session);
    refund(&session.source, request, false, rl_request_now(request));
    rl_store_end(request, &session);
    request->exempt = true;
    request->report = (rl_report_t){.status = "exempt"};
    request->published = NULL;
}

/* ---- rounds ---- */

/* Before or after authentication: the phases of a round. */
typedef struct rl_round {
    rl_phase_e plain, body;
} rl_round_t;

static const rl_round_t before_auth = {RL_PHASE_EARLY, RL_PHASE_EARLY_BODY};
static const rl_round_t after_auth = {RL_PHASE_LATE, RL_PHASE_LATE_BODY};

/* Whether the location has something to say in this round about the client's request. */
static bool is_concerned(const request_rec *r, const rl_dir_config_t *conf,
                         const rl_round_t *round)
{
    const rl_rule_set_t *rules = conf->rules;
    return rules != NULL &&
           (rules->has[round->plain] || rules->has[round->body] ||
            (round == &after_auth && rl_exempts_users(conf))) &&
           rl_dir_engine(conf) != RL_ENGINE_OFF && is_client_request(r);
}

static int check_round(request_rec *r, rl_request_t *request, const rl_dir_config_t *conf,
                       const rl_round_t *round)
{
    int status = OK;
    if (request->exempt) {
        return OK;
    }
    request->now = 0;
    rl_request_go_on(request, r);
    if (rl_is_exempt(r, conf, round == &after_auth)) {
        exempt(r, request);
        return OK;
    }
    if (conf->rules->has[round->plain]) {
        status = check_phase(r, request, conf, round->plain);
    }
    if (status == OK && conf->rules->has[round->body]) {
        status = check_phase(r, request, conf, round->body);
    }
    return status;
}

/* Checks what the location has to say in this round, if anything. */
static int check(request_rec *r, const rl_round_t *round)
{
    const rl_dir_config_t *conf = rl_dir_config(r);
    return is_concerned(r, conf, round)
               ? check_round(r, rl_request_make(r, conf->rules->n), conf, round)
               : OK;
}

static int check_before_auth(request_rec *r)
{
    const rl_rule_set_t *rules = rl_dir_config(r)->rules;
    rl_request_t *request;
    int status;
    if (rules != NULL && rules->overruled != NULL) {
        rl_report_log_overruled(r, rules->overruled);
    }
    status = check(r, &before_auth);
    request = rl_request_get(r);
    if (request != NULL) {
        request->checked = r;
        request->checked_conf = r->per_dir_config;
    }
    return status;
}

/* A denial of this very request_rec, to be said again; else 0. */
static int standing_denial(const rl_request_t *request, const request_rec *r)
{
    return request != NULL && request->denied == r ? request->denied_status : 0;
}

/* Shows the report in r's environment, unless r does already. A request_rec that came later
 * shows the same variables under the same names. */
static void publish(request_rec *r, rl_request_t *request)
{
    if (request != NULL && request->report.status != NULL && request->published != r) {
        rl_report_publish(r, &request->report);
        request->published = r;
    }
}

/* Locations without rules pay for this look at a pointer. */
static bool has_nothing_to_do(const request_rec *r)
{
    return r->main != NULL || (rl_dir_config(r)->rules == NULL && r->prev == NULL);
}

int rl_enforce_check_access(request_rec *r)
{
    int status;
    if (has_nothing_to_do(r)) {
        return DECLINED;
    }
    status = check_before_auth(r);
    publish(r, rl_request_get(r));
    return status == OK ? DECLINED : rl_deny_run(r, status);
}

int rl_enforce_check_access_ex(request_rec *r)
{
    int status;
    if (has_nothing_to_do(r)) {
        return DECLINED;
    }
    status = standing_denial(rl_request_get(r), r);
    return status != 0 ? status : DECLINED;
}

/* Whether r has got past check_access as it stands; a target that was put in its place hasn't.
 */
static bool is_checked(const rl_request_t *request, const request_rec *r)
{
    return request != NULL && request->checked == r &&
           request->checked_conf == r->per_dir_config;
}

/* Whether nothing is left to do for r, as mostly: all was decided on in check_access, and is
 * shown. */
static bool is_done(const rl_request_t *request, const request_rec *r)
{
    return is_checked(request, r) && request->denied == NULL && request->published == r &&
           request->plain && !is_concerned(r, rl_dir_config(r), &after_auth);
}

/* Not part of the hook itself, which for most requests is a look at some pointers, and
 * shouldn't have to save registers for this. */
__attribute__((noinline)) static int check_late(request_rec *r, const rl_request_t *request)
{
    int status = standing_denial(request, r);
    if (status != 0) {
        return status;
    }
    if (!is_checked(request, r)) {
        status = check_before_auth(r);
    }
    if (status == OK) {
        status = check(r, &after_auth);
    }
    publish(r, rl_request_get(r));
    if (status == OK) {
        rl_request_offer_upgrade(r);
    }
    return status == OK ? DECLINED : rl_deny_run(r, status);
}

int rl_enforce_fixups(request_rec *r)
{
    const rl_request_t *request;
    if (has_nothing_to_do(r)) {
        return DECLINED;
    }
    request = rl_request_get(r);
    return is_done(request, r) ? DECLINED : check_late(r, request);
}
