/* SPDX-License-Identifier: Apache-2.0 */
/* The regions of the page, one file each, in the order in which they stand: private to page.c.
 * Each but the deed is a section with an id, which the script refreshes in place. */
#ifndef RL_STATUS_PAGE_REGIONS_H
#define RL_STATUS_PAGE_REGIONS_H

#include "../text/output.h"
#include "../text/report.h"

/* What the page shows at most. Rules that were over a limit of late come before others, and
 * each rule has its share of the keys. */
#define RL_PAGE_RULES 100
#define RL_PAGE_KEYS  200

/* What somebody asked for by hand, and what came of it. */
void rl_region_deed(rl_output_t *out, const rl_report_t *report);

/* What is being limited now. */
void rl_region_now(rl_output_t *out, const rl_report_t *report);

/* Plots of the last hour and the last day. */
void rl_region_traffic(rl_output_t *out, const rl_report_t *report);

/* Each rule with its figures, its keys, and a form to look a key up. */
void rl_region_rules(rl_output_t *out, const rl_report_t *report);

/* Stores, and the table of counters. */
void rl_region_stores(rl_output_t *out, const rl_report_t *report);

#endif
