/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in shared memory that any process writes without a lock: words, and a check that is a
 * hash of them. An entry that two write at the same time, or one that is killed meanwhile,
 * isn't read. */
#ifndef RL_STATS_CHECKED_H
#define RL_STATS_CHECKED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies the entry's n words. Returns false if it is free (its check is 0), or not whole: then
 * the copy is of no use. */
bool rl_checked_read(const _Atomic uint64_t *check, const _Atomic uint64_t *words,
                     uint64_t *copy, size_t n);

/* Writes the n words of the copy into the entry. */
void rl_checked_write(_Atomic uint64_t *check, _Atomic uint64_t *words, const uint64_t *copy,
                      size_t n);

#endif
