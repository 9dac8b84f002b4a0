/* SPDX-License-Identifier: Apache-2.0 */
#include "start.h"

#include <ap_mpm.h>
#include <apr_general.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "../config/config.h"
#include "../ledger/segment.h"
#include "../memcached/health_table.h"
#include "../memcached/log_throttle.h"
#include "../rule/identity.h"
#include "../concurrent/concurrent.h"
#include "addresses.h"
#include "muster.h"
#include "runtime.h"
#include "scope.h"
#include "figures.h"
#include "table.h"

APLOG_USE_MODULE(ratelimit_cache);

#define SLOTS_LEAST         1024 /* of each stripe */
#define SLOTS_MOST          100000
#define RETAINED_LOG_KEY    "mod_ratelimit_cache-told-2"
#define RETAINED_HEALTH_KEY "mod_ratelimit_cache-health-2"
#define RETAINED_STATS_KEY  "mod_ratelimit_cache-stats-5"
#define RETAINED_BUSY_KEY   "mod_ratelimit_cache-busy-1"
#define RETAINED_MUSTER_KEY "mod_ratelimit_cache-muster-2"
#define RETAINED_SLOTS_KEY  "mod_ratelimit_cache-slots-2"

/* What outlives a reload, besides the table of counters (table.c): httpd unloads the module and
 * loads it again, and keeps for it, by name, the left column; the right one is shared memory
 * that lives as long as the server.
 *
 *     RETAINED_LOG_KEY     void *        --> | slots of the log throttle: RL_LOG_THROTTLE_SIZE
 *     RETAINED_HEALTH_KEY  void *        --> | how memcached servers are: RL_HEALTH_TABLE_SIZE
 *     RETAINED_STATS_KEY   void *        --> | statistics: rl_stats_t
 *     RETAINED_BUSY_KEY    void *        --> | whether the server is busy: rl_busy_t
 *     RETAINED_MUSTER_KEY  void *        --> | who else uses shared stores: RL_MUSTER_SIZE
 *     RETAINED_SLOTS_KEY   void *        --> | slots of COUNT/concurrent: concurrent/
 */

/* Finds or makes shared memory, and sets *memory to it. It outlives reloads, so that after one
 * a failure of memcached isn't logged again, and a recovery still is; so that a server that
 * fails isn't waited for again; and so that statistics go on. */
static int find_memory(const char *retained_key, apr_size_t size, void **memory, server_rec *s)
{
    void **retained = ap_retained_data_get(retained_key);
    apr_status_t rv = APR_SUCCESS;
    if (retained == NULL) {
        retained = ap_retained_data_create(retained_key, sizeof(*retained));
    }
    if (*retained == NULL) {
        rv = rl_segment_create(retained, size, s->process->pool);
    }
    if (rv != APR_SUCCESS) {
        *retained = NULL;
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     "ratelimit: can't get %" APR_SIZE_T_FMT
                     " KB of shared memory for statistics and "
                     "what is known of memcached servers; free some memory",
                     (size + 1023) / 1024);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    *memory = *retained;
    return OK;
}

/* Returns how many requests can be under way at the same time: each of the server's workers has
 * one, and streams of HTTP/2 have threads of their own. */
static uint32_t requests_at_once(void)
{
    int daemons = 0, threads = 0;
    ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &daemons);
    ap_mpm_query(AP_MPMQ_HARD_LIMIT_THREADS, &threads);
    const int64_t workers = (int64_t)daemons * (threads > 1 ? threads : 1);
    const int64_t room = 4 * workers + SLOTS_LEAST;
    return (uint32_t)(room < SLOTS_MOST ? room : SLOTS_MOST);
}

/* Finds or makes the memory of slots. Without it rules of COUNT/concurrent deny nothing. */
static int find_slots(rl_runtime_t *runtime, server_rec *s)
{
    const uint32_t room = requests_at_once();
    const bool first = ap_retained_data_get(RETAINED_SLOTS_KEY) == NULL;
    void *memory = NULL;
    const int error = find_memory(RETAINED_SLOTS_KEY, rl_slots_size(room), &memory, s);
    if (error == OK && first && !rl_slots_make(memory, room)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "ratelimit: this system has no locks that outlive their owner "
                     "(pthread_mutexattr_setrobust), as COUNT/concurrent needs");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    runtime->slots = memory;
    return error;
}

static int find_more_tables(rl_runtime_t *runtime, server_rec *s)
{
    void *stats = NULL, *busy = NULL, *musters = NULL;
    int error = find_memory(RETAINED_LOG_KEY, RL_LOG_THROTTLE_SIZE, &runtime->log_table, s);
    if (error == OK) {
        error =
            find_memory(RETAINED_HEALTH_KEY, RL_HEALTH_TABLE_SIZE, &runtime->health_table, s);
    }
    if (error == OK) {
        error = find_memory(RETAINED_STATS_KEY, sizeof(rl_stats_t), &stats, s);
    }
    if (error == OK) {
        error = find_memory(RETAINED_BUSY_KEY, sizeof(rl_busy_t), &busy, s);
    }
    if (error == OK) {
        error = find_memory(RETAINED_MUSTER_KEY, RL_MUSTER_SIZE, &musters, s);
    }
    if (error == OK) {
        error = find_slots(runtime, s);
    }
    if (error == OK) {
        runtime->stats = stats;
        runtime->busy = busy;
        runtime->generation = rl_busy_begin(busy, rl_global_config()->busy != NULL);
        runtime->musters = musters;
        runtime->ledger.evictions = &runtime->stats->evictions;
    }
    return error;
}

/* Values that the configuration no longer has told are not kept. */
static void forget_values(server_rec *s)
{
    for (; s != NULL; s = s->next) {
        if (rl_server_logs_keys(rl_server_config(s))) {
            return;
        }
    }
    rl_values_wipe(&rl_runtime()->stats->values);
}

static void look_up_store(rl_store_config_t *store, apr_pool_t *pconf)
{
    rl_addresses_look_up(store, pconf);
    rl_muster_post_config(store, pconf);
    if (rl_global_config()->secret == NULL) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, store->server,
            "ratelimit: no RateLimitSecret: whoever can read memcached can find out "
            "which addresses and names are counted; set the same secret on all servers");
    }
}

int rl_start_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    rl_runtime_t runtime;
    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK; /* httpd is only checking the configuration, and will be back */
    }
    if (rl_table_open(&runtime, pconf, s) != OK || find_more_tables(&runtime, s) != OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    rl_runtime_set(&runtime);
    rl_config_identify_vhosts(pconf, ptemp, s);
    rl_rules_number(rl_global_config()->rules);
    rl_scope_post_config();
    rl_figures_post_config(pconf, ptemp, s);
    forget_values(s);
    rl_table_tell(&runtime, s);
    rl_store_config_each(s, look_up_store, pconf);
    return OK;
}
