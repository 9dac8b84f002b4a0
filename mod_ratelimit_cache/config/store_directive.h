/* RateLimitStore memcached: a shared store as one directive describes it. */
#ifndef RL_CONFIG_STORE_DIRECTIVE_H
#define RL_CONFIG_STORE_DIRECTIVE_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

#include "../lease/list.h"
#include "../memcached/log_throttle.h"
#include "../memcached/memcached.h"

/* Filled in when the directive is read, at the start of the server, and in each child. */
typedef struct rl_store_config {
    rl_memcached_settings_t settings;
    apr_array_header_t *servers;   /* of rl_memcached_server_t, behind settings.servers */
    apr_array_header_t *log_slots; /* of rl_log_slot_t *, for each server */
    bool connections_given;
    rl_digest_t salt;
    server_rec *server;      /* logs go here */
    bool may_lease;          /* units may be reserved ahead of requests */
    rl_store_t *store;       /* this process's; NULL before child_init */
    rl_lease_list_t *leases; /* this process's; NULL without leases */
} rl_store_config_t;

/* Reads the arguments after "memcached". Returns NULL and the store, or the error. */
const char *rl_store_directive_parse(cmd_parms *cmd, int argc, char *const argv[],
                                     rl_store_config_t **store);

/* Calls visit once for each shared store that virtual hosts use. */
void rl_store_config_each(server_rec *s, void (*visit)(rl_store_config_t *, apr_pool_t *),
                          apr_pool_t *pool);

#endif
