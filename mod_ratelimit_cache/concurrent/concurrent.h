/* SPDX-License-Identifier: Apache-2.0 */
/* Slots: how many requests of a key are served at the same time, and which wait for that.
 *
 * The truth is a list of those who hold a slot or wait for one, each with its process, in
 * memory that all processes share. All else (how many slots of a key are taken, who is next) is
 * an index of that list, which can be made anew. So a process that is killed at any instruction
 * loses nothing: what it held is on the list, and the index is made anew if it was killed while
 * it changed it. Its slots are free once somebody calls rl_slots_reap().
 *
 *     stripe    | lock | heads of chains of keys | keys | holders |     a key's stripe and
 * chain: table     | stripe 0 | ... | stripe RL_SLOTS_STRIPES - 1 |        its digest says
 *
 * The lock is a robust mutex (pthread_mutexattr_setrobust): its next owner learns that the last
 * one died. It is held for some dozen instructions. Nobody sleeps on it for long: an operation
 * that can't have it within a fifth of a second fails.
 *
 * A slot that is given back goes to whoever has waited longest, not to whoever comes next. */
#ifndef RL_CONCURRENT_CONCURRENT_H
#define RL_CONCURRENT_CONCURRENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../core/digest.h"

#define RL_SLOTS_STRIPES 16

typedef struct rl_slots rl_slots_t;

/* Returns the bytes of a table in which each stripe has room for so many holders and waiters, 1
 * to 1,000,000. */
size_t rl_slots_size(uint32_t room);

/* Makes the table in memory of that size, which is zeroed and aligned to a cache line. Returns
 * false if the system has no such locks. For one process, before the others use it. */
bool rl_slots_make(rl_slots_t *slots, uint32_t room);

/* What is asked for. */
typedef struct rl_slot_wish {
    rl_digest_t key;
    uint32_t limit;          /* slots of the key that may be taken, this one included */
    uint32_t queue;          /* how many of the key may wait; 0: don't wait */
    uint32_t figures_number; /* whose figures (rl_slots_count()) */
    uint64_t stamp; /* of the holding that the request had of the key before, which says when it
                     * came; 0: it comes now */
} rl_slot_wish_t;

/* A slot that is held, or waited for. All zero: none. */
typedef struct rl_holding {
    uint32_t holder; /* its number in the table, from 1 */
    uint64_t stamp;  /* tells it from another that has its place later */
} rl_holding_t;

typedef enum {
    RL_SLOT_HELD,
    RL_SLOT_WAITED_FOR,
    RL_SLOT_NONE,   /* none is free, and nobody else may wait */
    RL_SLOT_FAILED, /* the lock couldn't be had, or the table is full */
} rl_slot_e;

/* Takes a slot, or begins to wait for one if wish->queue says so. Sets *holding, and *used to
 * the slots of the key that are taken, this one included. */
rl_slot_e rl_slots_take(rl_slots_t *slots, const rl_slot_wish_t *wish, rl_holding_t *holding,
                        uint32_t *used);

/* Returns how many slots of the key are taken, and sets *waiting to how many wait for one.
 * Returns 0 if the lock can't be had. */
uint32_t rl_slots_used(rl_slots_t *slots, const rl_digest_t *key, uint32_t *waiting);

/* Returns true if what was waited for is held by now. Takes no lock. */
bool rl_slots_are_held(const rl_slots_t *slots, const rl_holding_t *holding);

/* Gives the slot back, or waits no longer; *holding is zero afterwards. Returns for how many
 * microseconds it was held, 0 if it wasn't. */
int64_t rl_slots_leave(rl_slots_t *slots, rl_holding_t *holding);

/* Gives back what a process has held that is no more: at once, or, where the lock can't be had,
 * as soon as somebody has it. */
void rl_slots_reap(rl_slots_t *slots, pid_t pid);

/* Looks whether the processes that hold the key's slots still live, and gives back what those
 * have held that don't. Looks at most ten times a second in each stripe. Returns true if it
 * found one that is gone. */
bool rl_slots_reap_key(rl_slots_t *slots, const rl_digest_t *key);

/* How many slots of a rule are held, and waited for. */
typedef struct rl_slot_counts {
    uint32_t held, waiting;
} rl_slot_counts_t;

/* Adds up counts[number] for each number of figures below n. For people: it looks through the
 * whole table. */
void rl_slots_count(rl_slots_t *slots, rl_slot_counts_t *counts, uint32_t n);

/* Returns how many wait in the whole table. */
uint32_t rl_slots_waiting(const rl_slots_t *slots);

#endif
