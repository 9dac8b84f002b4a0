/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <apr_strings.h>
#include <string.h>

#include "../httpd/module.h"

/* Returns the first request_rec of a client request: internal redirects are chained by prev.
 * httpd limits their number (LimitInternalRecursion). */
static const request_rec *root_of(const request_rec *r)
{
    while (r->prev != NULL) {
        r = r->prev;
    }
    return r;
}

rl_request_t *rl_request_get(const request_rec *r)
{
    return ap_get_module_config(root_of(r)->request_config, &ratelimit_cache_module);
}

/* ---- room for claims ---- */

static apr_size_t size_of(int n)
{
    return (apr_size_t)n * sizeof(rl_claim_t);
}

/* Gives the request an array with room for so many claims, and copies into it the claims of
 * `from`, which may be the request itself. */
static void move_claims(apr_pool_t *pool, rl_request_t *request, const rl_request_t *from,
                        int room)
{
    const rl_claim_t *claims = from->claims;
    request->n = from->n;
    request->room = room;
    request->claims = apr_palloc(pool, size_of(room));
    if (request->n > 0) {
        memcpy(request->claims, claims, size_of(request->n));
    }
}

RL_EACH_REQUEST rl_request_t *rl_request_make(request_rec *r, int n)
{
    /* volatile: libc's memset knows the processor, compilers would make a loop in its place */
    const volatile apr_size_t size = sizeof(rl_request_t);
    rl_request_t *request = apr_palloc(r->pool, sizeof(*request) + size_of(n));
    memset(request, 0, size);
    request->room = n;
    request->claims = (rl_claim_t *)(request + 1);
    request->denied.claim = -1;
    ap_set_module_config(root_of(r)->request_config, &ratelimit_cache_module, request);
    return request;
}

void rl_request_reserve(request_rec *r, rl_request_t *request)
{
    if (request->n == request->room) {
        move_claims(r->pool, request, request, 2 * request->room + 1);
    }
}

static void copy_environment(apr_pool_t *pool, const rl_environment_t *from,
                             rl_environment_t *to)
{
    to->status = apr_pstrdup(pool, from->status);
    to->rule = apr_pstrdup(pool, from->rule);
    to->limit = apr_pstrdup(pool, from->limit);
    to->remaining = apr_pstrdup(pool, from->remaining);
    to->reset = apr_pstrdup(pool, from->reset);
    to->key = apr_pstrdup(pool, from->key);
    to->challenge = apr_pstrdup(pool, from->challenge);
    to->challenge_path = from->challenge_path;
}

void rl_request_copy(apr_pool_t *pool, const rl_request_t *from, rl_request_t *to)
{
    *to = (rl_request_t){.exempt = from->exempt,
                         .special = from->special,
                         .reported = from->reported,
                         .local = from->local,
                         .holds = false,
                         .outcome = {.matters = from->outcome.matters,
                                     .reads_auth = from->outcome.reads_auth,
                                     .reads_header = from->outcome.reads_header},
                         .denied = {.claim = -1}};
    move_claims(pool, to, from, from->n);
    for (int i = 0; i < to->n; i++) {
        rl_claim_t *claim = &to->claims[i];
        claim->checking = false; /* the first request's own */
        claim->name = apr_pstrdup(pool, claim->name);
        claim->claimed = apr_pstrdup(pool, claim->claimed);
        if (claim->account != NULL) {
            claim->account = apr_pmemdup(pool, claim->account, sizeof(*claim->account));
        }
        if (claim->rule != NULL && claim->rule->tenant) {
            claim->rule = NULL;
        }
    }
    copy_environment(pool, &from->environment, &to->environment);
}

/* ---- what is known ---- */

int64_t rl_request_now(rl_request_t *request)
{
    if (request->now == 0) {
        request->now = apr_time_now();
    }
    return request->now;
}

int rl_request_find_claim(const rl_request_t *request, const rl_rule_t *rule)
{
    for (int i = 0; i < request->n; i++) {
        if (request->claims[i].rule == rule) {
            return i;
        }
    }
    return -1;
}

/* Moves claim i to the end. */
static void move_last(rl_request_t *request, int i)
{
    const rl_claim_t claim = request->claims[i];
    memmove(&request->claims[i], &request->claims[i + 1], size_of(request->n - 1 - i));
    request->claims[request->n - 1] = claim;
    request->progress.ran -= i < request->progress.ran;
}

int rl_request_take_returned(rl_request_t *request)
{
    int first = request->n;
    for (int i = 0; i < first;) {
        if (request->claims[i].returned) {
            request->claims[i].returned = false;
            move_last(request, i);
            first--;
        }
        else {
            i++;
        }
    }
    return first;
}

bool rl_request_is_error_document(const request_rec *r)
{
    for (; r->prev != NULL; r = r->prev) {
        if (r->prev->status != HTTP_OK) {
            return true;
        }
    }
    return false;
}
