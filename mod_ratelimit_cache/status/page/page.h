/* SPDX-License-Identifier: Apache-2.0 */
/* The report as a page for people. It is complete without a script; with it, it refreshes
 * itself. Nothing in it comes from elsewhere. It shows RL_PAGE_RULES rules and RL_PAGE_KEYS
 * keys at most, so that its length is bounded; JSON has all of them. */
#ifndef RL_STATUS_PAGE_PAGE_H
#define RL_STATUS_PAGE_PAGE_H

#include "../text/output.h"
#include "../text/report.h"

/* Returns the Content-Security-Policy to send with the page. It names the page's style and
 * script by their SHA-256, and allows nothing else but asking this server. */
const char *rl_page_policy(void);

void rl_page_write(rl_output_t *out, const rl_report_t *report);

#endif
