/* SPDX-License-Identifier: Apache-2.0 */
#include "debts.h"

#include "../system/backoff.h"
#include "notes.h"

/* With the store, others swap the note as often as it answers, so few are lost; without it, as
 * often as requests come. */
#define SWAP_TRIES 100

/* "Being paid since" is 0 if nobody pays, else 1 + a second modulo SINCE_CYCLE. PAYING_MAX is
 * in seconds: no session lasts as long. */
#define SINCE_CYCLE 255
#define PAYING_MAX  30

#define UNITS_BITS 24
#define UNITS_MAX  ((UINT32_C(1) << UNITS_BITS) - 1)

static uint64_t make_owed(const rl_reservation_t *res, unsigned since, uint32_t units)
{
    return (uint64_t)res->here << 32 | (uint64_t)since << UNITS_BITS | units;
}

static uint32_t owed_units(const rl_reservation_t *res, uint64_t owed)
{
    return owed >> 32 == res->here ? (uint32_t)owed & UNITS_MAX : 0;
}

static unsigned since_of(const rl_reservation_t *res, uint64_t owed)
{
    return owed >> 32 == res->here ? (unsigned)(owed >> UNITS_BITS & 0xff) : 0;
}

static unsigned second_of(const rl_reservation_t *res)
{
    return 1 + (unsigned)(res->op.now / RL_USEC_PER_SEC % SINCE_CYCLE);
}

static bool is_being_paid(const rl_reservation_t *res, uint64_t owed)
{
    const unsigned since = since_of(res, owed);
    return since != 0 && (second_of(res) + SINCE_CYCLE - since) % SINCE_CYCLE <= PAYING_MAX;
}

uint32_t rl_debt_units(const rl_reservation_t *res)
{
    return owed_units(res, rl_note(res, RL_NOTE_OWED));
}

bool rl_debt_look(const rl_reservation_t *res, uint32_t *units)
{
    const uint64_t owed = rl_note(res, RL_NOTE_OWED);
    *units = owed_units(res, owed);
    return owed >> 32 == res->here;
}

void rl_debt_take(rl_reservation_t *res)
{
    res->debt = 0;
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t owed = rl_note(res, RL_NOTE_OWED);
        const uint32_t units = owed_units(res, owed);
        if (units == 0 || is_being_paid(res, owed)) {
            return;
        }
        res->paying_since = second_of(res);
        if (rl_note_swap(res, RL_NOTE_OWED, owed, make_owed(res, res->paying_since, units))) {
            res->debt = units;
            return;
        }
    }
}

void rl_debt_release(rl_reservation_t *res, uint32_t paid)
{
    for (int i = 0; res->debt > 0 && i < SWAP_TRIES; i++) {
        const uint64_t owed = rl_note(res, RL_NOTE_OWED);
        const uint32_t units = owed_units(res, owed);
        if (since_of(res, owed) != res->paying_since ||
            rl_note_swap(res, RL_NOTE_OWED, owed,
                         make_owed(res, 0, units > paid ? units - paid : 0))) {
            break;
        }
    }
    res->debt = 0;
}

/* Returns true if the note holds the debt of a window that began after the reservation's. */
static bool owed_is_later(const rl_reservation_t *res, uint64_t owed)
{
    const uint32_t window = (uint32_t)(owed >> 32);
    uint32_t current;
    if (rl_reservation_is_first(res)) {
        return rl_reservation_is_superseded(res, &current) && window == current;
    }
    return (int32_t)(window - res->here) > 0;
}

void rl_debt_owe(const rl_reservation_t *res, uint32_t units)
{
    for (unsigned i = 0; i < SWAP_TRIES; i++) {
        const uint64_t owed = rl_note(res, RL_NOTE_OWED);
        const uint64_t sum = (uint64_t)owed_units(res, owed) + units;
        if (owed_is_later(res, owed)) {
            return; /* a later window has begun, and the note holds its debt */
        }
        if (sum > UNITS_MAX ||
            rl_note_swap(res, RL_NOTE_OWED, owed,
                         make_owed(res, since_of(res, owed), (uint32_t)sum))) {
            return;
        }
        rl_pause_after(i);
    }
}

bool rl_debt_forgive(const rl_reservation_t *res, uint32_t units)
{
    for (unsigned i = 0; i < SWAP_TRIES; i++) {
        const uint64_t owed = rl_note(res, RL_NOTE_OWED);
        if (units == 0 || owed_units(res, owed) < units || is_being_paid(res, owed)) {
            return false;
        }
        if (rl_note_swap(res, RL_NOTE_OWED, owed, owed - units)) {
            return true;
        }
        rl_pause_after(i);
    }
    return false;
}

void rl_debt_drop(const rl_reservation_t *res)
{
    const uint64_t owed = rl_note(res, RL_NOTE_OWED);
    if (owed != 0) {
        rl_note_swap(res, RL_NOTE_OWED, owed, 0);
    }
}
