/* SPDX-License-Identifier: Apache-2.0 */
#include "penalty.h"

#include "notes.h"

/* Keeps the cells of penalties, and their names in the shared store, apart from those of
 * counters. */
static rl_digest_t penalty_digest(const rl_digest_t *digest)
{
    return (rl_digest_t){.hi = digest->hi ^ UINT64_C(0xa54ff53a5f1d36f1),
                         .lo = digest->lo ^ UINT64_C(0x510e527fade682d1)};
}

/* Returns the operation on the penalty that goes with an operation on the rule's counter. A
 * cost of 0 asks if the key is free of the penalty, 1 imposes it; least_us: see
 * rl_meter_penalty(). */
static rl_operation_t penalty_operation(const rl_operation_t *op, int64_t least_us,
                                        uint32_t cost)
{
    return (rl_operation_t){.key = penalty_digest(&op->key),
                            .ledger_key = penalty_digest(&op->ledger_key),
                            .meter = rl_meter_penalty(&op->meter, least_us),
                            .now = op->now,
                            .cost = cost};
}

static rl_shared_counter_t counter_of(const rl_operation_t *penalty)
{
    const int64_t lasts = penalty->meter.penalty_us / RL_USEC_PER_SEC;
    return (rl_shared_counter_t){.key = penalty->key,
                                 .ttl = rl_shared_counter_ttl(lasts + RL_TTL_SLACK)};
}

static void later(rl_step_t *step, int64_t retry)
{
    step->retry = retry > step->retry ? retry : step->retry;
}

void rl_penalty_peek(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    rl_step_t state;
    rl_ledger_peek(source->ledger, &penalty, &state);
    if (state.granted) {
        return;
    }
    if (step->granted) { /* the units in use stay as they are */
        const rl_operation_t nothing = rl_operation_at_cost(op, 0);
        rl_ledger_peek(source->ledger, &nothing, step);
        step->granted = false;
    }
    later(step, state.retry);
}

/* ---- the shared store ---- */

/* Reads when the penalty ends; MISSING also without a store. */
static rl_store_status_e penalty_read(const rl_source_t *source, const rl_operation_t *penalty,
                                      uint64_t *until)
{
    const rl_shared_counter_t counter = counter_of(penalty);
    return source->session != NULL
               ? source->session->store->ops->read(source->session, &counter, until)
               : RL_STORE_MISSING;
}

static void penalty_put(const rl_source_t *source, const rl_operation_t *penalty, int64_t until)
{
    const rl_shared_counter_t counter = counter_of(penalty);
    if (source->session != NULL) {
        source->session->store->ops->put(source->session, &counter, (uint64_t)until);
    }
}

/* Reads when the penalty ends, or ended. Returns false if the store has no such penalty or a
 * time that makes no sense. */
static bool read_end(const rl_source_t *source, const rl_operation_t *penalty, uint64_t *until)
{
    return penalty_read(source, penalty, until) == RL_STORE_OK &&
           *until <= (uint64_t)(penalty->now + 2 * penalty->meter.penalty_us);
}

void rl_penalty_ask(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    uint64_t until;
    if (read_end(source, &penalty, &until) && until > (uint64_t)op->now) {
        rl_ledger_raise(source->ledger, &penalty, 0, until);
        rl_penalty_peek(source, op, step);
    }
}

void rl_penalty_learn(const rl_source_t *source, const rl_operation_t *op)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    uint64_t until;
    if (!read_end(source, &penalty, &until)) {
        return;
    }
    if (until > (uint64_t)op->now) {
        rl_ledger_raise(source->ledger, &penalty, 0, until);
    }
    else {
        rl_ledger_clear(source->ledger, &penalty);
    }
}

/* Tells the store once a second at most, however often a penalty is extended. */
void rl_penalty_impose(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step)
{
    const rl_operation_t question = penalty_operation(op, 0, 0);
    const rl_operation_t penalty = penalty_operation(op, step->retry - op->now, 1);
    rl_step_t before, state;
    rl_ledger_peek(source->ledger, &question, &before);
    rl_ledger_charge(source->ledger, &penalty, &state);
    later(step, state.reset);
    if (state.reset / RL_USEC_PER_SEC > before.reset / RL_USEC_PER_SEC) {
        penalty_put(source, &question, state.reset);
    }
}

void rl_penalty_lift_if_any(const rl_source_t *source, const rl_operation_t *op)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    rl_step_t state;
    rl_ledger_peek(source->ledger, &penalty, &state);
    if (!state.granted) {
        rl_penalty_lift(source, op);
    }
}

void rl_penalty_lift(const rl_source_t *source, const rl_operation_t *op)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    uint64_t until;
    rl_ledger_clear(source->ledger, &penalty);
    if (penalty_read(source, &penalty, &until) == RL_STORE_OK && until > (uint64_t)op->now) {
        penalty_put(source, &penalty, op->now);
    }
}

void rl_penalty_refresh(const rl_source_t *source, const rl_operation_t *op)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    rl_step_t state;
    uint64_t until;
    rl_ledger_peek(source->ledger, &penalty, &state);
    if (state.granted || source->session == NULL ||
        !rl_contact_is_due(source->ledger, &penalty)) {
        return;
    }
    switch (penalty_read(source, &penalty, &until)) {
    case RL_STORE_OK:
        if (until <= (uint64_t)op->now) {
            rl_ledger_clear(source->ledger, &penalty);
        }
        break;
    case RL_STORE_MISSING: /* the store has lost it; it was not lifted */
        penalty_put(source, &penalty, state.reset);
        break;
    default:
        break;
    }
}
