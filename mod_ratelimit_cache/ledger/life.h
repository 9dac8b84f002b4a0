/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a cell: until when it is needed, and what it would cost to lose it. Pure
 * functions of a life's word and the time. For place.c and evict.c only. */
#ifndef RL_LEDGER_LIFE_H
#define RL_LEDGER_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/meter/meter.h"
#include "cell.h"

/*   63      38 37     26 25   24 23  19   18   17          8 7     1   0
 *  +----------+---------+-------+------+-------+------------+-------+------+
 *  | expires  | tick    | level | rule | again | generation | guard | full |
 *  +----------+---------+-------+------+-------+------------+-------+------+
 *
 * expires   the moment after which nothing of the cell counts, modulo 2^26 (two years)
 * tick      the 8 moments in which it was last charged or denied, modulo 2^12 (9 hours)
 * level     how much of the limit was in use then, in fourths
 * rule      the number of the rule that counts in it
 * again     the key was asked for again while something was in use: it didn't come just once
 * full      the key is at its limit
 *
 * generation and guard are those of the id for which it was written: see cell.h.
 *
 * Moments are numbered from the epoch, and last 2^20 microseconds, a little more than a second:
 * it is quicker to shift than to divide.
 *
 * A busy key has its life written once in a tick and for each fourth of its limit: no more, for
 * that costs two swaps besides the charge. */
#define LIFE_FULL       UINT64_C(1)
#define LIFE_AGAIN      (UINT64_C(1) << 18)
#define LIFE_RULE_AT    19
#define LIFE_LEVEL_AT   24
#define LIFE_LEVELS     4u
#define LIFE_HIGHEST    (LIFE_FULL | (uint64_t)(LIFE_LEVELS - 1) << LIFE_LEVEL_AT)
#define LIFE_TICK_AT    26
#define LIFE_TICK_MAX   UINT64_C(0xfff)
#define LIFE_EXPIRES_AT 38
#define LIFE_EXPIRY_MAX ((UINT64_C(1) << 26) - 1)
#define LIFE_RULE       ((uint64_t)RULE_NUMBER << LIFE_RULE_AT)
#define LIFE_TICK       (LIFE_TICK_MAX << LIFE_TICK_AT)
#define LIFE_EXPIRES    (LIFE_EXPIRY_MAX << LIFE_EXPIRES_AT)

#define MOMENT_BITS  20
#define TICK_MOMENTS 8

/* A tick so far ahead was written by a process that has read the clock later; one further ahead
 * is long past, or comes from a clock that has been set back since. */
#define TICKS_AHEAD 4

/* No cell lives so long: such an expiry comes from a clock that has been set back since. */
#define CELL_LIFE_MAX_US (INT64_C(400) * 86400 * RL_USEC_PER_SEC)
#define CELL_LIFE_MAX    ((uint64_t)CELL_LIFE_MAX_US >> MOMENT_BITS)

/* Moments from the end of its window after which a cell counts as expired: a request that read
 * the clock before the end may still be under way. */
#define GRACE_MOMENTS 1

/* What it costs to lose a cell, the least first. */
typedef enum {
    RANK_ONCE,     /* its key came once */
    RANK_IN_USE,   /* its key was asked for again */
    RANK_AT_LIMIT, /* whoever was denied may go on at once */
    RANKS
} rl_rank_e;

/* Returns the moment of a time in microseconds since the epoch. */
static inline uint64_t moment_of(int64_t time)
{
    return (uint64_t)time >> MOMENT_BITS;
}

/* Returns for how many moments the cell is still needed; 0 if it has expired. */
static inline uint64_t life_left(uint64_t life, uint64_t moment)
{
    const uint64_t left = ((life >> LIFE_EXPIRES_AT) - moment) & LIFE_EXPIRY_MAX;
    return left <= CELL_LIFE_MAX ? left : 0;
}

static inline unsigned life_rule(uint64_t life)
{
    return (unsigned)(life >> LIFE_RULE_AT) & RULE_NUMBER;
}

static inline unsigned life_level(uint64_t life)
{
    return (unsigned)(life >> LIFE_LEVEL_AT) % LIFE_LEVELS;
}

/* Returns how many ticks ago the cell was last used. */
static inline unsigned life_age(uint64_t life, uint64_t moment)
{
    const uint64_t age = (moment / TICK_MOMENTS - (life >> LIFE_TICK_AT)) & LIFE_TICK_MAX;
    return age <= LIFE_TICK_MAX - TICKS_AHEAD ? (unsigned)age : 0;
}

/* Returns the age by which cells of a rank are compared. A cell whose limit is almost used up
 * ages half as fast as one that has used next to nothing. It is a matter of factors, and not of
 * so many minutes, because the table may turn over in a moment or in a day: whoever uses up
 * three fourths of the limits of a whole flood of keys then still has to turn over half a table
 * before somebody else's key goes. */
static inline unsigned life_weighted_age(uint64_t life, uint64_t moment)
{
    static const unsigned char weights[LIFE_LEVELS] = {8, 6, 5, 4};
    return life_age(life, moment) * weights[life_level(life)];
}

static inline rl_rank_e life_rank(uint64_t life)
{
    if ((life & LIFE_FULL) != 0) {
        return RANK_AT_LIMIT;
    }
    return (life & LIFE_AGAIN) != 0 ? RANK_IN_USE : RANK_ONCE;
}

/* Returns the moment after which a cell is not needed whose words may be forgotten at
 * `expires`. */
static inline uint64_t life_end(int64_t expires)
{
    return moment_of(expires + ((INT64_C(1) << MOMENT_BITS) - 1)) + GRACE_MOMENTS;
}

/* Returns for how many moments a cell is needed whose words may be forgotten at `expires`. */
static inline uint64_t life_wanted(int64_t expires, uint64_t moment)
{
    const uint64_t until = life_end(expires);
    const uint64_t left = until > moment ? until - moment : 0;
    return left < CELL_LIFE_MAX ? left : CELL_LIFE_MAX;
}

/* Returns expiry and rule of a life. */
static inline uint64_t life_make(uint64_t expires, const rl_digest_t *key)
{
    return expires << LIFE_EXPIRES_AT | (uint64_t)key_rule(key) << LIFE_RULE_AT;
}

/* Returns tick and level of a life that is used now. */
static inline uint64_t life_use(uint64_t moment, unsigned level)
{
    return (moment / TICK_MOMENTS & LIFE_TICK_MAX) << LIFE_TICK_AT | (uint64_t)level
                                                                         << LIFE_LEVEL_AT;
}

/* Returns the life of a key that has come for the first time, without a state. */
static inline uint64_t life_first(const rl_operation_t *op, int64_t expires)
{
    const uint64_t moment = moment_of(op->now);
    return life_make(moment + life_wanted(expires, moment), &op->ledger_key) |
           life_use(moment, 0);
}

static inline unsigned level_of(uint32_t used, uint32_t quota)
{
    return used < quota ? (unsigned)((uint64_t)used * LIFE_LEVELS / quota) : LIFE_LEVELS - 1;
}

/* Returns tick and level after a use: of a use in the tick that is noted, the higher level. */
static inline uint64_t life_used(uint64_t life, uint64_t moment, unsigned level)
{
    const unsigned noted = life_level(life);
    return life_age(life, moment) > 0
               ? life_use(moment, level)
               : (life & LIFE_TICK) | (uint64_t)(level > noted ? level : noted)
                                          << LIFE_LEVEL_AT;
}

/* Returns true if the step finds the key at its limit. */
static inline bool is_at_limit(const rl_operation_t *op, const rl_step_t *step, uint32_t quota)
{
    return step->used > 0 && (step->used >= quota || (!step->granted && op->cost <= quota));
}

/* Returns true if the key was in use before the step. */
static inline bool is_asked_again(const rl_operation_t *op, const rl_step_t *step)
{
    return step->used > (step->granted ? op->cost : 0);
}

/* Returns true if this is the life of a cell with that id, and life_after() would change
 * nothing, as it is with nearly all requests for a busy key. It may return false then, too. */
static inline bool life_covers(uint64_t life, uint64_t id, const rl_operation_t *op,
                               const rl_step_t *step)
{
    const uint64_t compared = LIFE_AGAIN | LIFE_RULE | LIFE_TICK | LIFE_EXPIRES | LIFE_STATE;
    const uint64_t covering = LIFE_AGAIN | life_use(moment_of(op->now), 0) |
                              life_make(life_end(step->expires), &op->ledger_key) |
                              (id & LIFE_STATE);
    return ((life ^ covering) & compared) == 0 &&
           (step->granted ? (uint64_t)step->used * LIFE_LEVELS <
                                (uint64_t)rl_meter_quota(&op->meter) * (life_level(life) + 1)
                          : (life & LIFE_HIGHEST) == LIFE_HIGHEST);
}

/* Returns the life that a cell of this life must have for the step, both without their states:
 * it protects the cell no shorter than before. A denial, which changes no word, doesn't prolong
 * it. */
static inline uint64_t life_after(uint64_t life, const rl_operation_t *op,
                                  const rl_step_t *step)
{
    const uint64_t moment = moment_of(op->now), left = life_left(life, moment);
    const uint64_t wanted = step->word >= 0 ? life_wanted(step->expires, moment) : left;
    const uint32_t quota = rl_meter_quota(&op->meter);
    const uint64_t expires = wanted > left ? moment + wanted : life >> LIFE_EXPIRES_AT;
    return life_make(expires, &op->ledger_key) |
           life_used(life, moment, level_of(step->used, quota)) | (life & LIFE_AGAIN) |
           (is_asked_again(op, step) ? LIFE_AGAIN : 0) |
           (wanted >= left && is_at_limit(op, step, quota) ? LIFE_FULL : 0) |
           (wanted <= left ? life & LIFE_FULL : 0);
}

#endif
