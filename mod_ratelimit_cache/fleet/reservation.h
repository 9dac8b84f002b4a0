/* One limit for a fleet; private to source.c, and to the files that say how each algorithm's
 * counter is shared.
 *
 * Each unit is reserved in the shared store by an atomic addition whose sum is within the
 * limit, before it is spent. The key's cell in the ledger holds the most that this server knows
 * of: once that is the limit nothing is asked any more until a retry could succeed.
 *
 * Next to it the cell keeps three notes:
 *
 *     link     window (24 bits) | incarnation (16) | seed (24): the shared counter we know
 *     owed     window (32) | being paid since (8) | units (24): granted here without the store
 *     contact  second (24) | window (16) | total (24): when the shared counter was last read,
 * and the highest total that the store told
 *
 * A counter that is missing is made anew from what is known here; one that somebody else made
 * anew from less is raised (core/meter/tally.h), one that was wiped on purpose is believed. Units
 * that were granted without the store are added after the next reservation that is answered, so
 * that the fleet learns of them and nobody is let in for them a second time; until they are,
 * they count on top of what it answers. Whoever grants first makes his own part known, a total
 * or a debt, and then looks at the other: of two who grant at the same moment, one with the
 * store and one without, one at least sees that both don't fit. A reservation without an answer
 * counts as spent in the store, and is owed as well if it is granted here: a count may come out
 * too high by it, never too low.
 *
 * memcached forgets what is only added to, so a counter is read once a second while it is used.
 */
#ifndef RL_FLEET_RESERVATION_H
#define RL_FLEET_RESERVATION_H

#include "../core/meter/tally.h"
#include "../limiter/counter.h"

/* One key's work with the shared store. */
typedef struct rl_reservation {
    const rl_source_t *source;
    const rl_upstream_ops_t *ops;
    const rl_meter_t *meter;
    rl_digest_t cell; /* what the ledger files the key under */
    rl_counter_t counter;
    int64_t now;
    uint32_t cost;
    uint64_t known; /* here: units in the window, or the bucket's time; what is owed included */
    uint32_t owed;  /* then */
    uint32_t debt;  /* what of it this reservation is to pay */
    unsigned paying; /* since when, as the note has it */
    uint64_t link;
    bool not_added; /* windows: cost was found not to fit before it was added */
    uint64_t
        until; /* token bucket: the arrival time after cost was added; 0: not for certain */
} rl_reservation_t;

/* What the ledger files a key under. */
rl_digest_t rl_cell_of(const rl_source_t *source, const rl_digest_t *key);

/* Which window's counter it is in the shared store: a bucket has one counter, of window 0. */
uint32_t rl_counter_window(const rl_meter_t *meter, uint64_t window);

/* How long the shared store is to remember a counter that is needed for so many seconds: never
 * so long that memcached takes it for a date. */
uint32_t rl_counter_ttl(int64_t seconds);
#define RL_TTL_SLACK 60 /* for clocks that differ, seconds */

/* Work on the counter of a window, for no cost yet. */
rl_reservation_t rl_reservation(const rl_source_t *source, const rl_digest_t *key,
                                const rl_meter_t *meter, uint64_t window, int64_t now);

/* Looks up what is known before the store is asked. */
void rl_reservation_look_up(rl_reservation_t *res);

/* How one algorithm's counters are shared. */
typedef struct rl_fleet_ops {
    /* Reserves cost; OK and a step, or why there was no answer. */
    rl_upstream_status_e (*charge)(rl_reservation_t *, rl_step_t *);
    /* Whether what was granted without the store, and is noted as owed, fits in indeed. */
    bool (*verify)(rl_reservation_t *);
    /* Gives units back that were charged under a stamp; false when they have been wiped since,
     * here as well. */
    bool (*refund)(rl_reservation_t *, uint64_t stamp, uint32_t units);
    /* Compares what is known here with what the store knows, and mends what is wrong. */
    void (*refresh)(rl_reservation_t *);
    /* Brings what is known here up to what the store knows, be it more or less; OK also when
     * the store knows nothing, or why there was no answer. */
    rl_upstream_status_e (*learn)(rl_reservation_t *);
    /* Wipes the counter; OK or why the store could not be told. */
    rl_upstream_status_e (*clear)(rl_reservation_t *);
} rl_fleet_ops_t;

extern const rl_fleet_ops_t rl_fleet_window, rl_fleet_bucket;

/* The stamp of units that were charged in a window's counter. */
uint64_t rl_window_stamp(unsigned incarnation, uint32_t window);

/* Gives back what is left of a lease of a token bucket (core/meter/lease_word.h) if nothing was reserved
 * after it. */
void rl_bucket_give_back(rl_reservation_t *res, uint64_t lease);

/* ---- notes ---- */

enum { RL_NOTE_LINK, RL_NOTE_OWED, RL_NOTE_CONTACT };

#define RL_LINK_WINDOW (RL_TALLY_BITS + RL_INCARNATION_BITS) /* where it starts */

uint64_t rl_note(const rl_reservation_t *res, unsigned n);
bool rl_note_swap(const rl_reservation_t *res, unsigned n, uint64_t from, uint64_t to);

/* The link to a counter of the reservation's window. */
uint64_t rl_link(const rl_reservation_t *res, unsigned incarnation, uint32_t seed);

unsigned rl_link_incarnation(uint64_t link);

/* Whether it is the link to a counter of this window; a bucket's is 0. */
bool rl_link_is_of(uint64_t link, uint32_t window);

/* Whether the shared counter of this cell is due to be read, to one caller a second. */
bool rl_contact_is_due(const rl_ledger_t *ledger, const rl_digest_t *cell, int64_t now);

/* Whether the note tells of a contact in the last so many seconds. */
bool rl_contact_is_recent(uint64_t contact, int64_t now, unsigned seconds);

/* Windows: notes a total that the store told, unless it told a higher one in the same second;
 * answers overtake each other. */
void rl_total_note(const rl_reservation_t *res, uint32_t total);

/* Notes that units were given back, or that nothing is left. */
void rl_total_less(const rl_reservation_t *res, uint32_t units);

/* What is noted of this window, or 0. */
uint32_t rl_total_noted(const rl_reservation_t *res);

/* ---- debts ---- */

/* Units that the store doesn't know of yet. */
uint32_t rl_debt_units(const rl_reservation_t *res);

/* Puts this reservation in charge of paying what is owed, unless another one is: res->debt. One
 * that never came to an end, because its process was killed, is in charge for a while only. */
void rl_debt_take(rl_reservation_t *res);

/* The debt that was taken has been paid, or not: paid is what it said, or 0. */
void rl_debt_settle(rl_reservation_t *res, uint32_t paid);

/* Units are to be granted without the store. */
void rl_debt_owe(const rl_reservation_t *res, uint32_t units);

/* Takes units off a debt that nobody is paying; false when there are not that many. */
bool rl_debt_forgive(const rl_reservation_t *res, uint32_t units);

/* Forgets the debt. */
void rl_debt_wipe(const rl_reservation_t *res);

#endif
