/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <string.h>

uint64_t rl_rule_row_checked(const rl_rule_row_t *row)
{
    uint64_t sum = 0;
    for (int i = 0; i < RL_FIGURES_CHECKED; i++) {
        sum += row->n[i];
    }
    return sum;
}

bool rl_key_row_value(const rl_key_row_t *row, unsigned i, char value[RL_VALUES_BYTES])
{
    const char *at = row->values;
    size_t len;
    for (; i > 0 && at != NULL; i--) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL || *row->values == '\0') {
        return false;
    }
    len = strcspn(at, "\n");
    len = len < RL_VALUES_BYTES ? len : RL_VALUES_BYTES - 1;
    memcpy(value, at, len);
    value[len] = '\0';
    return true;
}
