/* SPDX-License-Identifier: Apache-2.0 */
#include "upgrade.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <http_config.h>
#include <string.h>

#include "../httpd/module.h"

/* An upgrade to HTTP/2 (h2c). httpd runs the hooks for the HTTP/1.1 request first; then
 * mod_http2 processes the same request as stream 1, on a connection of its own and in another
 * thread. What was decided in the first round is kept on the client's connection, and the first
 * stream that is the same request takes it. */
struct rl_upgrade {
    apr_pool_t *pool;            /* of all that the members below point to */
    const rl_request_t *offered; /* the record that it was copied from */
    bool valid;                  /* no other request has come on the connection since */
    volatile apr_uint32_t taken; /* 1 once a stream has taken it over */
    const char *method, *host, *path, *query;
    rl_request_t request;
};

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL ? strcmp(a, b) == 0 : a == b;
}

/* Whether a module is there that speaks HTTP/2. */
static bool is_possible;

int rl_upgrade_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                            server_rec *s)
{
    (void)pconf, (void)plog, (void)ptemp, (void)s;
    is_possible = ap_find_linked_module("mod_http2.c") != NULL;
    return OK;
}

RL_EACH_REQUEST static bool asks_for_h2c(const request_rec *r)
{
    return is_possible && r->connection->master == NULL &&
           apr_table_get(r->headers_in, "Upgrade") != NULL &&
           apr_table_get(r->headers_in, "HTTP2-Settings") != NULL;
}

/* Returns true if r is the same request, and claims the offer for it. Path and query are
 * compared as the client sent them, but decoded: mod_http2 makes the stream's request from
 * these. */
static bool is_upgraded(rl_upgrade_t *upgrade, const request_rec *r)
{
    return same_text(upgrade->method, r->method) && same_text(upgrade->host, r->hostname) &&
           same_text(upgrade->path, r->parsed_uri.path) &&
           same_text(upgrade->query, r->parsed_uri.query) &&
           apr_atomic_xchg32(&upgrade->taken, 1) == 0;
}

RL_RARELY static void find_decided(request_rec *r, rl_request_t *request)
{
    rl_upgrade_t *upgrade =
        ap_get_module_config(r->connection->master->conn_config, &ratelimit_cache_module);
    if (upgrade == NULL || !upgrade->valid || !is_upgraded(upgrade, r)) {
        return;
    }
    rl_request_copy(r->pool, &upgrade->request, request);
}

void rl_upgrade_take_over(request_rec *r, rl_request_t *request)
{
    if (r->connection->master != NULL) {
        find_decided(r, request);
    }
    request->no_upgrade = !asks_for_h2c(r);
}

/* Returns the connection's record of an upgrade, empty; makes it if need be. */
static rl_upgrade_t *empty_upgrade(conn_rec *c)
{
    rl_upgrade_t *upgrade = ap_get_module_config(c->conn_config, &ratelimit_cache_module);
    if (upgrade == NULL) {
        upgrade = apr_pcalloc(c->pool, sizeof(*upgrade));
        apr_pool_create(&upgrade->pool, c->pool);
        ap_set_module_config(c->conn_config, &ratelimit_cache_module, upgrade);
    }
    apr_pool_clear(upgrade->pool);
    return upgrade;
}

void rl_upgrade_offer(request_rec *r)
{
    rl_request_t *request = rl_request_get(r);
    rl_upgrade_t *upgrade;
    if (request == NULL || request->no_upgrade || !asks_for_h2c(r)) {
        return; /* or no longer asks: a denial took the Upgrade field out, and its ErrorDocument
                 * is answered in HTTP/1.1 */
    }
    upgrade = empty_upgrade(r->connection);
    upgrade->method = apr_pstrdup(upgrade->pool, r->method);
    upgrade->host = apr_pstrdup(upgrade->pool, r->hostname);
    upgrade->path = apr_pstrdup(upgrade->pool, r->parsed_uri.path);
    upgrade->query = apr_pstrdup(upgrade->pool, r->parsed_uri.query);
    rl_request_copy(upgrade->pool, request, &upgrade->request);
    upgrade->taken = 0;
    upgrade->offered = request;
    upgrade->valid = true;
    request->upgrade = upgrade;
}

bool rl_upgrade_was_taken_over(const rl_request_t *request)
{
    rl_upgrade_t *upgrade = request->upgrade;
    return upgrade != NULL && upgrade->offered == request &&
           apr_atomic_read32(&upgrade->taken) != 0;
}

void rl_upgrade_forget(const conn_rec *c)
{
    rl_upgrade_t *upgrade =
        is_possible ? ap_get_module_config(c->conn_config, &ratelimit_cache_module) : NULL;
    if (upgrade != NULL && c->master == NULL) {
        upgrade->valid = false;
    }
}
