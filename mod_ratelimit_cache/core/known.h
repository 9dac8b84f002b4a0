/* SPDX-License-Identifier: Apache-2.0 */
/* Known browsers: what a browser carries to show that somebody has logged in to an account with
 * it. The browser keeps an entry for each account, the newest first, in one cookie:
 *
 *     cookie value = entry | entry | ...
 *     entry        = base64 of: nonce (8 bytes) | expiry (6, little-endian) | seal (16)
 *
 * The expiry is in seconds since the epoch. The seal is the SipHash-2-4-128 of account, nonce
 * and expiry under a secret: nobody else can make an entry, or tell what account it is for. */
#ifndef RL_CORE_KNOWN_H
#define RL_CORE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"

#define RL_KNOWN_NONCE_SIZE   8
#define RL_KNOWN_LAST_MAX     (31 * 24 * 3600) /* seconds; a clock may be a day off */
#define RL_KNOWN_ENTRIES_MAX  8                /* that a browser is given */
#define RL_KNOWN_READ_MAX     16 /* that are read from one, which may have several cookies */
#define RL_KNOWN_ENTRY_LENGTH 40 /* characters */
#define RL_KNOWN_TEXT_MAX     (RL_KNOWN_ENTRIES_MAX * RL_KNOWN_ENTRY_LENGTH + 1) /* with a NUL */

typedef struct rl_known_entry {
    unsigned char nonce[RL_KNOWN_NONCE_SIZE]; /* random; names the browser's counters */
    int64_t expires;                          /* seconds since the epoch */
    rl_digest_t seal;
} rl_known_entry_t;

/* The entries of one browser, the newest first. */
typedef struct rl_known {
    int n;
    rl_known_entry_t entries[RL_KNOWN_READ_MAX];
} rl_known_t;

/* Adds the entries in the text to those that were read before. Stops at what is no entry, and
 * when RL_KNOWN_READ_MAX were read. Says nothing of their seals. */
void rl_known_read(rl_known_t *known, const char *text, size_t len);

/* Returns the entry that is good for the account: its seal was made with this secret for the
 * same account, and it expires after now_s, in seconds since the epoch. NULL: there is none.
 * The seals are compared in constant time. */
const rl_known_entry_t *rl_known_find(const rl_known_t *known, const rl_secret_t *secret,
                                      const rl_digest_t *account, int64_t now_s);

/* Sets the entry's seal, for this account. */
void rl_known_seal(rl_known_entry_t *entry, const rl_secret_t *secret,
                   const rl_digest_t *account);

/* Puts the entry before all others, in place of one of the same nonce. Drops those that have
 * expired at now_s or claim to last longer than any can, and the oldest of more than
 * RL_KNOWN_ENTRIES_MAX. */
void rl_known_put(rl_known_t *known, const rl_known_entry_t *entry, int64_t now_s);

/* Writes the entries, at most RL_KNOWN_ENTRIES_MAX, and a NUL. */
void rl_known_write(const rl_known_t *known, char text[RL_KNOWN_TEXT_MAX]);

/* Returns when the last of the entries expires, in seconds since the epoch; 0 without any. */
int64_t rl_known_expires(const rl_known_t *known);

#endif
