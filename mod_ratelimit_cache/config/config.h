/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: what the directives set, and how sections merge. */
#ifndef RL_CONFIG_CONFIG_H
#define RL_CONFIG_CONFIG_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

#include "../busy/limits.h"
#include "../core/charset.h"
#include "../core/digest.h"
#include "../fleet/source.h"
#include "../httpd/module.h"
#include "../rule/rule_set.h"

typedef enum { RL_ENGINE_OFF, RL_ENGINE_ON, RL_ENGINE_OBSERVE } rl_engine_e;

/* RateLimitHeaders: which response fields are sent, as bits. */
#define RL_FIELDS_STANDARD 1
#define RL_FIELDS_LEGACY   2

/* X(name, default) for each setting that is one number. In a merge the inner section's value
 * wins if the section sets one, even one equal to the default.
 *
 *     engine            rl_engine_e
 *     deny_status       the status of denials
 *     v4bits, v6bits    prefix lengths of addresses
 *     on_error          rl_on_error_e
 *     form_limit        bytes of a body that are looked at
 *     response_fields   RL_FIELDS_ bits
 */
#define RL_DIR_SETTINGS(X)                                                                     \
    X(engine, RL_ENGINE_ON)                                                                    \
    X(deny_status, HTTP_TOO_MANY_REQUESTS)                                                     \
    X(v4bits, 32)                                                                              \
    X(on_error, RL_ON_ERROR_LOCAL)                                                             \
    X(v6bits, 64)                                                                              \
    X(form_limit, 64 * 1024)                                                                   \
    X(response_fields, 0)

#define RL_UNSET (-1)

/* What one section sets, or several that were merged. Never changes once the section was read;
 * sections and requests share it. */
typedef struct rl_dir_config {
#define X(name, fallback) int name;
    RL_DIR_SETTINGS(X)
#undef X
    bool detached;              /* RateLimitInherit Off: no rules from the sections around it */
    const rl_rule_set_t *rules; /* NULL for none */
    apr_array_header_t *exempt; /* of rl_exemption_t; NULL for none */
    const char *deny_handler;   /* /URL-PATH or a handler's name; NULL: not set; "": default */
    const rl_charset_t *form_charset; /* NULL: not set */
} rl_dir_config_t;

/* Each returns the value that was set, else the default. */
#define X(name, fallback) int rl_dir_##name(const rl_dir_config_t *conf);
RL_DIR_SETTINGS(X)
#undef X

struct rl_store_config;
struct rl_pass_settings;

/* What the main server or a virtual host sets. */
typedef struct rl_server_config {
    int log_level;                 /* RateLimitLog: APLOG_..., or RL_UNSET */
    bool log_keys;                 /* RateLimitLog has `keys` */
    struct rl_store_config *store; /* the shared store; NULL: this server's shared memory */
    bool store_set;                /* a RateLimitStore says so */
    const struct rl_pass_settings *pass; /* RateLimitPass; NULL: not set */
    bool of_passes;                      /* a rule or an exemption here has to do with passes */
    rl_digest_t vhost; /* the virtual host's identity, set by rl_config_identify_vhosts() */
    rl_digest_t site;  /* the same for all virtual hosts of one name, on whatever port */
    /* Numbers of figures (stats/stats.h), set in post_config: of the rules that the virtual
     * host inherits from the main server, by rl_rule_t.place (NULL: it inherits none); and of
     * all tenants' rules together. */
    unsigned short *figures_numbers;
    unsigned tenants_figures_number;
} rl_server_config_t;

/* Returns RateLimitDenyHandler: a /URL-PATH or a handler's name; NULL: the default answer. */
const char *rl_dir_deny_handler(const rl_dir_config_t *conf);

/* Returns RateLimitFormCharset. */
const rl_charset_t *rl_dir_form_charset(const rl_dir_config_t *conf);

/* Returns the merged configuration of the request's location. */
const rl_dir_config_t *rl_dir_config(const request_rec *r);

/* Returns the configuration of a server or virtual host. */
const rl_server_config_t *rl_server_config(const server_rec *s);

/* Returns the level, APLOG_..., of the line for a key's first denial in a window. */
int rl_server_log_level(const rl_server_config_t *conf);

/* Returns what passes are worth in the virtual host; NULL if nothing has to do with them. */
const struct rl_pass_settings *rl_server_pass(const rl_server_config_t *conf);

/* Returns true if something in the main server s or in a virtual host has to do with passes. */
bool rl_config_has_passes(const server_rec *s);

/* Returns true if that line, and the status page, may tell the key's values. */
bool rl_server_logs_keys(const rl_server_config_t *conf);

/* What there is once in httpd, not once per virtual host. Directives fill it in while the
 * configuration is read. */
typedef struct rl_global_config {
    apr_size_t table_size;  /* bytes: the largest size= of any RateLimitStore; 0: none */
    unsigned tenants;       /* percent: the largest tenants= of any RateLimitStore; 0: none */
    const char *table_file; /* file= of a RateLimitStore, an absolute path; NULL: none */
    unsigned stores;        /* how many shared stores were read so far */
    rl_rule_t *rules;       /* a list of all rules but the tenants' */
    unsigned nrules;        /* how many are in it */
    bool reads_env;         /* one of them, or an exemption, reads environment variables */
    bool reads_headers;     /* ... header fields */
    const char *secret;     /* RateLimitSecret; NULL: none */
    apr_size_t secret_len;  /* bytes */
    const rl_busy_limits_t *busy; /* RateLimitBusy; NULL: none */
} rl_global_config_t;

rl_global_config_t *rl_global_config(void);

/* Reads a size= option, 64K to 64G, and raises the table's size to it if that is less. Returns
 * NULL or the reason why it is refused. */
const char *rl_table_size_raise(const char *value);

/* Reads a tenants= option, 1% to 100%, and raises the tenants' share of the table to it if that
 * is less. Returns NULL or the reason why it is refused. */
const char *rl_table_tenants_raise(const char *value);

/* For the module record, mod_ratelimit_cache.c. */
void *rl_create_dir_config(apr_pool_t *pool, char *path);
void *rl_merge_dir_config(apr_pool_t *pool, void *outer, void *inner);
void *rl_create_server_config(apr_pool_t *pool, server_rec *s);
void *rl_merge_server_config(apr_pool_t *pool, void *outer, void *inner);
extern const command_rec rl_directives[];

/* pre_config: empties rl_global_config(), which an earlier reading may have filled. */
int rl_config_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/* Gives each virtual host its identity, which is the same after a reload, and on all servers of
 * a fleet that are configured alike. For post_config. */
void rl_config_identify_vhosts(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);

#endif
