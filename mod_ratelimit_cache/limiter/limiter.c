#include "limiter.h"

/* Two passes, so that a request that one rule denies is not charged to the others: look every
 * claim up first, and charge only when all fit. Where nothing has happened in between, the
 * charge is one swap on what the look saw. Another request may take the last unit between the
 * passes; then what was charged is given back. Within each counter the charge itself is
 * atomic, so no more than the limit is ever granted; at worst a unit that is about to be given
 * back is missing to somebody else for a moment.
 *
 * Two claims may stand for one counter (rules that share a group). It is charged once: a claim
 * follows an earlier one that was charged.
 */

bool rl_claim_is_twin(const rl_claim_t *a, const rl_claim_t *b)
{
    return a->key.lo == b->key.lo && a->key.hi == b->key.hi;
}

static const rl_claim_t *charged_twin(const rl_claim_t *claims, int i)
{
    for (int j = 0; j < i; j++) {
        if (claims[j].charged && rl_claim_is_twin(&claims[j], &claims[i])) {
            return &claims[j];
        }
    }
    return NULL;
}

static bool denies(const rl_claim_t *claim)
{
    return !claim->observe && !claim->step.granted;
}

int rl_limiter_denial(const rl_claim_t *claims, int n)
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
    rl_source_look(source, &claim->key, &claim->meter, now, claim->cost, &claim->step,
                   &claim->seen);
    if (claim->refuse) {
        claim->step.granted = false;
        claim->step.retry = claim->step.reset;
    }
}

static void charge(const rl_source_t *source, rl_claim_t *claim, int64_t now)
{
    claim->failed = !rl_source_charge(source, &claim->key, &claim->meter, now, claim->cost,
                                      claim->on_error, &claim->step);
    claim->charged = claim->step.granted && !claim->failed;
}

/* Charges a claim that was looked up and fits, mostly right where it was found; or follows a
 * twin that was charged. */
static void charge_seen(const rl_source_t *source, rl_claim_t *claims, int i, int64_t now)
{
    rl_claim_t *claim = &claims[i];
    const rl_claim_t *twin = charged_twin(claims, i);
    if (twin != NULL) {
        claim->step = twin->step;
    }
    else if (rl_source_take(source, &claim->key, &claim->meter, now, claim->cost, &claim->seen,
                            &claim->step)) {
        claim->charged = true;
    }
    else {
        charge(source, claim, now);
    }
}

/* What it entails that claims are over their limits, whatever the others are. */
static void note_overruns(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now)
{
    for (int i = 0; i < n; i++) {
        rl_claim_t *claim = &claims[i];
        if (!claim->step.granted && !claim->failed && !claim->refuse) {
            rl_source_overrun(source, &claim->key, &claim->meter, now, claim->cost,
                              &claim->step);
        }
    }
}

/* Charges the claims that fit, in order, up to one that turns out not to; false in that case.
 */
static bool charge_all(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now)
{
    for (int i = 0; i < n; i++) {
        if (claims[i].step.granted) {
            charge_seen(source, claims, i, now);
        }
        if (denies(&claims[i])) {
            return false;
        }
    }
    return true;
}

int rl_limiter_decide(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now)
{
    bool admitted;
    if (n == 1 && !claims[0].refuse) { /* nothing to be all or nothing with */
        charge(source, &claims[0], now);
        note_overruns(source, claims, 1, now);
        return denies(&claims[0]) ? 0 : -1;
    }
    for (int i = 0; i < n; i++) {
        rl_source_prefetch(source, &claims[i].key);
    }
    for (int i = 0; i < n; i++) {
        claims[i].charged = claims[i].failed = false;
        look_up(source, &claims[i], now);
    }
    admitted = rl_limiter_denial(claims, n) < 0 && charge_all(source, claims, n, now);
    note_overruns(source, claims, n, now);
    if (!admitted) {
        rl_limiter_refund(source, claims, n, now);
        return rl_limiter_denial(claims, n);
    }
    return -1;
}

void rl_limiter_clear(const rl_source_t *source, rl_claim_t *claim, int64_t now)
{
    claim->charged = false;
    rl_source_clear(source, &claim->key, &claim->meter, now);
}

void rl_limiter_refund(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now)
{
    for (int i = 0; i < n; i++) {
        if (claims[i].charged) {
            claims[i].charged = false;
            rl_source_refund(source, &claims[i].key, &claims[i].meter, claims[i].step.stamp,
                             claims[i].cost, now);
        }
    }
}

uint32_t rl_claim_remaining(const rl_claim_t *claim)
{
    const uint32_t quota = rl_meter_quota(&claim->meter);
    return quota > claim->step.used ? quota - claim->step.used : 0;
}

bool rl_claim_is_closer(const rl_claim_t *a, const rl_claim_t *b)
{
    /* a.remaining / a.quota < b.remaining / b.quota without division; a quota of 0 is closest
     */
    const uint32_t quota_a = rl_meter_quota(&a->meter), quota_b = rl_meter_quota(&b->meter);
    const uint64_t left = (uint64_t)rl_claim_remaining(a) * quota_b;
    const uint64_t right = (uint64_t)rl_claim_remaining(b) * quota_a;
    if (quota_a == 0 || quota_b == 0) {
        return quota_a == 0 && quota_b != 0;
    }
    return left < right;
}
