/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include "../answer/denial.h"
#include "../answer/environment.h"
#include "../challenge/shown.h"
#include "../config/config.h"
#include "../config/exemption.h"
#include "../httpd/module.h"
#include "../request/due.h"
#include "../request/holdings.h"
#include "../request/log.h"
#include "../request/redirect.h"
#include "../request/server_view.h"
#include "../request/upgrade.h"
#include "authentication.h"
#include "decide.h"

/* httpd makes several request_recs of one client request: by internal redirects (r->prev) and
 * for subrequests (r->main), and mod_dir or mod_negotiation put a subrequest's result in the
 * place of the request itself. What has been decided is kept with the first of them: a rule is
 * decided on once, and a denial refunds what the other rules were charged. Error
 * documents and subrequests that look something up are not the client's doing and are never
 * checked; for programs that a page includes see include.c. */

static bool is_client_request(const request_rec *r)
{
    return r->main == NULL && !rl_request_is_error_document(r);
}

/* Checks are made in two rounds, before and after authentication. A round has two phases:
 * without the body, then with it. */
typedef struct rl_round {
    rl_phase_e without_body, with_body; /* the one after it */
} rl_round_t;

static const rl_round_t before_auth = {RL_PHASE_EARLY, RL_PHASE_EARLY_BODY};
static const rl_round_t after_auth = {RL_PHASE_LATE, RL_PHASE_LATE_BODY};

/* Returns true if the location has rules or an exemption that this round looks at, and r is to
 * be checked at all. */
static inline bool is_concerned(const request_rec *r, const rl_dir_config_t *conf,
                                const rl_round_t *round)
{
    const rl_rule_set_t *rules = conf->rules;
    return rules != NULL &&
           (rules->has[round->without_body] || rules->has[round->with_body] ||
            (round == &after_auth && rl_exemption_reads_user(conf->exempt))) &&
           rl_dir_engine(conf) != RL_ENGINE_OFF && is_client_request(r);
}

/* Decides on the tenants' rules of one phase, or on the server's. Returns OK, or the status
 * that the request ends with. */
static inline int access_check_rules(const rl_visit_t *visit, bool tenants)
{
    rl_request_t *request = visit->request;
    const bool with_body =
        visit->phase == RL_PHASE_EARLY_BODY || visit->phase == RL_PHASE_LATE_BODY;
    int n, status = with_body ? rl_due_look_at_body(visit, tenants) : OK;
    if (status != OK) {
        request->denied.r = visit->r; /* no rule denies, but it is as final */
        request->denied.status = status;
        return status;
    }
    n = rl_due_collect(visit, tenants);
    return n > 0 ? rl_decide(visit->r, request, request->n - n) : OK;
}

/* The server's rules come first. */
RL_RARELY static int access_check_phase(rl_visit_t *visit, rl_phase_e phase)
{
    const rl_rule_set_t *rules = visit->conf->rules;
    int status = OK;
    visit->phase = phase;
    for (int tenants = 0; tenants <= (rules->tenants ? 1 : 0) && status == OK; tenants++) {
        status = access_check_rules(visit, tenants != 0);
    }
    return status;
}

/* Returns true if an exemption applies in this round. Exemptions are the server's: they see the
 * request as its rules do. */
static bool is_exempt(const rl_visit_t *visit, const rl_round_t *round)
{
    const apr_array_header_t *exempt = visit->conf->exempt;
    const rl_view_needs_t needs = {.env = rl_exemption_reads_env(exempt),
                                   .headers = rl_exemption_reads_headers(exempt)};
    const rl_own_view_t own = rl_server_view_enter(visit->r, visit->request, needs);
    const bool applies = rl_exemption_applies(visit->r, exempt, round == &after_auth);
    rl_server_view_leave(visit->r, &own);
    return applies;
}

static inline int access_check_round(rl_visit_t *visit, const rl_round_t *round)
{
    const rl_dir_config_t *conf = visit->conf;
    rl_request_t *request = visit->request;
    int status = OK;
    if (request->exempt) {
        return OK;
    }
    request->now = 0;
    rl_redirect_follow(request, visit->r);
    if (conf->exempt != NULL && is_exempt(visit, round)) {
        rl_decide_exempt(visit->r, request);
        return OK;
    }
    for (rl_phase_e phase = round->without_body; phase <= round->with_body && status == OK;
         phase++) {
        status = conf->rules->has[phase] ? access_check_phase(visit, phase) : OK;
    }
    return status;
}

/* Makes the client request's record. A request that was upgraded to HTTP/2 is processed again
 * as a stream, which takes over what was decided before. */
static inline rl_request_t *make_record(request_rec *r, int rules)
{
    rl_request_t *request = rl_request_make(r, rules);
    rl_upgrade_take_over(r, request);
    if (request->n > 0) {
        rl_holdings_keep(r, request);
    }
    return request;
}

/* Makes this round of checks, if the location has anything for it. The record is made if need
 * be. */
static inline int access_check(request_rec *r, const rl_round_t *round, rl_request_t **request)
{
    rl_visit_t visit = {.r = r, .conf = rl_dir_config(r), .request = *request};
    if (!is_concerned(r, visit.conf, round)) {
        return OK;
    }
    if (visit.request == NULL) {
        visit.request = *request = make_record(r, visit.conf->rules->n);
    }
    return access_check_round(&visit, round);
}

static rl_target_t target_of(const request_rec *r)
{
    return (rl_target_t){.r = r,
                         .conf = r->per_dir_config,
                         .filename = r->filename,
                         .uri = r->uri,
                         .path_info = r->path_info,
                         .args = r->args};
}

static bool is_same_target(const rl_target_t *target, const request_rec *r)
{
    return target->r == r && target->conf == r->per_dir_config &&
           target->filename == r->filename && target->uri == r->uri &&
           target->path_info == r->path_info && target->args == r->args;
}

static void log_without_effect(request_rec *r, const rl_rule_set_t *rules)
{
    if (rules->overruled != NULL) {
        rl_log_overruled(r, rules->overruled);
    }
    if (rules->surplus != NULL) {
        rl_log_surplus(r, rules->surplus);
    }
}

RL_RARELY static int access_check_before_auth(request_rec *r, rl_request_t **request)
{
    const rl_rule_set_t *rules = rl_dir_config(r)->rules;
    int status;
    if (rules != NULL && (rules->overruled != NULL || rules->surplus != NULL)) {
        log_without_effect(r, rules);
    }
    status = access_check(r, &before_auth, request);
    if (*request != NULL) {
        (*request)->progress.checked = target_of(r);
    }
    return status;
}

/* Returns true if the request has met no rules before, and finds only plain ones here, that
 * nothing exempts it from: then all that access_check() finds out step by step is known. */
static bool meets_plain_rules(const request_rec *r, const rl_dir_config_t *conf)
{
    return r->prev == NULL && conf->rules->plain && conf->exempt == NULL &&
           rl_dir_engine(conf) != RL_ENGINE_OFF;
}

/* Does the work of access_check_before_auth() for such a request: there is one phase to check,
 * and there are no tenants. */
static inline int access_check_plain(request_rec *r, const rl_dir_config_t *conf,
                                     rl_request_t **request)
{
    rl_visit_t visit = {.r = r, .conf = conf, .phase = RL_PHASE_EARLY};
    int status;
    visit.request = *request = make_record(r, conf->rules->n);
    if (visit.request->n > 0 || visit.request->exempt) { /* an upgrade's stream */
        return access_check_before_auth(r, request);
    }
    visit.request->progress.current = r;
    status = access_check_rules(&visit, false);
    visit.request->progress.checked = target_of(r);
    return status;
}

/* Makes the record of each request, if any rule reads variables, header fields or passes: a
 * target with such rules can take the request's place later. A subrequest has the environment
 * of the request that it serves. */
RL_RARELY static void keep_view(request_rec *r, rl_view_needs_t needs)
{
    const rl_rule_set_t *rules = rl_dir_config(r)->rules;
    rl_request_t *request = rl_request_get(r);
    if (request == NULL) {
        request = make_record(r, rules != NULL ? rules->n : 0);
    }
    rl_pass_look(r, request);
    rl_server_view_keep(r, request, needs);
}

RL_EACH_REQUEST int rl_access_header_parser(request_rec *r)
{
    const rl_global_config_t *global = rl_global_config();
    const rl_view_needs_t needs = {.env = global->reads_env, .headers = global->reads_headers};
    if ((needs.env || needs.headers || rl_server_pass(rl_server_config(r->server)) != NULL) &&
        is_client_request(r)) {
        keep_view(r, needs);
    }
    return DECLINED;
}

/* Returns the status of a denial of this very request_rec, to be repeated; 0 if there is none.
 */
static int standing_denial(const rl_request_t *request, const request_rec *r)
{
    return request != NULL && request->denied.r == r ? request->denied.status : 0;
}

/* Returns true for most requests to locations without rules: three looks at pointers. */
static bool has_nothing_to_do(const request_rec *r)
{
    return r->main != NULL || (rl_dir_config(r)->rules == NULL && r->prev == NULL);
}

/* Shows the environment to whoever waits for it, and notes if nothing is left to do for r then,
 * as for most requests: all has been decided on. */
static inline void end_check(request_rec *r, const rl_dir_config_t *conf, rl_request_t *request)
{
    const bool shown = rl_environment_show_early(r, request);
    const bool settled = shown && request->denied.r == NULL && request->no_upgrade &&
                         !request->outcome.pending && !is_concerned(r, conf, &after_auth);
    request->progress.settled = settled ? r : NULL;
}

RL_EACH_REQUEST RL_RARELY static int access_check_now(request_rec *r)
{
    const rl_dir_config_t *conf = rl_dir_config(r);
    rl_request_t *request = rl_request_get(r);
    int status = request == NULL && meets_plain_rules(r, conf)
                     ? access_check_plain(r, conf, &request)
                     : access_check_before_auth(r, &request);
    if (request != NULL) {
        end_check(r, conf, request);
    }
    return status == OK ? DECLINED : rl_denial_run_handler(r, status);
}

RL_EACH_REQUEST int rl_access_check(request_rec *r)
{
    return has_nothing_to_do(r) ? DECLINED : access_check_now(r);
}

RL_EACH_REQUEST int rl_access_check_ex(request_rec *r)
{
    const rl_request_t *request = r->main == NULL ? rl_request_get(r) : NULL;
    const int status = standing_denial(request, r);
    return status != 0 ? status : DECLINED;
}

/* httpd comes here only after a password check, or another authentication, has succeeded. (That
 * r->user is set says less: mod_auth_basic and PHP set it before any check.) Claims of rules
 * that wait for the user are made later, so the record may have to be made here. */
int rl_access_note_user(request_rec *r)
{
    const rl_dir_config_t *conf = rl_dir_config(r);
    rl_request_t *request;
    if (has_nothing_to_do(r) || !is_client_request(r) || r->ap_auth_type == NULL) {
        return DECLINED;
    }
    request = rl_request_get(r);
    if (request == NULL && is_concerned(r, conf, &after_auth)) {
        request = make_record(r, conf->rules->n);
    }
    if (request != NULL) {
        request->outcome.user = r->user;
    }
    return DECLINED;
}

/* Returns true if r has passed check_access as it is now. A target that was put in its place
 * since has not, even if httpd has given it the same configuration. A redirect that is still
 * ahead is no target. */
static bool is_checked(const rl_request_t *request, const request_rec *r)
{
    return request != NULL && (is_same_target(&request->progress.checked, r) ||
                               (request->progress.checked.r == r && rl_redirect_is_ahead(r)));
}

RL_RARELY static int access_check_late(request_rec *r)
{
    rl_request_t *request = rl_request_get(r);
    const bool replaced = request != NULL && !is_checked(request, r);
    int status = standing_denial(request, r);
    if (status != 0) {
        return status;
    }
    if (request != NULL) {
        rl_server_view_note_fixups(r, request);
    }
    if (!is_checked(request, r)) {
        status = access_check_before_auth(r, &request);
    }
    if (status == OK) {
        status = access_check(r, &after_auth, &request);
    }
    if (request != NULL) {
        rl_authentication_end(r, request);
        if (replaced) { /* which .htaccess files were read for the target isn't told */
            rl_environment_show(r, request);
        }
        end_check(r, rl_dir_config(r), request);
    }
    if (status == OK) {
        rl_upgrade_offer(r);
    }
    return status == OK ? DECLINED : rl_denial_run_handler(r, status);
}

/* Returns the record of a request_rec that is settled and no redirect, as most are, else NULL.
 */
static const rl_request_t *settled_record(const request_rec *r)
{
    const rl_request_t *request =
        ap_get_module_config(r->request_config, &ratelimit_cache_module);
    return request != NULL && request->progress.settled == r ? request : NULL;
}

RL_EACH_REQUEST int rl_access_fixups_first(request_rec *r)
{
    return settled_record(r) != NULL || has_nothing_to_do(r) ? DECLINED : access_check_late(r);
}

RL_EACH_REQUEST int rl_access_fixups_last(request_rec *r)
{
    const rl_request_t *request = settled_record(r);
    if ((request != NULL && is_checked(request, r)) || has_nothing_to_do(r)) {
        return DECLINED;
    }
    return access_check_late(r);
}
