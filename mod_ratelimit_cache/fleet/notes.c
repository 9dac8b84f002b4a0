#include "reservation.h"

#define SWAP_TRIES 100

/* "Being paid since" is 0, or 1 + a second modulo SINCE_CYCLE. No session lasts as long as
 * PAYING_MAX seconds. */
#define SINCE_CYCLE 255
#define PAYING_MAX  30

#define UNITS_BITS 24
#define UNITS_MAX  ((UINT32_C(1) << UNITS_BITS) - 1)

/* Of contact. */
#define TOLD_BITS   4
#define WINDOW_BITS 12
#define WINDOW_MASK ((UINT32_C(1) << WINDOW_BITS) - 1)
#define SECOND_AT   (UNITS_BITS + WINDOW_BITS + TOLD_BITS)
#define SECOND_MASK ((UINT64_C(1) << 24) - 1)
#define TOTAL_MASK  ((UINT64_C(1) << SECOND_AT) - 1)

uint64_t rl_note(const rl_reservation_t *res, unsigned n)
{
    return rl_ledger_note(res->source->ledger, &res->cell, n);
}

bool rl_note_swap(const rl_reservation_t *res, unsigned n, uint64_t from, uint64_t to)
{
    return rl_ledger_swap_note(res->source->ledger, &res->cell, n, from, to);
}

uint64_t rl_link(const rl_reservation_t *res, unsigned incarnation, uint32_t seed)
{
    return (uint64_t)(res->counter.window & ((1u << RL_TALLY_BITS) - 1)) << RL_LINK_WINDOW |
           (uint64_t)incarnation << RL_TALLY_BITS | seed;
}

unsigned rl_link_incarnation(uint64_t link)
{
    return (unsigned)(link >> RL_TALLY_BITS) & ((1u << RL_INCARNATION_BITS) - 1);
}

bool rl_link_is_of(uint64_t link, uint32_t window)
{
    return link >> RL_LINK_WINDOW == (window & ((1u << RL_TALLY_BITS) - 1));
}

static unsigned contact_second(uint64_t contact)
{
    return (unsigned)(contact >> SECOND_AT);
}

bool rl_contact_is_due(const rl_ledger_t *ledger, const rl_digest_t *cell, int64_t now)
{
    const uint64_t second = (uint64_t)(now / RL_USEC_PER_SEC) & SECOND_MASK;
    const uint64_t last = rl_ledger_note(ledger, cell, RL_NOTE_CONTACT);
    const uint64_t next = second << SECOND_AT | (last & TOTAL_MASK);
    if (contact_second(last) == second) {
        return false;
    }
    return rl_ledger_swap_note(ledger, cell, RL_NOTE_CONTACT, last, next) &&
           contact_second(last) != 0;
}

bool rl_contact_is_recent(uint64_t contact, int64_t now, unsigned seconds)
{
    const uint64_t second = (uint64_t)(now / RL_USEC_PER_SEC);
    return contact_second(contact) != 0 &&
           ((second - contact_second(contact)) & SECOND_MASK) <= seconds;
}

/* ---- totals ---- */

/* What stands above the total, at a moment: when it was told, and of which window. */
static uint64_t make_tag(const rl_reservation_t *res)
{
    const uint64_t second = (uint64_t)(res->now / RL_USEC_PER_SEC) % (1 << TOLD_BITS);
    return second << WINDOW_BITS | (res->counter.window & WINDOW_MASK);
}

static bool is_of_window(const rl_reservation_t *res, uint64_t contact)
{
    return ((contact >> UNITS_BITS ^ res->counter.window) & WINDOW_MASK) == 0;
}

static bool was_told_this_second(const rl_reservation_t *res, uint64_t contact)
{
    return (contact & TOTAL_MASK) >> UNITS_BITS == make_tag(res);
}

static uint64_t with_total(const rl_reservation_t *res, uint64_t contact, uint32_t total)
{
    return (contact & ~TOTAL_MASK) | make_tag(res) << UNITS_BITS | total;
}

void rl_total_note(const rl_reservation_t *res, uint32_t total)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t contact = rl_note(res, RL_NOTE_CONTACT);
        if ((was_told_this_second(res, contact) && total <= (contact & UNITS_MAX)) ||
            rl_note_swap(res, RL_NOTE_CONTACT, contact, with_total(res, contact, total))) {
            return;
        }
    }
}

void rl_total_less(const rl_reservation_t *res, uint32_t units)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t contact = rl_note(res, RL_NOTE_CONTACT);
        const uint32_t total = (uint32_t)contact & UNITS_MAX;
        if (!is_of_window(res, contact) || total == 0 ||
            rl_note_swap(res, RL_NOTE_CONTACT, contact,
                         contact - (units < total ? units : total))) {
            return;
        }
    }
}

uint32_t rl_total_noted(const rl_reservation_t *res)
{
    const uint64_t contact = rl_note(res, RL_NOTE_CONTACT);
    return is_of_window(res, contact) ? (uint32_t)contact & UNITS_MAX : 0;
}

/* ---- debts ---- */

static uint64_t make_owed(const rl_reservation_t *res, unsigned since, uint32_t units)
{
    return (uint64_t)res->counter.window << 32 | (uint64_t)since << UNITS_BITS | units;
}

static uint32_t units_of(const rl_reservation_t *res, uint64_t owed)
{
    return owed >> 32 == res->counter.window ? (uint32_t)owed & UNITS_MAX : 0;
}

static unsigned since_of(const rl_reservation_t *res, uint64_t owed)
{
    return owed >> 32 == res->counter.window ? (unsigned)(owed >> UNITS_BITS & 0xff) : 0;
}

static unsigned second_of(const rl_reservation_t *res)
{
    return 1 + (unsigned)(res->now / RL_USEC_PER_SEC % SINCE_CYCLE);
}

static bool is_being_paid(const rl_reservation_t *res, uint64_t owed)
{
    const unsigned since = since_of(res, owed);
    return since != 0 && (second_of(res) + SINCE_CYCLE - since) % SINCE_CYCLE <= PAYING_MAX;
}

uint32_t rl_debt_units(const rl_reservation_t *res)
{
    return units_of(res, rl_note(res, RL_NOTE_OWED));
}

void rl_debt_take(rl_reservation_t *res)
{
    res->debt = 0;
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t owed = rl_note(res, RL_NOTE_OWED);
        const uint32_t units = units_of(res, owed);
        if (units == 0 || is_being_paid(res, owed)) {
            return;
        }
        res->paying = second_of(res);
        if (rl_note_swap(res, RL_NOTE_OWED, owed, make_owed(res, res->paying, units))) {
            res->debt = units;
            return;
        }
    }
}

void rl_debt_settle(rl_reservation_t *res, uint32_t paid)
{
    for (int i = 0; res->debt > 0 && i < SWAP_TRIES; i++) {
        const uint64_t owed = rl_note(res, RL_NOTE_OWED);
        const uint32_t units = units_of(res, owed);
        if (since_of(res, owed) != res->paying ||
            rl_note_swap(res, RL_NOTE_OWED, owed,
                         make_owed(res, 0, units > paid ? units - paid : 0))) {
            break;
        }
    }
    res->debt = 0;
}

void rl_debt_owe(const rl_reservation_t *res, uint32_t units)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t owed = rl_note(res, RL_NOTE_OWED);
        const uint64_t sum = (uint64_t)units_of(res, owed) + units;
        if ((int32_t)((uint32_t)(owed >> 32) - res->counter.window) > 0) {
            return; /* a later window has begun, and its debt stands here */
        }
        if (sum > UNITS_MAX ||
            rl_note_swap(res, RL_NOTE_OWED, owed,
                         make_owed(res, since_of(res, owed), (uint32_t)sum))) {
            return;
        }
    }
}

bool rl_debt_forgive(const rl_reservation_t *res, uint32_t units)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t owed = rl_note(res, RL_NOTE_OWED);
        if (units == 0 || units_of(res, owed) < units || is_being_paid(res, owed)) {
            return false;
        }
        if (rl_note_swap(res, RL_NOTE_OWED, owed, owed - units)) {
            return true;
        }
    }
    return false;
}

void rl_debt_wipe(const rl_reservation_t *res)
{
    const uint64_t owed = rl_note(res, RL_NOTE_OWED);
    if (owed != 0) {
        rl_note_swap(res, RL_NOTE_OWED, owed, 0);
    }
}
