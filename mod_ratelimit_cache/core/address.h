/* SPDX-License-Identifier: Apache-2.0 */
/* Client addresses, and the networks (prefixes) they lie in. */
#ifndef RL_CORE_ADDRESS_H
#define RL_CORE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address, or the network part of one: bits beyond the prefix are zero. */
typedef struct rl_address {
    uint8_t family;    /* 4 or 6 */
    uint8_t bits;      /* prefix length: 0 to 32 or 0 to 128 */
    uint8_t bytes[16]; /* network byte order; IPv4 in the first four, and zeros after it */
} rl_address_t;

/* Sets an address from its bytes in network order: 4 for family 4, 16 for family 6. An
 * IPv4-mapped IPv6 address (::ffff:a.b.c.d, RFC 4291 2.5.5.2) becomes the IPv4 address;
 * otherwise all IPv4 clients of a dual-stack listener would share one IPv6 prefix. */
void rl_address_set(rl_address_t *address, int family, const uint8_t *bytes);

/* Returns the bytes that tell this prefix from every other one: its length and its address.
 * Sets *size to their number, 5 for IPv4 and 17 for IPv6: the number tells the family. They lie
 * within the struct, IPv4's with zeros after them, so that RL_ADDRESS_IDENTITY_MAX bytes can
 * always be copied. */
#define RL_ADDRESS_IDENTITY_MAX 17
static inline const uint8_t *rl_address_identity(const rl_address_t *address, size_t *size)
{
    *size = address->family == 4 ? 1 + 4 : RL_ADDRESS_IDENTITY_MAX;
    return (const uint8_t *)address + offsetof(rl_address_t, bits);
}

/* Returns the first (0) or last (1) 64 bits of an address as a number. Those of an IPv4 address
 * begin with its 32 bits; the rest are zero. */
uint64_t rl_address_half(const rl_address_t *address, int half);

/* Keeps the first `bits` bits, less than address->bits, and zeroes the rest. */
void rl_address_cut(rl_address_t *address, unsigned bits);

/* Keeps the first v4bits bits of an IPv4 address, or v6bits of an IPv6 address, and zeroes the
 * rest. */
static inline void rl_address_mask(rl_address_t *address, unsigned v4bits, unsigned v6bits)
{
    const unsigned bits = address->family == 4 ? v4bits : v6bits;
    if (bits < address->bits) {
        rl_address_cut(address, bits);
    }
}

/* Reads an IPv4 or IPv6 address. Returns false for any other text, and leaves *address alone
 * then. */
bool rl_address_parse(const char *text, rl_address_t *address);

/* Reads ADDR or ADDR/BITS, IPv4 or IPv6; bits beyond the prefix are dropped. Returns NULL, or
 * the reason (a constant sentence), after which *prefix has no meaning. */
const char *rl_address_parse_prefix(const char *text, rl_address_t *prefix);

/* Returns true if the full address lies within the prefix. */
bool rl_address_within(const rl_address_t *address, const rl_address_t *prefix);

#endif
