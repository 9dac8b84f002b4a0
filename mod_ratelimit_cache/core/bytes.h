/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as bytes, little-endian, whatever the machine's own order. */
#ifndef RL_CORE_BYTES_H
#define RL_CORE_BYTES_H

#include <stdint.h>

/* Writes the low `size` bytes of a number, 1 to 8. */
static inline void rl_bytes_put(unsigned char *bytes, unsigned size, uint64_t number)
{
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(number >> (8 * i));
    }
}

/* Returns the number in `size` bytes, 1 to 8. */
static inline uint64_t rl_bytes_get(const unsigned char *bytes, unsigned size)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < size; i++) {
        number |= (uint64_t)bytes[i] << (8 * i);
    }
    return number;
}

#endif
