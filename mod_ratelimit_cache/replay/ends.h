/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are under way, in the order in which they end. */
#ifndef RL_REPLAY_ENDS_H
#define RL_REPLAY_ENDS_H

#include <stddef.h>
#include <stdint.h>

#include "../limiter/limiter.h"
#include "../rule/outcome.h"

/* A request whose end is still to come. */
typedef struct rl_end {
    int64_t at;         /* microseconds since the epoch */
    uint32_t client;    /* its number */
    int status;         /* of the answer */
    rl_auth_e auth;     /* what was said of the credentials */
    rl_claim_t *claims; /* n of them, whose outcome matters; freed with the end */
    int n;
} rl_end_t;

/* All zero: none is under way. */
typedef struct rl_ends {
    rl_end_t *heap;
    size_t n, room;
} rl_ends_t;

/* Adds an end. The array of its claims, if there is one, was allocated by malloc(). */
void rl_ends_add(rl_ends_t *ends, const rl_end_t *end);

/* Takes the earliest end out, if it is at `until` or before. Returns false if there is none. */
bool rl_ends_take(rl_ends_t *ends, int64_t until, rl_end_t *end);

#endif
