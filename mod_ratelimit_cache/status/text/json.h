/* SPDX-License-Identifier: Apache-2.0 */
/* The report as JSON; docs/monitoring.md describes the fields. */
#ifndef RL_STATUS_TEXT_JSON_H
#define RL_STATUS_TEXT_JSON_H

#include "output.h"
#include "report.h"

void rl_json_write(rl_output_t *out, const rl_report_t *report);

/* Writes what was asked for by hand, and what came of it: the report's deed and found keys. */
void rl_json_write_deed(rl_output_t *out, const rl_report_t *report);

#endif
