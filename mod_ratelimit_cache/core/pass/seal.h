/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed messages: short messages that clients carry and bring back. Nobody who doesn't know
 * the secret can make one, change one, or use one at another site or from another network.
 *
 *     text = base64url (RFC 4648 5) of: seal (16 bytes) | message | 0 to 2 zeros
 *
 * The zeros make the bytes a multiple of three, so that the text needs no padding and each bit
 * of it counts. The seal is the SipHash-2-4-128 of the site, the message with the zeros and the
 * network. */
#ifndef RL_CORE_PASS_SEAL_H
#define RL_CORE_PASS_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../digest.h"

/* What a message is. One of one sort is never taken for one of another. */
typedef enum { RL_SEALED_PASS = 1, RL_SEALED_TOKEN = 2 } rl_sealed_e;

#define RL_SEAL_SIZE        16
#define RL_SEAL_MESSAGE_MAX 2060 /* bytes, with zeros */
#define RL_SEAL_NETWORK_MAX 17   /* bytes */

/* Returns the characters, without a NUL, of a sealed message of n bytes. */
#define RL_SEAL_TEXT_LENGTH(n) ((RL_SEAL_SIZE + (n) + 2) / 3 * 4)

/* What a seal is made with. */
typedef struct rl_seal {
    const rl_secret_t *secret;
    rl_digest_t site;                     /* where the message is worth something */
    uint8_t network[RL_SEAL_NETWORK_MAX]; /* whose it is, as rl_address_identity() has it */
    size_t network_len;                   /* 0: anybody's */
} rl_seal_t;

/* Seals the message of len bytes, and writes text and NUL. Returns the text's length,
 * RL_SEAL_TEXT_LENGTH(len). */
size_t rl_seal_write(const rl_seal_t *seal, rl_sealed_e what, const void *message, size_t len,
                     char *text);

/* Reads a text of text_len bytes. If it was sealed in the same way, copies the message, with
 * its zeros, of at most `max` bytes, sets *len and returns true; else returns false, and the
 * message has no meaning. The time it takes doesn't tell where a seal is wrong. */
bool rl_seal_read(const rl_seal_t *seal, rl_sealed_e what, const char *text, size_t text_len,
                  void *message, size_t max, size_t *len);

#endif
