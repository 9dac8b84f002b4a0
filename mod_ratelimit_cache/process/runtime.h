/* What every process of the server shares once the configuration stands. */
#ifndef RL_PROCESS_RUNTIME_H
#define RL_PROCESS_RUNTIME_H

#include <httpd.h>

#include "../core/digest.h"
#include "../ledger/ledger.h"

typedef struct rl_runtime {
    rl_ledger_t ledger;
    void *told;               /* RL_TOLD_SIZE bytes, see memcached/log_throttle.h */
    rl_secret_t secret;       /* for counters in this server's memory */
    rl_secret_t fleet_secret; /* for counters that several servers share */
} rl_runtime_t;

/* Set up in post_config; children inherit it over fork and only read it. */
const rl_runtime_t *rl_runtime(void);

/* Makes the table of counters, or finds the one that was there before a reload. Returns OK or
 * an httpd error, after logging it. */
int rl_runtime_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                           server_rec *s);

#endif
