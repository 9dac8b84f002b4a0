/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of keys, with what can be done to each by hand. */
#ifndef RL_STATUS_PAGE_KEYS_H
#define RL_STATUS_PAGE_KEYS_H

#include <stdbool.h>

#include "../text/output.h"
#include "../text/report.h"

/* A table that rows are added to one by one. */
typedef struct rl_key_table {
    const rl_report_t *report;
    const char *id;  /* begins the ids of its rows; unique in the page */
    bool with_rules; /* it has keys of several rules, so each row names its rule */
} rl_key_table_t;

void rl_key_table_begin(rl_output_t *out, const rl_key_table_t *table, const char *caption);

/* place: tells it from other rows of the same tag, and stays the same. */
void rl_key_table_row(rl_output_t *out, const rl_key_table_t *table, const rl_key_row_t *row,
                      size_t place);

void rl_key_table_end(rl_output_t *out, const rl_key_table_t *table);

/* Returns the number that tells a rule's elements from those of others in the page, and stays
 * the same when the page is asked for again; 0 for a rule that isn't one of the report's. */
unsigned rl_rule_row_number(const rl_report_t *report, const rl_rule_row_t *row);

#endif
