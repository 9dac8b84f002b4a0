/* SPDX-License-Identifier: Apache-2.0 */
#include "store_directive.h"

#include <apr_strings.h>
#include <ctype.h>
#include <string.h>
#include <sys/un.h>

#include "../core/number.h"
#include "../core/rate.h"
#include "../ledger/ledger.h"
#include "config.h"

#define PORT_DEFAULT    11211
#define TIMEOUT_DEFAULT (50 * 1000) /* microseconds */
#define ARGUMENTS_MAX   62 /* httpd hands on 64 words at most, and drops the rest silently */

static const rl_breaker_settings_t default_breaker = {.failures = 3,
                                                      .cooldown_us = RL_USEC_PER_SEC};

/* ---- servers ---- */

static const char *parse_port(const char *text, uint16_t *port)
{
    uint64_t n;
    if (!rl_number_parse(text, strlen(text), 65535, &n) || n == 0) {
        return "the port must be an integer from 1 to 65535";
    }
    *port = (uint16_t)n;
    return NULL;
}

/* Reads HOST, HOST:PORT, [V6], [V6]:PORT, or an IPv6 address by itself. */
static const char *parse_host(apr_pool_t *pool, const char *text, rl_memcached_server_t *server)
{
    const char *host = text, *end = text + strcspn(text, ":"), *port = end;
    server->port = PORT_DEFAULT;
    if (*text == '[') {
        host = text + 1;
        end = strchr(host, ']');
        port = end != NULL ? end + 1 : NULL;
        if (port == NULL || (*port != '\0' && *port != ':')) {
            return "write [ADDRESS]:PORT for an IPv6 address";
        }
    }
    else if (*end == ':' && strchr(end + 1, ':') != NULL) {
        end = port = text + strlen(text); /* more than one colon: no port */
    }
    if (end == host) {
        return "the host is missing";
    }
    server->host = apr_pstrmemdup(pool, host, (apr_size_t)(end - host));
    return *port == ':' ? parse_port(port + 1, &server->port) : NULL;
}

/* A path that is too long would be cut off, and name another socket. */
static const char *parse_path(const char *path, rl_memcached_server_t *server)
{
    const struct sockaddr_un *address = NULL;
    server->host = server->address = path;
    if (*path != '/') {
        return "write unix:/PATH";
    }
    return strlen(path) < sizeof(address->sun_path)
               ? NULL
               : "the path of a unix socket must be at most 107 characters";
}

static const char *parse_server(cmd_parms *cmd, const char *text, rl_store_config_t *store)
{
    rl_memcached_server_t *server = apr_array_push(store->servers);
    memset(server, 0, sizeof(*server));
    server->name = text;
    if (strncmp(text, "unix:", 5) == 0) {
        return parse_path(text + 5, server);
    }
    return parse_host(cmd->pool, text, server);
}

/* ---- options ---- */

/* Reads NUMBERms or a DURATION, from least_us to most_us microseconds. */
static const char *parse_store_time(const char *text, int64_t least_us, int64_t most_us,
                                    int64_t *us)
{
    const size_t len = strlen(text);
    uint64_t n;
    if (len > 2 && ap_cstr_casecmp(text + len - 2, "ms") == 0) {
        if (!rl_number_parse(text, len - 2, RL_PERIOD_MAX_SEC, &n)) {
            return "must be a time such as 50ms or 1s";
        }
        *us = (int64_t)n * 1000;
    }
    else if (rl_duration_parse(text, us) != NULL) {
        return "must be a time such as 50ms or 1s";
    }
    return *us < least_us || *us > most_us ? "is out of range" : NULL;
}

static const char *store_option_timeout(rl_store_config_t *store, const char *value)
{
    const char *reason =
        parse_store_time(value, 1000, 10 * RL_USEC_PER_SEC, &store->settings.timeout_us);
    return reason != NULL ? "must be a time from 1ms to 10s, for example 50ms" : NULL;
}

static const char *store_option_cooldown(rl_store_config_t *store, const char *value)
{
    const char *reason = parse_store_time(value, 10 * 1000, 3600 * RL_USEC_PER_SEC,
                                          &store->settings.breaker.cooldown_us);
    return reason != NULL ? "must be a time from 10ms to 1h, for example 1s" : NULL;
}

static const char *store_option_connections(rl_store_config_t *store, const char *value)
{
    uint64_t n;
    if (!rl_number_parse(value, strlen(value), 10000, &n) || n == 0) {
        return "must be an integer from 1 to 10000";
    }
    store->settings.connections = (unsigned)n;
    store->connections_given = true;
    return NULL;
}

static const char *store_option_failures(rl_store_config_t *store, const char *value)
{
    uint64_t n;
    if (!rl_number_parse(value, strlen(value), 10000, &n) || n == 0) {
        return "must be an integer from 1 to 10000";
    }
    store->settings.breaker.failures = (unsigned)n;
    return NULL;
}

static const char *store_option_prefix(rl_store_config_t *store, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (!isgraph((unsigned char)*c)) {
            return "must be printable ASCII without blanks";
        }
    }
    store->settings.prefix = value;
    return strlen(value) > RL_COUNTER_TEXT_PREFIX_MAX ? "must be at most 64 characters" : NULL;
}

static const char *store_option_lease(rl_store_config_t *store, const char *value)
{
    store->may_lease = ap_cstr_casecmp(value, "off") != 0;
    return store->may_lease && ap_cstr_casecmp(value, "on") != 0 ? "must be on or off" : NULL;
}

static const char *store_option_compare(rl_store_config_t *store, const char *value)
{
    store->compares = ap_cstr_casecmp(value, "off") != 0;
    return store->compares && ap_cstr_casecmp(value, "on") != 0 ? "must be on or off" : NULL;
}

static const char *store_option_size(rl_store_config_t *store, const char *value)
{
    (void)store;
    return rl_table_size_raise(value);
}

static const char *store_option_tenants(rl_store_config_t *store, const char *value)
{
    (void)store;
    return rl_table_tenants_raise(value);
}

static const struct {
    const char *name;
    const char *(*parse)(rl_store_config_t *store, const char *value);
} options[] = {
    {"timeout", store_option_timeout},   {"connections", store_option_connections},
    {"prefix", store_option_prefix},     {"lease", store_option_lease},
    {"failures", store_option_failures}, {"cooldown", store_option_cooldown},
    {"size", store_option_size},         {"tenants", store_option_tenants},
    {"compare", store_option_compare},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

static const char *not_a_store_option(apr_pool_t *pool)
{
    const char *names = options[0].name;
    for (size_t i = 1; i < OPTIONS; i++) {
        names = apr_pstrcat(pool, names, ", ", options[i].name, NULL);
    }
    return apr_pstrcat(pool, "not an option; one of ", names, NULL);
}

/* Reads an argument: as an option if it has a = and isn't a unix socket's path, else as a
 * server. */
static const char *parse_argument(cmd_parms *cmd, const char *text, rl_store_config_t *store)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const size_t len = strlen(options[i].name);
        if (strncmp(text, options[i].name, len) == 0 && text[len] == '=') {
            return options[i].parse(store, text + len + 1);
        }
    }
    if (strncmp(text, "unix:", 5) != 0 && strchr(text, '=') != NULL) {
        return not_a_store_option(cmd->temp_pool);
    }
    return parse_server(cmd, text, store);
}

/* Returns what keeps this store's cells in the ledger apart from those of other stores: a
 * digest of its place among the stores of the configuration, and its prefix. The list of
 * servers is left out, so that what is known of the counters outlives a change of the list,
 * when many counters move to another server and have to be made anew. The low half of lo is 0,
 * which leaves that half of a key's digest as it is: it says when the key's windows begin
 * (core/meter/window.c), and they have to begin at the same time on all servers, whatever other
 * stores each of them has. */
static rl_digest_t salt_of(apr_pool_t *pool, const rl_store_config_t *store)
{
    const char *text =
        apr_psprintf(pool, "store %u %s", rl_global_config()->stores++, store->settings.prefix);
    rl_digest_t salt = rl_digest_public(text, strlen(text));
    salt.lo &= ~(uint64_t)UINT32_MAX;
    return salt;
}

const char *rl_store_directive_parse(cmd_parms *cmd, int argc, char *const argv[],
                                     rl_store_config_t **parsed)
{
    rl_store_config_t *store = apr_pcalloc(cmd->pool, sizeof(*store));
    store->server = cmd->server;
    store->servers = apr_array_make(cmd->pool, 4, sizeof(rl_memcached_server_t));
    store->settings.prefix = "rl:";
    store->may_lease = store->compares = true;
    store->settings.timeout_us = TIMEOUT_DEFAULT;
    store->settings.breaker = default_breaker;
    for (int i = 0; i < argc; i++) {
        const char *reason = i < ARGUMENTS_MAX
                                 ? parse_argument(cmd, argv[i], store)
                                 : "too many servers and options: at most 62 are allowed";
        if (reason != NULL) {
            return apr_psprintf(cmd->pool, "%s memcached: \"%s\": %s", cmd->cmd->name, argv[i],
                                reason);
        }
    }
    if (store->servers->nelts == 0) {
        return apr_psprintf(cmd->pool,
                            "%s memcached: write at least one HOST[:PORT] or unix:/PATH",
                            cmd->cmd->name);
    }
    store->settings.breaker.probe_us = store->settings.timeout_us;
    store->settings.servers = (const rl_memcached_server_t *)store->servers->elts;
    store->settings.nservers = (unsigned)store->servers->nelts;
    store->salt = salt_of(cmd->pool, store);
    *parsed = store;
    return NULL;
}

/* ---- stores in use ---- */

static rl_store_config_t *store_of(const server_rec *s)
{
    return rl_server_config(s)->store;
}

apr_array_header_t *rl_store_config_all(server_rec *s, apr_pool_t *pool)
{
    apr_array_header_t *stores = apr_array_make(pool, 4, sizeof(rl_store_config_t *));
    for (const server_rec *at = s; at != NULL; at = at->next) {
        rl_store_config_t *store = store_of(at);
        bool seen = store == NULL;
        for (int i = 0; i < stores->nelts && !seen; i++) {
            seen = APR_ARRAY_IDX(stores, i, rl_store_config_t *) == store;
        }
        if (!seen) {
            APR_ARRAY_PUSH(stores, rl_store_config_t *) = store;
        }
    }
    return stores;
}

void rl_store_config_each(server_rec *s, void (*visit)(rl_store_config_t *, apr_pool_t *),
                          apr_pool_t *pool)
{
    const apr_array_header_t *stores = rl_store_config_all(s, pool);
    for (int i = 0; i < stores->nelts; i++) {
        visit(APR_ARRAY_IDX(stores, i, rl_store_config_t *), pool);
    }
}
