/* What mod_ratelimit_cache.h offers to other modules: its functions. The hook is in opinion.h.
 */
#ifndef RL_HTTPD_INTERFACE_H
#define RL_HTTPD_INTERFACE_H

/* Registers the optional functions. */
void rl_interface_register(void);

#endif
