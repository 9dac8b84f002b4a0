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

typedef struct rl_methods {
    bool all;
    apr_int64_t mask;          /* bits of httpd's method numbers */
    apr_array_header_t *other; /* names that httpd doesn't know, upper case; NULL for none */
} rl_methods_t;

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
    rl_key_prefix_t scope; /* of its counters for that server, set in post_config */
    struct rl_rule *next;  /* in the list of all rules of the server's configuration */
} rl_rule_t;

/* Reads the arguments of one RateLimit directive: NAME, RATE or "off", options. Returns NULL
 * and a rule, or the error for httpd to show. */
const char *rl_rule_parse(cmd_parms *cmd, int argc, char *const argv[], rl_rule_t **rule);

/* The rule's meter at this rate. */
void rl_rule_meter(const rl_rule_t *rule, const rl_rate_t *rate, rl_meter_t *meter);

/* What the rule's counters are filed under when it counts with this meter. Counts of another
 * period or algorithm mean nothing to it, nor does a bucket of another size. A changed limit of
 * a window keeps what was counted, unless a group is to share it by rate. */
rl_digest_t rl_rule_counters(const rl_rule_t *rule, const rl_meter_t *meter);

/* Whether the rule speaks of this request: its method, when= and unless=; of `always` rules it
 * is known. */
bool rl_rule_applies(const rl_rule_t *rule, request_rec *r);

/* Rules that one section may have, and beyond which a set takes no more of a tenant's. */
#define RL_SECTION_RULES_MAX 200
#define RL_TENANT_RULES_MAX  200

/* Rules in the order they are checked. Unchanging once built; sections share them. */
typedef struct rl_rule_set {
    int n;
    bool has[RL_PHASES];        /* any rule of that phase is in it */
    bool tenants;               /* any rule of a tenant is in it */
    bool groups;                /* any rule has a group */
    const rl_rule_t *overruled; /* a tenant's rule that has no effect, or NULL */
    const rl_rule_t *rules[];
} rl_rule_set_t;

/* The set with one more rule, in the pool. The set may be NULL. */
const rl_rule_set_t *rl_rule_set_add(apr_pool_t *pool, const rl_rule_set_t *set,
                                     const rl_rule_t *rule);

/* The rule of that name, or NULL. The set may be NULL. */
const rl_rule_t *rl_rule_set_find(const rl_rule_set_t *set, const char *name);

/* The rules of an outer and an inner section: inner ones replace outer ones of the same name in
 * their place, others follow. A tenant's rule never replaces one of the server's. Both may be
 * NULL; the result may be either of them. */
const rl_rule_set_t *rl_rule_set_merge(apr_pool_t *pool, const rl_rule_set_t *outer,
                                       const rl_rule_set_t *inner);

#endif
