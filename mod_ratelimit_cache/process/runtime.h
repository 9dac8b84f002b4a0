/* What every process of the server shares once the configuration stands. */
#ifndef RL_PROCESS_RUNTIME_H
#define RL_PROCESS_RUNTIME_H

#include <stdint.h>

#include <httpd.h>

#include "../core/digest.h"
#include "../ledger/ledger.h"

typedef struct rl_runtime {
    rl_ledger_t ledger;
    void *log_table;          /* RL_LOG_THROTTLE_SIZE bytes, see memcached/log_throttle.h */
    rl_secret_t secret;       /* for counters in this server's memory */
    rl_secret_t fleet_secret; /* for counters that several servers share */
} rl_runtime_t;

/* Returns what start.c has set in post_config. Children inherit it over fork and only read
 * it. */
const rl_runtime_t *rl_runtime(void);

/* Sets it; for start.c. */
void rl_runtime_set(const rl_runtime_t *runtime);

/* Returns the key of the hash for what this virtual host counts. */
const rl_secret_t *rl_runtime_secret(const server_rec *s);

/* Draws an incarnation for counters that are made anew (core/meter/tally.h). It differs from
 * one moment, process and thing to the next; nobody gains by guessing it. */
unsigned rl_runtime_draw_incarnation(const void *thing, int64_t now);

#endif
