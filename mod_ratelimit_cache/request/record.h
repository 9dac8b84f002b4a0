/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a client request: what has been decided for it, and what has to be remembered
 * until it is over. There is one for all the request_recs that httpd makes of the request by
 * internal redirects (r->prev); it is kept with the first of them. Of subrequests (r->main)
 * only those that run a program have one of their own. */
#ifndef RL_REQUEST_RECORD_H
#define RL_REQUEST_RECORD_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

#include "../core/pass/pass.h"
#include "../httpd/htaccess.h"
#include "../key/body.h"
#include "../key/fields.h"
#include "../limiter/limiter.h"
#include "../rule/rule.h"

/* The values of the RATELIMIT_* variables; NULL: the variable is not set. */
typedef struct rl_environment {
    const char *status, *rule, *limit, *remaining, *reset, *retry_after, *key;
    const char *challenge, *challenge_path; /* the token of the challenge, where to post it */
} rl_environment_t;

/* The denial of the request, once there is one. */
typedef struct rl_denied {
    const request_rec *r; /* the request_rec that was denied; NULL: none */
    int status; /* HTTP status; DONE: a module or a handler has answered; 0: not denied */
    int claim;  /* index of the claim that denies; -1: none, there is another reason */
    const char *retry_after;       /* the Retry-After field; NULL: not denied by a rule */
    bool default_answer;           /* the default answer takes the place of httpd's page */
    const char *handler;           /* RateLimitDenyHandler; NULL: the default answer */
    const apr_table_t *own_header; /* its err_headers_out, without the handler's fields */
} rl_denied_t;

/* What rules can see of a request_rec, whose contents mod_dir and others replace. Texts are
 * compared by address. */
typedef struct rl_target {
    const request_rec *r;
    const ap_conf_vector_t *conf;
    const char *filename, *uri, *path_info, *args;
} rl_target_t;

/* How far the request has come inside the server. */
typedef struct rl_progress {
    const request_rec *current; /* the last request_rec for which rules were looked up */
    int ran; /* claims before this index have paid for something that has run already */
    rl_target_t checked;        /* the rules before authentication were checked for this */
    const request_rec *settled; /* nothing is left to be done for it in fixups, as long as its
                                 * target is the one in `checked`; NULL: for none */
} rl_progress_t;

/* What is known of the outcome before the request is over. */
typedef struct rl_outcome_watch {
    bool matters;      /* a rule has count= or clear=, */
    bool reads_auth;   /* one with auth-failed or auth-ok, */
    bool reads_header; /* one with set-cookie: or location: */
    bool pending;      /* a claim of such a rule waits for what authentication says */
    bool checking;     /* credentials are being checked */
    bool unseen;       /* the program writes the header itself: r->status says nothing */
    int status;        /* that the answer began with; 0: it was not seen to begin */
    const rl_answer_header_t
        *header;      /* fields that it began with; NULL: not seen, or not read */
    rl_auth_e auth;   /* what was said of the credentials */
    const char *user; /* who was authenticated for it; NULL: nobody */
} rl_outcome_watch_t;

/* What the server's rules see of a request that an .htaccess file has had a say in
 * (server_view.h). Kept only if a rule or an exemption of the server's configuration reads it.
 */
typedef struct rl_server_view {
    apr_table_t *headers; /* the header fields as the client sent them; NULL: not kept */
    const request_rec *r; /* whose environment it is: of the last redirect; NULL: nobody's */
    const apr_table_t *env_before; /* r's variables when its header_parser hooks began to run */
    rl_env_stage_e stage;          /* of which env is */
    apr_table_t *env;              /* the variables without .htaccess, */
    const ap_conf_vector_t *conf;  /* found out for this configuration; NULL: not yet */
} rl_server_view_t;

typedef struct rl_upgrade rl_upgrade_t;

typedef struct rl_request {
    int n;    /* number of claims; their rules are not decided on again */
    int room; /* number of claims that there is room for */
    rl_claim_t *claims;
    int64_t now; /* microseconds since the epoch; see rl_request_now(); 0: not read yet */
    int64_t store_time; /* microseconds spent with the shared store so far */
    rl_body_t *body;    /* the part of the body that was read early, or NULL */
    rl_fields_t *query; /* fields of the last query string that several are read of, or NULL */
    bool exempt;
    bool special;                 /* a claim is of a rule that isn't plain */
    bool holds;                   /* a claim holds a slot of COUNT/concurrent (holdings.h) */
    bool excused;                 /* a claim is over its limit, but its key is exempt */
    rl_environment_t environment; /* answer/environment.h */
    int64_t reported; /* the environment is still to be made from the claims, as of this time,
                       * microseconds since the epoch; 0: it is made */
    const request_rec *published; /* the request_rec whose environment shows it; NULL: none */
    rl_progress_t progress;
    rl_denied_t denied;
    rl_outcome_watch_t outcome;
    rl_server_view_t server_view;
    rl_pass_shown_t pass;   /* what the client shows, once pass_seen */
    bool pass_seen;         /* the client's cookies were looked at for it */
    struct rl_known *known; /* what the browser carries (known.h); NULL: not read yet */
    rl_upgrade_t *upgrade;  /* the offer to go on as a stream of HTTP/2, or NULL */
    bool no_upgrade;        /* the client does not ask for an upgrade to HTTP/2 */
    bool local;             /* counted as one that was decided without the shared store */
} rl_request_t;

/* Returns the record of the client request that r belongs to, or NULL if there is none yet: no
 * rule has been looked up. */
rl_request_t *rl_request_get(const request_rec *r);

/* Makes the record, with room for the claims of n rules, and returns it. It is the only
 * allocation on the way to a decision. */
rl_request_t *rl_request_make(request_rec *r, int n);

/* Makes sure that there is room for one more claim. (There is, unless an internal redirect has
 * brought in other rules.) Claims may move. */
void rl_request_reserve(request_rec *r, rl_request_t *request);

/* Copies what was decided into another record and pool, for another thread: claims, environment
 * and exemption, not a denial. The server's rules live as long as the child; tenants' rules end
 * with the request, so their claims get a NULL rule. */
void rl_request_copy(apr_pool_t *pool, const rl_request_t *from, rl_request_t *to);

/* Returns the time in microseconds since the epoch. The clock is read once for all rules that
 * are decided on together: request->now keeps it, and is set to 0 when the checks before, or
 * after, authentication begin, and before a wait for the client. */
int64_t rl_request_now(rl_request_t *request);

/* Returns the index of the claim that this very rule has made, -1 if there is none. Rules that
 * share its counters are other rules. */
int rl_request_find_claim(const rl_request_t *request, const rl_rule_t *rule);

/* Moves the claims that are `returned` to the end, because they are to be charged again, for
 * what comes now. Returns the index of the first of them; request->n if there are none. */
int rl_request_take_returned(rl_request_t *request);

/* Returns true if r is for an ErrorDocument, not for what the client asked for. */
bool rl_request_is_error_document(const request_rec *r);

#endif
