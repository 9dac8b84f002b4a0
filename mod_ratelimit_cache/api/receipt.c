/* SPDX-License-Identifier: Apache-2.0 */
#include "receipt.h"

#include <string.h>

/* A receipt comes back from another module's code, perhaps after a reload, perhaps from memory
 * that was overwritten. Its contents index tables and address counters. So it carries a digest
 * of itself, keyed with the secret, and nothing in it is used before that is found right.
 *
 *     key | stamp | seal | meter | units | layout | marker's key | rule | holds | shared |
 *     zero
 */
typedef struct rl_receipt {
    rl_digest_t key;
    uint64_t stamp;   /* names what was charged (rl_step_t) */
    rl_digest_t seal; /* digest of the whole receipt, with the seal as zero */
    rl_meter_t meter;
    uint32_t units;
    uint32_t layout; /* LAYOUT */
    rl_digest_t marker;
    uint8_t rule;   /* its number */
    uint8_t holds;  /* rl_holds_e */
    uint8_t shared; /* the marker is in the shared store */
} rl_receipt_t;

_Static_assert(sizeof(rl_receipt_t) <= sizeof(ratelimit_receipt_t), "a receipt has room");

#define LAYOUT    3
#define SEAL_PART 0x52 /* a kind of part that no counter's key has */

static rl_digest_t seal_of(rl_receipt_t receipt, const rl_secret_t *secret,
                           const rl_digest_t *salt)
{
    rl_key_builder_t builder;
    receipt.seal = (rl_digest_t){.hi = 0};
    rl_key_begin(&builder, secret, salt);
    rl_key_add(&builder, SEAL_PART, &receipt, sizeof(receipt));
    return rl_key_finish(&builder);
}

void rl_receipt_write(const rl_claim_t *claim, const rl_secret_t *secret,
                      const rl_digest_t *salt, ratelimit_receipt_t *receipt)
{
    rl_receipt_t written;
    memset(receipt, 0, sizeof(*receipt));
    if (!claim->charged) {
        return;
    }
    memset(&written, 0, sizeof(written));
    written.key = claim->op.key;
    written.stamp = claim->step.stamp;
    written.meter = claim->op.meter;
    written.units = claim->op.cost;
    written.rule = claim->op.rule;
    written.layout = LAYOUT;
    written.holds = (uint8_t)claim->distinct.holds;
    if (claim->distinct.holds == RL_HOLDS_MARKER) {
        written.marker = claim->distinct.marker.key;
        written.shared = claim->distinct.marker.shared;
    }
    written.seal = seal_of(written, secret, salt);
    memcpy(receipt, &written, sizeof(written));
}

bool rl_receipt_read(const ratelimit_receipt_t *receipt, const rl_secret_t *secret,
                     const rl_digest_t *salt, rl_claim_t *claim)
{
    rl_receipt_t read;
    rl_digest_t seal;
    memcpy(&read, receipt, sizeof(read));
    seal = seal_of(read, secret, salt);
    if (read.layout != LAYOUT || memcmp(&seal, &read.seal, sizeof(seal)) != 0) {
        return false;
    }
    *claim = (rl_claim_t){
        .op = {.key = read.key, .meter = read.meter, .cost = read.units, .rule = read.rule},
        .charged = true};
    claim->step.stamp = read.stamp;
    claim->distinct.holds = (rl_holds_e)read.holds;
    claim->distinct.marker = (rl_marker_t){.key = read.marker,
                                           .window = (uint32_t)read.stamp,
                                           .rule = read.rule,
                                           .shared = read.shared != 0};
    return true;
}

bool rl_receipt_is_void(const ratelimit_receipt_t *receipt)
{
    static const ratelimit_receipt_t nothing;
    return memcmp(receipt, &nothing, sizeof(nothing)) == 0;
}
