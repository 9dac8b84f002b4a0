/* One key's work with the shared store. */
#ifndef RL_FLEET_RESERVATION_H
#define RL_FLEET_RESERVATION_H

#include "source.h"

typedef struct rl_reservation {
    const rl_source_t *source;
    const rl_store_ops_t *ops;
    rl_operation_t op; /* op.cost is what is being reserved */
    rl_shared_counter_t counter;
    uint64_t known;    /* here: units in the window, or the bucket's time; debts included */
    uint32_t owed;     /* then */
    uint32_t debt;     /* what of it this reservation is to pay */
    unsigned paying;   /* since when, as the note has it */
    uint64_t identity; /* of the shared counter, as noted before the store was asked; notes.h */
    bool not_added;    /* windows: cost was found not to fit before it was added */
    uint64_t until;    /* bucket: the arrival time after cost was added; 0: not for certain */
} rl_reservation_t;

/* Begins work on the shared counter of the operation's key in a window, which is that of a step
 * or of a stamp. The operation is copied. */
rl_reservation_t rl_reservation(const rl_source_t *source, const rl_operation_t *op,
                                uint64_t window);

/* Returns the stamp of units that were charged in a window's shared counter. */
static inline uint64_t rl_window_stamp(unsigned incarnation, uint32_t window)
{
    return (uint64_t)incarnation << 32 | window;
}

/* Returns which window's counter it is in the shared store: a bucket has one counter, of
 * window 0. */
uint32_t rl_shared_counter_window(const rl_meter_t *meter, uint64_t window);

/* Returns how long the shared store is to remember a counter that is needed for so many
 * seconds: never so long that memcached takes it for a date. */
uint32_t rl_shared_counter_ttl(int64_t seconds);
#define RL_TTL_SLACK 60 /* for clocks that differ, seconds */

#endif
