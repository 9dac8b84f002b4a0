/* The configuration: what the directives set, and how sections merge. */
#ifndef RL_CONFIG_CONFIG_H
#define RL_CONFIG_CONFIG_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

#include "../core/digest.h"
#include "../fleet/source.h"
#include "../httpd/module.h"
#include "../rule/rule_set.h"

typedef enum { RL_ENGINE_OFF, RL_ENGINE_ON, RL_ENGINE_OBSERVE } rl_engine_e;

/* RateLimitHeaders: which fields responses get, bits. */
#define RL_FIELDS_STANDARD 1
#define RL_FIELDS_LEGACY   2

/* Settings of a section that are one number each: name and default. The inner section's value
 * wins a merge when it is set, even to the default. */
#define RL_DIR_SETTINGS(X)                                                                     \
    X(engine, RL_ENGINE_ON)                                                                    \
    X(deny_status, HTTP_TOO_MANY_REQUESTS)                                                     \
    X(v4bits, 32)                                                                              \
    X(on_error, RL_ON_ERROR_LOCAL)                                                             \
    X(v6bits, 64)                                                                              \
    X(form_limit, 64 * 1024)                                                                   \
    X(response_fields, 0)

#define RL_UNSET (-1)

/* Unchanging once its section is read; sections and requests share it. */
typedef struct rl_dir_config {
#define X(name, fallback) int name;
    RL_DIR_SETTINGS(X)
#undef X
    bool detached;              /* RateLimitInherit Off: no rules from outside */
    const rl_rule_set_t *rules; /* NULL for none */
    apr_array_header_t *exempt; /* of rl_exemption_t; NULL for none */
    const char *deny_handler;   /* /URL-PATH or a handler's name; NULL: not set, "": default */
} rl_dir_config_t;

/* Getters: the value that was set, else the default. */
#define X(name, fallback) int rl_dir_##name(const rl_dir_config_t *conf);
RL_DIR_SETTINGS(X)
#undef X

struct rl_store_config;

typedef struct rl_server_config {
    int log_level; /* RL_UNSET or APLOG_… of the line for a key's first denial */
    struct rl_store_config *store; /* the shared store, NULL: this server's memory */
    bool store_set;
    rl_digest_t vhost; /* identity of the virtual host, set in post_config */
} rl_server_config_t;

/* RateLimitDenyHandler: a /URL-PATH or a handler's name, or NULL for the default. */
const char *rl_dir_deny_handler(const rl_dir_config_t *conf);

const rl_dir_config_t *rl_dir_config(const request_rec *r);
const rl_server_config_t *rl_server_config(const server_rec *s);
int rl_server_log_level(const rl_server_config_t *conf);

/* What there is once per server process, not per virtual host. Directives fill it while the
 * configuration is read. */
typedef struct rl_global_config {
    apr_size_t table_size; /* bytes: the largest size= of any RateLimitStore */
    unsigned stores;       /* shared stores seen so far */
    rl_rule_t *rules;      /* all but the tenants' */
    const char *secret;    /* NULL: random */
    apr_size_t secret_len;
} rl_global_config_t;

rl_global_config_t *rl_global_config(void);

/* Reads a size= option: the largest of all counts. Returns NULL or the reason. */
const char *rl_table_size_set(const char *value);

/* For the module record. */
void *rl_create_dir_config(apr_pool_t *pool, char *path);
void *rl_merge_dir_config(apr_pool_t *pool, void *outer, void *inner);
void *rl_create_server_config(apr_pool_t *pool, server_rec *s);
void *rl_merge_server_config(apr_pool_t *pool, void *outer, void *inner);
extern const command_rec rl_directives[];

/* Forgets what an earlier reading of the configuration left. */
int rl_config_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/* Gives each virtual host its identity: the same after a reload, and on every server of a fleet
 * that is configured alike. */
void rl_config_identify_vhosts(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);

#endif
