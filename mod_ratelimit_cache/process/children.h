/* The start of a child. */
#ifndef RL_PROCESS_CHILDREN_H
#define RL_PROCESS_CHILDREN_H

#include <httpd.h>

/* child_init: makes this child's connections to memcached possible, for nothing that is
 * connected crosses a fork, and starts the thread that looks after its leases. */
void rl_children_init(apr_pool_t *pchild, server_rec *s);

#endif
