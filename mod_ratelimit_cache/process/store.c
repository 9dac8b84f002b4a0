#include "store.h"

#include <apr_strings.h>
#include <ap_mpm.h>
#include <http_log.h>
#include <string.h>

#include "../core/meter/tally.h"
#include "../lease/keeper.h"
#include "../system/clock.h"
#include "../config/config.h"
#include "runtime.h"

APLOG_USE_MODULE(ratelimit_cache);

/* How often leases are looked at, and how long a look may take, the last one in particular:
 * httpd doesn't wait for a child without end. Microseconds. */
#define TEND_INTERVAL 250000
#define TEND_MOST     400000
#define TEND_LAST     100000

static rl_store_config_t *store_of(const server_rec *s)
{
    return rl_server_config(s)->store;
}

/* Calls back once for each shared store that virtual hosts use. */
static void each_store(server_rec *s, void (*visit)(rl_store_config_t *, apr_pool_t *),
                       apr_pool_t *pool)
{
    for (server_rec *at = s; at != NULL; at = at->next) {
        rl_store_config_t *store = store_of(at);
        bool seen = store == NULL;
        for (server_rec *before = s; before != at && !seen; before = before->next) {
            seen = store_of(before) == store;
        }
        if (!seen) {
            visit(store, pool);
        }
    }
}

/* ---- start ---- */

/* A name may have addresses that its server doesn't listen at: "localhost" often is ::1 first.
 */
#define ADDRESSES_MAX 8

typedef struct addresses {
    const char *ip[ADDRESSES_MAX];
    int n, preferred; /* the one to take when none answers: IPv4 if there is one */
} addresses_t;

static apr_status_t find_addresses(const rl_memcached_server_t *server, addresses_t *found,
                                   apr_pool_t *pconf)
{
    apr_sockaddr_t *at;
    apr_status_t rv =
        apr_sockaddr_info_get(&at, server->host, APR_UNSPEC, server->port, 0, pconf);
    bool has_v4 = false;
    *found = (addresses_t){.n = 0};
    for (; rv == APR_SUCCESS && at != NULL && found->n < ADDRESSES_MAX; at = at->next) {
        char *ip;
        rv = apr_sockaddr_ip_get(&ip, at);
        if (!has_v4 && at->family == APR_INET) {
            has_v4 = true;
            found->preferred = found->n;
        }
        found->ip[found->n++] = ip;
    }
    return rv;
}

/* Names are resolved once, here: the client library would do it outside of all its time-outs.
 * A server whose name can't be resolved keeps its share of the keys, as on the other members of
 * the fleet. */
static void resolve(const rl_store_config_t *store, rl_memcached_server_t *server,
                    addresses_t *found, apr_pool_t *pconf)
{
    const apr_status_t rv = find_addresses(server, found, pconf);
    if (rv == APR_SUCCESS) {
        server->address = found->ip[found->preferred];
        return;
    }
    server->address = NULL;
    ap_log_error(APLOG_MARK, APLOG_ERR, rv, store->server,
                 "ratelimit: RateLimitStore memcached %s: the name can't be resolved; its "
                 "share of the keys is counted by RateLimitOnError until a reload",
                 server->name);
}

/* Takes the first address that answers; none is tried later than two time-outs from now, so
 * that a start doesn't take long. Returns why the one that is taken doesn't answer, or NULL. */
static const char *choose_address(const rl_store_config_t *store, unsigned i,
                                  rl_memcached_server_t *server, const addresses_t *found,
                                  apr_pool_t *ptemp)
{
    const int64_t end = rl_monotonic_now() + 2 * store->settings.timeout_us;
    const char *preferred = server->address, *why = NULL;
    for (int n = 0; n < found->n && (n == 0 || rl_monotonic_now() < end); n++) {
        const char *reason;
        server->address = found->ip[n];
        reason = rl_memcached_probe(ptemp, &store->settings, i);
        if (reason == NULL) {
            return NULL;
        }
        if (why == NULL || server->address == preferred) {
            why = reason;
        }
    }
    server->address = preferred;
    return why;
}

static void tell_whether_it_answers(const rl_store_config_t *store,
                                    const rl_memcached_server_t *server, const char *reason)
{
    if (reason == NULL) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, store->server,
                     "ratelimit: counters in memcached %s, which answers", server->name);
    }
    else {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, store->server,
                     "ratelimit: counters in memcached %s, which %s; "
                     "httpd goes on by RateLimitOnError until it does",
                     server->name, reason);
    }
}

static void look_up_server(const rl_store_config_t *store, unsigned i, apr_pool_t *pconf)
{
    rl_memcached_server_t *server =
        &APR_ARRAY_IDX(store->servers, (int)i, rl_memcached_server_t);
    addresses_t found = {.ip = {server->host}, .n = 1};
    if (server->port != 0) {
        resolve(store, server, &found, pconf);
    }
    if (server->address != NULL) {
        tell_whether_it_answers(store, server, choose_address(store, i, server, &found, pconf));
    }
    APR_ARRAY_PUSH(store->told, rl_told_slot_t *) =
        rl_told_find(rl_runtime()->told, server->name);
}

static void post_config_store(rl_store_config_t *store, apr_pool_t *pconf)
{
    store->told = apr_array_make(pconf, store->servers->nelts, sizeof(rl_told_slot_t *));
    for (unsigned i = 0; i < store->settings.nservers; i++) {
        look_up_server(store, i, pconf);
    }
    if (rl_global_config()->secret == NULL) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, store->server,
            "ratelimit: no RateLimitSecret: whoever can read memcached can find out "
            "which addresses and names are counted; set the same secret on all servers");
    }
}

void rl_store_post_config(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    (void)ptemp;
    each_store(s, post_config_store, pconf);
}

/* ---- children ---- */

/* The level to log at; -1 for what is not to be logged. */
static int level_of(rl_tell_e how)
{
    switch (how) {
    case RL_TELL_ERROR:
        return APLOG_ERR;
    case RL_TELL_NOTICE:
        return APLOG_NOTICE;
    case RL_TELL_INFO:
        return APLOG_INFO;
    default:
        return -1;
    }
}

static void tell_failure(const rl_store_config_t *store, int level, const char *name,
                         const char *reason)
{
    ap_log_error(
        APLOG_MARK, level, 0, store->server,
        "ratelimit: memcached %s fails (%s); rules go on by RateLimitOnError, and it is tried "
        "again every %" APR_INT64_T_FMT " ms. Check that it runs and can be reached",
        name, reason, store->settings.breaker.cooldown_us / 1000);
}

static void tell_refusal(const rl_store_config_t *store, int level, const char *name,
                         const char *reason)
{
    ap_log_error(
        APLOG_MARK, level, 0, store->server,
        "ratelimit: memcached %s refuses to store new counters (%s); they are counted by "
        "RateLimitOnError. It is full, and evicts nothing or not enough: give it more memory "
        "(-m), and don't start it with -M",
        name, reason);
}

static void tell_rejection(const rl_store_config_t *store, int level, const char *name,
                           const char *reason)
{
    ap_log_error(
        APLOG_MARK, level, 0, store->server,
        "ratelimit: memcached %s answers with an error (%s); what it rejects is counted by "
        "RateLimitOnError. Check that it is a memcached which wants no password (-Y, -S), that "
        "no other program listens there, and that none writes keys with the same prefix=",
        name, reason);
}

static void tell(void *context, rl_server_event_e event, unsigned server, const char *reason)
{
    const rl_store_config_t *store = context;
    const char *name = store->settings.servers[server].name;
    rl_told_slot_t *told = APR_ARRAY_IDX(store->told, (int)server, rl_told_slot_t *);
    const int level = level_of(rl_told_note(told, event, rl_monotonic_now()));
    if (level < 0) {
        return;
    }
    switch (event) {
    case RL_SERVER_WORKS:
        ap_log_error(APLOG_MARK, level, 0, store->server, "ratelimit: memcached %s works again",
                     name);
        break;
    case RL_SERVER_REFUSES:
        tell_refusal(store, level, name, reason);
        break;
    case RL_SERVER_REJECTS:
        tell_rejection(store, level, name, reason);
        break;
    default:
        tell_failure(store, level, name, reason);
        break;
    }
}

/* Differs from one moment, request and process to the next; nobody gains by guessing it. */
static unsigned draw_incarnation(const void *what, int64_t now)
{
    const uint64_t mixed =
        ((uint64_t)now ^ (uint64_t)(uintptr_t)what ^ (uint64_t)getpid() << 32) *
        UINT64_C(0x9e3779b97f4a7c15);
    return rl_tally_incarnation(mixed >> 32);
}

/* In the thread of its own that looks after this child's leases. */
static bool tend_leases(void *context, bool last)
{
    const rl_store_config_t *store = context;
    const int64_t started = rl_monotonic_now();
    const int64_t most = last ? TEND_LAST : TEND_MOST;
    const int64_t timeout = store->settings.timeout_us;
    rl_upstream_session_t session = {
        .upstream = store->upstream,
        .deadline = started + (timeout < most ? timeout : most),
    };
    const rl_source_t source = {.ledger = &rl_runtime()->ledger,
                                .salt = store->salt,
                                .session = &session,
                                .keeper = store->keeper,
                                .incarnation = draw_incarnation(&session, started)};
    return rl_keeper_tend(store->keeper, &source, apr_time_now(), last);
}

/* Without the thread nobody would give back what lies idle. */
static void allow_leases(rl_store_config_t *store, apr_pool_t *pchild)
{
    rl_background_t *thread;
    store->keeper = rl_keeper_create(pchild);
    if (store->keeper == NULL) {
        return;
    }
    thread = rl_background_create(pchild, TEND_INTERVAL, tend_leases, store);
    rl_keeper_set_thread(store->keeper, thread);
    if (thread == NULL) {
        store->keeper = NULL;
    }
}

static void child_init_store(rl_store_config_t *store, apr_pool_t *pchild)
{
    int threads = 1;
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    if (!store->connections_given) {
        store->settings.connections = threads > 0 ? (unsigned)threads : 1;
    }
    store->upstream = rl_memcached_create(pchild, &store->settings, tell, store);
    if (store->upstream == NULL) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, store->server,
                     "ratelimit: RateLimitStore memcached %s: no memory for its connections; "
                     "rules go on by RateLimitOnError in this child",
                     store->settings.servers[0].name);
        store->upstream = rl_upstream_absent();
    }
    else if (store->leases) {
        allow_leases(store, pchild);
    }
}

void rl_store_child_init(apr_pool_t *pchild, server_rec *s)
{
    each_store(s, child_init_store, pchild);
}

/* ---- requests ---- */

void rl_store_begin(request_rec *r, rl_request_t *request, rl_store_session_t *session)
{
    const rl_store_config_t *store = store_of(r->server);
    session->source = (rl_source_t){.ledger = &rl_runtime()->ledger};
    if (store == NULL) {
        return;
    }
    session->source.salt = store->salt;
    if (store->upstream == NULL) {
        return;
    }
    session->started = rl_monotonic_now();
    session->upstream = (rl_upstream_session_t){
        .upstream = store->upstream,
        .deadline = session->started + store->settings.timeout_us - request->store_time,
    };
    session->source.session = &session->upstream;
    session->source.keeper = store->keeper;
    session->source.incarnation = draw_incarnation(r, session->started);
}

void rl_store_end(rl_request_t *request, rl_store_session_t *session)
{
    if (session->source.session != NULL) {
        session->upstream.upstream->ops->end(&session->upstream);
        request->store_time += rl_monotonic_now() - session->started;
    }
}

const rl_secret_t *rl_store_secret(const server_rec *s)
{
    return store_of(s) != NULL ? &rl_runtime()->fleet_secret : &rl_runtime()->secret;
}
