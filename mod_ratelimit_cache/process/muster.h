/* SPDX-License-Identifier: Apache-2.0 */
/* Servers of one fleet notice that they are not one: what each has found of the others. */
#ifndef RL_PROCESS_MUSTER_H
#define RL_PROCESS_MUSTER_H

#include <stdatomic.h>

#include "../config/store_directive.h"

/* Another server, in the place of the store that it has. */
typedef struct rl_fellow {
    _Atomic uint64_t print[RL_PRINT_WORDS]; /* its fingerprint; the first 0: none is there */
    _Atomic uint64_t name[RL_MUSTER_NAME_WORDS];
    _Atomic uint32_t seen_s; /* when it was last found there, seconds since 1970 */
    _Atomic uint32_t told;   /* the differences that were logged */
} rl_fellow_t;

/* What this server knows of the others that use one shared store. In shared memory that
 * outlives reloads; one process at a time writes it. */
typedef struct rl_muster {
    _Atomic uint64_t store;     /* names the store; 0: free */
    _Atomic int64_t began_us;   /* when this configuration began; monotonic clock, as are */
    _Atomic int64_t next_us;    /* when the next round is due, */
    _Atomic int64_t written_us; /* and when this server last wrote; 0: not yet */
    _Atomic uint32_t place;     /* its place plus 1; 0: none yet */
    rl_fellow_t fellows[RL_MUSTER_PLACES];
} rl_muster_t;

#define RL_MUSTER_STORES 16
#define RL_MUSTER_SIZE   (RL_MUSTER_STORES * sizeof(rl_muster_t))

/* For post_config, once rules have their identities: finds the store's muster, and the
 * fingerprint of this configuration. */
void rl_muster_post_config(rl_store_config_t *store, apr_pool_t *pconf);

/* Goes round the places of the store if a round is due at time now, microseconds of the
 * monotonic clock. For a background thread of a child whose configuration is this server's. The
 * store's muster must not be NULL. */
void rl_muster_look(const rl_store_config_t *store, int64_t now);

/* Returns the fingerprint of a fellow; none: there is no such fellow. */
rl_print_t rl_fellow_print(const rl_fellow_t *fellow);

/* Copies the name of a fellow. */
void rl_fellow_name(const rl_fellow_t *fellow, char name[RL_MUSTER_NAME_MAX + 1]);

#endif
