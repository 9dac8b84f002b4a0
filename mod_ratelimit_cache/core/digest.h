/* SPDX-License-Identifier: Apache-2.0 */
/* Digests: the 16 bytes that stand for a key. Nothing that is handed a digest knows the names,
 * addresses and form values which went into it. */
#ifndef RL_CORE_DIGEST_H
#define RL_CORE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "siphash.h"

typedef struct rl_digest {
    uint64_t hi;
    uint64_t lo;
} rl_digest_t;

/* A SipHash key: the administrator's secret, or one that was drawn at random. */
typedef struct rl_secret {
    unsigned char key[16];
} rl_secret_t;

/* What a secret is for. Each purpose has a SipHash key of its own. */
typedef enum {
    RL_SECRET_OF_KEYS = 0,     /* hashes the keys of counters */
    RL_SECRET_OF_KNOWN = 'k',  /* seals what a known browser carries (known.h) */
    RL_SECRET_OF_DEEDS = 'd',  /* seals the tokens of the status page */
    RL_SECRET_OF_PASSES = 'c', /* seals passes and tokens of challenges (pass/seal.h) */
    RL_SECRET_OF_MUSTER = 'm', /* shows servers that theirs is the same (fleet/muster.h) */
} rl_secret_purpose_e;

/* Derives a SipHash key for the purpose from the len bytes at bytes: the first 16 bytes of the
 * SHA-1 of both. */
void rl_secret_derive(rl_secret_t *secret, rl_secret_purpose_e purpose, const void *bytes,
                      size_t len);

/* Returns the digest of a digest and bytes after it, under the secret. Two calls agree only if
 * all three are the same. */
rl_digest_t rl_digest_extend(const rl_secret_t *secret, const rl_digest_t *digest,
                             const void *bytes, size_t len);

/* Returns the digest of text that is public (a section's path, a rule's name): SHA-1 cut to 128
 * bits, so that a tenant who chooses such text can't make it collide with another tenant's. */
rl_digest_t rl_digest_public(const void *bytes, size_t len);

/* Writes a digest's tag, the short name of a key in logs and pages: the first RL_TAG_LENGTH hex
 * digits of its low half, and a NUL. */
#define RL_TAG_LENGTH 12
void rl_digest_tag(const rl_digest_t *digest, char tag[RL_TAG_LENGTH + 1]);

/* The key builder collects the parts of a key and hashes them:
 *
 *     part      = kind (1 byte) | length (1 byte) | bytes
 *     long part = kind + 128 (1 byte) | length (4 bytes, little-endian) | its digest (16 bytes)
 *
 * A part longer than RL_KEY_INLINE_MAX bytes is represented by its own keyed digest, so that
 * the buffer has a fixed size and nothing is allocated. Each length stands before its value, so
 * that no two different lists of parts have the same encoding. The heads of parts are short so
 * that an IPv4 address fits into one block of the hash.
 *
 * There are two ways to the digest. rl_key_finish() hashes scope (16 bytes) | part | part | ...
 * It makes seals: without the secret nobody can make the digest of anything, whatever other
 * digests he has.
 *
 * rl_key_counter() makes names of counters, and is quick when rules of a request have the same
 * key: it hashes the parts once, and adds the hashed scope by exclusive or. Two counters are
 * one only if hashes of two lists of parts differ just as those of two scopes do, a chance of
 * 1 in 2^128 for each pair. Whoever chooses parts can't better it without the secret, not even
 * with tags of counters at hand. But it makes no seals: the digests of a and b in one scope and
 * of a in another tell that of b there. */
#define RL_KEY_PARTS_MAX  16
#define RL_KEY_INLINE_MAX 40
#define RL_KEY_PART_MAX   (2 + RL_KEY_INLINE_MAX)

/* A scope, hashed. */
typedef struct rl_scope {
    rl_siphash_t hash;    /* the state with which what rl_key_finish() hashes begins */
    rl_digest_t counters; /* what rl_key_counter() adds */
} rl_scope_t;

typedef struct rl_key_builder {
    const rl_secret_t *secret;
    rl_scope_t scope;
    rl_digest_t hashed; /* the parts, if is_hashed */
    bool is_hashed;
    size_t len; /* bytes of the parts; zeros follow, a block of the hash long */
    unsigned char bytes[RL_KEY_PARTS_MAX * RL_KEY_PART_MAX + RL_SIPHASH_BLOCK];
} rl_key_builder_t;

/* Makes the scope that this id names, with the secret. */
void rl_scope_make(rl_scope_t *scope, const rl_secret_t *secret, const rl_digest_t *id);

/* Begins a key without parts, in this scope. The secret must be the one that the scope was made
 * with, and must outlive the key. */
void rl_key_begin_in(rl_key_builder_t *key, const rl_secret_t *secret, const rl_scope_t *scope);

/* Begins a key without parts in the scope that this id names, for rl_key_finish() only. */
void rl_key_begin(rl_key_builder_t *key, const rl_secret_t *secret, const rl_digest_t *id);

/* Moves the key, with the parts it has, into another scope made with the same secret. */
void rl_key_rescope(rl_key_builder_t *key, const rl_scope_t *scope);

/* Adds a part; len may be 0. The kind, 0 to 127, tells parts apart that have the same bytes,
 * such as a missing value and an empty one. There is room for RL_KEY_PARTS_MAX parts; a part
 * that does not fit is a programming error and is ignored. */
void rl_key_add(rl_key_builder_t *key, unsigned kind, const void *bytes, size_t len);

/* Does the same for a part of at most RL_KEY_PADDED bytes, as an address is, that is followed
 * by zeros. It copies all of them, so that nothing depends on the length. */
#define RL_KEY_PADDED 24
static inline void
rl_key_add_padded(rl_key_builder_t *key, unsigned kind,
                  const unsigned char bytes[RL_KEY_PADDED + RL_SIPHASH_BLOCK], size_t len)
{
    unsigned char *at = key->bytes + key->len;
    key->is_hashed = false;
    if (sizeof(key->bytes) - key->len >= RL_KEY_PART_MAX + RL_SIPHASH_BLOCK) {
        at[0] = (unsigned char)(kind & 0x7f);
        at[1] = (unsigned char)len;
        memcpy(at + 2, bytes, RL_KEY_PADDED + RL_SIPHASH_BLOCK);
        key->len += 2 + len;
    }
}

/* A part that was added to a key. */
typedef struct rl_key_added {
    unsigned kind;
    const unsigned char *bytes; /* len of them; NULL: only their digest is kept */
    size_t len;
} rl_key_added_t;

/* Reads the part at *at, 0 for the first, and moves *at to the next. Returns false after the
 * last. */
bool rl_key_next(const rl_key_builder_t *key, size_t *at, rl_key_added_t *added);

/* Returns the key's digest: SipHash-2-4-128 of scope and parts. */
rl_digest_t rl_key_finish(const rl_key_builder_t *key);

/* Hashes the key's parts: for rl_key_counter(). */
void rl_key_hash(rl_key_builder_t *key);

/* Returns the digest that names the key's counter in its scope, another one than
 * rl_key_finish() returns. For a key that was begun in a scope, or moved into one. */
static inline rl_digest_t rl_key_counter(rl_key_builder_t *key)
{
    const rl_digest_t *scope = &key->scope.counters;
    if (!key->is_hashed) {
        rl_key_hash(key);
    }
    return (rl_digest_t){.hi = key->hashed.hi ^ scope->hi, .lo = key->hashed.lo ^ scope->lo};
}

#endif
