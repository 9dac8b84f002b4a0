/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a RateLimit directive: private to rule/. */
#ifndef RL_RULE_OPTIONS_H
#define RL_RULE_OPTIONS_H

#include "draft.h"

/* Reads the options into the draft's rule, and completes its meter unless the rate is computed.
 * Returns NULL or the error. */
const char *rl_draft_options(rl_draft_t *draft, int argc, char *const argv[]);

#endif
