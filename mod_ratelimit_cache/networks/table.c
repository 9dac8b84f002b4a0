/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <string.h>
#include <sys/mman.h>

/* Returns the value of the last 64 bits in one of the lists. */
static uint32_t deep_value(const rl_network_table_t *table, uint32_t which, uint64_t number)
{
    const rl_network_list_t *list = &table->lists[which];
    const uint64_t *starts = table->deep_starts + list->first;
    uint32_t at = 0;
    for (uint32_t n = list->n; n > 1;) { /* starts[at] is not above it */
        const uint32_t half = n / 2;
        at += starts[at + half] <= number ? half : 0;
        n -= half;
    }
    return table->deep_values[list->first + at];
}

static uint32_t range_value(const rl_network_ranges_t *ranges, uint64_t number)
{
    return ranges->values[rl_network_search_last(&ranges->starts, number, ranges->values)];
}

const char *rl_network_table_label(const rl_network_table_t *table, const rl_address_t *address)
{
    uint32_t value;
    if (address->family == 4) {
        value = range_value(&table->v4, rl_address_half(address, 0));
    }
    else {
        value = range_value(&table->v6, rl_address_half(address, 0));
        if ((value & RL_NETWORK_DEEP) != 0) {
            value = deep_value(table, value & ~RL_NETWORK_DEEP, rl_address_half(address, 1));
        }
    }
    return value > 0 ? table->labels + value - 1 : NULL;
}

bool rl_network_table_has(const rl_network_table_t *table, const char *label)
{
    const char *at = table->labels;
    for (size_t i = 0; i < table->label_count; i++) {
        if (strcmp(at, label) == 0) {
            return true;
        }
        at += strlen(at) + 1;
    }
    return false;
}

void rl_network_table_free(const rl_network_table_t *table)
{
    if (table != NULL) {
        munmap((void *)(uintptr_t)table, table->bytes);
    }
}
