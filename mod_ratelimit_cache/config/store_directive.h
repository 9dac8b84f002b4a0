/* SPDX-License-Identifier: Apache-2.0 */
/* RateLimitStore memcached: a shared store, as one directive describes it. */
#ifndef RL_CONFIG_STORE_DIRECTIVE_H
#define RL_CONFIG_STORE_DIRECTIVE_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

#include "../fleet/muster.h"
#include "../lease/lease_list.h"
#include "../memcached/log_throttle.h"
#include "../memcached/memcached.h"
#include "../stats/stats.h"

/* Filled in in three steps: when the directive is read; in post_config, where addresses,
 * log_slots and figures are found; and in each child, which has its own store and leases. */
typedef struct rl_store_config {
    rl_memcached_settings_t settings;
    apr_array_header_t *servers;   /* of rl_memcached_server_t: what settings.servers shows */
    apr_array_header_t *log_slots; /* of rl_log_slot_t *, one for each server */
    bool connections_given;        /* connections= was given */
    rl_digest_t salt;              /* keeps the keys of several stores apart, see rl_source_t */
    server_rec *server;            /* whose log is told about the store */
    bool may_lease;                /* lease=on: units may be reserved ahead */
    rl_store_figures_t *figures;   /* what its sessions count; NULL: there are too many */
    rl_store_t *store;             /* this process's; NULL before child_init */
    bool compares;                 /* compare=on: this server and the others find each other */
    struct rl_muster
        *muster;             /* what is known of the others (process/muster.h); NULL: nothing */
    rl_print_t print;        /* this configuration's fingerprint */
    unsigned forks;          /* forks between the child and the process that made the store */
    rl_lease_list_t *leases; /* this child's; NULL: it has no leases */
} rl_store_config_t;

/* Reads the arguments after "memcached". Sets *store, in cmd->pool, and returns NULL, or
 * returns the error for httpd to show. */
const char *rl_store_directive_parse(cmd_parms *cmd, int argc, char *const argv[],
                                     rl_store_config_t **store);

/* Returns, in the pool, the shared stores that the main server or a virtual host uses, each
 * once: an array of rl_store_config_t *. */
apr_array_header_t *rl_store_config_all(server_rec *s, apr_pool_t *pool);

/* Calls visit, with the pool, once for each shared store that the main server or a virtual host
 * uses. */
void rl_store_config_each(server_rec *s, void (*visit)(rl_store_config_t *, apr_pool_t *),
                          apr_pool_t *pool);

#endif
