/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <arpa/inet.h>
#include <string.h>

#include "number.h"

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void rl_address_set(rl_address_t *address, int family, const uint8_t *bytes)
{
    memset(address, 0, sizeof(*address));
    if (family == 6 && memcmp(bytes, v4_mapped, sizeof(v4_mapped)) == 0) {
        bytes += sizeof(v4_mapped);
        family = 4;
    }
    address->family = (uint8_t)family;
    address->bits = family == 4 ? 32 : 128;
    memcpy(address->bytes, bytes, family == 4 ? 4 : 16);
}

uint64_t rl_address_half(const rl_address_t *address, int half)
{
    uint64_t number;
    memcpy(&number, address->bytes + 8 * half, sizeof(number));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    number = __builtin_bswap64(number);
#endif
    return number;
}

void rl_address_cut(rl_address_t *address, unsigned bits)
{
    const size_t whole = bits / 8;
    address->bits = (uint8_t)bits;
    address->bytes[whole] &= (uint8_t)(0xff00 >> (bits % 8));
    memset(address->bytes + whole + 1, 0, sizeof(address->bytes) - whole - 1);
}

bool rl_address_parse(const char *text, rl_address_t *address)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        rl_address_set(address, 4, bytes);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        rl_address_set(address, 6, bytes);
        return true;
    }
    return false;
}

const char *rl_address_parse_prefix(const char *text, rl_address_t *prefix)
{
    const char *slash = strchr(text, '/');
    const size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    char host[INET6_ADDRSTRLEN];
    uint64_t bits, most, mapped;
    if (len >= sizeof(host)) {
        return "not an IPv4 or IPv6 address";
    }
    memcpy(host, text, len);
    host[len] = '\0';
    if (!rl_address_parse(host, prefix)) {
        return "not an IPv4 or IPv6 address";
    }
    if (slash == NULL) {
        return NULL;
    }
    /* The prefix length of a mapped address counts its 128 bits, as it was written. */
    mapped = prefix->family == 4 && strchr(host, ':') != NULL ? 96 : 0;
    most = prefix->bits + mapped;
    if (!rl_number_parse(slash + 1, strlen(slash + 1), most, &bits) || bits < mapped) {
        return prefix->family == 4 ? "the prefix length must be an integer from 0 to 32"
                                   : "the prefix length must be an integer from 0 to 128";
    }
    rl_address_mask(prefix, (unsigned)(bits - mapped), (unsigned)bits);
    return NULL;
}

bool rl_address_within(const rl_address_t *address, const rl_address_t *prefix)
{
    rl_address_t network = *address;
    if (address->family != prefix->family) {
        return false;
    }
    rl_address_mask(&network, prefix->bits, prefix->bits);
    return memcmp(network.bytes, prefix->bytes, sizeof(network.bytes)) == 0;
}
