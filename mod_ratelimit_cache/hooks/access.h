/* The hooks that decide about a request. */
#ifndef RL_HOOKS_ACCESS_H
#define RL_HOOKS_ACCESS_H

#include <httpd.h>

/* check_access: everything but the authenticated user's rules, before any password check. */
int rl_access_check_access(request_rec *r);

/* check_access_ex: says a denial again, which "Satisfy Any" would not hear the first time. */
int rl_access_check_access_ex(request_rec *r);

/* fixups: the authenticated user's rules, and those of a DirectoryIndex, negotiated or
 * rewritten target that has taken the request's place since. */
int rl_access_fixups(request_rec *r);

#endif
