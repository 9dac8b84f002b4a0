/* SPDX-License-Identifier: Apache-2.0 */
/* A report while it is being gathered: private to gather*.c. */
#ifndef RL_STATUS_GATHERING_H
#define RL_STATUS_GATHERING_H

#include <httpd.h>

#include "../concurrent/concurrent.h"
#include "../rule/rule.h"
#include "text/report.h"

/* Where a rule's row comes from. */
typedef struct rl_row_origin {
    const rl_rule_t *rule; /* NULL: tenants' rules */
    const server_rec *server;
} rl_row_origin_t;

typedef struct rl_gathering {
    apr_pool_t *pool;
    server_rec *main_server;
    int64_t now;                 /* microseconds since the epoch */
    uint32_t now_s;              /* seconds */
    rl_slot_counts_t *at_once;   /* requests of each row of figures that are served now */
    apr_array_header_t *rules;   /* of rl_rule_row_t */
    apr_array_header_t *origins; /* of rl_row_origin_t, one for each of them */
    apr_array_header_t *keys;    /* of rl_key_row_t */
} rl_gathering_t;

/* Adds the keys of the i-th rule. No rules may be added afterwards: keys point to them. */
void rl_gather_keys(const rl_gathering_t *to, int i);

/* Adds a row for a key of a rule, whose row is given, in a virtual host: what it has used as
 * far as this server knows. Its operation needs no cost and isn't bound. Returns it. */
rl_key_row_t *rl_gather_key(const rl_gathering_t *to, const server_rec *s,
                            const rl_operation_t *key, const rl_rule_row_t *rule);

/* Returns rows of rl_store_row_t for all stores in use. */
apr_array_header_t *rl_gather_stores(const rl_gathering_t *to);

/* Sets the report's members about how busy the server is. */
void rl_gather_busy(apr_pool_t *pool, rl_report_t *report);

void rl_gather_table(const rl_gathering_t *to, rl_table_row_t *table);

#endif
