/* The record of a client request, over all the request_recs that httpd makes of it: internal
 * redirects (r->prev) and subrequests (r->main). It is kept with the first of them. */
#ifndef RL_REQUEST_RECORD_H
#define RL_REQUEST_RECORD_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

#include "../key/body.h"
#include "../limiter/limiter.h"
#include "../rule/rule.h"

/* The RATELIMIT_* variables; NULL where there is nothing to say. */
typedef struct rl_environment {
    const char *status, *rule, *limit, *remaining, *reset, *retry_after, *key;
} rl_environment_t;

/* A denial that has been decided on. */
typedef struct rl_denied {
    const request_rec *r;       /* the request_rec that was denied, NULL: none */
    int status;                 /* 0: not denied */
    int claim;                  /* the claim that denies, -1: none, for another reason */
    const char *retry_after;    /* that the denial says, NULL: not denied by a rule */
    bool default_answer;        /* a rule's denial, and no ErrorDocument writes it */
    const char *handler;        /* the deny handler, NULL: the default answer */
    const apr_table_t *headers; /* the denial's, before the deny handler adds its own */
} rl_denied_t;

/* How far the request has come inside the server. */
typedef struct rl_progress {
    const request_rec *current; /* the last request_rec that rules were looked at for */
    int spent;                  /* the claims before this one are for what has run already */
    const request_rec *checked; /* rules before authentication were checked for this one, */
    const ap_conf_vector_t *checked_conf; /* with this configuration */
} rl_progress_t;

/* What is to be known of the outcome. */
typedef struct rl_awaited {
    bool matters;    /* a rule has count= or clear= */
    bool watched;    /* HTTP/2: it is seen whether the answer goes out, */
    bool unanswered; /* and it did not */
} rl_awaited_t;

typedef struct rl_upgrade rl_upgrade_t;

typedef struct rl_request {
    int n;    /* claims of the rules that have been decided on: they aren't looked at again */
    int room; /* how many claims there is room for */
    rl_claim_t *claims;
    int64_t now;        /* the clock, once it was read in this round; 0: not yet */
    int64_t store_time; /* microseconds spent with the shared store */
    rl_body_t *body;    /* what was read early of the body, or NULL */
    bool exempt;
    rl_environment_t environment;
    const request_rec *published; /* the request_rec that shows the environment, NULL: none */
    rl_progress_t progress;
    rl_denied_t denied;
    rl_awaited_t outcome;
    rl_upgrade_t *upgrade; /* the offer to go on as a stream of HTTP/2, or NULL */
    bool plain;            /* the client doesn't ask for that */
} rl_request_t;

/* Returns the record of the client request that r belongs to, or NULL if no rule has been
 * looked at yet. */
rl_request_t *rl_request_get(const request_rec *r);

/* Makes the record, with room for the claims of n rules: the one allocation on the way to a
 * decision. */
rl_request_t *rl_request_make(request_rec *r, int n);

/* Makes room for one more claim. There is some, unless an internal redirect has brought in
 * other rules. Claims may move. */
void rl_request_reserve(request_rec *r, rl_request_t *request);

/* Copies what was decided into another record and pool, for another thread. Rules of the server
 * live as long as the child; those of tenants end with the request, and are left out. */
void rl_request_copy(apr_pool_t *pool, const rl_request_t *from, rl_request_t *to);

/* Returns the time, in microseconds since the epoch: one reading of the clock for all rules
 * that are decided on together. Whatever may make us wait sets request->now to 0. */
int64_t rl_request_now(rl_request_t *request);

/* Returns the index of the rule's claim, -1 if it has none. Rules that share this rule's
 * counters are not counted as the same rule. */
int rl_request_find_claim(const rl_request_t *request, const rl_rule_t *rule);

/* Returns true if r shows the document of an error, by ErrorDocument. */
bool rl_request_is_error_document(const request_rec *r);

#endif
