/* What mod_ratelimit_cache.h offers to other modules: its functions. The hook is in opinion.h.
 */
#ifndef RL_API_FUNCTIONS_H
#define RL_API_FUNCTIONS_H

/* Registers the optional functions. */
void rl_api_register(void);

#endif
