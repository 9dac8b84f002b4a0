/* SPDX-License-Identifier: Apache-2.0 */
/* Who else counts in a shared store, and whether it does so alike. Each server leaves its name
 * there and a fingerprint of what all servers of a fleet must have in common. Names of these
 * counters are the same whatever the secret is.
 *
 *     roll          one bit for each place that is taken
 *     place 0..59   fingerprint: three numbers | name: 32 bytes in four numbers
 *
 *     number        1 (1 bit) | format (3 bits) | three parts of the fingerprint (20 bits each)
 *
 * The format is another one whenever the parts, or the names of counters, mean something else
 * than before: versions of the module whose formats differ are told apart, and nothing else is
 * compared. Format 0 had the first number only.
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

#include "../core/alike.h"
#include "shared_store.h"

#define RL_MUSTER_PLACES     60
#define RL_MUSTER_NAME_WORDS 4
#define RL_MUSTER_NAME_MAX   (RL_MUSTER_NAME_WORDS * 8)

#define RL_PRINT_WORDS 3

/* A fingerprint. The first word is 0 if there is none, and never else. */
typedef struct rl_print {
    uint64_t words[RL_PRINT_WORDS];
} rl_print_t;

/* Returns the fingerprint of these digests. */
rl_print_t rl_muster_print(const rl_digest_t of[RL_ALIKE_PARTS]);

/* Returns in what two fingerprints differ: bit i is for i of rl_alike_e. Where the rules aren't
 * the same, their options aren't compared. */
unsigned rl_muster_differences(const rl_print_t *a, const rl_print_t *b);

/* Returns the place that a server of this name tries first. */
unsigned rl_muster_place(const char *name);

/* The functions below return OK, or why no server of the store gave an answer. They work in the
 * session, which the caller begins and ends. */

/* Sets *roll to the places that are taken: bit i is for place i. */
rl_store_status_e rl_muster_read_roll(rl_store_session_t *session, uint64_t *roll);

/* Sets *print to what a place has; none: it is free. If it is just being written, parts may be
 * old and others new. */
rl_store_status_e rl_muster_read_print(rl_store_session_t *session, unsigned place,
                                       rl_print_t *print);

/* Sets the name that a place has; "" if it isn't known. */
rl_store_status_e rl_muster_read_name(rl_store_session_t *session, unsigned place,
                                      char name[RL_MUSTER_NAME_MAX + 1]);

/* Takes a place for a quarter of an hour, or keeps it for so long. A longer name is cut off. */
rl_store_status_e rl_muster_write(rl_store_session_t *session, unsigned place,
                                  const rl_print_t *print, const char *name);

rl_store_status_e rl_muster_write_roll(rl_store_session_t *session, uint64_t roll);

#endif
