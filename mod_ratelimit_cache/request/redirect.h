/* SPDX-License-Identifier: Apache-2.0 */
/* Internal redirects: which claims have paid for something that has run. */
#ifndef RL_REQUEST_REDIRECT_H
#define RL_REQUEST_REDIRECT_H

#include "record.h"

/* Returns true if a rewrite in a directory is about to redirect r: r's file name is where to,
 * in a spelling of mod_rewrite's own, and rules will be looked up there. */
bool rl_redirect_is_ahead(const request_rec *r);

/* To be called before rules are looked up for r. Finds out which claims are spent
 * (rl_progress_t): if a program has run, and has then sent the request on inside the server,
 * the request has had what those claims paid for. An upgrade to HTTP/2 leaves claims without
 * their tenant's rule: gives them that rule again, as r's location has it. */
void rl_redirect_follow(rl_request_t *request, const request_rec *r);

#endif
