/* SPDX-License-Identifier: Apache-2.0 */
#include "spread.h"

#include <stdlib.h>

void rl_spread_add(rl_spread_t *spread, uint32_t client, uint32_t position)
{
    const uint32_t capped = position < RL_SPREAD_POSITIONS ? position : RL_SPREAD_POSITIONS;
    uint32_t *peak = rl_vector_at(&spread->peaks, client, sizeof(*peak));
    ++*(uint64_t *)rl_vector_at(&spread->positions, capped, sizeof(uint64_t));
    spread->requests++;
    if (capped > *peak) {
        *peak = capped;
    }
    if (capped > spread->highest) {
        spread->highest = capped;
    }
    if (client >= spread->clients) {
        spread->clients = client + 1;
    }
}

uint32_t rl_spread_clients_denied(const rl_spread_t *spread, uint32_t count)
{
    const uint32_t *peaks = spread->peaks.items;
    uint32_t n = 0;
    for (uint32_t i = 0; i < spread->clients; i++) {
        n += peaks[i] > count;
    }
    return n;
}

uint32_t rl_spread_clients(const rl_spread_t *spread)
{
    return rl_spread_clients_denied(spread, 0);
}

uint64_t rl_spread_denied(const rl_spread_t *spread, uint32_t count)
{
    const uint64_t *positions = spread->positions.items;
    uint64_t n = 0;
    for (uint64_t i = (uint64_t)count + 1; i <= spread->highest; i++) {
        n += positions[i];
    }
    return n;
}

/* Each client is denied by the counts below its peak, so fewer are denied by a larger one. */
uint32_t rl_spread_smallest_count(const rl_spread_t *spread, uint32_t most)
{
    uint32_t low = 0, high = spread->highest;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (rl_spread_clients_denied(spread, middle) <= most) {
            high = middle;
        }
        else {
            low = middle + 1;
        }
    }
    return low;
}
