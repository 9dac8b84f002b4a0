/* SPDX-License-Identifier: Apache-2.0 */
/* Counters as memcached stores them: keys and values in text. */
#ifndef RL_MEMCACHED_COUNTER_TEXT_H
#define RL_MEMCACHED_COUNTER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../fleet/shared_store.h"

#define RL_COUNTER_TEXT_PREFIX_MAX 64
#define RL_COUNTER_TEXT_NAME_MAX                                                               \
    (RL_COUNTER_TEXT_PREFIX_MAX + 32 + 8) /* bytes, without the NUL */
#define RL_COUNTER_TEXT_DIGITS_MAX 20

/* Writes the counter's key: the prefix, and the digest and the window in hexadecimal, with a
 * NUL after them. Returns the length without the NUL. */
size_t rl_counter_text_name(const char *prefix, const rl_shared_counter_t *counter,
                            char name[RL_COUNTER_TEXT_NAME_MAX + 1]);

/* Writes the value in decimal, with a NUL after it. Returns the length without the NUL. */
size_t rl_counter_text_print(uint64_t value, char text[RL_COUNTER_TEXT_DIGITS_MAX + 1]);

/* Parses a stored value into *value. Blanks after the digits are skipped: memcached pads with
 * them when a subtraction makes a number shorter. Returns false for anything else. */
bool rl_counter_text_parse(const char *text, size_t len, uint64_t *value);

#endif
