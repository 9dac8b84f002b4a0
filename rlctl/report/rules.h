/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of a report, told to people. */
#ifndef RLCTL_RULES_H
#define RLCTL_RULES_H

#include <jansson.h>

/* Writes a table of rules with their limits and figures. */
void rlctl_rules_write(const json_t *rules);

/* Tells one rule in sentences. */
void rlctl_rule_tell(const json_t *rule);

/* Tells the stores and the table, a line each. */
void rlctl_stores_write(const json_t *report);

#endif
