/* SPDX-License-Identifier: Apache-2.0 */
/* What all processes of the server share: the ledger, what was logged of memcached servers and
 * how they are, statistics, whether it is busy, the secrets. */
#ifndef RL_PROCESS_RUNTIME_H
#define RL_PROCESS_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include <httpd.h>

#include "../busy/state.h"
#include "../core/digest.h"
#include "../ledger/file/head.h"
#include "../ledger/ledger.h"
#include "../stats/stats.h"

typedef struct rl_runtime {
    rl_ledger_t ledger;
    rl_table_state_t *table_state; /* what goes on together with the ledger's cells */
    void *log_table;    /* RL_LOG_THROTTLE_SIZE bytes, see memcached/log_throttle.h */
    void *health_table; /* RL_HEALTH_TABLE_SIZE bytes, see memcached/health_table.h */
    rl_stats_t *stats;
    rl_busy_t *busy;           /* whether the server is busy */
    struct rl_slots *slots;    /* of COUNT/concurrent; NULL: the system can't have them */
    rl_secret_t secret;        /* hashes the keys of counters in this server's memory */
    rl_secret_t fleet_secret;  /* hashes the keys of counters that a fleet shares */
    rl_secret_t known_secret;  /* seals what known browsers carry; never one that is public */
    rl_secret_t muster_secret; /* what fingerprints of the secret are taken of */
    struct rl_muster *musters; /* of shared stores (process/muster.h) */
    uint64_t generation;       /* which reading of the configuration this is */
    rl_secret_t deeds_secret;  /* seals the tokens of the status page; nor is this */
    rl_secret_t pass_secret;   /* seals passes and tokens of challenges; likewise */
} rl_runtime_t;

/* Returns what start.c set in post_config. Children inherit it by fork, and only read it. */
const rl_runtime_t *rl_runtime(void);

/* Sets what rl_runtime() returns to a copy of *runtime. For start.c alone. */
void rl_runtime_set(const rl_runtime_t *runtime);

/* Returns true if the configuration has been read again since this process was forked. */
bool rl_runtime_is_superseded(void);

/* Returns the secret that hashes the keys of this virtual host: fleet_secret if it has a shared
 * store. */
const rl_secret_t *rl_runtime_secret(const server_rec *s);

/* Returns an incarnation for counters that are made anew (core/meter/tally.h), mixed from the
 * process, the time `now` and the address of `thing`, so that no two draws are likely to be
 * alike. It needn't be hard to guess: nobody gains by it. */
unsigned rl_runtime_draw_incarnation(const void *thing, int64_t now);

#endif
