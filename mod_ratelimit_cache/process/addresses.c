/* SPDX-License-Identifier: Apache-2.0 */
#include "addresses.h"

#include <apr_strings.h>
#include <http_log.h>

#include "../httpd/module.h"
#include "../memcached/health_table.h"
#include "../system/clock.h"
#include "runtime.h"
#include "store_log.h"

APLOG_USE_MODULE(ratelimit_cache);

/* A name may have addresses its server doesn't listen at: "localhost" often is ::1 first. */
#define ADDRESSES_MAX 8

typedef struct addresses {
    const char *ip[ADDRESSES_MAX];
    int n, preferred; /* how many; which one to take if none answers: an IPv4 one if possible */
} addresses_t;

static apr_status_t find_addresses(const rl_memcached_server_t *server, addresses_t *found,
                                   apr_pool_t *pconf)
{
    apr_sockaddr_t *at;
    apr_status_t rv =
        apr_sockaddr_info_get(&at, server->host, APR_UNSPEC, server->port, 0, pconf);
    bool has_v4 = false;
    *found = (addresses_t){.n = 0};
    for (; rv == APR_SUCCESS && at != NULL && found->n < ADDRESSES_MAX; at = at->next) {
        char *ip;
        rv = apr_sockaddr_ip_get(&ip, at);
        if (!has_v4 && at->family == APR_INET) {
            has_v4 = true;
            found->preferred = found->n;
        }
        found->ip[found->n++] = ip;
    }
    return rv;
}

/* Names are resolved here, once, because the client library would do it outside of all its
 * time-outs. A server whose name can't be resolved keeps its share of the keys, so that all
 * servers of the fleet go on looking for each counter in the same place. */
static void resolve(const rl_store_config_t *store, rl_memcached_server_t *server,
                    addresses_t *found, apr_pool_t *pconf)
{
    const apr_status_t rv = find_addresses(server, found, pconf);
    if (rv == APR_SUCCESS) {
        server->address = found->ip[found->preferred];
        return;
    }
    server->address = NULL;
    ap_log_error(APLOG_MARK, APLOG_ERR, rv, store->server,
                 "ratelimit: RateLimitStore memcached %s: the name can't be resolved; "
                 "RateLimitOnError applies to this server's share of the keys. Correct the "
                 "name or its look-up, and reload httpd",
                 server->name);
}

/* Takes the first address that answers, or the preferred one; none if that one's answer would
 * end the child that reads it. After two time-outs no further address is tried, so that a start
 * doesn't take long. Returns NULL if the address that is taken answers, else what it does
 * instead. */
static const char *choose_address(const rl_store_config_t *store, unsigned i,
                                  rl_memcached_server_t *server, const addresses_t *found,
                                  apr_pool_t *ptemp)
{
    const int64_t end = rl_clock_now() + 2 * store->settings.timeout_us;
    const char *preferred = server->address, *why = NULL;
    bool deadly = false;
    for (int n = 0; n < found->n && (n == 0 || rl_clock_now() < end); n++) {
        const char *reason;
        bool unsafe;
        server->address = found->ip[n];
        reason = rl_memcached_probe(ptemp, &store->settings, i, &unsafe);
        if (reason == NULL) {
            return NULL;
        }
        if (why == NULL || server->address == preferred) {
            why = reason;
            deadly = unsafe;
        }
    }
    server->address = deadly ? NULL : preferred;
    return why;
}

/* Stores share what they find out about a server if they ask it in the same way. */
static rl_health_state_t *find_health(const rl_store_config_t *store,
                                      const rl_memcached_server_t *server, apr_pool_t *pool)
{
    const rl_memcached_settings_t *settings = &store->settings;
    return rl_health_table_find(
        rl_runtime()->health_table,
        apr_psprintf(pool, "%s %" APR_INT64_T_FMT " %u %" APR_INT64_T_FMT, server->name,
                     settings->timeout_us, settings->breaker.failures,
                     settings->breaker.cooldown_us));
}

static void look_up_server(const rl_store_config_t *store, unsigned i, apr_pool_t *pconf)
{
    rl_memcached_server_t *server =
        &APR_ARRAY_IDX(store->servers, (int)i, rl_memcached_server_t);
    addresses_t found = {.ip = {server->host}, .n = 1};
    if (server->port != 0) {
        resolve(store, server, &found, pconf);
    }
    if (server->address != NULL) {
        rl_store_log_start(store, server, choose_address(store, i, server, &found, pconf));
    }
    server->health = find_health(store, server, pconf);
    server->traffic = rl_stats_server(rl_runtime()->stats, server->name);
    APR_ARRAY_PUSH(store->log_slots, rl_log_slot_t *) =
        rl_log_throttle_find(rl_runtime()->log_table, server->name);
}

void rl_addresses_look_up(rl_store_config_t *store, apr_pool_t *pconf)
{
    store->log_slots = apr_array_make(pconf, store->servers->nelts, sizeof(rl_log_slot_t *));
    store->figures = rl_stats_store(rl_runtime()->stats, store->salt.hi | 1);
    for (unsigned i = 0; i < store->settings.nservers; i++) {
        look_up_server(store, i, pconf);
    }
}
