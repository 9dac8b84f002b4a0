/* SPDX-License-Identifier: Apache-2.0 */
/* Who else counts in a shared store, and whether it does so alike. Each server leaves its name
 * there and a fingerprint of what all servers of a fleet must have in common. Names of these
 * counters are the same whatever the secret is.
 *
 *     roll          one bit for each place that is taken
 *     place 0..59   fingerprint | name: 32 bytes in four numbers
 *
 *     fingerprint   1 (1 bit) | 0 (3 bits) | secret (20) | servers (20) | rules (20)
 *
 * All of it stands on each server of the store, so that it is found by whoever has one of them
 * in his list, in whatever order and by whatever name. A server that doesn't answer is passed
 * over. The bits of the secret are too few to find it by, and say less than the names of
 * counters do.
 *
 * Nothing is claimed for good: who writes the roll at the same moment may drop another's bit,
 * which is back after that one's next round. */
#ifndef RL_FLEET_MUSTER_H
#define RL_FLEET_MUSTER_H

#include "shared_store.h"

#define RL_MUSTER_PLACES     60
#define RL_MUSTER_NAME_WORDS 4
#define RL_MUSTER_NAME_MAX   (RL_MUSTER_NAME_WORDS * 8)

/* What a fingerprint is of. */
typedef enum { RL_ALIKE_SECRET, RL_ALIKE_SERVERS, RL_ALIKE_RULES, RL_ALIKE_PARTS } rl_alike_e;

/* Returns the fingerprint of these digests; never 0. */
uint64_t rl_muster_print(const rl_digest_t of[RL_ALIKE_PARTS]);

/* Returns the parts in which two fingerprints differ: bit i is for part i of rl_alike_e. */
unsigned rl_muster_differences(uint64_t a, uint64_t b);

/* Returns the place that a server of this name tries first. */
unsigned rl_muster_place(const char *name);

/* The functions below return OK, or why no server of the store gave an answer. They work in the
 * session, which the caller begins and ends. */

/* Sets *roll to the places that are taken: bit i is for place i. */
rl_store_status_e rl_muster_read_roll(rl_store_session_t *session, uint64_t *roll);

/* Sets *print to what a place has; 0: it is free. */
rl_store_status_e rl_muster_read_print(rl_store_session_t *session, unsigned place,
                                       uint64_t *print);

/* Sets the name that a place has; "" if it isn't known. */
rl_store_status_e rl_muster_read_name(rl_store_session_t *session, unsigned place,
                                      char name[RL_MUSTER_NAME_MAX + 1]);

/* Takes a place for a quarter of an hour, or keeps it for so long. A longer name is cut off. */
rl_store_status_e rl_muster_write(rl_store_session_t *session, unsigned place, uint64_t print,
                                  const char *name);

rl_store_status_e rl_muster_write_roll(rl_store_session_t *session, uint64_t roll);

#endif
