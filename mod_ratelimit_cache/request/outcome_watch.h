/* SPDX-License-Identifier: Apache-2.0 */
/* Requests whose outcome matters to a rule (count= or clear=): how did the answer begin? */
#ifndef RL_REQUEST_OUTCOME_WATCH_H
#define RL_REQUEST_OUTCOME_WATCH_H

#include "record.h"

/* Registers the output filters that see the answer begin. */
void rl_outcome_watch_register(void);

/* insert_filter and insert_error_filter: adds the filters if the outcome of the request matters
 * to a rule. */
void rl_outcome_watch_insert(request_rec *r);

/* For a request whose answer passes no output filter of the module's: notes how it began, with
 * this status and with r's header fields as they are now, unless that is known already. */
void rl_outcome_note(request_rec *r, rl_request_t *request, int status);

/* Returns what is known of the outcome while r's header is about to leave: for output filters
 * after those of type AP_FTYPE_CONTENT_SET, and before httpd's that makes the header. */
rl_ending_t rl_outcome_leaving(request_rec *r, const rl_request_t *request);

/* Returns the status that r was answered with; 0 if it isn't known: no answer was produced, or
 * its header was written past httpd and can't be read. r is the last request_rec of its client
 * request. */
int rl_outcome_status(const request_rec *r, const rl_request_t *request);

#endif
