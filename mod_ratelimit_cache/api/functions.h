/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of mod_ratelimit_cache.h for other modules. (The hook is in
 * answer/denial_hook.h.) */
#ifndef RL_API_FUNCTIONS_H
#define RL_API_FUNCTIONS_H

/* Registers the optional functions. */
void rl_api_register(void);

#endif
