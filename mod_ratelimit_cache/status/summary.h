/* SPDX-License-Identifier: Apache-2.0 */
/* The module's part of mod_status' page. */
#ifndef RL_STATUS_SUMMARY_H
#define RL_STATUS_SUMMARY_H

#include <httpd.h>

/* Adds a summary to mod_status' page, HTML and ?auto, if mod_status is loaded. To be called
 * when the module's hooks are registered. */
void rl_summary_register(void);

#endif
