/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation: one operation's work on its counter in the shared store, and what is known of
 * that counter meanwhile. */
#ifndef RL_FLEET_RESERVATION_H
#define RL_FLEET_RESERVATION_H

#include "source.h"

/* window=first: what a reservation knows of the window that it works on (window_start.h). */
typedef enum {
    RL_START_HERE,   /* as this server knows it */
    RL_START_AGREED, /* the fleet's current window, as the store has just told */
    RL_START_NEW,    /* the same, and this reservation has just begun it */
    RL_START_CLOSED  /* the window is over before its time */
} rl_window_start_e;

/* What becomes of units that are given back. */
typedef enum {
    RL_REFUND_VOID, /* nothing: their counter has been cleared since */
    RL_REFUND_DONE, /* they are given back in the store */
    RL_REFUND_DUE   /* they have to be given back there */
} rl_refund_e;

typedef struct rl_reservation {
    const rl_source_t *source;
    const rl_store_ops_t *ops;
    rl_operation_t op; /* op.cost: units to reserve, perhaps more than a request needs */
    rl_shared_counter_t counter;
    uint32_t here;  /* the window by which this server knows the counter's units; that of the
                     * counter but for window=first, see window_start.h */
    uint64_t known; /* what the ledger held at the start, debts included: units, or ticks */
    uint32_t owed;  /* units owed to the store at the start */
    uint32_t debt;  /* units of them that this reservation is in charge of paying */
    unsigned paying_since; /* the second since which it is in charge, as in the note `owed` */
    uint64_t identity;     /* the counter noted at the start, see notes.h */
    bool careful;          /* add the cost only if it fits: it is in doubt how much is in use */
    bool not_added;        /* the cost didn't fit, and was not added */
    bool created;          /* the counter was made by this reservation */
    rl_window_start_e start; /* window=first: what is known of the window's start */
    bool ready;              /* what is known of the counter has been looked up for a charge */
    bool was_read;           /* the counter was read together with the charge */
    uint64_t back;           /* what a refund takes off the counter: units, or ticks */
    uint64_t until; /* token bucket: arrival time after the addition, ticks; 0: uncertain */
} rl_reservation_t;

/* Begins work on the shared counter of the operation's key. The window is that of a step or of
 * a stamp. Copies the operation; the source must outlive the reservation. */
rl_reservation_t rl_reservation(const rl_source_t *source, const rl_operation_t *op,
                                uint64_t window);

/* Returns the stamp of units that were charged in a window's shared counter of this
 * incarnation. */
static inline uint64_t rl_shared_window_stamp(unsigned incarnation, uint32_t window)
{
    return (uint64_t)incarnation << 32 | window;
}

/* Returns true for a window that begins with its first unit. */
static inline bool rl_reservation_is_first(const rl_reservation_t *res)
{
    return res->op.meter.algorithm == RL_FIRST_WINDOW;
}

/* window=first: returns true if this server's units are in another window than res->here by
 * now. Sets *window to its number. */
bool rl_reservation_is_superseded(const rl_reservation_t *res, uint32_t *window);

/* Returns the window by which the store names the counter: that given, or 0 for a token bucket,
 * which has a single counter. */
uint32_t rl_shared_counter_window(const rl_meter_t *meter, uint64_t window);

/* Returns the time to live, in seconds, to ask of the store for a counter that is needed for so
 * many seconds: at most 30 days, for memcached takes a larger number for a date. */
uint32_t rl_shared_counter_ttl(int64_t seconds);
#define RL_TTL_SLACK 60 /* seconds added because the clocks of servers differ */

#endif
