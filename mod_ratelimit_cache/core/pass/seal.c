/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"

#include <apr_base64.h>
#include <string.h>

#include "../bytes.h"

#define BYTES_MAX (RL_SEAL_SIZE + RL_SEAL_MESSAGE_MAX)
#define TEXT_MAX  (BYTES_MAX / 3 * 4 + 1)

_Static_assert(BYTES_MAX % 3 == 0, "base64 without padding");

static rl_digest_t message_seal(const rl_seal_t *seal, rl_sealed_e what, const void *message,
                                size_t len)
{
    rl_key_builder_t builder;
    rl_key_begin(&builder, seal->secret, &seal->site);
    rl_key_add(&builder, what, message, len);
    rl_key_add(&builder, 0, seal->network, seal->network_len);
    return rl_key_finish(&builder);
}

/* ---- text ---- */

/* Returns a character of base64url as base64 has it; '=', which ends a text, for those that
 * only base64 has. */
static char plain_character(char c)
{
    switch (c) {
    case '-':
        return '+';
    case '_':
        return '/';
    case '+':
    case '/':
        return '=';
    default:
        return c;
    }
}

/* Writes len bytes, a multiple of three, as text, and a NUL. Returns the text's length. */
static size_t write_base64url(const unsigned char *bytes, size_t len, char *text)
{
    const size_t text_len = len / 3 * 4;
    apr_base64_encode_binary(text, bytes, (int)len);
    for (size_t i = 0; i < text_len; i++) {
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }
    return text_len;
}

/* Reads what write_base64url() has written. Returns how many bytes, at most BYTES_MAX; 0 for
 * any other text: the decoder stops at what is no character of base64. */
static size_t read_base64url(const char *text, size_t text_len, unsigned char bytes[BYTES_MAX])
{
    char plain[TEXT_MAX];
    const size_t len = text_len / 4 * 3;
    if (text_len % 4 != 0 || len > BYTES_MAX) {
        return 0;
    }
    for (size_t i = 0; i < text_len; i++) {
        plain[i] = plain_character(text[i]);
    }
    plain[text_len] = '\0';
    return apr_base64_decode_binary(bytes, plain) == (int)len ? len : 0;
}

/* ---- sealing ---- */

size_t rl_seal_write(const rl_seal_t *seal, rl_sealed_e what, const void *message, size_t len,
                     char *text)
{
    unsigned char bytes[BYTES_MAX];
    const size_t size = (RL_SEAL_SIZE + len + 2) / 3 * 3;
    rl_digest_t digest;
    memcpy(bytes + RL_SEAL_SIZE, message, len);
    memset(bytes + RL_SEAL_SIZE + len, 0, size - RL_SEAL_SIZE - len);
    digest = message_seal(seal, what, bytes + RL_SEAL_SIZE, size - RL_SEAL_SIZE);
    rl_bytes_put(bytes, RL_SEAL_SIZE / 2, digest.hi);
    rl_bytes_put(bytes + RL_SEAL_SIZE / 2, RL_SEAL_SIZE / 2, digest.lo);
    return write_base64url(bytes, size, text);
}

/* Takes the same time wherever the two differ. */
static bool is_sealed_with(const unsigned char bytes[RL_SEAL_SIZE], const rl_digest_t *digest)
{
    const uint64_t hi = rl_bytes_get(bytes, RL_SEAL_SIZE / 2);
    const uint64_t lo = rl_bytes_get(bytes + RL_SEAL_SIZE / 2, RL_SEAL_SIZE / 2);
    return ((hi ^ digest->hi) | (lo ^ digest->lo)) == 0;
}

bool rl_seal_read(const rl_seal_t *seal, rl_sealed_e what, const char *text, size_t text_len,
                  void *message, size_t max, size_t *len)
{
    unsigned char bytes[BYTES_MAX];
    const size_t size = read_base64url(text, text_len, bytes);
    rl_digest_t digest;
    if (size < RL_SEAL_SIZE || size - RL_SEAL_SIZE > max) {
        return false;
    }
    *len = size - RL_SEAL_SIZE;
    memcpy(message, bytes + RL_SEAL_SIZE, *len);
    digest = message_seal(seal, what, message, *len);
    return is_sealed_with(bytes, &digest);
}
