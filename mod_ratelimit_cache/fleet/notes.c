/* SPDX-License-Identifier: Apache-2.0 */
#include "notes.h"

/* These notes change when the store has answered, not with each request. So a request that has
 * lost this many swaps has no cell. */
#define SWAP_TRIES 100

#define UNITS_BITS 24
#define UNITS_MAX  ((UINT32_C(1) << UNITS_BITS) - 1)

/* The note `contact`: told, window, doubt, second. */
#define TOLD_BITS   4
#define WINDOW_BITS 12
#define WINDOW_MASK ((UINT32_C(1) << WINDOW_BITS) - 1)
#define DOUBT_AT    (UNITS_BITS + WINDOW_BITS + TOLD_BITS)
#define DOUBT_MASK  ((UINT64_C(15)) << DOUBT_AT)
#define SECOND_AT   (DOUBT_AT + 4)
#define SECOND_MASK ((UINT64_C(1) << 20) - 1)
#define TOTAL_MASK  ((UINT64_C(1) << DOUBT_AT) - 1)

/* A doubt is 0 if there is none, else 1 + the tick modulo DOUBT_CYCLE in which it began. */
#define DOUBT_TICK    65536 /* microseconds */
#define DOUBT_CYCLE   15
#define DOUBT_YOUNG   2 /* ticks in which requests that came with the first may be under way */
#define DOUBT_LASTING 8

uint64_t rl_note(const rl_reservation_t *res, unsigned n)
{
    return rl_ledger_note(res->source->ledger, &res->op.ledger_key, n);
}

bool rl_note_swap(const rl_reservation_t *res, unsigned n, uint64_t from, uint64_t to)
{
    return rl_ledger_swap_note(res->source->ledger, &res->op.ledger_key, n, from, to);
}

uint64_t rl_identity(const rl_reservation_t *res, unsigned incarnation, uint32_t seed)
{
    return (uint64_t)(res->counter.window & ((1u << RL_TALLY_BITS) - 1)) << RL_IDENTITY_WINDOW |
           (uint64_t)incarnation << RL_TALLY_BITS | seed;
}

unsigned rl_identity_incarnation(uint64_t identity)
{
    return (unsigned)(identity >> RL_TALLY_BITS) & ((1u << RL_TALLY_INCARNATION_BITS) - 1);
}

bool rl_identity_is_of(uint64_t identity, uint32_t window)
{
    return identity >> RL_IDENTITY_WINDOW == (window & ((1u << RL_TALLY_BITS) - 1));
}

static unsigned contact_second(uint64_t contact)
{
    return (unsigned)(contact >> SECOND_AT);
}

static uint64_t second_now(const rl_operation_t *op)
{
    return (uint64_t)(op->now / RL_USEC_PER_SEC) & SECOND_MASK;
}

bool rl_contact_may_be_due(const rl_ledger_t *ledger, const rl_operation_t *op)
{
    const unsigned last =
        contact_second(rl_ledger_note(ledger, &op->ledger_key, RL_NOTE_CONTACT));
    return last != 0 && last != second_now(op);
}

bool rl_contact_is_due(const rl_ledger_t *ledger, const rl_operation_t *op)
{
    const uint64_t second = second_now(op);
    const uint64_t last = rl_ledger_note(ledger, &op->ledger_key, RL_NOTE_CONTACT);
    const uint64_t next = second << SECOND_AT | (last & (TOTAL_MASK | DOUBT_MASK));
    if (contact_second(last) == second) {
        return false;
    }
    return rl_ledger_swap_note(ledger, &op->ledger_key, RL_NOTE_CONTACT, last, next) &&
           contact_second(last) != 0;
}

bool rl_contact_is_recent(uint64_t contact, int64_t now, unsigned seconds)
{
    const uint64_t second = (uint64_t)(now / RL_USEC_PER_SEC);
    return contact_second(contact) != 0 &&
           ((second - contact_second(contact)) & SECOND_MASK) <= seconds;
}

/* ---- totals ---- */

/* Returns what stands above the total in the note: the second in which it was told, and its
 * window. */
static uint64_t make_tag(const rl_reservation_t *res)
{
    const uint64_t second = (uint64_t)(res->op.now / RL_USEC_PER_SEC) % (1 << TOLD_BITS);
    return second << WINDOW_BITS | (res->here & WINDOW_MASK);
}

static bool is_of_window(const rl_reservation_t *res, uint64_t contact)
{
    return ((contact >> UNITS_BITS ^ res->here) & WINDOW_MASK) == 0;
}

/* Returns true for this second and the one before or after it: the other request may have read
 * the clock on the other side of a second's end. */
static bool was_told_just_now(const rl_reservation_t *res, uint64_t contact)
{
    const uint64_t told = (contact & TOTAL_MASK) >> UNITS_BITS >> WINDOW_BITS;
    const uint64_t now = make_tag(res) >> WINDOW_BITS;
    return is_of_window(res, contact) && ((now - told + 1) & ((1u << TOLD_BITS) - 1)) <= 2;
}

/* Returns the note with another total; what was in doubt about another window no longer is. */
static uint64_t with_total(const rl_reservation_t *res, uint64_t contact, uint32_t total)
{
    const uint64_t doubt = is_of_window(res, contact) ? contact & DOUBT_MASK : 0;
    return (contact & ~(TOTAL_MASK | DOUBT_MASK)) | doubt | make_tag(res) << UNITS_BITS | total;
}

void rl_total_note(const rl_reservation_t *res, uint32_t total)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t contact = rl_note(res, RL_NOTE_CONTACT);
        if ((was_told_just_now(res, contact) && total <= (contact & UNITS_MAX)) ||
            rl_note_swap(res, RL_NOTE_CONTACT, contact, with_total(res, contact, total))) {
            return;
        }
    }
}

void rl_total_lower(const rl_reservation_t *res, uint32_t units)
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

/* ---- doubt ---- */

static unsigned doubt_tick(const rl_reservation_t *res)
{
    return (unsigned)(res->op.now / DOUBT_TICK % DOUBT_CYCLE);
}

static unsigned doubt_of(const rl_reservation_t *res, uint64_t contact)
{
    return is_of_window(res, contact) ? (unsigned)((contact & DOUBT_MASK) >> DOUBT_AT) : 0;
}

/* Returns true if a request with a later clock has noted something of a later window. */
static bool contact_is_of_later_window(const rl_reservation_t *res, uint64_t contact)
{
    const uint32_t ahead = ((uint32_t)(contact >> UNITS_BITS) - res->here) & WINDOW_MASK;
    uint32_t later;
    return rl_reservation_is_first(res)
               ? ahead != 0 && rl_reservation_is_superseded(res, &later)
               : ahead > 0 && ahead <= WINDOW_MASK / 2;
}

void rl_doubt_begin(const rl_reservation_t *res)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t contact = rl_note(res, RL_NOTE_CONTACT);
        const uint64_t same =
            is_of_window(res, contact) ? contact : with_total(res, contact, 0);
        if (doubt_of(res, contact) != 0 || contact_is_of_later_window(res, contact) ||
            rl_note_swap(res, RL_NOTE_CONTACT, contact,
                         same | (uint64_t)(1 + doubt_tick(res)) << DOUBT_AT)) {
            return;
        }
    }
}

void rl_doubt_end(const rl_reservation_t *res)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t contact = rl_note(res, RL_NOTE_CONTACT);
        if (doubt_of(res, contact) == 0 ||
            rl_note_swap(res, RL_NOTE_CONTACT, contact, contact & ~DOUBT_MASK)) {
            return;
        }
    }
}

bool rl_doubt_is_noted(const rl_ledger_t *ledger, const rl_operation_t *op, uint32_t window)
{
    const uint64_t contact = rl_ledger_note(ledger, &op->ledger_key, RL_NOTE_CONTACT);
    return (contact & DOUBT_MASK) != 0 &&
           ((contact >> UNITS_BITS ^ rl_shared_counter_window(&op->meter, window)) &
            WINDOW_MASK) == 0;
}

rl_doubt_e rl_doubt(const rl_reservation_t *res)
{
    const unsigned began = doubt_of(res, rl_note(res, RL_NOTE_CONTACT));
    const unsigned age = (doubt_tick(res) + DOUBT_CYCLE + 1 - began) % DOUBT_CYCLE;
    if (began == 0) {
        return RL_NO_DOUBT;
    }
    return age < DOUBT_YOUNG     ? RL_YOUNG_DOUBT
           : age < DOUBT_LASTING ? RL_DOUBT
                                 : RL_LASTING_DOUBT;
}
