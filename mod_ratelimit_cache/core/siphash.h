/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 with 128 bits of output: a keyed hash whose values nobody can foresee or make
 * collide without the key. (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012;
 * the 128-bit variant is that of their reference code.)
 *
 * A message is hashed in blocks of eight bytes, little-endian. The state between blocks may be
 * copied, so that a beginning which many messages share is hashed once. The last block holds
 * the 0 to 7 bytes that are left and, in its top byte, the length of the whole message modulo
 * 256. */
#ifndef RL_CORE_SIPHASH_H
#define RL_CORE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct rl_siphash {
    uint64_t v0, v1, v2, v3;
} rl_siphash_t;

#define RL_SIPHASH_BLOCK 8

/* Returns eight bytes as a block. */
static inline uint64_t rl_siphash_load(const unsigned char *bytes)
{
    uint64_t block;
    memcpy(&block, bytes, sizeof(block));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    block = __builtin_bswap64(block);
#endif
    return block;
}

static inline uint64_t rl_siphash_rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void rl_siphash_round(rl_siphash_t *s)
{
    s->v0 += s->v1;
    s->v1 = rl_siphash_rotate(s->v1, 13) ^ s->v0;
    s->v0 = rl_siphash_rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rl_siphash_rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rl_siphash_rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rl_siphash_rotate(s->v1, 17) ^ s->v2;
    s->v2 = rl_siphash_rotate(s->v2, 32);
}

/* Begins a message, under the key. */
static inline void rl_siphash_begin(rl_siphash_t *s, const unsigned char key[16])
{
    const uint64_t k0 = rl_siphash_load(key), k1 = rl_siphash_load(key + 8);
    s->v0 = k0 ^ UINT64_C(0x736f6d6570736575);
    s->v1 = k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee;
    s->v2 = k0 ^ UINT64_C(0x6c7967656e657261);
    s->v3 = k1 ^ UINT64_C(0x7465646279746573);
}

/* Hashes one block. */
static inline void rl_siphash_block(rl_siphash_t *s, uint64_t block)
{
    s->v3 ^= block;
    rl_siphash_round(s);
    rl_siphash_round(s);
    s->v0 ^= block;
}

static inline uint64_t rl_siphash_out(rl_siphash_t *s)
{
    rl_siphash_round(s);
    rl_siphash_round(s);
    rl_siphash_round(s);
    rl_siphash_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Hashes the last block, and sets value[0] and value[1] to the first and second half of the
 * result. */
static inline void rl_siphash_end(rl_siphash_t *s, uint64_t last, uint64_t value[2])
{
    rl_siphash_block(s, last);
    s->v2 ^= 0xee;
    value[0] = rl_siphash_out(s);
    s->v1 ^= 0xdd;
    value[1] = rl_siphash_out(s);
}

#endif
