#include "record.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <string.h>

#include "../config/config.h"
#include "../hooks/settle.h"

/* An upgrade to HTTP/2 (h2c). httpd runs the hooks for the HTTP/1.1 request first; then
 * mod_http2 processes the same request as stream 1 on a connection of its own, in another
 * thread. What was settled in the first round is kept on the client's connection, and the first
 * stream that is the same request takes it.
 */
struct rl_upgrade {
    apr_pool_t *pool;            /* of all that it holds */
    const rl_request_t *offered; /* by whom */
    bool valid;
    volatile apr_uint32_t taken;
    const char *method, *host, *path, *query;
    rl_request_t request;
};

/* Where a client request began: internal redirects are chained by prev. httpd limits their
 * number (LimitInternalRecursion). */
static const request_rec *root_of(const request_rec *r)
{
    while (r->prev != NULL) {
        r = r->prev;
    }
    return r;
}

rl_request_t *rl_request_get(const request_rec *r)
{
    return ap_get_module_config(root_of(r)->request_config, &ratelimit_cache_module);
}

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL ? strcmp(a, b) == 0 : a == b;
}

static const char *copy_text(apr_pool_t *pool, const char *text)
{
    return text != NULL ? apr_pstrdup(pool, text) : NULL;
}

/* ---- room for claims ---- */

/* The bytes that n rules take: claims, then settled. */
static apr_size_t size_of(int n)
{
    return (apr_size_t)n * (sizeof(rl_claim_t) + sizeof(rl_settled_t));
}

static void use_room(rl_request_t *request, void *memory, int room)
{
    request->room = room;
    request->claims = memory;
    request->settled = (rl_settled_t *)(request->claims + room);
}

/* Gives the request room for so many rules, and the first n of another's, or its own. */
static void move_claims(apr_pool_t *pool, rl_request_t *request, const rl_request_t *from,
                        int room)
{
    const rl_claim_t *claims = from->claims;
    const rl_settled_t *settled = from->settled;
    request->n = from->n;
    use_room(request, apr_palloc(pool, size_of(room)), room);
    if (request->n > 0) {
        memcpy(request->claims, claims, (size_t)request->n * sizeof(*claims));
        memcpy(request->settled, settled, (size_t)request->n * sizeof(*settled));
    }
}

/* A copy in another pool, for another thread. Rules of the server live as long as the child; a
 * tenant's end with the request. */
static void copy_request(apr_pool_t *pool, const rl_request_t *from, rl_request_t *to)
{
    *to = (rl_request_t){
        .exempt = from->exempt, .by_outcome = from->by_outcome, .denied_claim = -1};
    move_claims(pool, to, from, from->n);
    for (int i = 0; i < to->n; i++) {
        rl_settled_t *settled = &to->settled[i];
        settled->name = copy_text(pool, settled->name);
        if (settled->rule != NULL && settled->rule->tenant) {
            settled->rule = NULL;
        }
    }
    to->report.status = copy_text(pool, from->report.status);
    to->report.rule = copy_text(pool, from->report.rule);
    to->report.limit = copy_text(pool, from->report.limit);
    to->report.remaining = copy_text(pool, from->report.remaining);
    to->report.reset = copy_text(pool, from->report.reset);
    to->report.key = copy_text(pool, from->report.key);
}

/* Path and query as the client sent them, but decoded: mod_http2 makes the stream's request
 * from these. */
static bool is_upgraded(rl_upgrade_t *upgrade, const request_rec *r)
{
    return same_text(upgrade->method, r->method) && same_text(upgrade->host, r->hostname) &&
           same_text(upgrade->path, r->parsed_uri.path) &&
           same_text(upgrade->query, r->parsed_uri.query) &&
           apr_atomic_xchg32(&upgrade->taken, 1) == 0;
}

static void take_over_upgrade(request_rec *r, rl_request_t *request)
{
    rl_upgrade_t *upgrade;
    if (r->connection->master == NULL) {
        return;
    }
    upgrade = ap_get_module_config(r->connection->master->conn_config, &ratelimit_cache_module);
    if (upgrade == NULL || !upgrade->valid || !is_upgraded(upgrade, r)) {
        return;
    }
    copy_request(r->pool, &upgrade->request, request);
    if (request->by_outcome) {
        rl_settle_by_outcome(r, request);
    }
}

static bool asks_for_h2c(const request_rec *r)
{
    return r->connection->master == NULL && apr_table_get(r->headers_in, "Upgrade") != NULL &&
           apr_table_get(r->headers_in, "HTTP2-Settings") != NULL;
}

static rl_request_t *make_request(request_rec *r, int room)
{
    rl_request_t *request = apr_pcalloc(r->pool, sizeof(*request) + size_of(room));
    request->denied_claim = -1;
    use_room(request, request + 1, room);
    take_over_upgrade(r, request);
    request->plain = !asks_for_h2c(r);
    return request;
}

rl_request_t *rl_request_make(request_rec *r, int n)
{
    const request_rec *root = root_of(r);
    rl_request_t *request = ap_get_module_config(root->request_config, &ratelimit_cache_module);
    if (request == NULL) {
        request = make_request(r, n);
        ap_set_module_config(root->request_config, &ratelimit_cache_module, request);
    }
    return request;
}

void rl_request_reserve(request_rec *r, rl_request_t *request)
{
    if (request->n == request->room) {
        move_claims(r->pool, request, request, 2 * request->room + 1);
    }
}

int64_t rl_request_now(rl_request_t *request)
{
    if (request->now == 0) {
        request->now = apr_time_now();
    }
    return request->now;
}

/* Whether mod_actions sent prev on, to a program: it notes the Action in prev's environment,
 * and goes to the program's path with prev's behind it. */
static bool is_by_action(const request_rec *prev, const request_rec *r)
{
    const char *action = apr_table_get(prev->subprocess_env, "HANDLER");
    const size_t len = strlen(r->uri), tail = strlen(prev->uri);
    return action != NULL && strcmp(action, prev->handler) == 0 && len > tail &&
           strcmp(r->uri + len - tail, prev->uri) == 0;
}

/* Whether prev's handler only chose where the request goes on, and ran nothing: mod_rewrite's
 * in a directory, mod_negotiation's for a type map, mod_actions'. */
static bool is_signpost(const request_rec *prev, const request_rec *r)
{
    static const char *const handlers[] = {"redirect-handler", "type-map",
                                           "application/x-type-map"};
    if (prev->handler == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (strcmp(prev->handler, handlers[i]) == 0) {
            return true;
        }
    }
    return is_by_action(prev, r);
}

static bool same_digest(const rl_digest_t *a, const rl_digest_t *b)
{
    return a->hi == b->hi && a->lo == b->lo;
}

/* The tenant's rule, parsed anew from its .htaccess, that this was decided on for. */
static const rl_rule_t *find_again(const rl_settled_t *settled, const rl_rule_set_t *rules)
{
    const rl_rule_t *rule = rl_rule_set_find(rules, settled->name);
    return rule != NULL && rule->tenant && same_digest(&rule->id, &settled->id) ? rule : NULL;
}

/* Upgraded: the rules of tenants ended with the request that was taken over. */
static void find_tenants_rules(const rl_request_t *request, const rl_rule_set_t *rules)
{
    for (int i = 0; i < request->n; i++) {
        rl_settled_t *settled = &request->settled[i];
        if (settled->rule == NULL) {
            settled->rule = find_again(settled, rules);
        }
    }
}

void rl_request_go_on(rl_request_t *request, const request_rec *r)
{
    for (const request_rec *at = r; at != request->current && at->prev != NULL; at = at->prev) {
        if (!is_signpost(at->prev, at)) {
            request->spent = request->n;
            break;
        }
    }
    request->current = r;
    find_tenants_rules(request, rl_dir_config(r)->rules);
}

/* The connection's record, empty. */
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

void rl_request_offer_upgrade(request_rec *r)
{
    rl_request_t *request = rl_request_get(r);
    rl_upgrade_t *upgrade;
    if (request == NULL || request->plain || !asks_for_h2c(r)) {
        return; /* or doesn't ask any more: a denial is answered as it was asked for */
    }
    upgrade = empty_upgrade(r->connection);
    upgrade->method = apr_pstrdup(upgrade->pool, r->method);
    upgrade->host = copy_text(upgrade->pool, r->hostname);
    upgrade->path = copy_text(upgrade->pool, r->parsed_uri.path);
    upgrade->query = copy_text(upgrade->pool, r->parsed_uri.query);
    copy_request(upgrade->pool, request, &upgrade->request);
    upgrade->taken = 0;
    upgrade->offered = request;
    upgrade->valid = true;
    request->upgrade = upgrade;
}

bool rl_request_was_taken_over(const rl_request_t *request)
{
    rl_upgrade_t *upgrade = request->upgrade;
    return upgrade != NULL && upgrade->offered == request &&
           apr_atomic_read32(&upgrade->taken) != 0;
}

int rl_request_post_read(request_rec *r)
{
    conn_rec *c = r->connection;
    if (c->master == NULL && r->prev == NULL && r->main == NULL) {
        rl_upgrade_t *upgrade = ap_get_module_config(c->conn_config, &ratelimit_cache_module);
        if (upgrade != NULL) {
            upgrade->valid = false;
        }
    }
    return DECLINED;
}

int rl_request_find_settled(const rl_request_t *request, const rl_rule_t *rule)
{
    for (int i = 0; i < request->n; i++) {
        if (request->settled[i].rule == rule) {
            return i;
        }
    }
    return -1;
}

bool rl_request_is_error_document(const request_rec *r)
{
    for (; r->prev != NULL; r = r->prev) {
        if (r->prev->status != HTTP_OK) {
            return true;
        }
    }
    return false;
}
