/* The algorithms behind meter.c, one file each. */
#ifndef RL_CORE_METER_ALGORITHM_H
#define RL_CORE_METER_ALGORITHM_H

#include "meter.h"

/* Clocks. Processes read the clock a moment before they look at the words, and the clock may be
 * set back. What lies up to CLOCK_SLACK beyond what is possible now is taken for the former;
 * what lies further ahead, for the latter, and is carried over into now, so that nobody waits
 * for a clock to catch up. Beyond CLOCK_HORIZON it is no time that ever was, but noise that
 * another key left (see ledger/cell.h): nothing. */
#define CLOCK_SLACK   (10 * RL_USEC_PER_SEC)
#define CLOCK_HORIZON (400 * 86400 * RL_USEC_PER_SEC)

/* The longest life to ask for. An expiry that lies further ahead than the horizon looks as if
 * the clock had been set back since, and its cell as if it could be had by anybody. */
#define LIFE_MAX (CLOCK_HORIZON - 2 * 86400 * RL_USEC_PER_SEC)

/* The last second of 32 bits, in 2106: a bucket of many tokens that come once a month takes
 * longer to fill than any clock runs. */
#define TIME_MAX (INT64_C(4294967295) * RL_USEC_PER_SEC)

/* One algorithm: what the functions of meter.h do for it. */
typedef struct rl_meter_ops {
    void (*charge)(const rl_meter_t *, const rl_digest_t *, const uint64_t *, int64_t, uint32_t,
                   rl_step_t *);
    void (*refund)(const rl_meter_t *, const uint64_t *, uint64_t, uint32_t, int64_t,
                   rl_step_t *);
    uint64_t (*held)(const rl_meter_t *, const uint64_t *, uint64_t);
    void (*raise)(const rl_meter_t *, const rl_digest_t *, const uint64_t *, uint64_t, uint64_t,
                  rl_step_t *);
    void (*lower)(const uint64_t *, uint64_t, uint64_t, uint64_t, rl_step_t *);
    void (*clear)(const rl_meter_t *, const rl_digest_t *, const uint64_t *, int64_t,
                  rl_step_t *);
} rl_meter_ops_t;

/* held and lower of those whose word 0 is a time. */
uint64_t rl_meter_held_time(const rl_meter_t *meter, const uint64_t *words, uint64_t stamp);
void rl_meter_lower_time(const uint64_t *words, uint64_t stamp, uint64_t from, uint64_t to,
                         rl_step_t *step);

extern const rl_meter_ops_t rl_meter_window, rl_meter_bucket, rl_meter_block;

/* Sets a token bucket's shift. */
void rl_bucket_prepare(rl_meter_t *meter);

#endif
