/* SPDX-License-Identifier: Apache-2.0 */
#include "children.h"

#include <pthread.h>

#include <ap_mpm.h>
#include <http_log.h>

#include "../concurrent/concurrent.h"
#include "../config/store_directive.h"
#include "../httpd/module.h"
#include "../lease/keeper.h"
#include "../system/clock.h"
#include "busy.h"
#include "runtime.h"
#include "store_log.h"
#include "table.h"
#include "watch.h"

APLOG_USE_MODULE(ratelimit_cache);

/* Microseconds: how often leases are looked at, and how long a look may take. The last look,
 * when the child ends, has to be short, because httpd doesn't wait long for a child. */
#define TEND_INTERVAL 250000
#define TEND_MOST     400000
#define TEND_LAST     100000

/* One look of the keeper at this child's leases, in the thread that allow_leases() starts. */
static bool tend_leases(void *context, bool last)
{
    const rl_store_config_t *store = context;
    const int64_t started = rl_clock_now();
    const int64_t most = last ? TEND_LAST : TEND_MOST;
    const int64_t timeout = store->settings.timeout_us;
    rl_store_session_t session = {
        .store = store->store,
        .deadline = started + (timeout < most ? timeout : most),
    };
    const rl_source_t source = {.ledger = &rl_runtime()->ledger,
                                .salt = store->salt,
                                .session = &session,
                                .leases = store->leases,
                                .incarnation = rl_runtime_draw_incarnation(&session, started)};
    return rl_keeper_tend(&source, apr_time_now(), last);
}

/* Without the thread there are no leases, because nobody would give back what lies idle. */
static void allow_leases(rl_store_config_t *store, apr_pool_t *pchild)
{
    rl_background_t *thread;
    store->leases = rl_lease_list_create(pchild);
    if (store->leases == NULL) {
        return;
    }
    thread = rl_background_create(pchild, TEND_INTERVAL, tend_leases, store);
    rl_lease_list_set_thread(store->leases, thread);
    if (thread == NULL) {
        store->leases = NULL;
    }
}

/* The child's pool, and how many forks lie between the child and this process. */
static apr_pool_t *child_pool;
static unsigned forks;

/* Called in a process that has been forked off. In one that was forked off while other threads
 * ran, almost nothing is permitted, and most of those run another program at once. */
static void note_fork(void)
{
    forks++;
}

static void make_store(rl_store_config_t *store)
{
    store->forks = forks;
    store->leases = NULL;
    store->store = rl_memcached_create(child_pool, &store->settings, rl_store_log_event, store);
    if (store->store == NULL) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, store->server,
                     "ratelimit: RateLimitStore memcached %s: no memory for connections; "
                     "RateLimitOnError applies in this child until it ends",
                     store->settings.servers[0].name);
        store->store = rl_store_absent();
    }
}

static void child_init_store(rl_store_config_t *store, apr_pool_t *pchild)
{
    int threads = 1;
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    if (!store->connections_given) {
        store->settings.connections = threads > 0 ? (unsigned)threads : 1;
    }
    make_store(store);
    rl_watch_child_init(store, pchild);
    if (store->may_lease && store->store != rl_store_absent()) {
        allow_leases(store, pchild);
    }
}

void rl_children_init(apr_pool_t *pchild, server_rec *s)
{
    child_pool = pchild;
    rl_table_child_init();
    pthread_atfork(NULL, NULL, note_fork);
    rl_store_config_each(s, child_init_store, pchild);
    rl_busy_child_init(pchild, s);
}

void rl_children_heed_fork(rl_store_config_t *store)
{
    if (store->forks != forks) {
        make_store(store);
    }
}

void rl_children_status(server_rec *s, pid_t pid, ap_generation_t generation, int slot,
                        mpm_child_status status)
{
    (void)s, (void)generation, (void)slot;
    if (status == MPM_CHILD_EXITED && rl_runtime()->slots != NULL) {
        rl_slots_reap(rl_runtime()->slots, pid);
    }
}
