/* SPDX-License-Identifier: Apache-2.0 */
/* How requests are spread over clients: what a limit would do to them, whatever its COUNT. */
#ifndef RL_CENSUS_SPREAD_H
#define RL_CENSUS_SPREAD_H

#include "index.h"

#define RL_SPREAD_POSITIONS (UINT32_C(1) << 20) /* higher ones are taken for this one */

/* A request's position is how many units its key would have used, itself included, if there
 * were no limit: a limit denies the request if its COUNT is less. All zero: nothing was seen
 * yet. */
typedef struct rl_spread {
    rl_vector_t positions; /* uint64_t: how many requests had this position */
    rl_vector_t peaks;     /* uint32_t: the highest position of a client; 0: none */
    uint32_t highest;      /* of all positions */
    uint32_t clients;      /* numbers below this one may have a peak */
    uint64_t requests;
} rl_spread_t;

/* Adds a request of a client (a number from 0). */
void rl_spread_add(rl_spread_t *spread, uint32_t client, uint32_t position);

/* Returns how many clients have sent a request. */
uint32_t rl_spread_clients(const rl_spread_t *spread);

/* Returns how many clients a limit of `count` would deny at least one request. */
uint32_t rl_spread_clients_denied(const rl_spread_t *spread, uint32_t count);

/* Returns how many requests a limit of `count` would deny. */
uint64_t rl_spread_denied(const rl_spread_t *spread, uint32_t count);

/* Returns the smallest COUNT that would deny at most `most` clients. */
uint32_t rl_spread_smallest_count(const rl_spread_t *spread, uint32_t most);

#endif
