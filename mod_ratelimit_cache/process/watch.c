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
#define VISIT_MOST    250000 /* how long a server is waited for */

typedef struct rl_watch {
    rl_store_config_t *store;
    rl_memcached_settings_t settings; /* the store's, with a shorter time-out */
    apr_pool_t *pool;                 /* the thread's own */
    unsigned next;                    /* the server that is visited next */
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

static bool is_due(const rl_watch_t *watch, const rl_memcached_server_t *server)
{
    const int64_t cooldown = watch->settings.breaker.cooldown_us;
    const int64_t interval = cooldown > LOOK_INTERVAL ? cooldown : LOOK_INTERVAL;
    return server->address != NULL && server->health != NULL &&
           rl_health_may_visit(server->health, interval, rl_clock_now());
}

/* Visits those that are due. A look must end soon, because the end of the child waits for it:
 * so once servers that hang have taken their time, the rest is left to the next look, which
 * begins with them. Returns true if there is time for more. */
static bool visit_servers(rl_watch_t *watch)
{
    const int64_t end = rl_clock_now() + VISIT_MOST;
    const unsigned n = watch->settings.nservers;
    for (unsigned i = 0; i < n; i++) {
        const unsigned at = watch->next % n;
        watch->next = at + 1;
        if (is_due(watch, &watch->settings.servers[at])) {
            visit_server(watch, at);
            if (rl_clock_now() >= end) {
                return false;
            }
        }
    }
    return true;
}

/* One look of this child's thread. */
static bool look_at_store(void *context, bool last)
{
    rl_watch_t *watch = context;
    if (last || rl_runtime_is_superseded()) {
        return false;
    }
    if (visit_servers(watch) && watch->store->muster != NULL) {
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
