/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <apr_strings.h>
#include <http_main.h>
#include <http_protocol.h>

#include "../config/store_directive.h"

/* After the first few that don't answer no other is asked: it is 503 anyhow, and each may take
 * a whole time-out. */
#define FAILURES_MOST 4

/* Returns NULL if the server answers, else what it does instead. */
static const char *reason_of_server(const rl_store_config_t *store, unsigned i,
                                    apr_pool_t *pool)
{
    bool unsafe;
    return store->settings.servers[i].address == NULL
               ? "has no address: its name could not be resolved at the start"
               : rl_memcached_probe(pool, &store->settings, i, &unsafe);
}

/* Appends a line for each server. Returns how many fail. */
static int check_store(const rl_store_config_t *store, apr_pool_t *pool, const char **lines)
{
    int failures = 0;
    for (unsigned i = 0; i < store->settings.nservers && failures < FAILURES_MOST; i++) {
        const char *reason = reason_of_server(store, i, pool);
        failures += reason != NULL;
        *lines = apr_pstrcat(pool, *lines, "memcached ", store->settings.servers[i].name, " ",
                             reason != NULL ? reason : "answers", "\n", NULL);
    }
    return failures;
}

int rl_status_health(request_rec *r)
{
    const apr_array_header_t *stores = rl_store_config_all(ap_server_conf, r->pool);
    const char *lines = "";
    int failures = 0;
    for (int i = 0; i < stores->nelts && failures < FAILURES_MOST; i++) {
        failures += check_store(APR_ARRAY_IDX(stores, i, rl_store_config_t *), r->pool, &lines);
    }
    r->status = failures == 0 ? HTTP_OK : HTTP_SERVICE_UNAVAILABLE;
    ap_set_content_type(r, "text/plain; charset=utf-8");
    if (!r->header_only) {
        ap_rputs(failures == 0 ? "healthy\n" : "not healthy\n", r);
        ap_rputs(lines, r);
    }
    return OK;
}
