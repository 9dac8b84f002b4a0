/* SPDX-License-Identifier: Apache-2.0 */
#include "log_throttle.h"

#include <stdbool.h>
#include <string.h>

#include "../core/digest.h"

#define EVERY_SEC 60
#define TIME_BITS 31
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

/* Tries to change a slot. If it changes under us this often, other processes do the logging. */
#define TRIES 16

typedef enum { WORKS, FAILS, FAILS_AS_INFO } state_e;

/* A slot's second word, unpacked. */
typedef struct logged {
    state_e state;
    uint64_t full, failure;
} logged_t;

static logged_t unpack(uint64_t word)
{
    return (logged_t){.state = (state_e)(word >> (2 * TIME_BITS)),
                      .full = word >> TIME_BITS & TIME_MASK,
                      .failure = word & TIME_MASK};
}

static uint64_t pack(const logged_t *logged)
{
    return (uint64_t)logged->state << (2 * TIME_BITS) | logged->full << TIME_BITS |
           logged->failure;
}

rl_log_slot_t *rl_log_throttle_find(void *table, const char *name)
{
    rl_log_slot_t *slots = table;
    const uint64_t hash = rl_digest_public(name, strlen(name)).lo | 1;
    for (unsigned i = 0; i < RL_LOG_THROTTLE_SLOTS; i++) {
        rl_log_slot_t *slot = &slots[(hash / 2 + i) % RL_LOG_THROTTLE_SLOTS];
        uint64_t server = 0;
        if (atomic_compare_exchange_strong(&slot->server, &server, hash) || server == hash) {
            return slot;
        }
    }
    return &slots[hash / 2 % RL_LOG_THROTTLE_SLOTS];
}

/* Returns true if what was logged then may be logged again. */
static bool is_due_again(uint64_t then, uint64_t now)
{
    return then == 0 || now >= then + EVERY_SEC || now < then;
}

/* `again`: the process knew before that the server fails. A process that finds it out anew logs
 * it again after a minute, though the log says so already: the process that would have logged a
 * recovery in between may have ended. */
static rl_log_level_e throttle_failure(logged_t *logged, uint64_t now, bool again)
{
    if (again && logged->state == FAILS) {
        return RL_LOG_NOTHING;
    }
    if (is_due_again(logged->failure, now)) {
        logged->state = FAILS;
        logged->failure = now;
        return RL_LOG_ERROR;
    }
    if (again || logged->state != WORKS) {
        return RL_LOG_NOTHING;
    }
    logged->state = FAILS_AS_INFO;
    return RL_LOG_INFO;
}

static rl_log_level_e throttle_recovery(logged_t *logged)
{
    const state_e before = logged->state;
    logged->state = WORKS;
    return before == FAILS           ? RL_LOG_NOTICE
           : before == FAILS_AS_INFO ? RL_LOG_INFO
                                     : RL_LOG_NOTHING;
}

static rl_log_level_e throttle_full(logged_t *logged, uint64_t now)
{
    if (!is_due_again(logged->full, now)) {
        return RL_LOG_NOTHING;
    }
    logged->full = now;
    return RL_LOG_ERROR;
}

/* Kept apart from the state: error answers, like a full server, have no end that could be
 * noted. */
static rl_log_level_e throttle_error_answer(rl_log_slot_t *slot, uint64_t now)
{
    uint64_t then = atomic_load_explicit(&slot->error_answer, memory_order_relaxed);
    return is_due_again(then, now) &&
                   atomic_compare_exchange_strong(&slot->error_answer, &then, now)
               ? RL_LOG_ERROR
               : RL_LOG_NOTHING;
}

static rl_log_level_e throttle_event(logged_t *logged, rl_server_event_e event, uint64_t now)
{
    switch (event) {
    case RL_SERVER_FAILS:
    case RL_SERVER_STILL_FAILS:
        return throttle_failure(logged, now, event == RL_SERVER_STILL_FAILS);
    case RL_SERVER_IS_FULL:
        return throttle_full(logged, now);
    default:
        return throttle_recovery(logged);
    }
}

rl_log_level_e rl_log_throttle_note(rl_log_slot_t *slot, rl_server_event_e event, int64_t now)
{
    const uint64_t seconds = ((uint64_t)now / 1000000 + 1) & TIME_MASK;
    uint64_t word = atomic_load_explicit(&slot->logged, memory_order_relaxed);
    if (event == RL_SERVER_ANSWERS_ERROR) {
        return throttle_error_answer(slot, seconds);
    }
    for (int i = 0; i < TRIES; i++) {
        logged_t logged = unpack(word);
        const rl_log_level_e how = throttle_event(&logged, event, seconds);
        const uint64_t next = pack(&logged);
        if (next == word || atomic_compare_exchange_strong(&slot->logged, &word, next)) {
            return how;
        }
    }
    return RL_LOG_NOTHING;
}
