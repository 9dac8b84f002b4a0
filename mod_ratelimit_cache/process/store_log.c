/* SPDX-License-Identifier: Apache-2.0 */
#include "store_log.h"

#include <http_log.h>

#include "../httpd/module.h"
#include "../system/clock.h"

APLOG_USE_MODULE(ratelimit_cache);

void rl_store_log_start(const rl_store_config_t *store, const rl_memcached_server_t *server,
                        const char *reason)
{
    if (reason == NULL) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, store->server,
                     "ratelimit: counters in memcached %s, which answers", server->name);
    }
    else {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, store->server,
                     "ratelimit: counters in memcached %s, which %s; "
                     "RateLimitOnError applies until it works",
                     server->name, reason);
    }
}

/* Returns the level to log at, APLOG_...; -1: don't log. */
static int level_of(rl_log_level_e how)
{
    switch (how) {
    case RL_LOG_ERROR:
        return APLOG_ERR;
    case RL_LOG_NOTICE:
        return APLOG_NOTICE;
    case RL_LOG_INFO:
        return APLOG_INFO;
    default:
        return -1;
    }
}

static void log_failure(const rl_store_config_t *store, int level, const char *name,
                        const char *reason)
{
    ap_log_error(APLOG_MARK, level, 0, store->server,
                 "ratelimit: memcached %s does not answer as it should (%s); RateLimitOnError "
                 "applies until it does; retrying every %" APR_INT64_T_FMT " ms. Check that it "
                 "runs and can be reached",
                 name, reason, store->settings.breaker.cooldown_us / 1000);
}

static void log_full(const rl_store_config_t *store, int level, const char *name,
                     const char *reason)
{
    ap_log_error(
        APLOG_MARK, level, 0, store->server,
        "ratelimit: memcached %s refuses to store new counters (%s); RateLimitOnError applies "
        "to them. It is full, and evicts nothing or too little: give it more memory (-m), and "
        "don't start it with -M",
        name, reason);
}

static void log_error_answer(const rl_store_config_t *store, int level, const char *name,
                             const char *reason)
{
    ap_log_error(
        APLOG_MARK, level, 0, store->server,
        "ratelimit: memcached %s answers with an error (%s); RateLimitOnError applies to what "
        "it rejects. Check that it is a memcached that wants no password (-Y, -S), and that no "
        "other program listens there or writes keys with the same prefix=",
        name, reason);
}

/* Logs that a server works again and, if processes know together, since when it didn't. */
static void log_recovery(const rl_store_config_t *store, int level,
                         const rl_memcached_server_t *server)
{
    rl_outage_t outage;
    if (server->health == NULL || !rl_health_last_outage(server->health, &outage)) {
        ap_log_error(APLOG_MARK, level, 0, store->server, "ratelimit: memcached %s works again",
                     server->name);
        return;
    }
    ap_log_error(APLOG_MARK, level, 0, store->server,
                 "ratelimit: memcached %s works again, after %" APR_INT64_T_FMT
                 ".%03u s; RateLimitOnError decided %" APR_UINT64_T_FMT " requests meanwhile",
                 server->name, outage.lasted_us / RL_USEC_PER_SEC,
                 (unsigned)(outage.lasted_us % RL_USEC_PER_SEC / 1000), outage.local);
}

void rl_store_log_event(void *context, rl_server_event_e event, unsigned server,
                        const char *reason)
{
    const rl_store_config_t *store = context;
    const rl_memcached_server_t *at = &store->settings.servers[server];
    const char *name = at->name;
    rl_log_slot_t *slot = APR_ARRAY_IDX(store->log_slots, (int)server, rl_log_slot_t *);
    const int level = level_of(rl_log_throttle_note(slot, event, rl_clock_now()));
    if (level < 0) {
        return;
    }
    switch (event) {
    case RL_SERVER_WORKS:
        log_recovery(store, level, at);
        break;
    case RL_SERVER_IS_FULL:
        log_full(store, level, name, reason);
        break;
    case RL_SERVER_ANSWERS_ERROR:
        log_error_answer(store, level, name, reason);
        break;
    default:
        log_failure(store, level, name, reason);
        break;
    }
}
