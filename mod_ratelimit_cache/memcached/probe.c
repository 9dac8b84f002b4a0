/* SPDX-License-Identifier: Apache-2.0 */
/* Asks if a memcached answers, at start, before there are children and stores. */
#include <apr_strings.h>

#include "../system/clock.h"
#include "memcached.h"

typedef struct rl_probe {
    apr_pool_t *pool;
    const char *reason;
    bool complains;
} rl_probe_t;

static void note_reason(void *context, rl_server_event_e event, unsigned server,
                        const char *reason)
{
    rl_probe_t *probe = context;
    (void)server;
    if (event != RL_SERVER_WORKS && !probe->complains) {
        probe->reason = apr_pstrdup(probe->pool, reason);
        probe->complains = event == RL_SERVER_IS_FULL || event == RL_SERVER_ANSWERS_ERROR;
    }
}

/* Asks through a store of its own, which keeps to the timeout whatever the server does. Adds 0
 * to a counter that doesn't exist: the only question whose answer has but one form. */
static const char *ask(apr_pool_t *pool, rl_probe_t *probe,
                       const rl_memcached_settings_t *settings)
{
    static const rl_shared_counter_t counter = {.ttl = 1};
    rl_store_session_t session = {
        .store = rl_memcached_create(pool, settings, note_reason, probe),
        .deadline = rl_clock_now() + settings->timeout_us,
    };
    rl_store_status_e status;
    uint64_t value;
    if (session.store == NULL) {
        return "can't be asked (out of memory)";
    }
    status = session.store->ops->add(&session, &counter, 0, &value);
    session.store->ops->end(&session);
    if (status == RL_STORE_OK || status == RL_STORE_MISSING) {
        return NULL;
    }
    return apr_psprintf(probe->pool,
                        probe->complains
                            ? "answers with an error (%s): it is no memcached, wants a "
                              "password (-Y, -S), or has trouble of its own"
                            : "does not answer (%s)",
                        probe->reason != NULL ? probe->reason : "no reason is known");
}

const char *rl_memcached_probe(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                               unsigned server)
{
    rl_memcached_settings_t one = *settings;
    rl_probe_t probe = {.pool = pool};
    apr_pool_t *own;
    const char *reason;
    if (settings->servers[server].address == NULL) {
        return "can't be asked (its name can't be resolved)";
    }
    one.servers = &settings->servers[server];
    one.nservers = one.connections = one.breaker.failures = 1;
    if (apr_pool_create(&own, pool) != APR_SUCCESS) {
        return "can't be asked (out of memory)";
    }
    reason = ask(own, &probe, &one);
    apr_pool_destroy(own);
    return reason;
}
