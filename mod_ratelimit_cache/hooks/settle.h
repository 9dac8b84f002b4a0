/* What is left to do when a request is over. */
#ifndef RL_HOOKS_SETTLE_H
#define RL_HOOKS_SETTLE_H

#include <httpd.h>

#include "../request/record.h"

/* Remembers that the outcome of the request matters to a rule. */
void rl_settle_by_outcome(request_rec *r, rl_request_t *request);

/* Registers the filter that sees whether a stream of HTTP/2 got its answer. */
void rl_settle_register(void);

/* log_transaction: gives back what was charged for an outcome that doesn't count, clears the
 * counters that it clears, and looks after what can wait until the client has its answer. */
int rl_settle_log_transaction(request_rec *r);

#endif
