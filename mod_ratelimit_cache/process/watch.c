/* SPDX-License-Identifier: Apache-2.0 */
/* Each child has a thread that looks once a second at each shared store. A server of it that is
 * away is asked by whoever sees first that a second has passed since it was last asked so. So
 * the log tells within a second that it is back, though no request comes; and while requests
 * come, fewer of them have to wait for a server that isn't back. As long as all servers answer,
 * as far as is known, nothing is sent.
 *
 * Children of an earlier generation do nothing: their configuration is no longer this server's.
 */
#include "watch.h"

#include <http_log.h>

#include "../httpd/module.h"
#include "../system/background.h"
#include "../system/clock.h"
#include "muster.h"
#include "runtime.h"
#include "store_log.h"

APLOG_USE_MODULE(ratelimit_cache);

/* Microseconds */
#define LOOK_INTERVAL RL_USEC_PER_SEC
#define VISIT_LEAST   LOOK_INTERVAL
#define VISIT_MOST    400000 /* how long a server is waited for */

typedef struct rl_watch {
    rl_store_config_t *store;
    rl_memcached_settings_t settings; /* the store's, with a shorter time-out */
    apr_pool_t *pool;                 /* the thread's own */
} rl_watch_t;

/* Asks a server that is away, and notes what it answers, as for a request. */
static void visit_server(const rl_watch_t *watch, unsigned i)
{
    const rl_memcached_server_t *server = &watch->settings.servers[i];
    const int64_t asked = rl_clock_now();
    rl_health_t health;
    bool unsafe;
    const char *reason = rl_memcached_probe(watch->pool, &watch->settings, i, &unsafe);
    rl_health_init(&health, server->health, server->traffic, &watch->settings.breaker,
                   rl_store_log_event, watch->store, i);
    if (reason == NULL) {
        rl_health_good(&health, false, asked);
    }
    else {
        rl_health_failed(&health, reason);
    }
    apr_pool_clear(watch->pool);
}

static void visit_servers(const rl_watch_t *watch)
{
    const rl_memcached_settings_t *settings = &watch->settings;
    const int64_t cooldown = settings->breaker.cooldown_us;
    for (unsigned i = 0; i < settings->nservers; i++) {
        const rl_memcached_server_t *server = &settings->servers[i];
        if (server->address != NULL && server->health != NULL &&
            rl_health_may_visit(server->health, cooldown > VISIT_LEAST ? cooldown : VISIT_LEAST,
                                rl_clock_now())) {
            visit_server(watch, i);
        }
    }
}

/* One look of this child's thread. */
static bool look_at_store(void *context, bool last)
{
    const rl_watch_t *watch = context;
    if (last || rl_runtime_is_superseded()) {
        return false;
    }
    visit_servers(watch);
    if (watch->store->muster != NULL) {
        rl_muster_look(watch->store, rl_clock_now());
    }
    return true;
}

void rl_watch_count_local(const rl_store_config_t *store)
{
    for (unsigned i = 0; i < store->settings.nservers; i++) {
        if (store->settings.servers[i].health != NULL) {
            rl_health_count_local(store->settings.servers[i].health);
        }
    }
}

void rl_watch_child_init(rl_store_config_t *store, apr_pool_t *pchild)
{
    rl_watch_t *watch;
    if (store->store == rl_store_absent()) {
        return;
    }
    watch = apr_palloc(pchild, sizeof(*watch));
    *watch = (rl_watch_t){.store = store, .settings = store->settings};
    if (watch->settings.timeout_us > VISIT_MOST) {
        watch->settings.timeout_us = VISIT_MOST;
    }
    apr_pool_create(&watch->pool, pchild);
    if (rl_background_create(pchild, LOOK_INTERVAL, look_at_store, watch) == NULL) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, store->server,
                     "ratelimit: no thread to look after RateLimitStore memcached; other "
                     "children do");
    }
}
