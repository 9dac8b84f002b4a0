/* SPDX-License-Identifier: Apache-2.0 */
#include "field_text.h"

#include "../../core/rate.h"

static uint64_t within_range(int64_t number)
{
    if (number < 0) {
        return 0;
    }
    return (uint64_t)(number < RL_FIELD_INTEGER_MAX ? number : RL_FIELD_INTEGER_MAX);
}

/* Appends the String of a member of the List, after a comma if there are members before it. */
static void add_name(rl_text_t *text, const char *name)
{
    rl_text_add(text, text->at > text->start ? ", \"" : "\"");
    rl_text_add(text, name);
    rl_text_add(text, "\"");
}

static void add_parameter(rl_text_t *text, const char *key, int64_t number)
{
    rl_text_add(text, key);
    rl_text_add_number(text, within_range(number));
}

int64_t rl_field_text_epoch(int64_t time_us)
{
    return time_us / RL_USEC_PER_SEC + (time_us % RL_USEC_PER_SEC > 0 ? 1 : 0);
}

void rl_field_text_add_policy(rl_text_t *text, const char *name, uint32_t quota,
                              int64_t window_us)
{
    const int64_t seconds = rl_field_text_epoch(window_us);
    add_name(text, name);
    add_parameter(text, ";q=", quota);
    add_parameter(text, ";w=", seconds > 1 ? seconds : 1);
}

void rl_field_text_add_concurrent(rl_text_t *text, const char *name, uint32_t quota)
{
    add_name(text, name);
    add_parameter(text, ";q=", quota);
    rl_text_add(text, ";qu=\"concurrent-requests\"");
}

void rl_field_text_add_state(rl_text_t *text, const char *name, int64_t remaining,
                             int64_t seconds)
{
    add_name(text, name);
    add_parameter(text, ";r=", remaining);
    if (seconds >= 0) {
        add_parameter(text, ";t=", seconds);
    }
}
