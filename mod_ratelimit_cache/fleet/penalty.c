#include "penalty.h"

#include "reservation.h"

/* Cells of penalties, and their names in the shared store, lie apart from those of counters. */
static rl_digest_t apart(const rl_digest_t *digest)
{
    return (rl_digest_t){.hi = digest->hi ^ UINT64_C(0xa54ff53a5f1d36f1),
                         .lo = digest->lo ^ UINT64_C(0x510e527fade682d1)};
}

static rl_counter_t counter_of(const rl_digest_t *key, const rl_meter_t *meter)
{
    const int64_t lasts = rl_meter_penalty(meter, 0).penalty_us / RL_USEC_PER_SEC;
    return (rl_counter_t){.key = apart(key), .ttl = rl_counter_ttl(lasts + RL_TTL_SLACK)};
}

/* The state of the penalty as this server knows it; granted means that there is none. */
static void look(const rl_source_t *source, const rl_digest_t *cell, const rl_meter_t *meter,
                 int64_t now, rl_step_t *sentence)
{
    const rl_meter_t penalty = rl_meter_penalty(meter, 0);
    const rl_digest_t place = apart(cell);
    rl_ledger_peek(source->ledger, &place, &penalty, now, 0, sentence);
}

static void later(rl_step_t *step, int64_t retry)
{
    step->retry = retry > step->retry ? retry : step->retry;
}

void rl_penalty_peek(const rl_source_t *source, const rl_digest_t *cell,
                     const rl_meter_t *meter, int64_t now, rl_step_t *step)
{
    rl_step_t sentence;
    look(source, cell, meter, now, &sentence);
    if (sentence.granted) {
        return;
    }
    if (step->granted) { /* what it has used stays what it is */
        rl_ledger_peek(source->ledger, cell, meter, now, 0, step);
        step->granted = false;
    }
    later(step, sentence.retry);
}

/* When the shared store says that the penalty ends, or ended; false when it says nothing that
 * makes sense. */
static bool read_end(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                     int64_t now, uint64_t *until)
{
    const rl_counter_t counter = counter_of(key, meter);
    return source->session != NULL &&
           source->session->upstream->ops->read(source->session, &counter, until) ==
               RL_UPSTREAM_OK &&
           *until <= (uint64_t)(now + 2 * rl_meter_penalty(meter, 0).penalty_us);
}

void rl_penalty_ask(const rl_source_t *source, const rl_digest_t *key, const rl_digest_t *cell,
                    const rl_meter_t *meter, int64_t now, rl_step_t *step)
{
    const rl_meter_t penalty = rl_meter_penalty(meter, 0);
    const rl_digest_t place = apart(cell);
    uint64_t until;
    if (read_end(source, key, meter, now, &until) && until > (uint64_t)now) {
        rl_ledger_raise(source->ledger, &place, &penalty, now, 0, until);
        rl_penalty_peek(source, cell, meter, now, step);
    }
}

void rl_penalty_learn(const rl_source_t *source, const rl_digest_t *key,
                      const rl_digest_t *cell, const rl_meter_t *meter, int64_t now)
{
    const rl_meter_t penalty = rl_meter_penalty(meter, 0);
    const rl_digest_t place = apart(cell);
    uint64_t until;
    if (!read_end(source, key, meter, now, &until)) {
        return;
    }
    if (until > (uint64_t)now) {
        rl_ledger_raise(source->ledger, &place, &penalty, now, 0, until);
    }
    else {
        rl_ledger_clear(source->ledger, &place, &penalty, now);
    }
}

/* The fleet is told once a second at most, however often a penalty is extended. */
void rl_penalty_impose(const rl_source_t *source, const rl_digest_t *key,
                       const rl_digest_t *cell, const rl_meter_t *meter, int64_t now,
                       rl_step_t *step)
{
    const rl_meter_t penalty = rl_meter_penalty(meter, step->retry - now);
    const rl_counter_t counter = counter_of(key, meter);
    const rl_digest_t place = apart(cell);
    rl_step_t before, sentence;
    look(source, cell, meter, now, &before);
    rl_ledger_charge(source->ledger, &place, &penalty, now, 1, &sentence);
    later(step, sentence.reset);
    if (source->session != NULL &&
        sentence.reset / RL_USEC_PER_SEC > before.reset / RL_USEC_PER_SEC) {
        source->session->upstream->ops->put(source->session, &counter,
                                            (uint64_t)sentence.reset);
    }
}

void rl_penalty_reconsider(const rl_source_t *source, const rl_digest_t *key,
                           const rl_digest_t *cell, const rl_meter_t *meter, int64_t now)
{
    rl_step_t sentence;
    look(source, cell, meter, now, &sentence);
    if (!sentence.granted) {
        rl_penalty_lift(source, key, cell, meter, now);
    }
}

void rl_penalty_lift(const rl_source_t *source, const rl_digest_t *key, const rl_digest_t *cell,
                     const rl_meter_t *meter, int64_t now)
{
    const rl_meter_t penalty = rl_meter_penalty(meter, 0);
    const rl_counter_t counter = counter_of(key, meter);
    const rl_digest_t place = apart(cell);
    uint64_t until;
    rl_ledger_clear(source->ledger, &place, &penalty, now);
    if (source->session != NULL &&
        source->session->upstream->ops->read(source->session, &counter, &until) ==
            RL_UPSTREAM_OK &&
        until > (uint64_t)now) {
        source->session->upstream->ops->put(source->session, &counter, (uint64_t)now);
    }
}

void rl_penalty_refresh(const rl_source_t *source, const rl_digest_t *key,
                        const rl_digest_t *cell, const rl_meter_t *meter, int64_t now)
{
    const rl_meter_t penalty = rl_meter_penalty(meter, 0);
    const rl_counter_t counter = counter_of(key, meter);
    const rl_digest_t place = apart(cell);
    rl_step_t sentence;
    uint64_t until;
    look(source, cell, meter, now, &sentence);
    if (sentence.granted || source->session == NULL ||
        !rl_contact_is_due(source->ledger, &place, now)) {
        return;
    }
    switch (source->session->upstream->ops->read(source->session, &counter, &until)) {
    case RL_UPSTREAM_OK:
        if (until <= (uint64_t)now) {
            rl_ledger_clear(source->ledger, &place, &penalty, now);
        }
        break;
    case RL_UPSTREAM_MISSING: /* it has been forgotten, not lifted */
        source->session->upstream->ops->put(source->session, &counter,
                                            (uint64_t)sentence.reset);
        break;
    default:
        break;
    }
}
