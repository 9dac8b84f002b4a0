/* Requests whose outcome matters to a rule. */
#ifndef RL_REQUEST_OUTCOME_WATCH_H
#define RL_REQUEST_OUTCOME_WATCH_H

#include "record.h"

/* Registers the filter that sees if a stream of HTTP/2 got its answer. */
void rl_outcome_watch_register(void);

/* Remembers that the outcome of the request matters to a rule. */
void rl_outcome_watch(request_rec *r, rl_request_t *request);

/* Returns true if the client is gone without an answer. */
bool rl_outcome_is_unknown(const conn_rec *c, const rl_request_t *request);

#endif
