/* SPDX-License-Identifier: Apache-2.0 */
#include "exempt_key.h"

#include "../core/meter/penalty_word.h"
#include "notes.h"

/* Keeps the cells of exemptions, and their names in the shared store, apart from all others. */
static const rl_digest_t exempt_mark = {.hi = UINT64_C(0x9b05688c2b3e6c1f),
                                        .lo = UINT64_C(0x1f83d9abfb41bd6b)};

/* Returns the operation on the exemption that goes with an operation on the rule's counter. */
static rl_operation_t exempt_operation(const rl_operation_t *op)
{
    return (rl_operation_t){
        .key = {.hi = op->key.hi ^ exempt_mark.hi, .lo = op->key.lo ^ exempt_mark.lo},
        .ledger_key = rl_ledger_key_beside(&op->ledger_key, &exempt_mark),
        .meter = {.algorithm = RL_PENALTY,
                  .period_us = RL_USEC_PER_SEC,
                  .penalty_us = RL_EXEMPT_MAX_US},
        .now = op->now,
        .rule = op->rule};
}

/* A word is remembered for as long as any that it has taken the place of: a server that knows
 * the longer one must still find that it was ended. */
static rl_shared_counter_t exempt_counter(const rl_operation_t *exempt)
{
    return (rl_shared_counter_t){
        .key = exempt->key,
        .ttl = rl_shared_counter_ttl(RL_EXEMPT_MAX_US / RL_USEC_PER_SEC + RL_TTL_SLACK)};
}

static bool exempts_now(const rl_operation_t *exempt, uint64_t word)
{
    return rl_penalty_end(word) > exempt->now;
}

/* Has requests look for exemptions at least until then. */
static void note_latest(const rl_source_t *source, int64_t until)
{
    const uint32_t to = (uint32_t)(until / RL_USEC_PER_SEC + 1);
    uint32_t latest;
    if (source->exempt_until == NULL) {
        return;
    }
    latest = atomic_load_explicit(source->exempt_until, memory_order_relaxed);
    while (latest < to && !atomic_compare_exchange_weak(source->exempt_until, &latest, to)) {
        continue;
    }
}

static void set_here(const rl_source_t *source, const rl_operation_t *exempt, uint64_t word)
{
    const uint64_t held = rl_ledger_held(source->ledger, exempt, 0);
    if (word > held) {
        rl_ledger_raise(source->ledger, exempt, 0, word);
    }
    else if (word < held) {
        rl_ledger_lower(source->ledger, exempt, &(rl_correction_t){.from = held, .to = word});
    }
    if (exempts_now(exempt, word)) {
        note_latest(source, rl_penalty_end(word));
    }
}

static bool tell_store(const rl_source_t *source, const rl_operation_t *exempt, uint64_t word)
{
    const rl_shared_counter_t counter = exempt_counter(exempt);
    return source->session == NULL ||
           source->session->store->ops->put(source->session, &counter, word) == RL_STORE_OK;
}

int64_t rl_exempt_key_until(const rl_source_t *source, const rl_operation_t *op)
{
    rl_operation_t exempt;
    rl_step_t state;
    if (source->exempt_until == NULL ||
        atomic_load_explicit(source->exempt_until, memory_order_relaxed) <=
            op->now / RL_USEC_PER_SEC) {
        return 0;
    }
    exempt = exempt_operation(op);
    rl_ledger_peek(source->ledger, &exempt, &state);
    return state.granted ? 0 : state.retry;
}

bool rl_exempt_key_set(const rl_source_t *source, const rl_operation_t *op, int64_t until)
{
    const rl_operation_t exempt = exempt_operation(op);
    const uint64_t word =
        until > op->now ? rl_penalty_word(until, 1) : rl_penalty_lifted_word(op->now, 0);
    set_here(source, &exempt, word);
    return tell_store(source, &exempt, word);
}

void rl_exempt_key_learn(const rl_source_t *source, const rl_operation_t *op)
{
    const rl_operation_t exempt = exempt_operation(op);
    const rl_shared_counter_t counter = exempt_counter(&exempt);
    const uint64_t held = rl_ledger_held(source->ledger, &exempt, 0);
    uint64_t word;
    if (source->session == NULL) {
        return;
    }
    switch (source->session->store->ops->read(source->session, &counter, &word)) {
    case RL_STORE_OK:
        if (word <= (uint64_t)(op->now + RL_EXEMPT_MAX_US)) {
            set_here(source, &exempt, word);
        }
        break;
    case RL_STORE_MISSING:
        if (exempts_now(&exempt, held)) {
            tell_store(source, &exempt, held);
        }
        break;
    default:
        break;
    }
}

void rl_exempt_key_foresee(const rl_operation_t *op, rl_errand_t *errand)
{
    const rl_operation_t exempt = exempt_operation(op);
    const rl_shared_counter_t counter = exempt_counter(&exempt);
    rl_errand_read(errand, &counter);
}
