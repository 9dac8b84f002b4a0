/* SPDX-License-Identifier: Apache-2.0 */
/* What the status page tells, in whatever form. Texts are as the configuration has them, and
 * may hold any bytes. Times are seconds. */
#ifndef RL_STATUS_TEXT_REPORT_H
#define RL_STATUS_TEXT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../core/alike.h"
#include "../../core/digest.h"
#include "../../stats/stats.h"

/* A rule in one virtual host. All texts but name and vhost are "" for the rules of .htaccess
 * files, which have one row together, called ".htaccess". */
typedef struct rl_rule_row {
    const char *name, *vhost, *section, *rate, *key, *algorithm;
    bool observe; /* action=observe */
    const rl_figures_t *figures;
    uint64_t n[RL_FIGURES];
    rl_interval_t recent;        /* in the last five minutes */
    uint32_t in_flight, waiting; /* of COUNT/concurrent: slots that are held, and waited for */
} rl_rule_row_t;

/* Returns the requests that the rule was checked for. */
uint64_t rl_rule_row_checked(const rl_rule_row_t *row);

/* A key of a rule, one of the busiest, or of those most over their limit. */
typedef struct rl_key_row {
    const rl_rule_row_t *rule;
    char tag[RL_TAG_LENGTH + 1];
    uint32_t used, limit; /* units */
    uint32_t reset_s;     /* until nothing is left of its use; 0: nothing is in use */
    uint32_t penalty_s;   /* until its penalty ends; 0: none */
    uint32_t exempt_s;    /* until its exemption ends; 0: none */
    uint32_t requests;    /* that it made, since it was last quiet for ten minutes; */
    uint32_t denied;      /* and that were over the limit; both are estimates for busy rules */
    uint32_t seen_s;      /* when it came last, seconds since 1970; 0: not known */
    uint32_t since_s;     /* when its denials began, as far as they were logged; 0: not known */
    const char *values;   /* PART=VALUE, with newlines between them; "" if they aren't told */
} rl_key_row_t;

/* Copies the i-th value, from 0. Returns false if there are fewer. */
bool rl_key_row_value(const rl_key_row_t *row, unsigned i, char value[RL_VALUES_BYTES]);

typedef struct rl_server_row {
    const char *name, *state; /* state: up, down, or unknown before it was asked */
    rl_traffic_sums_t traffic;
    uint64_t outage_local, last_outage_local; /* requests that RateLimitOnError decided in the
                                               * present outage, and in the last one */
} rl_server_row_t;

/* Another server that uses the same shared store. */
typedef struct rl_fellow_row {
    const char *host; /* HOST:PORT; "" if that isn't known */
    uint32_t seen_s;  /* when it was last seen, seconds since 1970 */
    unsigned differs; /* in what it isn't this server's: bit i is for i of rl_alike_e */
} rl_fellow_row_t;

typedef struct rl_store_row {
    const char *name; /* "shm", or "memcached" and its servers */
    const rl_server_row_t *servers;
    size_t nservers;
    uint64_t local, leased;
    const rl_fellow_row_t *fleet; /* of the others, as far as they are known */
    size_t nfleet;
} rl_store_row_t;

/* How busy the server is, by one measure of RateLimitBusy. */
typedef struct rl_measure_row {
    const char *name;          /* as in RateLimitBusy */
    bool percent;              /* hundredths of a percent, else of one */
    bool known;                /* it could be measured */
    uint32_t value, high, low; /* hundredths */
} rl_measure_row_t;

typedef struct rl_table_row {
    uint64_t bytes, cells, used, expired, evictions;
} rl_table_row_t;

/* What somebody asked for by hand, and what came of it. */
typedef struct rl_deed_row {
    const char *action; /* "show", "clear" or "exempt" */
    bool done;          /* false: nothing was done, and the text says why */
    const char *text;   /* a sentence or two, for people */
} rl_deed_row_t;

typedef struct rl_report {
    const char *version;              /* of the module */
    const char *host;                 /* that was asked for the report */
    uint32_t now_s;                   /* seconds since 1970 */
    bool busy;                        /* the server counts as busy, */
    uint32_t busy_s;                  /* for so many seconds */
    const char *busy_text;            /* the measures, for people; "" without RateLimitBusy */
    const rl_measure_row_t *measures; /* those of RateLimitBusy */
    size_t nmeasures;
    const rl_figures_t *all;
    uint64_t requests[RL_FIGURES]; /* of `all`; see rl_figures_of_request() */
    const rl_rule_row_t *rules;    /* in the order of the configuration */
    size_t nrules;
    const rl_key_row_t *keys; /* rule by rule, those over their limit first */
    size_t nkeys;
    const rl_store_row_t *stores;
    size_t nstores;
    rl_table_row_t table;
    const char *token;         /* lets whoever has it look up, clear and exempt */
    const rl_deed_row_t *deed; /* NULL: the page was only asked for */
    const rl_key_row_t *found; /* the keys that the deed was about, as they are now */
    size_t nfound;
} rl_report_t;

#endif
