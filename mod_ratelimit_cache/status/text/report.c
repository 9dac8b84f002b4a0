/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

uint64_t rl_rule_row_checked(const rl_rule_row_t *row)
{
    uint64_t sum = 0;
    for (int i = 0; i < RL_FIGURES_CHECKED; i++) {
        sum += row->n[i];
    }
    return sum;
}
