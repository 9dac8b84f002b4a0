/* SPDX-License-Identifier: Apache-2.0 */
/* The report as metrics: OpenMetrics 1.0, or the text format of Prometheus (0.0.4). */
#ifndef RL_STATUS_TEXT_METRICS_H
#define RL_STATUS_TEXT_METRICS_H

#include "output.h"
#include "report.h"

typedef enum { RL_METRICS_OPEN, RL_METRICS_PROMETHEUS } rl_metrics_e;

/* Returns the Content-Type of a form. */
const char *rl_metrics_type(rl_metrics_e form);

/* Writes the metrics. No two rules of the report may have the same name and virtual host, and
 * no two servers the same name: see rl_metrics_merge_rules(). */
void rl_metrics_write(rl_output_t *out, const rl_report_t *report, rl_metrics_e form);

/* Adds up rules of the same name and virtual host, which stand in several sections: what is
 * left of the n rows comes first. Returns how many are left. Their order is lost. */
size_t rl_metrics_merge_rules(rl_rule_row_t *rows, size_t n);

#endif
