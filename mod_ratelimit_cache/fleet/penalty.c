/* SPDX-License-Identifier: Apache-2.0 */
#include "penalty.h"

#include "../core/meter/penalty_word.h"
#include "notes.h"

/* Keeps the cells of penalties, and their names in the shared store, apart from those of
 * counters. */
static const rl_digest_t penalty_mark = {.hi = UINT64_C(0xa54ff53a5f1d36f1),
                                         .lo = UINT64_C(0x510e527fade682d1)};

static rl_digest_t penalty_digest(const rl_digest_t *digest)
{
    return (rl_digest_t){.hi = digest->hi ^ penalty_mark.hi,
                         .lo = digest->lo ^ penalty_mark.lo};
}

/* Returns the operation on the penalty that goes with an operation on the rule's counter. A
 * cost of 0 asks if the key is free of the penalty, 1 imposes it; least_us: see
 * rl_meter_penalty(). */
static rl_operation_t penalty_operation(const rl_operation_t *op, int64_t least_us,
                                        uint32_t cost)
{
    return (rl_operation_t){.key = penalty_digest(&op->key),
                            .ledger_key = rl_ledger_key_beside(&op->ledger_key, &penalty_mark),
                            .meter = rl_meter_penalty(&op->meter, least_us),
                            .now = op->now,
                            .cost = cost,
                            .rule = op->rule};
}

static rl_shared_counter_t counter_of(const rl_operation_t *penalty)
{
    const int64_t lasts = penalty->meter.penalty_us + penalty->meter.double_us;
    return (rl_shared_counter_t){
        .key = penalty->key,
        .ttl = rl_shared_counter_ttl(lasts / RL_USEC_PER_SEC + RL_TTL_SLACK)};
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

/* Reads the penalty's word (core/meter/penalty_word.h); MISSING also without a store. */
static rl_store_status_e penalty_read(const rl_source_t *source, const rl_operation_t *penalty,
                                      uint64_t *word)
{
    const rl_shared_counter_t counter = counter_of(penalty);
    return source->session != NULL
               ? source->session->store->ops->read(source->session, &counter, word)
               : RL_STORE_MISSING;
}

static void penalty_put(const rl_source_t *source, const rl_operation_t *penalty, uint64_t word)
{
    const rl_shared_counter_t counter = counter_of(penalty);
    if (source->session != NULL) {
        source->session->store->ops->put(source->session, &counter, word);
    }
}

static bool is_in_force(const rl_operation_t *penalty, uint64_t word)
{
    return rl_penalty_end(word) > penalty->now;
}

/* Returns true if the penalty is in force, or over and remembered for the next one. */
static bool is_of_use(const rl_operation_t *penalty, uint64_t word)
{
    return rl_penalty_end(word) + penalty->meter.double_us > penalty->now;
}

/* Reads the penalty's word. Returns false if the store has no such penalty or a time that makes
 * no sense. */
static bool read_word(const rl_source_t *source, const rl_operation_t *penalty, uint64_t *word)
{
    return penalty_read(source, penalty, word) == RL_STORE_OK &&
           *word <= (uint64_t)(penalty->now + 2 * penalty->meter.penalty_us);
}

/* Brings what this server knows up to the store's word. Returns true if by that the key is
 * under the penalty. */
static bool learn_word(const rl_source_t *source, const rl_operation_t *penalty)
{
    uint64_t word;
    if (!read_word(source, penalty, &word) || !is_of_use(penalty, word)) {
        return false;
    }
    rl_ledger_raise(source->ledger, penalty, 0, word);
    return is_in_force(penalty, word);
}

/* Lifts the penalty that is in force here, if the store's word says so. */
static void lift_by_word(const rl_source_t *source, const rl_operation_t *penalty,
                         uint64_t word)
{
    const rl_correction_t correction = {.from = rl_ledger_held(source->ledger, penalty, 0),
                                        .to = word};
    if (rl_penalty_is_lifted(word) && !is_in_force(penalty, word)) {
        rl_ledger_lower(source->ledger, penalty, &correction);
    }
}

void rl_penalty_ask(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    if (learn_word(source, &penalty)) {
        rl_penalty_peek(source, op, step);
    }
}

void rl_penalty_foresee(const rl_operation_t *op, rl_errand_t *errand)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    const rl_shared_counter_t counter = counter_of(&penalty);
    rl_errand_read(errand, &counter);
}

void rl_penalty_learn(const rl_source_t *source, const rl_operation_t *op)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    uint64_t word;
    if (!read_word(source, &penalty, &word)) {
        return;
    }
    if (is_of_use(&penalty, word)) {
        rl_ledger_raise(source->ledger, &penalty, 0, word);
    }
    lift_by_word(source, &penalty, word);
}

/* How long a penalty that doubles lasts depends on the last one, which another server may have
 * imposed; so the store is asked before one begins. It is told once a second at most, however
 * often a penalty is extended. */
void rl_penalty_impose(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step)
{
    const rl_operation_t question = penalty_operation(op, 0, 0);
    const rl_operation_t penalty = penalty_operation(op, step->retry - op->now, 1);
    rl_step_t before, state;
    rl_ledger_peek(source->ledger, &question, &before);
    if (before.granted && op->meter.double_us > 0) {
        learn_word(source, &question);
        rl_ledger_peek(source->ledger, &question, &before);
    }
    rl_ledger_charge(source->ledger, &penalty, &state);
    later(step, state.reset);
    if (state.reset / RL_USEC_PER_SEC > before.reset / RL_USEC_PER_SEC) {
        penalty_put(source, &question, state.stamp);
    }
}

/* A penalty that was imposed for nothing doesn't count as one of the row. */
void rl_penalty_lift_if_any(const rl_source_t *source, const rl_operation_t *op)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    const uint64_t word = rl_ledger_held(source->ledger, &penalty, 0);
    const unsigned steps = rl_penalty_steps(word);
    const uint64_t lifted = rl_penalty_lifted_word(op->now, steps > 0 ? steps - 1 : 0);
    rl_step_t state;
    uint64_t told;
    rl_ledger_peek(source->ledger, &penalty, &state);
    if (state.granted) {
        return;
    }
    rl_ledger_lower(source->ledger, &penalty, &(rl_correction_t){.from = word, .to = lifted});
    if (penalty_read(source, &penalty, &told) == RL_STORE_OK && is_in_force(&penalty, told)) {
        penalty_put(source, &penalty, lifted);
    }
}

void rl_penalty_lift(const rl_source_t *source, const rl_operation_t *op)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    uint64_t word;
    rl_ledger_clear(source->ledger, &penalty);
    if (penalty_read(source, &penalty, &word) == RL_STORE_OK && is_of_use(&penalty, word)) {
        penalty_put(source, &penalty, rl_penalty_lifted_word(op->now, 0));
    }
}

void rl_penalty_refresh(const rl_source_t *source, const rl_operation_t *op)
{
    const rl_operation_t penalty = penalty_operation(op, 0, 0);
    rl_step_t state;
    uint64_t word;
    rl_ledger_peek(source->ledger, &penalty, &state);
    if (state.granted || source->session == NULL ||
        !rl_contact_is_due(source->ledger, &penalty)) {
        return;
    }
    switch (penalty_read(source, &penalty, &word)) {
    case RL_STORE_OK:
        lift_by_word(source, &penalty, word);
        break;
    case RL_STORE_MISSING: /* the store has lost it; it was not lifted */
        penalty_put(source, &penalty, state.stamp);
        break;
    default:
        break;
    }
}
