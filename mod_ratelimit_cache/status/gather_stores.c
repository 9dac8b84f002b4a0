/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "../config/config.h"
#include "../config/store_directive.h"
#include "../ledger/ledger.h"
#include "../ledger/usage.h"
#include "../process/muster.h"
#include "../process/runtime.h"
#include "../system/clock.h"
#include "gathering.h"

static const char *state_of(const rl_memcached_server_t *server,
                            const rl_traffic_sums_t *traffic)
{
    if (server->address == NULL ||
        (server->health != NULL && rl_health_is_away(server->health))) {
        return "down";
    }
    return traffic->round_trips == 0 ? "unknown" : "up";
}

static rl_server_row_t server_row(const rl_memcached_server_t *server)
{
    rl_server_row_t row = {.name = server->name};
    rl_outage_t last;
    rl_traffic_sum(server->traffic, rl_clock_now(), &row.traffic);
    row.state = state_of(server, &row.traffic);
    if (server->health != NULL && rl_health_last_outage(server->health, &last)) {
        row.last_outage_local = last.local;
    }
    row.outage_local = server->health != NULL ? rl_health_local(server->health) : 0;
    return row;
}

static rl_fellow_row_t fellow_row(apr_pool_t *pool, const rl_store_config_t *store,
                                  const rl_fellow_t *fellow)
{
    char *name = apr_palloc(pool, RL_MUSTER_NAME_MAX + 1);
    const rl_print_t print = rl_fellow_print(fellow);
    rl_fellow_name(fellow, name);
    return (rl_fellow_row_t){.host = name,
                             .seen_s = atomic_load(&fellow->seen_s),
                             .differs = rl_muster_differences(&print, &store->print)};
}

/* Adds the other servers that use the store. */
static void describe_fleet(apr_pool_t *pool, const rl_store_config_t *store,
                           rl_store_row_t *row)
{
    rl_fellow_row_t *fleet;
    if (store->muster == NULL) {
        return;
    }
    fleet = apr_palloc(pool, RL_MUSTER_PLACES * sizeof(*fleet));
    for (unsigned i = 0; i < RL_MUSTER_PLACES; i++) {
        const rl_fellow_t *fellow = &store->muster->fellows[i];
        if (rl_fellow_print(fellow).words[0] != 0) {
            fleet[row->nfleet++] = fellow_row(pool, store, fellow);
        }
    }
    row->fleet = fleet;
}

static void describe_store(apr_pool_t *pool, const rl_store_config_t *store,
                           rl_store_row_t *row)
{
    const unsigned n = store->settings.nservers;
    rl_server_row_t *servers = apr_pcalloc(pool, n * sizeof(*servers));
    const char *name = "memcached";
    for (unsigned i = 0; i < n; i++) {
        const rl_memcached_server_t *server = &store->settings.servers[i];
        name = apr_pstrcat(pool, name, " ", server->name, NULL);
        servers[i] = server_row(server);
    }
    *row = (rl_store_row_t){.name = name, .servers = servers, .nservers = n};
    if (store->figures != NULL) {
        row->local = rl_striped_sum(&store->figures->local);
        row->leased = rl_striped_sum(&store->figures->leased);
    }
    describe_fleet(pool, store, row);
}

/* Returns true if a virtual host counts in this server's memory alone. */
static bool any_in_memory(const server_rec *s)
{
    for (; s != NULL; s = s->next) {
        if (rl_server_config(s)->store == NULL) {
            return true;
        }
    }
    return false;
}

apr_array_header_t *rl_gather_stores(const rl_gathering_t *to)
{
    const apr_array_header_t *stores = rl_store_config_all(to->main_server, to->pool);
    apr_array_header_t *rows =
        apr_array_make(to->pool, stores->nelts + 1, sizeof(rl_store_row_t));
    if (any_in_memory(to->main_server)) {
        *(rl_store_row_t *)apr_array_push(rows) = (rl_store_row_t){.name = "shm"};
    }
    for (int i = 0; i < stores->nelts; i++) {
        describe_store(to->pool, APR_ARRAY_IDX(stores, i, rl_store_config_t *),
                       apr_array_push(rows));
    }
    return rows;
}

void rl_gather_table(const rl_gathering_t *to, rl_table_row_t *table)
{
    const rl_ledger_t *ledger = &rl_runtime()->ledger;
    rl_ledger_usage_t usage;
    rl_ledger_count(ledger, to->now, &usage);
    *table = (rl_table_row_t){.bytes = usage.cells * RL_LEDGER_CELL_BYTES,
                              .cells = usage.cells,
                              .used = usage.used,
                              .expired = usage.expired,
                              .evictions = rl_striped_sum(&rl_runtime()->stats->evictions)};
}
