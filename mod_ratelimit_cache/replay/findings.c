/* SPDX-License-Identifier: Apache-2.0 */
#include "findings.h"

#include <stdlib.h>
#include <string.h>

#define HELPS 0.1 /* share of requests that a limit has to deny to be of help */
#define MANY  10  /* clients, of whom one may be denied, however small its share of them */

rl_proposal_t rl_findings_propose(const rl_spread_t *spread, double percent)
{
    rl_proposal_t proposal = {.clients = rl_spread_clients(spread),
                              .requests = spread->requests};
    const uint32_t share = (uint32_t)((double)proposal.clients * percent / 100.0);
    const uint32_t most = share == 0 && proposal.clients >= MANY && percent > 0 ? 1 : share;
    proposal.count = rl_spread_smallest_count(spread, most);
    proposal.clients_denied = rl_spread_clients_denied(spread, proposal.count);
    proposal.denied = rl_spread_denied(spread, proposal.count);
    return proposal;
}

bool rl_findings_address_is_useless(const rl_rule_tally_t *tally, double percent)
{
    if (!tally->by_address || tally->concurrent || tally->checked == 0) {
        return false;
    }
    for (int i = 0; i < RL_TALLY_WIDTHS; i++) {
        const rl_proposal_t proposal = rl_findings_propose(&tally->widths[i].spread, percent);
        if ((double)proposal.denied >= HELPS * (double)proposal.requests) {
            return false;
        }
    }
    return true;
}

static int compare_counts(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

uint64_t rl_findings_median(const rl_tally_t *tally, apr_pool_t *pool)
{
    const rl_client_tally_t *clients = tally->client_tallies.items;
    const uint32_t n = tally->clients.n;
    uint64_t *counts;
    if (n == 0) {
        return 0;
    }
    counts = apr_palloc(pool, n * sizeof(*counts));
    for (uint32_t i = 0; i < n; i++) {
        counts[i] = clients[i].requests;
    }
    qsort(counts, n, sizeof(*counts), compare_counts);
    return counts[n / 2];
}

static bool is_busier(const rl_key_tally_t *a, const rl_key_tally_t *b)
{
    return a->denied != b->denied ? a->denied > b->denied : a->requests > b->requests;
}

unsigned rl_findings_busiest(const rl_rule_tally_t *tally, uint32_t *top, unsigned n)
{
    const rl_key_tally_t *keys = tally->key_tallies.items;
    unsigned found = 0;
    for (uint32_t i = 0; i < tally->keys.n; i++) {
        unsigned at = found < n ? found : n;
        while (at > 0 && is_busier(&keys[i], &keys[top[at - 1]])) {
            if (at < n) {
                top[at] = top[at - 1];
            }
            at--;
        }
        if (at < n) {
            top[at] = i;
            found += found < n;
        }
    }
    return found;
}
