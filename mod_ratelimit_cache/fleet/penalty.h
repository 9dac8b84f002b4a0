/* Penalties: a key that exceeded its limit is denied for a time, on the whole fleet. */
#ifndef RL_FLEET_PENALTY_H
#define RL_FLEET_PENALTY_H

#include "../limiter/counter.h"

/* A penalty has a cell of its own, and a counter of its own in the shared store: the moment at
 * which it ends, in microseconds. cell and key are the rule's; meter is the rule's, its
 * penalty_us greater than 0. */

/* Denies the step of a key that is under a penalty as far as this server knows. */
void rl_penalty_peek(const rl_source_t *source, const rl_digest_t *cell,
                     const rl_meter_t *meter, int64_t now, rl_step_t *step);

/* The same, but asks the shared store as well, if there is one. */
void rl_penalty_ask(const rl_source_t *source, const rl_digest_t *key, const rl_digest_t *cell,
                    const rl_meter_t *meter, int64_t now, rl_step_t *step);

/* Brings what is known here of a penalty up to what the shared store knows, one that was lifted
 * included. */
void rl_penalty_learn(const rl_source_t *source, const rl_digest_t *key,
                      const rl_digest_t *cell, const rl_meter_t *meter, int64_t now);

/* Imposes the penalty, or extends it, and brings the step's retry up to date. */
void rl_penalty_impose(const rl_source_t *source, const rl_digest_t *key,
                       const rl_digest_t *cell, const rl_meter_t *meter, int64_t now,
                       rl_step_t *step);

/* A unit has been given back: if the key is under a penalty, it was imposed for a limit that
 * was not exceeded, and is lifted. */
void rl_penalty_reconsider(const rl_source_t *source, const rl_digest_t *key,
                           const rl_digest_t *cell, const rl_meter_t *meter, int64_t now);

/* Lifts it. */
void rl_penalty_lift(const rl_source_t *source, const rl_digest_t *key, const rl_digest_t *cell,
                     const rl_meter_t *meter, int64_t now);

/* Looks, at most once a second, whether somebody else has lifted it: then it is lifted here,
 * too. */
void rl_penalty_refresh(const rl_source_t *source, const rl_digest_t *key,
                        const rl_digest_t *cell, const rl_meter_t *meter, int64_t now);

#endif
