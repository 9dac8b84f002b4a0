/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include <string.h>

#include <apr_sha1.h>

#include "hot.h"

/* Computes the SHA-1 of a one-byte label and the bytes. Each purpose has its label, so that
 * what is derived from a text for one purpose tells nothing about what is derived for another.
 */
static void labelled_sha1(unsigned char digest[APR_SHA1_DIGESTSIZE], unsigned char label,
                          const void *bytes, size_t len)
{
    apr_sha1_ctx_t sha1;
    apr_sha1_init(&sha1);
    apr_sha1_update_binary(&sha1, &label, 1);
    apr_sha1_update_binary(&sha1, bytes, (unsigned int)len);
    apr_sha1_final(digest, &sha1);
}

void rl_secret_derive(rl_secret_t *secret, rl_secret_purpose_e purpose, const void *bytes,
                      size_t len)
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    labelled_sha1(digest, (unsigned char)purpose, bytes, len);
    memcpy(secret->key, digest, sizeof(secret->key));
}

rl_digest_t rl_digest_public(const void *bytes, size_t len)
{
    unsigned char sha1[APR_SHA1_DIGESTSIZE];
    rl_digest_t digest;
    labelled_sha1(sha1, 'p', bytes, len);
    memcpy(&digest, sha1, sizeof(digest));
    return digest;
}

/* Writes eight hex digits at once, because every request needs some: spreads the nibbles over
 * the bytes of a word, and moves those above 9 on to the letters. */
static void write_hex(uint32_t bits, char text[8])
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t x = bits;
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x += '0' * ones + ('a' - '0' - 10) * ((x + 6 * ones) >> 4 & ones);
    /* one by one: compilers make a single store of these */
    text[0] = (char)(x >> 56);
    text[1] = (char)(x >> 48);
    text[2] = (char)(x >> 40);
    text[3] = (char)(x >> 32);
    text[4] = (char)(x >> 24);
    text[5] = (char)(x >> 16);
    text[6] = (char)(x >> 8);
    text[7] = (char)x;
}

void rl_digest_tag(const rl_digest_t *digest, char tag[RL_TAG_LENGTH + 1])
{
    char digits[16];
    write_hex((uint32_t)(digest->lo >> 32), digits);
    write_hex((uint32_t)digest->lo, digits + 8);
    memcpy(tag, digits, RL_TAG_LENGTH);
    tag[RL_TAG_LENGTH] = '\0';
}

static inline rl_digest_t siphash_digest(rl_siphash_t *hash, uint64_t last, size_t len)
{
    uint64_t value[2];
    rl_siphash_end(hash, last | (uint64_t)len << 56, value);
    return (rl_digest_t){.hi = value[0], .lo = value[1]};
}

static rl_digest_t keyed(const rl_secret_t *secret, const unsigned char *bytes, size_t len)
{
    unsigned char last[RL_SIPHASH_BLOCK] = {0};
    rl_siphash_t hash;
    size_t at = 0;
    rl_siphash_begin(&hash, secret->key);
    for (; len - at >= RL_SIPHASH_BLOCK; at += RL_SIPHASH_BLOCK) {
        rl_siphash_block(&hash, rl_siphash_load(bytes + at));
    }
    memcpy(last, bytes + at, len - at);
    return siphash_digest(&hash, rl_siphash_load(last), len);
}

/* No list of parts begins like this: a part's head would be 127 + 128, and its length 2^32-1.
 */
#define SCOPE_OF_COUNTERS UINT64_MAX

static void hash_id(rl_siphash_t *hash, const rl_digest_t *id)
{
    unsigned char bytes[sizeof(*id)];
    memcpy(bytes, id, sizeof(bytes));
    rl_siphash_block(hash, rl_siphash_load(bytes));
    rl_siphash_block(hash, rl_siphash_load(bytes + RL_SIPHASH_BLOCK));
}

static rl_siphash_t hash_of_id(const rl_secret_t *secret, const rl_digest_t *id)
{
    rl_siphash_t hash;
    rl_siphash_begin(&hash, secret->key);
    hash_id(&hash, id);
    return hash;
}

void rl_scope_make(rl_scope_t *scope, const rl_secret_t *secret, const rl_digest_t *id)
{
    rl_siphash_t hash;
    rl_siphash_begin(&hash, secret->key);
    rl_siphash_block(&hash, SCOPE_OF_COUNTERS);
    hash_id(&hash, id);
    scope->hash = hash_of_id(secret, id);
    scope->counters = siphash_digest(&hash, 0, RL_SIPHASH_BLOCK + sizeof(*id));
}

static inline void begin_without_parts(rl_key_builder_t *key, const rl_secret_t *secret)
{
    key->secret = secret;
    key->is_hashed = false;
    key->len = 0;
    memset(key->bytes, 0, RL_SIPHASH_BLOCK);
}

void rl_key_begin_in(rl_key_builder_t *key, const rl_secret_t *secret, const rl_scope_t *scope)
{
    key->scope = *scope;
    begin_without_parts(key, secret);
}

void rl_key_begin(rl_key_builder_t *key, const rl_secret_t *secret, const rl_digest_t *id)
{
    key->scope.hash = hash_of_id(secret, id);
    begin_without_parts(key, secret);
}

void rl_key_rescope(rl_key_builder_t *key, const rl_scope_t *scope)
{
    key->scope = *scope;
}

/* Writes the head and the bytes of a part, and zeros after them. Returns the part's length. */
static size_t write_part(unsigned char *at, unsigned kind, const void *bytes, size_t len)
{
    at[0] = (unsigned char)kind;
    at[1] = (unsigned char)len;
    if (len > 0) {
        memcpy(at + 2, bytes, len);
    }
    memset(at + 2 + len, 0, RL_SIPHASH_BLOCK);
    return 2 + len;
}

static size_t write_long_part(unsigned char *at, unsigned kind, const rl_digest_t *digest,
                              size_t len)
{
    at[0] = (unsigned char)(kind | 0x80);
    for (unsigned i = 0; i < 4; i++) {
        at[1 + i] = (unsigned char)(len >> (8 * i));
    }
    memcpy(at + 5, digest, sizeof(*digest));
    memset(at + 5 + sizeof(*digest), 0, RL_SIPHASH_BLOCK);
    return 5 + sizeof(*digest);
}

void rl_key_add(rl_key_builder_t *key, unsigned kind, const void *bytes, size_t len)
{
    unsigned char *at = key->bytes + key->len;
    rl_digest_t digest;
    key->is_hashed = false;
    if (sizeof(key->bytes) - key->len < RL_KEY_PART_MAX + RL_SIPHASH_BLOCK) {
        return;
    }
    if (len <= RL_KEY_INLINE_MAX) {
        key->len += write_part(at, kind & 0x7f, bytes, len);
        return;
    }
    digest = keyed(key->secret, bytes, len);
    key->len += write_long_part(at, kind & 0x7f, &digest, len);
}

bool rl_key_next(const rl_key_builder_t *key, size_t *at, rl_key_added_t *added)
{
    const unsigned char *part = key->bytes + *at;
    if (*at >= key->len) {
        return false;
    }
    *added = (rl_key_added_t){.kind = part[0] & 0x7f, .bytes = part + 2, .len = part[1]};
    if ((part[0] & 0x80) == 0) {
        *at += 2 + added->len;
        return true;
    }
    added->bytes = NULL;
    added->len = 0;
    for (unsigned i = 0; i < 4; i++) {
        added->len |= (size_t)part[1 + i] << (8 * i);
    }
    *at += 5 + sizeof(rl_digest_t);
    return true;
}

/* Hashes the parts after what the hash has, which is `len` bytes. */
static inline rl_digest_t hash_parts(rl_siphash_t *hash, size_t len,
                                     const rl_key_builder_t *key)
{
    const unsigned char *at = key->bytes;
    const unsigned char *last = at + key->len / RL_SIPHASH_BLOCK * RL_SIPHASH_BLOCK;
    for (; at < last; at += RL_SIPHASH_BLOCK) {
        rl_siphash_block(hash, rl_siphash_load(at));
    }
    return siphash_digest(hash, rl_siphash_load(last), len + key->len);
}

rl_digest_t rl_key_finish(const rl_key_builder_t *key)
{
    rl_siphash_t hash = key->scope.hash;
    return hash_parts(&hash, sizeof(rl_digest_t), key);
}

RL_EACH_REQUEST void rl_key_hash(rl_key_builder_t *key)
{
    rl_siphash_t hash;
    rl_siphash_begin(&hash, key->secret->key);
    key->hashed = hash_parts(&hash, 0, key);
    key->is_hashed = true;
}

rl_digest_t rl_digest_extend(const rl_secret_t *secret, const rl_digest_t *digest,
                             const void *bytes, size_t len)
{
    rl_key_builder_t builder;
    rl_key_begin(&builder, secret, digest);
    rl_key_add(&builder, 0, bytes, len);
    return rl_key_finish(&builder);
}
