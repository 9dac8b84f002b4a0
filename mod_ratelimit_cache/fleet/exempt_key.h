/* SPDX-License-Identifier: Apache-2.0 */
/* Exempt keys: an administrator has a key let in for a time, whatever it has used, by every
 * server of the fleet.
 *
 * An exemption is kept like a penalty (penalty.h): in a cell of its own in the ledger, and in a
 * counter of its own in the shared store, as a word of core/meter/penalty_word.h that says when
 * it ends. The operations that are passed here are those on the rule's counter, bound to the
 * source.
 */
#ifndef RL_FLEET_EXEMPT_KEY_H
#define RL_FLEET_EXEMPT_KEY_H

#include "errand.h"
#include "source.h"

#define RL_EXEMPT_MAX_US (30 * INT64_C(86400) * 1000000) /* the longest exemption */

/* Returns when the key's exemption ends, in microseconds since the epoch, as far as this server
 * knows; 0 if it is not exempt at op->now. Without any exemption on this server it costs a
 * comparison. */
int64_t rl_exempt_key_until(const rl_source_t *source, const rl_operation_t *op);

/* Exempts the key until then, in place of an earlier exemption, at most RL_EXEMPT_MAX_US from
 * op->now; op->now or earlier ends one. Tells the shared store. Returns false if it could not
 * be told: then it holds on this server alone. */
bool rl_exempt_key_set(const rl_source_t *source, const rl_operation_t *op, int64_t until);

/* Brings what this server knows of the key's exemption to what the shared store, if there is
 * one, knows. If the store has lost one that is in force here, tells it again. */
void rl_exempt_key_learn(const rl_source_t *source, const rl_operation_t *op);

/* Foresees that this is asked. */
void rl_exempt_key_foresee(const rl_operation_t *op, rl_errand_t *errand);

#endif
