#include "digest.h"

#include <string.h>

#include <apr_sha1.h>
#include <apr_siphash.h>

static const char hex_digits[] = "0123456789abcdef";

/* SHA-1 of a one-byte label and the bytes, so that one secret yields several keys. */
static void labelled_sha1(unsigned char digest[APR_SHA1_DIGESTSIZE], unsigned char label,
                          const void *bytes, size_t len)
{
    apr_sha1_ctx_t sha1;
    apr_sha1_init(&sha1);
    apr_sha1_update_binary(&sha1, &label, 1);
    apr_sha1_update_binary(&sha1, bytes, (unsigned int)len);
    apr_sha1_final(digest, &sha1);
}

void rl_secret_derive(rl_secret_t *secret, const void *bytes, size_t len)
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    for (unsigned char i = 0; i < 2; i++) {
        labelled_sha1(digest, i, bytes, len);
        memcpy(secret->key[i], digest, sizeof(secret->key[i]));
    }
}

rl_digest_t rl_digest_public(const void *bytes, size_t len)
{
    unsigned char sha1[APR_SHA1_DIGESTSIZE];
    rl_digest_t digest;
    labelled_sha1(sha1, 'p', bytes, len);
    memcpy(&digest, sha1, sizeof(digest));
    return digest;
}

void rl_digest_tag(const rl_digest_t *digest, char tag[RL_TAG_LENGTH + 1])
{
    uint64_t bits = digest->lo;
    for (int i = 0; i < RL_TAG_LENGTH; i++, bits <<= 4) {
        tag[i] = hex_digits[bits >> 60];
    }
    tag[RL_TAG_LENGTH] = '\0';
}

static rl_digest_t keyed(const rl_secret_t *secret, const void *bytes, size_t len)
{
    return (rl_digest_t){.hi = apr_siphash24(bytes, len, secret->key[0]),
                         .lo = apr_siphash24(bytes, len, secret->key[1])};
}

void rl_key_begin(rl_key_builder_t *key, const rl_secret_t *secret, const rl_digest_t *scope)
{
    key->secret = secret;
    key->len = sizeof(*scope);
    memcpy(key->bytes, scope, sizeof(*scope));
}

void rl_key_add(rl_key_builder_t *key, unsigned kind, const void *bytes, size_t len)
{
    unsigned char *at = key->bytes + key->len;
    rl_digest_t digest;
    if (sizeof(key->bytes) - key->len < 5 + RL_KEY_INLINE) {
        return;
    }
    at[0] = (unsigned char)(kind & 0x7f);
    for (unsigned i = 0; i < 4; i++) {
        at[1 + i] = (unsigned char)(len >> (8 * i));
    }
    if (len > RL_KEY_INLINE) {
        at[0] |= 0x80;
        digest = keyed(key->secret, bytes, len);
        bytes = &digest;
        len = sizeof(digest);
    }
    if (len > 0) {
        memcpy(at + 5, bytes, len);
    }
    key->len += 5 + len;
}

rl_digest_t rl_key_finish(const rl_key_builder_t *key)
{
    return keyed(key->secret, key->bytes, key->len);
}
