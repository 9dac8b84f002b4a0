/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of an answer's header that rules judge outcomes by. */
#ifndef RL_REQUEST_ANSWER_HEADER_H
#define RL_REQUEST_ANSWER_HEADER_H

#include <httpd.h>

#include "../rule/outcome.h"

/* Returns the fields that r's answer has now, in r's pool: those of err_headers_out come first,
 * as httpd sends them. Before the filters of type AP_FTYPE_CONTENT_SET have run, other modules
 * may still change them. */
const rl_answer_header_t *rl_answer_header_of(request_rec *r);

/* Returns the fields of a header that a program writes past httpd, in the pool. text, of len
 * bytes, begins with the status line, and may go on after the header or end within it. */
const rl_answer_header_t *rl_answer_header_parse(apr_pool_t *pool, const char *text,
                                                 size_t len);

#endif
