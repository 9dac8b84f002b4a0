/* SPDX-License-Identifier: Apache-2.0 */
/* Forms by which keys are looked up, cleared and exempted by their values. */
#ifndef RL_STATUS_PAGE_FIND_H
#define RL_STATUS_PAGE_FIND_H

#include "../text/output.h"
#include "../text/report.h"

/* Writes a form with a field for each part of the rule's key, called value.PART; nothing if the
 * report has no token, or the rule's key isn't told. */
void rl_find_form(rl_output_t *out, const rl_report_t *report, const rl_rule_row_t *row);

/* Writes a form for rules that the page doesn't show: fields rule, vhost, and key, each with
 * PART=VALUE or empty. Nothing if the report has no token. */
void rl_find_form_any(rl_output_t *out, const rl_report_t *report);

#endif
