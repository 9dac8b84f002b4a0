/* SPDX-License-Identifier: Apache-2.0 */
#include "holdings.h"

#include <util_filter.h>

#include "../process/runtime.h"
#include "upgrade.h"

/* A slot is to be free when the handler has produced its answer, however slowly the client
 * takes it. The handler passes the end of the answer on when it has, but what stands before the
 * end may be a promise: a pipe from which somebody reads later. So there are two filters. The
 * first, above those of the protocol, sees the end as the handler passes it on, and believes it
 * if the length of all before it is known. The second, below the filter that finds out the
 * content's length, sees the end after the pipes were read. An answer whose header the program
 * writes itself (nph-) passes neither: the slot is free when the request is over. */

static ap_filter_rec_t *early_handle, *late_handle;

static void release(rl_request_t *request)
{
    rl_stats_t *stats = rl_runtime()->stats;
    for (int i = 0; i < request->n; i++) {
        rl_slot_claim_t *slot = &request->claims[i].slot;
        if (slot->holding.holder != 0) {
            rl_figures_note_held(&stats->figures[slot->figures_number],
                                 rl_slots_leave(rl_runtime()->slots, &slot->holding));
        }
    }
    request->holds = false;
}

void rl_holdings_release(rl_request_t *request)
{
    if (request->holds && !rl_upgrade_was_taken_over(request)) {
        release(request);
    }
}

static apr_status_t release_with_pool(void *context)
{
    rl_holdings_release(context);
    return APR_SUCCESS;
}

void rl_holdings_keep(request_rec *r, rl_request_t *request)
{
    bool any = false;
    for (int i = 0; i < request->n; i++) {
        any |= request->claims[i].slot.holding.holder != 0;
    }
    if (any && !request->holds) {
        apr_pool_cleanup_register(r->pool, request, release_with_pool, apr_pool_cleanup_null);
    }
    request->holds |= any;
}

/* ---- the end of the answer ---- */

/* Returns true if the brigade has the end of the answer; sets *produced to whether all before
 * it is known. */
static bool holdings_has_end(const apr_bucket_brigade *bb, bool *produced)
{
    *produced = true;
    for (const apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        if (APR_BUCKET_IS_EOS(b)) {
            return true;
        }
        *produced &= b->length != (apr_size_t)-1;
    }
    return false;
}

static apr_status_t see_end(ap_filter_t *f, apr_bucket_brigade *bb, bool late)
{
    ap_filter_t *next = f->next;
    bool produced;
    if (holdings_has_end(bb, &produced)) {
        if (late || produced) {
            rl_holdings_release(f->ctx);
        }
        ap_remove_output_filter(f);
    }
    return ap_pass_brigade(next, bb);
}

static apr_status_t see_end_early(ap_filter_t *f, apr_bucket_brigade *bb)
{
    return see_end(f, bb, false);
}

static apr_status_t see_end_late(ap_filter_t *f, apr_bucket_brigade *bb)
{
    return see_end(f, bb, true);
}

void rl_holdings_register(void)
{
    early_handle = ap_register_output_filter("RATELIMIT_SLOT", see_end_early, NULL,
                                             (ap_filter_type)(AP_FTYPE_PROTOCOL - 1));
    late_handle = ap_register_output_filter("RATELIMIT_SLOT_LATE", see_end_late, NULL,
                                            (ap_filter_type)(AP_FTYPE_PROTOCOL + 1));
}

void rl_holdings_insert_filter(request_rec *r)
{
    rl_request_t *request = r->main == NULL ? rl_request_get(r) : NULL;
    if (request != NULL && request->holds) {
        ap_add_output_filter_handle(early_handle, request, r, r->connection);
        ap_add_output_filter_handle(late_handle, request, r, r->connection);
    }
}
