/* SPDX-License-Identifier: Apache-2.0 */
#include "gone.h"

#include <errno.h>
#include <signal.h>

void rl_gone_note(rl_gone_notes_t *notes, pid_t pid)
{
    for (uint32_t i = 0; i < RL_GONE_NOTES; i++) {
        int32_t there = 0;
        if (atomic_compare_exchange_strong(&notes->pids[i], &there, pid) || there == pid) {
            return;
        }
    }
}

rl_gone_t rl_gone_read(rl_gone_notes_t *notes)
{
    rl_gone_t gone;
    for (uint32_t i = 0; i < RL_GONE_NOTES; i++) {
        gone.pids[i] = atomic_load(&notes->pids[i]);
    }
    return gone;
}

bool rl_gone_has(const rl_gone_t *gone, pid_t pid)
{
    for (uint32_t i = 0; i < RL_GONE_NOTES; i++) {
        if (gone->pids[i] == pid) {
            return true;
        }
    }
    return false;
}

void rl_gone_forget(rl_gone_notes_t *notes, const rl_gone_t *gone)
{
    for (uint32_t i = 0; i < RL_GONE_NOTES; i++) {
        int32_t pid = gone->pids[i];
        atomic_compare_exchange_strong(&notes->pids[i], &pid, 0);
    }
}

bool rl_gone_is(pid_t pid)
{
    return kill(pid, 0) != 0 && errno == ESRCH;
}
