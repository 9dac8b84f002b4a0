/* What is left to do when a request is over. */
#ifndef RL_HOOKS_SETTLE_H
#define RL_HOOKS_SETTLE_H

#include <httpd.h>

/* log_transaction: gives back what was charged for an outcome that doesn't count, clears the
 * counters that it clears, and does what can wait until the client has its answer. */
int rl_settle_log_transaction(request_rec *r);

#endif
