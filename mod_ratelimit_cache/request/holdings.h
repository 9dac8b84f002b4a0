/* SPDX-License-Identifier: Apache-2.0 */
/* Holdings: the slots of COUNT/concurrent that a request holds, and when they are given back:
 * when the end of the answer is produced, else with the request. */
#ifndef RL_REQUEST_HOLDINGS_H
#define RL_REQUEST_HOLDINGS_H

#include <httpd.h>

#include "record.h"

/* If a claim of the request holds a slot, has it given back when r's pool is cleared, at the
 * latest. To be called when r's claims were decided on. */
void rl_holdings_keep(request_rec *r, rl_request_t *request);

/* Gives back what the request holds. Once, however often it is called. */
void rl_holdings_release(rl_request_t *request);

/* Registers the output filters. */
void rl_holdings_register(void);

/* insert_filter, insert_error_filter: adds the filters that see the end of the answer, if r is
 * a client's request that holds a slot. */
void rl_holdings_insert_filter(request_rec *r);

#endif
