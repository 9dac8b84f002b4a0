/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes: how requests ended, and which of these ends count= and clear= are about. */
#ifndef RL_RULE_OUTCOME_H
#define RL_RULE_OUTCOME_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

/* A set of outcomes; it never changes once it was parsed. */
typedef struct rl_outcomes rl_outcomes_t;

/* What httpd's own authentication said of the request's credentials. */
typedef enum {
    RL_AUTH_NONE,   /* nothing: there were none, or they could not be checked */
    RL_AUTH_FAILED, /* refused */
    RL_AUTH_OK      /* accepted */
} rl_auth_e;

/* Fields of the answer's header, as the client gets them. */
typedef struct rl_answer_header {
    const char *location;        /* Location; NULL: none */
    apr_array_header_t *cookies; /* const char *: names of cookies that the client has by it;
                                  * NULL: none */
} rl_answer_header_t;

/* How a request ended, as far as it is known. */
typedef struct rl_ending {
    rl_auth_e auth;
    request_rec *r; /* which was answered, with r->status; NULL: it isn't answered yet */
    const rl_answer_header_t *header; /* NULL: not known */
} rl_ending_t;

/* Reads all, expr=EXPR, or a comma list of statuses (401), classes (5xx), auth-failed, auth-ok,
 * set-cookie:GLOB and location:GLOB. Sets *outcomes, in cmd->pool, and returns NULL, or returns
 * the reason why the text is refused. */
const char *rl_outcomes_parse(cmd_parms *cmd, const char *text, const rl_outcomes_t **outcomes);

/* Returns the set as text, in the pool. Sets with the same text are equal, in whatever order
 * they were written; an expression is its own text. */
const char *rl_outcomes_text(apr_pool_t *pool, const rl_outcomes_t *outcomes);

/* Returns true if the ending is in the set; `unknown` if that can't be said yet, because it
 * takes an answer and there is none, or at all, because the answer's header isn't known or the
 * expression can't be evaluated. */
bool rl_outcomes_include(const rl_outcomes_t *outcomes, const rl_ending_t *ending,
                         bool unknown);

/* Returns true if the set is about authentication: it has auth-failed or auth-ok. */
bool rl_outcomes_read_auth(const rl_outcomes_t *outcomes);

/* Returns true if authentication alone decides: the set has nothing but those words. */
bool rl_outcomes_read_only_auth(const rl_outcomes_t *outcomes);

/* Returns true if the set has set-cookie: or location:. */
bool rl_outcomes_read_header(const rl_outcomes_t *outcomes);

#endif
