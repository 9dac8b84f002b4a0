/* SPDX-License-Identifier: Apache-2.0 */
/* The report as JSON; docs/monitoring.md describes the fields. */
#ifndef RL_STATUS_TEXT_JSON_H
#define RL_STATUS_TEXT_JSON_H

#include "output.h"
#include "report.h"

void rl_json_write(rl_output_t *out, const rl_report_t *report);

#endif
