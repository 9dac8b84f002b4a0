/* SPDX-License-Identifier: Apache-2.0 */
/* The response fields of RateLimitHeaders: what a response tells the client about its limits.
 */
#ifndef RL_ANSWER_RESPONSE_FIELDS_H
#define RL_ANSWER_RESPONSE_FIELDS_H

#include <httpd.h>

/* Registers the output filter that sets the fields. */
void rl_response_fields_register(void);

/* insert_filter and insert_error_filter: adds the filter if the response is to have the fields,
 * or is a denial. */
void rl_response_fields_insert(request_rec *r);

#endif
