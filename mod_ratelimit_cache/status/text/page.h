/* SPDX-License-Identifier: Apache-2.0 */
/* The report as a page. It has no script, and nothing in it comes from elsewhere. */
#ifndef RL_STATUS_TEXT_PAGE_H
#define RL_STATUS_TEXT_PAGE_H

#include "output.h"
#include "report.h"

/* Returns the Content-Security-Policy to send with the page. It names the page's style by its
 * SHA-256. */
const char *rl_page_policy(void);

void rl_page_write(rl_output_t *out, const rl_report_t *report);

#endif
