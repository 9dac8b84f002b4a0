/* What is known about one client request, over all the request_recs that httpd makes of it. */
#ifndef RL_REQUEST_RECORD_H
#define RL_REQUEST_RECORD_H

#include <stdbool.h>

#include <httpd.h>

#include "../limiter/limiter.h"
#include "../rule/rule.h"

/* A rule that has been decided on for this client request, and isn't looked at again. */
typedef struct rl_settled {
    rl_digest_t id; /* of the rule */
    const char *name;
    const rl_rule_t *rule; /* NULL: a tenant's that an upgrade left, and isn't met again yet */
    bool observed;         /* an overrun was to be observed only */
    bool invalid;          /* its rate couldn't be computed */
    bool personal;         /* its key names somebody who need not be the client */
} rl_settled_t;

/* The RATELIMIT_* variables; NULL where there is nothing to say. */
typedef struct rl_report {
    const char *status, *rule, *limit, *remaining, *reset, *retry_after, *key;
} rl_report_t;

typedef struct rl_body rl_body_t;
typedef struct rl_upgrade rl_upgrade_t;

typedef struct rl_request {
    int n;                 /* rules that have been decided on: */
    int room;              /* how many there is room for in */
    rl_claim_t *claims;    /* what each claimed, and */
    rl_settled_t *settled; /* what else is known of it */
    int64_t now;           /* the clock, once it was read in this round; 0: not yet */
    rl_report_t report;
    const request_rec *published; /* the request_rec that shows the report, NULL: none yet */
    rl_body_t *body;              /* what was read early of the body, or NULL */
    int64_t store_time;           /* microseconds spent with the shared store */
    rl_upgrade_t *upgrade;        /* the offer to go on as a stream, or NULL */
    bool plain;                   /* the client doesn't ask for that */
    const request_rec *current;   /* the last request_rec that rules were looked at for */
    int spent;                    /* the claims before this one are for what has run already */
    bool exempt;
    bool by_outcome;            /* a rule has count= or clear= */
    bool watched;               /* HTTP/2: it is seen whether the answer goes out, */
    bool unanswered;            /* and it did not */
    int denied_status;          /* 0: not denied */
    const char *retry_after;    /* that the denial says, NULL: not denied by a rule */
    int denied_claim;           /* the claim that a rule denied, -1: none */
    const request_rec *denied;  /* the request_rec that was denied */
    bool default_answer;        /* a rule's denial, and no ErrorDocument writes it */
    const char *deny_handler;   /* who writes the denial, NULL for the default answer */
    const apr_table_t *headers; /* the denial's, before the deny handler adds its own */
    const request_rec *checked; /* rules before authentication were checked for this one, */
    const ap_conf_vector_t *checked_conf; /* with this configuration */
} rl_request_t;

/* The client request that r belongs to, or NULL when no rule has been looked at yet. */
rl_request_t *rl_request_get(const request_rec *r);

/* The same, made if need be, with room for the claims of n rules: the one allocation on the way
 * to a decision. A request that was upgraded to HTTP/2 is processed again as a stream; the
 * stream takes over what was settled before. */
rl_request_t *rl_request_make(request_rec *r, int n);

/* Sees to room for one more claim: there is, unless an internal redirect has brought in other
 * rules. Claims and what is settled may move. */
void rl_request_reserve(request_rec *r, rl_request_t *request);

/* The time, in microseconds since the epoch: one reading of the clock for all rules that are
 * decided over together. What may make us wait sets request->now to 0. */
int64_t rl_request_now(rl_request_t *request);

/* Before rules are looked at for r: finds out which claims are spent. A program that has run
 * and sends the request on inside the server has had what it was charged for. A stream finds
 * the rules of tenants again. */
void rl_request_go_on(rl_request_t *request, const request_rec *r);

/* Remembers on the connection what was settled, if the client asks for an upgrade to HTTP/2: if
 * the request isn't plain. */
void rl_request_offer_upgrade(request_rec *r);

/* post_read_request: forgets that again when another request follows. */
int rl_request_post_read(request_rec *r);

/* Whether a stream has taken over what was settled here, and settles the rest. */
bool rl_request_was_taken_over(const rl_request_t *request);

/* Where among the settled rules this one is, -1: nowhere. Others with its counters are others.
 */
int rl_request_find_settled(const rl_request_t *request, const rl_rule_t *rule);

/* Whether r shows the document of an error, by ErrorDocument. */
bool rl_request_is_error_document(const request_rec *r);

#endif
