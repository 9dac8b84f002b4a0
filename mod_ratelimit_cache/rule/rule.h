/* SPDX-License-Identifier: Apache-2.0 */
/* A rule: what one RateLimit directive says. */
#ifndef RL_RULE_RULE_H
#define RL_RULE_RULE_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>

#include "../core/alike.h"
#include "../core/digest.h"
#include "../core/meter/meter.h"
#include "../core/rate.h"
#include "../httpd/methods.h"
#include "../key/key.h"
#include "outcome.h"

#define RL_ON_ERROR_UNSET (-1)

/* missing=, absent=: what happens to a request that has no value for a part of the key. */
typedef enum { RL_MISSING_SHARE, RL_MISSING_SKIP, RL_MISSING_DENY } rl_missing_e;

/* Phases: when a rule is checked. A rule is checked as soon as what it needs is known; one that
 * needs the body only after the cheaper ones have admitted the request. */
typedef enum {
    RL_PHASE_EARLY,      /* before authentication */
    RL_PHASE_EARLY_BODY, /* before authentication, and after the body was looked at */
    RL_PHASE_LATE,       /* after authentication */
    RL_PHASE_LATE_BODY,  /* after authentication, and after the body was looked at */
    RL_PHASES
} rl_phase_e;

#define RL_UNITS_UNSET (-1)

/* Never changes once the configuration was read, except for scope and figures_number. Lives as
 * long as the configuration that it stands in: a tenant's as long as the request. */
typedef struct rl_rule {
    /* What each request reads of plain rules lies together. */
    const char *name;
    const ap_expr_info_t *rate_expr; /* computes the rate for each request; NULL: it is fixed */
    /* Digest of base_identity and meter, under which counters are filed. If the rate is
     * computed, it only tells rules apart. */
    rl_digest_t id;
    rl_meter_t meter; /* complete unless the rate is computed or `none` */
    uint32_t cost;    /* units of one request */
    int on_error;     /* rl_on_error_e, or RL_ON_ERROR_UNSET: RateLimitOnError */
    rl_phase_e phase;
    bool plain;    /* one of the server's that is always checked, early, once for a request, and
                    * asks of it a key and a number that is fixed: see parse.c for what it has
                    * not. What such rules never need is passed over. */
    bool tenant;   /* from an .htaccess */
    bool observe;  /* action=observe */
    bool personal; /* key or value name somebody who need not be the client */
    bool per_vhost; /* each virtual host has counters of its own */
    uint8_t number; /* its number in the ledger (core/meter/operation.h): a tenant's from the
                     * beginning, others' from rl_rules_number() on */
    unsigned figures_number; /* of those in `home`, set in post_config (process/figures.h) */
    server_rec *home;        /* the (virtual) server it is configured in; NULL: a tenant's */
    rl_scope_t scope; /* of its counters in `home`, set in post_config (process/scope.h) */

    rl_key_spec_t key;

    rl_key_spec_t *distinct; /* distinct=, a key is charged once for each value of these parts;
                              * NULL: every request is charged */
    /* Digest of what its counters have in common at every rate (identity.c): for a rule by
     * itself its section, name and key. */
    rl_digest_t base_identity;
    const char *rate_text;  /* the rate as it was written */
    const char *quota_text; /* the meter's quota, units; NULL: the meter isn't complete */
    int64_t burst, initial; /* units, as written; RL_UNITS_UNSET: COUNT, and burst */
    int64_t busy; /* busy=: the limit while the server is busy; RL_UNITS_UNSET: the same */
    const ap_expr_info_t *cost_expr; /* computes the cost for each request; NULL: it is fixed */
    const rl_outcomes_t *count;      /* count=; NULL: all */
    const rl_outcomes_t *clear;      /* clear=; NULL: none */
    int64_t known_s;                 /* known=, seconds; 0: none */
    int64_t wait_us;                 /* COUNT/concurrent: wait=, microseconds; 0: none */
    int64_t queue;                   /* queue=; RL_UNITS_UNSET: COUNT */
    uint32_t reserve;                /* reserve=: slots that are kept */
    const ap_expr_info_t *prefer;    /* for requests for which prefer= holds; NULL: none */
    rl_methods_t methods;
    const ap_expr_info_t *when, *unless; /* NULL: not given */
    bool always; /* it has no methods=, when= or unless= and so applies to every request */
    const char *group;    /* NULL: in no group */
    int status;           /* 0: RateLimitDenyStatus */
    rl_missing_e missing; /* for a request with a part that has no value, or is in doubt */
    rl_missing_e absent;  /* for one whose parts without a value are certainly not there */
    bool dropped;         /* NAME off: no rule, but hides an inherited one of this name */
    bool unlimited;       /* its rate is `none` */
    bool challenge;       /* action=challenge */
    bool reads_env;       /* to check it, environment variables are read, */
    bool reads_headers;   /* or header fields */
    bool reads_pass;      /* or the client's pass */
    bool of_passes;       /* it challenges or reads_pass */
    bool of_target;       /* key or value name what is asked for */
    const ap_directive_t *directive;     /* where it is written */
    const struct rl_dir_config *section; /* what else is set there */
    struct rl_rule *next; /* in the list of all rules of the server's configuration */
    unsigned place;       /* its place in that list, from 0 */
    /* Digests of the options of each part from RL_ALIKE_OPTIONS on (manner.h); 0: all of them
     * are the default, or it is a tenant's. */
    uint64_t manner[RL_ALIKE_OPTIONS_COUNT];
} rl_rule_t;

/* Sets *meter to the rule's meter at this rate, complete; it may be &rule->meter. */
void rl_rule_meter(const rl_rule_t *rule, const rl_rate_t *rate, rl_meter_t *meter);

/* Lowers the limit of a meter that rl_rule_meter() has completed to what busy= says, if that is
 * less. Its counter stays the same. */
void rl_rule_lower(const rl_rule_t *rule, rl_meter_t *meter);

typedef enum {
    RL_APPLIES,
    RL_HINDERED_BY_METHOD,
    RL_HINDERED_BY_WHEN,
    RL_HINDERED_BY_UNLESS
} rl_hindrance_e;

/* Returns why the rule doesn't apply to this request by its method, when= and unless=, or
 * RL_APPLIES. A rule that is `always` needs no asking. A condition that can't be evaluated
 * doesn't switch the rule off. */
rl_hindrance_e rl_rule_hindrance(const rl_rule_t *rule, request_rec *r);

/* COUNT/concurrent: returns how many of `all` slots this request may take the last of: all, or
 * those that aren't kept for others. A condition that can't be evaluated doesn't hold. */
uint32_t rl_rule_slots_for(const rl_rule_t *rule, uint32_t all, request_rec *r);

/* Returns the rate as it was written or, if it is computed or lowered, as text of the meter's.
 */
const char *rl_rule_rate_text(apr_pool_t *pool, const rl_rule_t *rule, const rl_meter_t *meter);

#endif
