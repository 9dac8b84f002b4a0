/* SPDX-License-Identifier: Apache-2.0 */
#include "include.h"

#include <http_config.h>
#include <http_request.h>

#include "../config/config.h"
#include "../config/exemption.h"
#include "../httpd/handler.h"
#include "../core/hot.h"
#include "../request/due.h"
#include "../request/outcome_watch.h"
#include "../request/redirect.h"
#include "decide.h"
#include "settle.h"

/* A page may include what a program answers, many times and with arguments of its own:
 * <!--#include virtual="/login?user=admin&password=..." -->. Each include that runs has one
 * more guess, so it is charged to the rules of its own URL, as if the client had asked for it;
 * but not to rules that the page has paid for with the same key. Most subrequests only look
 * something up; that one runs is known when its handler is called. Files are a part of their
 * page, and so is what an error document includes.
 *
 * The record of an include is kept with its subrequest, and settled when the handler returns.
 */

/* Returns the request that the subrequest serves. */
static const request_rec *page_of(const request_rec *r)
{
    while (r->main != NULL) {
        r = r->main;
    }
    return r;
}

/* Returns OK, or the status of a denial. */
static int include_check(rl_visit_t *visit)
{
    rl_request_t *request = visit->request;
    int status = OK;
    for (int phase = 0; phase < 2 * RL_PHASES && status == OK; phase++) {
        int n;
        visit->phase = (rl_phase_e)(phase / 2);
        n = rl_due_collect(visit, phase % 2 == 1);
        status = n > 0 ? rl_decide_include(visit->r, request, request->n - n) : OK;
    }
    return status;
}

static int include_run(rl_visit_t *visit)
{
    request_rec *r = visit->r;
    int result = include_check(visit);
    if (result == OK) {
        result = ap_run_handler(r);
        rl_outcome_note(r, visit->request,
                        ap_is_HTTP_VALID_RESPONSE(result) ? result : r->status);
    }
    rl_settle(r);
    return result;
}

/* Returns true if it is include_run() that calls the handlers. */
static bool is_running(const rl_visit_t *visit)
{
    return visit->request != NULL && visit->request->progress.current == visit->r;
}

/* Returns true if the rules of r's location are to be checked for the include. */
static bool include_is_concerned(const rl_visit_t *visit, const request_rec *page)
{
    return rl_dir_engine(visit->conf) != RL_ENGINE_OFF && !is_running(visit) &&
           !rl_request_is_error_document(page) &&
           (visit->above == NULL || !visit->above->exempt) &&
           !rl_handler_is_for_files(visit->r) &&
           !rl_exemption_applies(visit->r, visit->conf->exempt, false) &&
           !rl_exemption_applies(visit->r, visit->conf->exempt, true);
}

RL_RARELY int rl_include_handler(request_rec *r)
{
    rl_visit_t visit = {.r = r, .conf = rl_dir_config(r)};
    const request_rec *page;
    if (visit.conf->rules == NULL) {
        return DECLINED;
    }
    page = page_of(r);
    visit.above = rl_request_get(page);
    visit.request = rl_request_get(r);
    if (!include_is_concerned(&visit, page)) {
        return DECLINED;
    }
    if (visit.request == NULL) {
        visit.request = rl_request_make(r, visit.conf->rules->n);
    }
    rl_redirect_follow(visit.request, r);
    return include_run(&visit);
}
