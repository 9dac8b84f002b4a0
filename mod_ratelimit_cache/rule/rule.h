/* Rules: what one RateLimit directive says. */
#ifndef RL_RULE_RULE_H
#define RL_RULE_RULE_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>

#include "../core/digest.h"
#include "../core/meter/meter.h"
#include "../core/rate.h"
#include "../httpd/methods.h"
#include "../key/key.h"
#include "outcome.h"

#define RL_ON_ERROR_UNSET (-1)

typedef enum { RL_MISSING_SHARE, RL_MISSING_SKIP, RL_MISSING_DENY } rl_missing_e;

/* Rules are checked as early as what they need is known, and those that need the body only when
 * the cheaper ones have admitted the request. */
typedef enum {
    RL_PHASE_EARLY,      /* before authentication */
    RL_PHASE_EARLY_BODY, /* then, with the body looked at */
    RL_PHASE_LATE,       /* after authentication */
    RL_PHASE_LATE_BODY,
    RL_PHASES
} rl_phase_e;

#define RL_UNITS_UNSET (-1)

/* Unchanging once the configuration stands. Lives as long as the configuration that it stands
 * in. */
typedef struct rl_rule {
    const char *name;
    const char *rate_text;           /* the rate as it was written */
    const ap_expr_info_t *rate_expr; /* computes the rate for each request; NULL: it is fixed */
    rl_digest_t place;      /* the rule's section and name, or its group, and its key */
    rl_digest_t id;         /* of its counters, see rl_rule_counters() */
    rl_meter_t meter;       /* complete unless the rate is computed */
    const char *quota_text; /* the meter's quota; NULL: the rate is computed */
    int64_t burst, initial; /* token bucket; RL_UNITS_UNSET: COUNT, burst */
    uint32_t cost;
    const ap_expr_info_t *cost_expr; /* computes the cost for each request; NULL: it is fixed */
    const rl_outcomes_t *count;      /* NULL: all */
    const rl_outcomes_t *clear;      /* NULL: none */
    rl_key_spec_t key;
    rl_methods_t methods;
    const ap_expr_info_t *when, *unless;
    bool always;       /* it applies to all methods, and has neither of these */
    const char *group; /* NULL: the rule's own section */
    int status;        /* 0: RateLimitDenyStatus */
    int on_error;      /* rl_on_error_e, or RL_ON_ERROR_UNSET: RateLimitOnError */
    rl_missing_e missing;
    bool dropped;   /* "off": stands for no rule and hides an inherited one */
    bool unlimited; /* "none" */
    bool observe;
    bool per_vhost;   /* each virtual host has counters of its own */
    rl_phase_e phase; /* when it is checked */
    bool tenant;      /* from .htaccess */
    server_rec
        *home; /* the (virtual) server in whose configuration it stands; NULL: a tenant's */
    rl_scope_t scope;     /* of its counters for that server, set in post_config */
    struct rl_rule *next; /* in the list of all rules of the server's configuration */
} rl_rule_t;

/* The rule's meter at this rate. */
void rl_rule_meter(const rl_rule_t *rule, const rl_rate_t *rate, rl_meter_t *meter);

/* Whether the rule speaks of this request: its method, when= and unless=; of `always` rules it
 * is known. */
bool rl_rule_applies(const rl_rule_t *rule, request_rec *r);

/* Returns the rate as it was written, or as the meter has it where it is computed. */
const char *rl_rule_rate_text(apr_pool_t *pool, const rl_rule_t *rule, const rl_meter_t *meter);

#endif
