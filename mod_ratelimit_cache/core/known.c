/* SPDX-License-Identifier: Apache-2.0 */
#include "known.h"

#include <apr_base64.h>
#include <string.h>

#include "bytes.h"

#define EXPIRES_SIZE 6
#define SEAL_SIZE    16
#define ENTRY_SIZE   (RL_KNOWN_NONCE_SIZE + EXPIRES_SIZE + SEAL_SIZE)

_Static_assert(ENTRY_SIZE * 4 == RL_KNOWN_ENTRY_LENGTH * 3, "base64 without padding");

/* ---- bytes ---- */

static void entry_pack(const rl_known_entry_t *entry, unsigned char bytes[ENTRY_SIZE])
{
    memcpy(bytes, entry->nonce, RL_KNOWN_NONCE_SIZE);
    bytes += RL_KNOWN_NONCE_SIZE;
    rl_bytes_put(bytes, EXPIRES_SIZE, (uint64_t)entry->expires);
    bytes += EXPIRES_SIZE;
    rl_bytes_put(bytes, SEAL_SIZE / 2, entry->seal.hi);
    rl_bytes_put(bytes + SEAL_SIZE / 2, SEAL_SIZE / 2, entry->seal.lo);
}

static void entry_unpack(const unsigned char bytes[ENTRY_SIZE], rl_known_entry_t *entry)
{
    memcpy(entry->nonce, bytes, RL_KNOWN_NONCE_SIZE);
    bytes += RL_KNOWN_NONCE_SIZE;
    entry->expires = (int64_t)rl_bytes_get(bytes, EXPIRES_SIZE);
    bytes += EXPIRES_SIZE;
    entry->seal.hi = rl_bytes_get(bytes, SEAL_SIZE / 2);
    entry->seal.lo = rl_bytes_get(bytes + SEAL_SIZE / 2, SEAL_SIZE / 2);
}

/* ---- seals ---- */

static rl_digest_t entry_seal(const rl_known_entry_t *entry, const rl_secret_t *secret,
                              const rl_digest_t *account)
{
    unsigned char expires[sizeof(uint64_t)];
    rl_key_builder_t builder;
    rl_bytes_put(expires, sizeof(expires), (uint64_t)entry->expires);
    rl_key_begin(&builder, secret, account);
    rl_key_add(&builder, 0, entry->nonce, sizeof(entry->nonce));
    rl_key_add(&builder, 0, expires, sizeof(expires));
    return rl_key_finish(&builder);
}

/* Takes the same time wherever the two differ. */
static bool is_same_seal(const rl_digest_t *a, const rl_digest_t *b)
{
    return ((a->hi ^ b->hi) | (a->lo ^ b->lo)) == 0;
}

const rl_known_entry_t *rl_known_find(const rl_known_t *known, const rl_secret_t *secret,
                                      const rl_digest_t *account, int64_t now_s)
{
    for (int i = 0; i < known->n; i++) {
        const rl_known_entry_t *entry = &known->entries[i];
        const rl_digest_t seal = entry_seal(entry, secret, account);
        if (is_same_seal(&entry->seal, &seal) && entry->expires > now_s) {
            return entry;
        }
    }
    return NULL;
}

void rl_known_seal(rl_known_entry_t *entry, const rl_secret_t *secret,
                   const rl_digest_t *account)
{
    entry->seal = entry_seal(entry, secret, account);
}

/* ---- text ---- */

/* Returns false if the text isn't an entry. */
static bool read_entry(const char *text, rl_known_entry_t *entry)
{
    char copy[RL_KNOWN_ENTRY_LENGTH + 1];
    unsigned char bytes[ENTRY_SIZE];
    memcpy(copy, text, RL_KNOWN_ENTRY_LENGTH);
    copy[RL_KNOWN_ENTRY_LENGTH] = '\0';
    /* The decoder stops at what is no character of base64. */
    if (apr_base64_decode_binary(bytes, copy) != ENTRY_SIZE) {
        return false;
    }
    entry_unpack(bytes, entry);
    return true;
}

void rl_known_read(rl_known_t *known, const char *text, size_t len)
{
    while (len >= RL_KNOWN_ENTRY_LENGTH && known->n < RL_KNOWN_READ_MAX &&
           read_entry(text, &known->entries[known->n])) {
        known->n++;
        text += RL_KNOWN_ENTRY_LENGTH;
        len -= RL_KNOWN_ENTRY_LENGTH;
    }
}

void rl_known_write(const rl_known_t *known, char text[RL_KNOWN_TEXT_MAX])
{
    unsigned char bytes[RL_KNOWN_ENTRIES_MAX * ENTRY_SIZE];
    const int n = known->n < RL_KNOWN_ENTRIES_MAX ? known->n : RL_KNOWN_ENTRIES_MAX;
    for (int i = 0; i < n; i++) {
        entry_pack(&known->entries[i], bytes + i * ENTRY_SIZE);
    }
    apr_base64_encode_binary(text, bytes, n * ENTRY_SIZE);
}

/* ---- the list ---- */

void rl_known_put(rl_known_t *known, const rl_known_entry_t *entry, int64_t now_s)
{
    rl_known_t put = {.n = 1, .entries = {*entry}};
    for (int i = 0; i < known->n && put.n < RL_KNOWN_ENTRIES_MAX; i++) {
        const rl_known_entry_t *other = &known->entries[i];
        if (other->expires > now_s && other->expires - now_s <= RL_KNOWN_LAST_MAX &&
            memcmp(other->nonce, entry->nonce, sizeof(entry->nonce)) != 0) {
            put.entries[put.n++] = *other;
        }
    }
    *known = put;
}

int64_t rl_known_expires(const rl_known_t *known)
{
    int64_t last = 0;
    for (int i = 0; i < known->n; i++) {
        last = known->entries[i].expires > last ? known->entries[i].expires : last;
    }
    return last;
}
