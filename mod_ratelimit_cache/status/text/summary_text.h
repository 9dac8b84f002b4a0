/* SPDX-License-Identifier: Apache-2.0 */
/* The report in a few lines, for mod_status' page. */
#ifndef RL_STATUS_TEXT_SUMMARY_TEXT_H
#define RL_STATUS_TEXT_SUMMARY_TEXT_H

#include "output.h"
#include "report.h"

/* Writes "RateLimit...: number" lines, as in server-status?auto. */
void rl_summary_write_short(rl_output_t *out, const rl_report_t *report);

/* Writes a heading and tables. */
void rl_summary_write_html(rl_output_t *out, const rl_report_t *report);

#endif
