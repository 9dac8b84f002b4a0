/* Counters as memcached sees them: keys and numbers in text. */
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

/* The counter's key: prefix, digest and window, in hexadecimal; a NUL follows. Returns its
 * length. */
size_t rl_counter_text_name(const char *prefix, const rl_shared_counter_t *counter,
                            char name[RL_COUNTER_TEXT_NAME_MAX + 1]);

/* The value in decimal; a NUL follows. Returns its length. */
size_t rl_counter_text_print(uint64_t value, char text[RL_COUNTER_TEXT_DIGITS_MAX + 1]);

/* The number that a value is; one that was subtracted from ends in blanks. False for anything
 * else. */
bool rl_counter_text_parse(const char *text, size_t len, uint64_t *value);

#endif
