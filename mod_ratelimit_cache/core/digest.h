/* Digests: what a counter is filed under. Past this point no name, address or form value is
 * known any more, only 16 bytes. */
#ifndef RL_CORE_DIGEST_H
#define RL_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "siphash.h"

typedef struct rl_digest {
    uint64_t hi;
    uint64_t lo;
} rl_digest_t;

/* A SipHash key, derived from an administrator's text or from random bytes. */
typedef struct rl_secret {
    unsigned char key[16];
} rl_secret_t;

void rl_secret_derive(rl_secret_t *secret, const void *bytes, size_t len);

/* The digest of text that is public (a section's path, a rule's name): SHA-1 cut to 128 bits,
 * so that a tenant who writes such text can't aim at another's identity. */
rl_digest_t rl_digest_public(const void *bytes, size_t len);

/* A key's short name in logs and pages: its first RL_TAG_LENGTH hex digits, NUL-terminated. */
#define RL_TAG_LENGTH 12
void rl_digest_tag(const rl_digest_t *digest, char tag[RL_TAG_LENGTH + 1]);

/* Collects the parts of a key and hashes them.
 *
 *     scope (16 bytes) | part | part | ...
 *     part      = kind (1 byte) | length (1 byte) | bytes
 *     long part = kind + 128 (1 byte) | length (4 bytes, little-endian) | its digest (16 bytes)
 *
 * A part longer than RL_KEY_INLINE bytes is represented by its own keyed digest, so that the
 * buffer has a fixed size and nothing is allocated. Lengths go in before values: no two
 * different lists of parts have one encoding. Heads are short so that an IPv4 address fits into
 * one block of the hash. */
#define RL_KEY_PARTS_MAX 16
#define RL_KEY_INLINE    40
#define RL_KEY_PART_MAX  (2 + RL_KEY_INLINE)

/* The hash when it has taken a scope, which is the same for many keys. */
typedef struct rl_scope {
    rl_siphash_t hash;
} rl_scope_t;

typedef struct rl_key_builder {
    const rl_secret_t *secret;
    rl_scope_t prefix;
    size_t len; /* of the parts; zeros follow for as long as a block of the hash */
    unsigned char bytes[RL_KEY_PARTS_MAX * RL_KEY_PART_MAX + RL_SIPHASH_BLOCK];
} rl_key_builder_t;

void rl_scope_make(rl_scope_t *prefix, const rl_secret_t *secret, const rl_digest_t *scope);

/* Begins a key in the scope that the prefix was made of, with this secret. */
void rl_key_begin_at(rl_key_builder_t *key, const rl_secret_t *secret,
                     const rl_scope_t *prefix);

/* Both at once. */
void rl_key_begin(rl_key_builder_t *key, const rl_secret_t *secret, const rl_digest_t *scope);

/* Puts what was added into another scope, under the same secret. */
void rl_key_rescope(rl_key_builder_t *key, const rl_scope_t *prefix);

/* Adds a part; kind is 0 to 127 and tells parts without a value from empty ones, and the like.
 * At most RL_KEY_PARTS_MAX parts; more are a programming error and are ignored. */
void rl_key_add(rl_key_builder_t *key, unsigned kind, const void *bytes, size_t len);

/* SipHash-2-4-128 of all that was taken. */
rl_digest_t rl_key_finish(const rl_key_builder_t *key);

#endif
