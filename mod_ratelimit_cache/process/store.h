/* RateLimitStore: which store serves a virtual host, and the work that requests do with it. */
#ifndef RL_PROCESS_STORE_H
#define RL_PROCESS_STORE_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

#include "../memcached/memcached.h"
#include "../limiter/counter.h"
#include "../request/record.h"

/* A shared store, as one directive describes it. */
typedef struct rl_store_config {
    rl_memcached_settings_t settings;
    apr_array_header_t *servers; /* of rl_memcached_server_t, behind settings.servers */
    apr_array_header_t *told;    /* of rl_told_slot_t *, for each server */
    bool connections_given;
    rl_digest_t salt;
    server_rec *server;      /* logs go here */
    bool leases;             /* whether units may be reserved ahead of requests */
    rl_upstream_t *upstream; /* this process's; NULL before child_init */
    rl_keeper_t *keeper;     /* this process's; NULL without leases */
} rl_store_config_t;

/* Reads the arguments behind "memcached". Returns NULL or the error. */
const char *rl_store_parse(cmd_parms *cmd, int argc, char *const argv[],
                           rl_store_config_t **store);

/* Resolves host names, and tells in the log which stores are in use and whether they answer. */
void rl_store_post_config(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);

/* Makes this process's connections possible: nothing that is connected crosses a fork. */
void rl_store_child_init(apr_pool_t *pchild, server_rec *s);

/* A source of units for one request, and the end of it. All the store work of a request shares
 * one time-out. */
typedef struct rl_store_session {
    rl_source_t source;
    rl_upstream_session_t upstream;
    int64_t started;
} rl_store_session_t;

void rl_store_begin(request_rec *r, rl_request_t *request, rl_store_session_t *session);
void rl_store_end(rl_request_t *request, rl_store_session_t *session);

/* The key of the hash for what this virtual host counts. */
const rl_secret_t *rl_store_secret(const server_rec *s);

#endif
