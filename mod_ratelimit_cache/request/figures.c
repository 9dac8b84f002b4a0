/* SPDX-License-Identifier: Apache-2.0 */
#include "figures.h"

#include "../core/hot.h"
#include "../process/runtime.h"
#include "../process/figures.h"
#include "../system/clock.h"
#include "upgrade.h"

/* A request is counted when it is over, like a line of the access log: only then it is known
 * that no later rule has denied it, and a number that has been told never has to be taken back.
 */

static rl_instant_t this_instant(void)
{
    return rl_instant(rl_clock_seconds());
}

/* Returns true if a rule denied the request, which was denied. */
RL_RARELY static bool is_denied_by_rule(const rl_request_t *request)
{
    if (request->denied.claim >= 0) {
        return true;
    }
    for (int i = 0; i < request->n; i++) {
        if (request->claims[i].uncounted && !request->claims[i].step.granted) {
            return true; /* without the store, by on-error=deny */
        }
    }
    return false;
}

/* Returns what became of the claim. The server's rules stay charged if a tenant's rule
 * denies. */
static inline rl_figure_e figure_of(const rl_request_t *request, int i, bool denied)
{
    const rl_claim_t *claim = &request->claims[i];
    if (!denied || i < request->progress.ran) {
        if (claim->uncounted) {
            return RL_FIGURE_ERROR;
        }
        return claim->step.granted ? RL_FIGURE_ALLOWED : RL_FIGURE_OBSERVED;
    }
    if (claim->step.granted || claim->observe) {
        return claim->charged ? RL_FIGURE_ALLOWED : RL_FIGURE_OTHER;
    }
    return claim->uncounted ? RL_FIGURE_ERROR : RL_FIGURE_DENIED;
}

/* Has the sketches count the key. */
RL_RARELY static void note_key(rl_figures_t *figures, const rl_claim_t *claim, bool over,
                               uint64_t sequence, rl_instant_t at)
{
    const rl_meter_t *meter = &claim->op.meter;
    const rl_sighting_t sighting = {.key = claim->op.key,
                                    .limit = rl_meter_usual(meter),
                                    .period_s = (uint32_t)(meter->period_us / RL_USEC_PER_SEC),
                                    .now_s = at.now_s,
                                    .sequence = sequence};
    rl_sketch_add(&figures->busiest, &sighting);
    if (over) {
        rl_sketch_add(&figures->over, &sighting);
    }
}

static bool has_noted_key(const rl_claim_t *claim)
{
    return claim->rule != NULL && !claim->rule->tenant && !claim->invalid;
}

static inline void count_claim(const request_rec *r, const rl_claim_t *claim,
                               rl_figure_e figure, rl_instant_t at)
{
    const bool over = figure == RL_FIGURE_DENIED || figure == RL_FIGURE_OBSERVED;
    rl_figures_t *figures = rl_figures_of_rule(r->server, claim->rule);
    uint64_t sequence;
    if (figures == NULL) {
        return;
    }
    sequence = rl_figures_add(figures, figure, at);
    if (claim->missing) {
        rl_figures_add(figures, RL_FIGURE_MISSING, at);
    }
    if ((over || rl_sketch_looks(&figures->busiest, at.now_s, sequence)) &&
        has_noted_key(claim)) {
        note_key(figures, claim, over, sequence, at);
    }
}

/* Of a request that was allowed by one rule and observed by another, say, the latter counts. */
RL_RARELY static rl_figure_e worse(rl_figure_e a, rl_figure_e b)
{
    static const int rank[RL_FIGURES_CHECKED] = {
        [RL_FIGURE_OTHER] = 0,    [RL_FIGURE_ALLOWED] = 1, [RL_FIGURE_ERROR] = 2,
        [RL_FIGURE_OBSERVED] = 3, [RL_FIGURE_DENIED] = 4,
    };
    return rank[a] > rank[b] ? a : b;
}

/* Returns what a request counts as that a rule, or the lack of a store, has denied. */
static rl_figure_e figure_of_denial(const rl_request_t *request)
{
    return request->denied.claim >= 0 ? RL_FIGURE_DENIED : RL_FIGURE_ERROR;
}

/* Counts the claims, of which there are some. Returns what the request counts as. */
static rl_figure_e count_claims(const request_rec *r, const rl_request_t *request, int n,
                                rl_instant_t at)
{
    const bool denied = request->denied.r != NULL && is_denied_by_rule(request);
    rl_figure_e overall = RL_FIGURE_ALLOWED;
    for (int i = 0; i < n; i++) {
        const rl_figure_e figure = figure_of(request, i, denied);
        count_claim(r, &request->claims[i], figure, at);
        if (figure != RL_FIGURE_ALLOWED) {
            overall = worse(overall, figure);
        }
    }
    return denied ? figure_of_denial(request) : overall;
}

void rl_figures_of_request(const request_rec *r, const rl_request_t *request)
{
    const int n = request->exempt ? request->progress.ran : request->n;
    if (n > 0 && !rl_upgrade_was_taken_over(request)) { /* else a stream of HTTP/2 counts it */
        const rl_instant_t at = this_instant();
        rl_figures_add(&rl_runtime()->stats->figures[RL_STATS_ALL],
                       count_claims(r, request, n, at), at);
    }
}

void rl_figures_of_claim(const request_rec *r, const rl_claim_t *claim, rl_figure_e figure)
{
    rl_figures_t *figures = rl_figures_of_rule(r->server, claim->rule);
    if (figures != NULL) {
        rl_figures_add(figures, figure, this_instant());
    }
}

void rl_figures_of_skipped(const request_rec *r, const rl_rule_t *rule)
{
    rl_figures_t *figures = rl_figures_of_rule(r->server, rule);
    if (figures != NULL) {
        rl_figures_add(figures, RL_FIGURE_MISSING, this_instant());
    }
}
