/* SPDX-License-Identifier: Apache-2.0 */
#include "marker_word.h"

#define CHECK        UINT64_C(0xd157)
#define CHECK_AT     (2 * RL_MARKER_FIELD_BITS)
#define FIELD        ((UINT64_C(1) << RL_MARKER_FIELD_BITS) - 1)
#define HOLDERS_BASE INT32_C(1000000)

uint64_t rl_marker_word(rl_marker_state_t state)
{
    const uint64_t units =
        state.units < RL_MARKER_UNITS_MAX ? state.units : RL_MARKER_UNITS_MAX;
    return CHECK << CHECK_AT | units << RL_MARKER_FIELD_BITS |
           ((uint64_t)(state.holders + HOLDERS_BASE) & FIELD);
}

bool rl_marker_word_is_valid(uint64_t word)
{
    return word >> CHECK_AT == CHECK;
}

rl_marker_state_t rl_marker_state(uint64_t word)
{
    if (!rl_marker_word_is_valid(word)) {
        return (rl_marker_state_t){.units = 0};
    }
    return (rl_marker_state_t){.units = (uint32_t)(word >> RL_MARKER_FIELD_BITS & FIELD),
                               .holders = (int32_t)(word & FIELD) - HOLDERS_BASE};
}
