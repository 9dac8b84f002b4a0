/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that have ended, noted for whoever has the lock of a stripe next. Notes lie in
 * memory that all processes share, and are written without the lock. */
#ifndef RL_CONCURRENT_GONE_H
#define RL_CONCURRENT_GONE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define RL_GONE_NOTES 8u

/* All zero: nobody is noted. */
typedef struct rl_gone_notes {
    _Atomic int32_t pids[RL_GONE_NOTES];
} rl_gone_notes_t;

/* What was noted at a moment. */
typedef struct rl_gone {
    int32_t pids[RL_GONE_NOTES];
} rl_gone_t;

/* Notes a process, once; without room for it nothing happens. */
void rl_gone_note(rl_gone_notes_t *notes, pid_t pid);

rl_gone_t rl_gone_read(rl_gone_notes_t *notes);

/* Returns true if the process, whose number isn't 0, was noted. */
bool rl_gone_has(const rl_gone_t *gone, pid_t pid);

/* Takes out what was read, and nothing that was noted later. */
void rl_gone_forget(rl_gone_notes_t *notes, const rl_gone_t *gone);

/* Returns true if there is no such process now. */
bool rl_gone_is(pid_t pid);

#endif
