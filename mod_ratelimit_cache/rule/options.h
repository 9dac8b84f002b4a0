/* The options of a RateLimit directive. Private to rule/. */
#ifndef RL_RULE_OPTIONS_H
#define RL_RULE_OPTIONS_H

#include "draft.h"

/* Reads the options, and makes the meter complete. Returns NULL or the error. */
const char *rl_draft_options(rl_draft_t *draft, int argc, char *const argv[]);

#endif
