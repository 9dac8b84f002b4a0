/* Client addresses and prefixes of them. */
#ifndef RL_CORE_ADDRESS_H
#define RL_CORE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address, or the network part of one: bytes beyond the prefix are zero. */
typedef struct rl_address {
    uint8_t family;    /* 4 or 6 */
    uint8_t bits;      /* prefix length: 0 to 32 or 0 to 128 */
    uint8_t bytes[16]; /* network byte order; IPv4 in the first four */
} rl_address_t;

/* Takes 4 or 16 bytes in network order, by family 4 or 6. An IPv4-mapped IPv6 address
 * (::ffff:a.b.c.d, RFC 4291 2.5.5.2) becomes the IPv4 address, or else all IPv4 clients of a
 * dual-stack listener would share one IPv6 prefix. */
void rl_address_set(rl_address_t *address, int family, const uint8_t *bytes);

/* What tells the prefix from all others, within the struct: *size bytes, 5 for IPv4 and 17 for
 * IPv6. */
const uint8_t *rl_address_identity(const rl_address_t *address, size_t *size);

/* Keeps the first v4bits or v6bits bits, by the address's family, and zeroes the rest. */
void rl_address_mask(rl_address_t *address, unsigned v4bits, unsigned v6bits);

/* Reads an IPv4 or IPv6 address; false for anything else. */
bool rl_address_parse(const char *text, rl_address_t *address);

/* Reads ADDR or ADDR/BITS, IPv4 or IPv6; bits of the host part are dropped. Returns NULL, or
 * the reason. */
const char *rl_address_parse_prefix(const char *text, rl_address_t *prefix);

/* Whether the full address lies within the prefix. */
bool rl_address_within(const rl_address_t *address, const rl_address_t *prefix);

#endif
