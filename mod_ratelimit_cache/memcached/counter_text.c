/* SPDX-License-Identifier: Apache-2.0 */
#include "counter_text.h"

#include <stdio.h>

#include "../core/number.h"

size_t rl_counter_text_name(const char *prefix, const rl_shared_counter_t *counter,
                            char name[RL_COUNTER_TEXT_NAME_MAX + 1])
{
    return (size_t)snprintf(name, RL_COUNTER_TEXT_NAME_MAX + 1, "%s%016llx%016llx%08x", prefix,
                            (unsigned long long)counter->key.hi,
                            (unsigned long long)counter->key.lo, counter->window);
}

size_t rl_counter_text_print(uint64_t value, char text[RL_COUNTER_TEXT_DIGITS_MAX + 1])
{
    return (size_t)snprintf(text, RL_COUNTER_TEXT_DIGITS_MAX + 1, "%llu",
                            (unsigned long long)value);
}

bool rl_counter_text_parse(const char *text, size_t len, uint64_t *value)
{
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    return rl_number_parse(text, len, UINT64_MAX, value);
}
