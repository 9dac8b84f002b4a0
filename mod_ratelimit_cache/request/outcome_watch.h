/* SPDX-License-Identifier: Apache-2.0 */
/* Requests whose outcome matters to a rule (count= or clear=): is it known whether the client
 * got its answer? */
#ifndef RL_REQUEST_OUTCOME_WATCH_H
#define RL_REQUEST_OUTCOME_WATCH_H

#include "record.h"

/* Registers the output filter that sees whether the answer of an HTTP/2 stream goes out. */
void rl_outcome_watch_register(void);

/* Notes in the record that the outcome of the request matters to a rule. On a stream of HTTP/2
 * also adds the filter, once. */
void rl_outcome_watch(request_rec *r, rl_request_t *request);

/* Returns true if the client was gone before its answer went out. c is the connection of the
 * request. */
bool rl_outcome_is_unknown(const conn_rec *c, const rl_request_t *request);

#endif
