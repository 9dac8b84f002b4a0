/* SPDX-License-Identifier: Apache-2.0 */
#include "visitor.h"

#include <apr_base64.h>
#include <apr_buckets.h>
#include <apr_hash.h>
#include <apr_hooks.h>
#include <apr_strings.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_vhost.h>
#include <string.h>

#include "../config/exemption.h"
#include "../core/address.h"
#include "../httpd/module.h"

#define LOCATIONS_MAX 4096 /* configurations that are remembered */
#define PATHS_MAX     500000
#define REQUESTS_KEPT 64 /* before their memory is used again: emptying a pool takes time */

/* A configuration that a section, or several that were merged, give to their requests. */
typedef struct rl_location {
    ap_conf_vector_t *conf;
    const rl_dir_config_t *own; /* what the module has in it */
    bool has_if;                /* each request has to look at <If> sections */
    bool plain; /* its rules read nothing that complete_request() gives a request */
} rl_location_t;

struct rl_visitor {
    server_rec *s;
    const rl_log_format_t *format;
    apr_pool_t *pool;
    apr_pool_t *request_pool; /* of the current request */
    apr_pool_t *path_pool;    /* of the table of paths */
    apr_hash_t *paths;        /* server and URL -> rl_location_t */
    rl_location_t locations[LOCATIONS_MAX];
    int n;
    conn_rec *connection;
    const rl_address_t *client; /* of the current request */
    apr_sockaddr_t address;     /* the same */
    request_rec blank;          /* what all requests have in common */
    int kept;                   /* requests in request_pool */
    bool variables;             /* rules read variables or header fields */
};

/* Tenants are not replayed: their files may have changed since. */
static apr_status_t no_htaccess(request_rec *r, const char *dir, const char *name,
                                ap_configfile_t **file, const char **path)
{
    (void)r, (void)dir, (void)name, (void)file;
    *path = NULL;
    return APR_ENOENT;
}

static conn_rec *make_connection(apr_pool_t *pool, server_rec *s)
{
    conn_rec *c = apr_pcalloc(pool, sizeof(*c));
    c->pool = pool;
    c->base_server = s;
    c->notes = apr_table_make(pool, 2);
    c->conn_config = ap_create_conn_config(pool);
    c->bucket_alloc = apr_bucket_alloc_create(pool);
    apr_sockaddr_info_get(&c->local_addr, "127.0.0.1", APR_INET, s->port, 0, pool);
    c->client_addr = c->local_addr;
    c->local_ip = c->client_ip = apr_pstrdup(pool, "127.0.0.1");
    return c;
}

static void make_tables(request_rec *r)
{
    r->headers_in = apr_table_make(r->pool, 8);
    r->trailers_in = apr_table_make(r->pool, 1);
    r->subprocess_env = apr_table_make(r->pool, 8);
    r->headers_out = apr_table_make(r->pool, 2);
    r->err_headers_out = apr_table_make(r->pool, 2);
    r->trailers_out = apr_table_make(r->pool, 1);
    r->notes = apr_table_make(r->pool, 2);
    r->request_config = ap_create_request_config(r->pool);
    r->allowed_methods = ap_make_method_list(r->pool, 1);
}

static void make_blank(rl_visitor_t *visitor)
{
    request_rec *r = &visitor->blank;
    r->pool = visitor->pool;
    r->connection = visitor->connection;
    r->proto_num = HTTP_VERSION(1, 1);
    r->protocol = (char *)(uintptr_t) "HTTP/1.1";
    r->status = HTTP_OK;
    r->used_path_info = AP_REQ_DEFAULT_PATH_INFO;
    r->the_request = "";
    make_tables(r);
}

rl_visitor_t *rl_visitor_make(apr_pool_t *pool, server_rec *s, const rl_log_format_t *format)
{
    const rl_global_config_t *global = rl_global_config();
    rl_visitor_t *visitor = apr_pcalloc(pool, sizeof(*visitor));
    visitor->s = s;
    visitor->format = format;
    visitor->pool = pool;
    visitor->variables = global->reads_env || global->reads_headers;
    visitor->connection = make_connection(pool, s);
    make_blank(visitor);
    apr_pool_create(&visitor->request_pool, pool);
    apr_pool_create(&visitor->path_pool, pool);
    visitor->paths = apr_hash_make(visitor->path_pool);
    ap_hook_open_htaccess(no_htaccess, NULL, NULL, APR_HOOK_REALLY_FIRST);
    apr_hook_sort_all();
    return visitor;
}

/* ---- who asks whom ---- */

static bool vhost_has_name(const apr_array_header_t *names, const char *name, bool wild)
{
    for (int i = 0; names != NULL && i < names->nelts; i++) {
        const char *own = APR_ARRAY_IDX(names, i, const char *);
        if (wild ? ap_strcasecmp_match(name, own) == 0 : ap_cstr_casecmp(name, own) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_called(const server_rec *s, const char *name)
{
    return (s->server_hostname != NULL && ap_cstr_casecmp(s->server_hostname, name) == 0) ||
           vhost_has_name(s->names, name, false) || vhost_has_name(s->wild_names, name, true);
}

static bool listens_at(const server_rec *s, int port)
{
    for (const server_addr_rec *at = s->addrs; port != 0 && at != NULL; at = at->next) {
        if (at->host_port == 0 || at->host_port == port) {
            return true;
        }
    }
    return port == 0;
}

/* Returns the virtual host of that name, at that port if several have it; else the main
 * server. */
static server_rec *find_server(server_rec *main_server, const char *name, int port)
{
    server_rec *found = NULL;
    for (server_rec *s = main_server->next; name != NULL && s != NULL; s = s->next) {
        if (is_called(s, name) && (found == NULL || listens_at(s, port))) {
            found = s;
            if (listens_at(s, port)) {
                break;
            }
        }
    }
    return found != NULL ? found : main_server;
}

/* Sets the client's address, as the line has it. */
static void set_client(rl_visitor_t *visitor, request_rec *r, const rl_log_text_t *text)
{
    apr_sockaddr_t *to = &visitor->address;
    const rl_address_t *address = visitor->client;
    r->useragent_ip = apr_pstrmemdup(r->pool, text->at, text->len);
    memset(to, 0, sizeof(*to));
    to->pool = r->pool;
    to->family = address->family == 4 ? APR_INET : APR_INET6;
    to->sa.sin.sin_family = (sa_family_t)to->family;
    if (address->family == 4) {
        memcpy(&to->sa.sin.sin_addr, address->bytes, 4);
        to->ipaddr_ptr = &to->sa.sin.sin_addr;
        to->ipaddr_len = 4;
        to->salen = sizeof(to->sa.sin);
        to->addr_str_len = 16;
    }
    else {
        memcpy(&to->sa.sin6.sin6_addr, address->bytes, 16);
        to->ipaddr_ptr = &to->sa.sin6.sin6_addr;
        to->ipaddr_len = 16;
        to->salen = sizeof(to->sa.sin6);
        to->addr_str_len = 46;
    }
    r->useragent_addr = to;
    visitor->connection->client_addr = to;
    visitor->connection->client_ip = r->useragent_ip;
}

/* ---- what is asked for ---- */

static char *copy_text(apr_pool_t *pool, const rl_log_text_t *text)
{
    return text->at != NULL ? apr_pstrmemdup(pool, text->at, text->len) : NULL;
}

static void set_method(request_rec *r, const rl_log_text_t *method)
{
    r->method = copy_text(r->pool, method);
    r->method_number = ap_method_number_of(r->method);
    r->header_only = strcmp(r->method, "HEAD") == 0;
}

/* A log says the query with its ?. */
static void set_url(request_rec *r, const rl_log_line_t *line)
{
    char *url = copy_text(r->pool, &line->url);
    r->unparsed_uri = url;
    r->uri = url;
    if (line->query.at != NULL && line->query.len > 1) {
        r->args = apr_pstrmemdup(r->pool, line->query.at + 1, line->query.len - 1);
        r->unparsed_uri = apr_pstrcat(r->pool, url, "?", r->args, NULL);
    }
    if (url[0] != '/') {
        ap_parse_uri(r, r->unparsed_uri);
    }
    r->parsed_uri.path = r->uri;
    r->parsed_uri.query = r->args;
    if (r->uri == NULL) {
        r->uri = apr_pstrdup(r->pool, "*");
    }
    if (!line->decoded && strchr(r->uri, '%') != NULL) {
        ap_unescape_url(r->uri);
    }
    if (strstr(r->uri, "/.") != NULL) {
        ap_getparents(r->uri);
    }
    if (strstr(r->uri, "//") != NULL) {
        ap_no2slash(r->uri);
    }
}

/* Header fields that the log has; and, for claimed-user, what %u says was claimed. */
static void set_headers(rl_visitor_t *visitor, request_rec *r, const rl_log_line_t *line)
{
    const char *name;
    for (int i = 0; (name = rl_log_format_header(visitor->format, i)) != NULL; i++) {
        if (line->headers[i].at != NULL) {
            apr_table_setn(r->headers_in, name, copy_text(r->pool, &line->headers[i]));
        }
    }
    if (r->hostname != NULL && apr_table_get(r->headers_in, "Host") == NULL) {
        apr_table_setn(r->headers_in, "Host", r->hostname);
    }
    if (line->user.at != NULL && apr_table_get(r->headers_in, "Authorization") == NULL) {
        char *pair = apr_pstrcat(r->pool, copy_text(r->pool, &line->user), ":x", NULL);
        apr_table_setn(r->headers_in, "Authorization",
                       apr_pstrcat(r->pool, "Basic ", ap_pbase64encode(r->pool, pair), NULL));
    }
}

/* Makes a request without its tables, which only some rules read: those that it has are of the
 * blank request, and stay empty. */
static request_rec *make_request(rl_visitor_t *visitor, apr_pool_t *pool,
                                 const rl_log_line_t *line)
{
    request_rec *r = apr_pmemdup(pool, &visitor->blank, sizeof(*r));
    ap_set_module_config(r->request_config, &ratelimit_cache_module, NULL);
    r->pool = pool;
    r->hostname = copy_text(pool, &line->vhost);
    r->server = find_server(visitor->s, r->hostname, line->port);
    visitor->connection->base_server = r->server;
    r->per_dir_config = r->server->lookup_defaults;
    r->request_time = line->began;
    set_method(r, &line->method);
    set_url(r, line);
    return r;
}

/* Gives the request what else httpd would give it. */
static void complete_request(rl_visitor_t *visitor, request_rec *r, const rl_log_line_t *line)
{
    make_tables(r);
    if (line->protocol.at != NULL) {
        r->protocol = copy_text(r->pool, &line->protocol);
    }
    set_headers(visitor, r, line);
}

/* ---- which location it is ---- */

static bool same_exemptions(const apr_array_header_t *a, const apr_array_header_t *b)
{
    return a == b || (a != NULL && b != NULL && a->nelts == b->nelts &&
                      memcmp(a->elts, b->elts, (size_t)a->nelts * (size_t)a->elt_size) == 0);
}

static bool same_rules(const rl_rule_set_t *a, const rl_rule_set_t *b)
{
    return a == b ||
           (a != NULL && b != NULL && a->n == b->n &&
            memcmp(a->rules, b->rules, (size_t)a->n * sizeof(const rl_rule_t *)) == 0);
}

/* Returns true if both do the same to a request. */
static bool same_config(const rl_dir_config_t *a, const rl_dir_config_t *b)
{
#define X(name, fallback)                                                                      \
    if (rl_dir_##name(a) != rl_dir_##name(b)) {                                                \
        return false;                                                                          \
    }
    RL_DIR_SETTINGS(X)
#undef X
    return same_rules(a->rules, b->rules) && same_exemptions(a->exempt, b->exempt) &&
           rl_dir_form_charset(a) == rl_dir_form_charset(b);
}

/* Returns true if the key's values can be told without header fields, variables and
 * expressions. */
static bool is_plain_key(const rl_key_spec_t *key)
{
    for (int i = 0; i < key->n; i++) {
        switch (key->parts[i].kind) {
        case RL_PART_CLAIMED_USER:
        case RL_PART_HEADER:
        case RL_PART_COOKIE:
        case RL_PART_ENV:
        case RL_PART_EXPR:
            return false;
        default:
            break;
        }
    }
    return true;
}

static bool is_plain_rule(const rl_rule_t *rule)
{
    return rule->rate_expr == NULL && rule->cost_expr == NULL && rule->when == NULL &&
           rule->unless == NULL && rule->prefer == NULL && !rule->reads_env &&
           !rule->reads_headers && rule->known_s == 0 && is_plain_key(&rule->key) &&
           (rule->distinct == NULL || is_plain_key(rule->distinct));
}

/* Returns true if nothing but addresses, users, methods and URLs matter to the rules and
 * exemptions. */
static bool is_plain(const rl_dir_config_t *conf)
{
    for (int i = 0; conf->rules != NULL && i < conf->rules->n; i++) {
        if (!is_plain_rule(conf->rules->rules[i])) {
            return false;
        }
    }
    for (int i = 0; conf->exempt != NULL && i < conf->exempt->nelts; i++) {
        const rl_exemption_t *exempt = &APR_ARRAY_IDX(conf->exempt, i, rl_exemption_t);
        if (exempt->env != NULL || exempt->expr != NULL) {
            return false;
        }
    }
    return true;
}

static bool has_if_sections(const request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    return core->sec_if != NULL && core->sec_if->nelts > 0;
}

/* Finds out where in the configuration the request leads, as httpd does. What a file is doesn't
 * matter, and it need not exist here. */
static void visitor_walk(request_rec *r)
{
    ap_run_create_request(r);
    ap_location_walk(r);
    if (ap_run_translate_name(r) == OK && r->filename != NULL) {
        ap_run_map_to_storage(r);
    }
    ap_location_walk(r);
}

static rl_location_t *find_location(rl_visitor_t *visitor, const request_rec *r)
{
    const rl_dir_config_t *own = rl_dir_config(r);
    const bool has_if = has_if_sections(r);
    for (int i = 0; !has_if && i < visitor->n; i++) {
        if (!visitor->locations[i].has_if && same_config(visitor->locations[i].own, own)) {
            return &visitor->locations[i];
        }
    }
    return NULL;
}

/* Walks for a request like r, whose configuration lasts if `pool` does. */
static request_rec *visitor_walk_in(rl_visitor_t *visitor, apr_pool_t *pool,
                                    const rl_log_line_t *line)
{
    request_rec *other = make_request(visitor, pool, line);
    complete_request(visitor, other, line);
    set_client(visitor, other, &line->client);
    visitor_walk(other);
    return other;
}

static rl_location_t *add_location(rl_visitor_t *visitor, const rl_log_line_t *line)
{
    const request_rec *r = visitor_walk_in(visitor, visitor->pool, line);
    rl_location_t *location = &visitor->locations[visitor->n++];
    location->conf = r->per_dir_config;
    location->own = rl_dir_config(r);
    location->has_if = has_if_sections(r);
    location->plain = !location->has_if && is_plain(location->own);
    return location;
}

/* The table of paths starts anew when it is full. */
static void remember(rl_visitor_t *visitor, const void *key, apr_ssize_t len,
                     rl_location_t *location)
{
    if (apr_hash_count(visitor->paths) >= PATHS_MAX) {
        apr_pool_clear(visitor->path_pool);
        visitor->paths = apr_hash_make(visitor->path_pool);
    }
    apr_hash_set(visitor->paths, apr_pmemdup(visitor->path_pool, key, (apr_size_t)len), len,
                 location);
}

/* Walks for the request, whose path isn't known. Returns its location, or NULL if there are too
 * many: the request itself has walked then. */
static rl_location_t *explore(rl_visitor_t *visitor, request_rec *r, const rl_log_line_t *line)
{
    rl_location_t *location;
    apr_pool_t *pool;
    apr_pool_create(&pool, visitor->pool);
    location = find_location(visitor, visitor_walk_in(visitor, pool, line));
    apr_pool_destroy(pool);
    if (location == NULL && visitor->n < LOCATIONS_MAX) {
        location = add_location(visitor, line);
    }
    set_client(visitor, r, &line->client);
    visitor->connection->base_server = r->server;
    return location;
}

/* Returns the location of the request, NULL if there are too many. */
static rl_location_t *location_of(rl_visitor_t *visitor, request_rec *r,
                                  const rl_log_line_t *line)
{
    const apr_size_t head = sizeof(server_rec *), tail = strlen(r->uri);
    const apr_ssize_t len = (apr_ssize_t)(head + tail);
    char *key = apr_palloc(r->pool, head + tail);
    rl_location_t *location;
    memcpy(key, &r->server, head);
    memcpy(key + head, r->uri, tail);
    location = apr_hash_get(visitor->paths, key, len);
    if (location == NULL) {
        location = explore(visitor, r, line);
        if (location != NULL) {
            remember(visitor, key, len, location);
        }
    }
    return location;
}

/* Completes the request, and gives it its location's configuration. */
static void enter_location(rl_visitor_t *visitor, request_rec *r, const rl_log_line_t *line,
                           const rl_location_t *location)
{
    complete_request(visitor, r, line);
    if (location == NULL) {
        visitor_walk(r);
    }
    else {
        r->per_dir_config = location->conf;
        if (location->has_if) {
            ap_run_create_request(r);
        }
    }
}

/* Has mod_setenvif set its variables: for the server, then for the location. Hooks of other
 * modules expect a connection. */
static void set_variables(request_rec *r)
{
    const apr_array_header_t *early = ap_hook_get_post_read_request();
    const apr_array_header_t *late = ap_hook_get_header_parser();
    for (int i = 0; early != NULL && i < early->nelts; i++) {
        const ap_LINK_post_read_request_t *hook =
            &APR_ARRAY_IDX(early, i, ap_LINK_post_read_request_t);
        if (strcmp(hook->szName, "mod_setenvif.c") == 0) {
            hook->pFunc(r);
        }
    }
    for (int i = 0; late != NULL && i < late->nelts; i++) {
        const ap_LINK_header_parser_t *hook = &APR_ARRAY_IDX(late, i, ap_LINK_header_parser_t);
        if (strcmp(hook->szName, "mod_setenvif.c") == 0) {
            hook->pFunc(r);
        }
    }
}

/* Makes room for the next request. */
static void forget_requests(rl_visitor_t *visitor)
{
    if (visitor->kept++ == REQUESTS_KEPT) {
        apr_pool_clear(visitor->request_pool);
        visitor->kept = 1;
    }
}

request_rec *rl_visitor_request(rl_visitor_t *visitor, const rl_log_line_t *line,
                                const rl_address_t *client)
{
    const rl_location_t *location;
    request_rec *r;
    forget_requests(visitor);
    r = make_request(visitor, visitor->request_pool, line);
    visitor->client = client;
    set_client(visitor, r, &line->client);
    if (line->user.at != NULL) {
        r->user = copy_text(r->pool, &line->user);
        r->ap_auth_type = (char *)(uintptr_t) "Basic";
    }
    location = location_of(visitor, r, line);
    if (location != NULL && location->plain) {
        r->per_dir_config = location->conf;
        return r;
    }
    enter_location(visitor, r, line, location);
    if (visitor->variables) {
        set_variables(r);
    }
    if (has_if_sections(r)) {
        ap_if_walk(r);
    }
    return r;
}
