/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrades to HTTP/2 (h2c): the request is answered as a stream, and the stream takes over what
 * was decided for the request. */
#ifndef RL_REQUEST_UPGRADE_H
#define RL_REQUEST_UPGRADE_H

#include "record.h"

/* check_config: finds out if there is HTTP/2 to upgrade to. Returns OK. */
int rl_upgrade_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                            server_rec *s);

/* To be called for a record that was just made. If r is the stream that a request was upgraded
 * to, copies what was decided for the request into the record. Sets request->no_upgrade. */
void rl_upgrade_take_over(request_rec *r, rl_request_t *request);

/* If the client asks for an upgrade to HTTP/2, keeps on the connection what was decided, for
 * the stream to take over. */
void rl_upgrade_offer(request_rec *r);

/* Another request has come on the connection, so what was kept is no longer valid. */
void rl_upgrade_forget(const conn_rec *c);

/* Returns true if a stream has taken over what was decided for this request: then the stream
 * settles the outcome. */
bool rl_upgrade_was_taken_over(const rl_request_t *request);

#endif
