/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the counters that somebody asks for by hand. */
#ifndef RL_STATUS_FIND_H
#define RL_STATUS_FIND_H

#include <httpd.h>

#include "../core/meter/operation.h"
#include "../rule/rule.h"

/* What is asked for: a tag, or a rule and a value for each part of its key. */
typedef struct rl_wanted {
    const char *tag;            /* NULL: none */
    const char *rule;           /* NULL: none */
    const char *vhost;          /* NULL: any */
    apr_array_header_t *values; /* of const char *: PART=VALUE */
} rl_wanted_t;

/* A key of a rule in a virtual host. */
typedef struct rl_found {
    const server_rec *server;
    const rl_rule_t *rule; /* NULL: a tenant's */
    rl_operation_t op;     /* not bound yet */
} rl_found_t;

/* Finds the keys that are wanted. Values make the same key as those of a request to the rule's
 * section. Several are found if a rule of this name stands in several sections, or counts apart
 * in each virtual host, or if its rate is computed. Returns OK and *found, of rl_found_t, at
 * least one; else the HTTP status to answer with, and *reason, a sentence. Both are in pool. */
int rl_find(apr_pool_t *pool, const rl_wanted_t *wanted, apr_array_header_t **found,
            const char **reason);

#endif
