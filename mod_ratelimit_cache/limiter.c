#include "limiter.h"

/* Two passes, so that a request that one rule denies is not charged to the others: look every
 * claim up first, and charge only when all fit. Between the passes another request may take
 * the last unit; then what was charged is given back. Within each counter the charge itself is
 * atomic, so no more than the limit is ever granted; at worst a unit that is about to be given
 * back is missing to somebody else for a moment.
 *
 * Two claims may stand for one counter (rules that share a group). It is charged once: a claim
 * follows an earlier one that was charged.
 */

static const rl_claim_t *charged_twin(const rl_claim_t *claims, int i)
{
    for (int j = 0; j < i; j++) {
        if (claims[j].charged && claims[j].key.lo == claims[i].key.lo &&
            claims[j].key.hi == claims[i].key.hi) {
            return &claims[j];
        }
    }
    return NULL;
}

static bool denies(const rl_claim_t *claim)
{
    return !claim->observe && !claim->step.granted;
}

/* The index of the denial to report: of all that deny the one with the longest wait. */
static int longest_wait(const rl_claim_t *claims, int n)
{
    int longest = -1;
    for (int i = 0; i < n; i++) {
        if (denies(&claims[i]) &&
            (longest < 0 || claims[i].step.retry > claims[longest].step.retry)) {
            longest = i;
        }
    }
    return longest;
}

static void look_up(const rl_source_t *source, rl_claim_t *claim, int64_t now)
{
    rl_source_peek(source, &claim->key, &claim->meter, now, claim->cost, &claim->step);
    if (claim->refuse) {
        claim->step.granted = false;
        claim->step.retry = claim->step.reset;
    }
}

static void charge(const rl_source_t *source, rl_claim_t *claims, int i, int64_t now)
{
    rl_claim_t *claim = &claims[i];
    const rl_claim_t *twin = charged_twin(claims, i);
    if (twin != NULL) {
        claim->step = twin->step;
        return;
    }
    claim->failed = !rl_source_charge(source, &claim->key, &claim->meter, now, claim->cost,
                                      claim->on_error, &claim->step);
    claim->charged = claim->step.granted && !claim->failed;
}

int rl_limiter_decide(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now)
{
    int denied;
    if (n == 1 && !claims[0].refuse) { /* nothing to be all or nothing with */
        charge(source, claims, 0, now);
        return denies(&claims[0]) ? 0 : -1;
    }
    for (int i = 0; i < n; i++) {
        claims[i].charged = claims[i].failed = false;
        look_up(source, &claims[i], now);
    }
    denied = longest_wait(claims, n);
    for (int i = 0; i < n && denied < 0; i++) {
        if (claims[i].step.granted) {
            charge(source, claims, i, now);
            denied = denies(&claims[i]) ? i : -1;
        }
    }
    if (denied >= 0) {
        rl_limiter_refund(source, claims, n);
    }
    return denied;
}

void rl_limiter_refund(const rl_source_t *source, rl_claim_t *claims, int n)
{
    for (int i = 0; i < n; i++) {
        if (claims[i].charged) {
            claims[i].charged = false;
            rl_source_refund(source, &claims[i].key, &claims[i].meter, claims[i].step.stamp,
                             claims[i].cost);
        }
    }
}

uint32_t rl_claim_remaining(const rl_claim_t *claim)
{
    return claim->meter.limit > claim->step.used ? claim->meter.limit - claim->step.used : 0;
}

bool rl_claim_is_closer(const rl_claim_t *a, const rl_claim_t *b)
{
    /* a.remaining / a.limit < b.remaining / b.limit without division; a limit of 0 is closest
     */
    const uint64_t left = (uint64_t)rl_claim_remaining(a) * b->meter.limit;
    const uint64_t right = (uint64_t)rl_claim_remaining(b) * a->meter.limit;
    if (a->meter.limit == 0 || b->meter.limit == 0) {
        return a->meter.limit == 0 && b->meter.limit != 0;
    }
    return left < right;
}
