/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: what a charge took, kept by another module until it refunds it. */
#ifndef RL_API_RECEIPT_H
#define RL_API_RECEIPT_H

#include <stdbool.h>

#include "../limiter/limiter.h"
#include "../mod_ratelimit_cache.h"

/* Writes a receipt for what the claim was charged, sealed with the secret and the store's salt;
 * all zero if nothing was charged. */
void rl_receipt_write(const rl_claim_t *claim, const rl_secret_t *secret,
                      const rl_digest_t *salt, ratelimit_receipt_t *receipt);

/* Reads a receipt into a claim that can be refunded. Returns false for anything that
 * rl_receipt_write() has not written with this secret and salt; *claim is unchanged then. */
bool rl_receipt_read(const ratelimit_receipt_t *receipt, const rl_secret_t *secret,
                     const rl_digest_t *salt, rl_claim_t *claim);

/* Returns true if the receipt is all zero: nothing was charged. */
bool rl_receipt_is_void(const ratelimit_receipt_t *receipt);

#endif
