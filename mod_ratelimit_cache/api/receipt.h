/* Receipts: what a charge took, in the hands of another module. */
#ifndef RL_API_RECEIPT_H
#define RL_API_RECEIPT_H

#include <stdbool.h>

#include "../limiter/limiter.h"
#include "../mod_ratelimit_cache.h"

/* Writes what the claim was charged, sealed with the secret and the store's salt; all zero when
 * it was charged nothing. */
void rl_receipt_write(const rl_claim_t *claim, const rl_secret_t *secret,
                      const rl_digest_t *salt, ratelimit_receipt_t *receipt);

/* Reads it back into a claim that can be refunded. False for anything that was not written with
 * this secret and salt. */
bool rl_receipt_read(const ratelimit_receipt_t *receipt, const rl_secret_t *secret,
                     const rl_digest_t *salt, rl_claim_t *claim);

/* Whether it says that nothing was taken. */
bool rl_receipt_is_void(const ratelimit_receipt_t *receipt);

#endif
