/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

#include "../core/number.h"
#include "../httpd/module.h"
#include "../ledger/ledger.h"
#include "pass_directive.h"

static rl_global_config_t global;

rl_global_config_t *rl_global_config(void)
{
    return &global;
}

int rl_config_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    global = (rl_global_config_t){.table_size = 0};
    return OK;
}

const char *rl_table_size_raise(const char *value)
{
    uint64_t size;
    if (!rl_number_parse_size(value, RL_LEDGER_SIZE_MAX, &size) || size < RL_LEDGER_SIZE_MIN) {
        return "the size must be from 64K to 64G";
    }
    if (size > SIZE_MAX / 2) {
        return "the size must be less than 2G on a 32-bit system";
    }
    if (size > global.table_size) {
        global.table_size = (apr_size_t)size;
    }
    return NULL;
}

const char *rl_table_tenants_raise(const char *value)
{
    const size_t len = strlen(value);
    uint64_t percent;
    if (len < 2 || value[len - 1] != '%' || !rl_number_parse(value, len - 1, 100, &percent) ||
        percent == 0) {
        return "the tenants' share must be from 1% to 100%, for example 12%";
    }
    if (percent > global.tenants) {
        global.tenants = (unsigned)percent;
    }
    return NULL;
}

/* ---- sections ---- */

#define X(name, fallback)                                                                      \
    int rl_dir_##name(const rl_dir_config_t *conf)                                             \
    {                                                                                          \
        return conf->name != RL_UNSET ? conf->name : (fallback);                               \
    }
RL_DIR_SETTINGS(X)
#undef X

const char *rl_dir_deny_handler(const rl_dir_config_t *conf)
{
    return conf->deny_handler != NULL && *conf->deny_handler != '\0' ? conf->deny_handler
                                                                     : NULL;
}

const rl_charset_t *rl_dir_form_charset(const rl_dir_config_t *conf)
{
    return conf->form_charset != NULL ? conf->form_charset : rl_charset_default();
}

/* A section that sets nothing. */
static const rl_dir_config_t unset = {
#define X(name, fallback) .name = RL_UNSET,
    RL_DIR_SETTINGS(X)
#undef X
};

void *rl_create_dir_config(apr_pool_t *pool, char *path)
{
    (void)path;
    return apr_pmemdup(pool, &unset, sizeof(unset));
}

static apr_array_header_t *append(apr_pool_t *pool, apr_array_header_t *outer,
                                  apr_array_header_t *inner)
{
    if (outer == NULL || inner == NULL) {
        return outer == NULL ? inner : outer;
    }
    return apr_array_append(pool, outer, inner);
}

/* What lies between the members was copied, too. */
static bool is_unset(const rl_dir_config_t *conf)
{
    const void *bytes = conf, *unset_bytes = &unset;
    return memcmp(bytes, unset_bytes, sizeof(unset)) == 0;
}

/* httpd merges two Locations with each other before it merges the result with the sections
 * around them, so the result has to remember that one of them is detached. */
RL_RARELY static void *merge(apr_pool_t *pool, const rl_dir_config_t *base,
                             const rl_dir_config_t *add)
{
    rl_dir_config_t *conf = apr_palloc(pool, sizeof(*conf));
#define X(name, fallback) conf->name = add->name != RL_UNSET ? add->name : base->name;
    RL_DIR_SETTINGS(X)
#undef X
    conf->detached = base->detached || add->detached;
    conf->rules = add->detached ? add->rules : rl_rule_set_merge(pool, base->rules, add->rules);
    conf->exempt = append(pool, base->exempt, add->exempt);
    conf->deny_handler = add->deny_handler != NULL ? add->deny_handler : base->deny_handler;
    conf->form_charset = add->form_charset != NULL ? add->form_charset : base->form_charset;
    return conf;
}

/* httpd merges in each request, and mostly one of the two sections sets nothing: then the other
 * is the result, and no memory is used. */
RL_EACH_REQUEST void *rl_merge_dir_config(apr_pool_t *pool, void *outer, void *inner)
{
    if (is_unset(outer)) {
        return inner;
    }
    return is_unset(inner) ? outer : merge(pool, outer, inner);
}

const rl_dir_config_t *rl_dir_config(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &ratelimit_cache_module);
}

/* ---- servers ---- */

void *rl_create_server_config(apr_pool_t *pool, server_rec *s)
{
    rl_server_config_t *conf = apr_pcalloc(pool, sizeof(*conf));
    (void)s;
    conf->log_level = RL_UNSET;
    return conf;
}

void *rl_merge_server_config(apr_pool_t *pool, void *outer, void *inner)
{
    const rl_server_config_t *base = outer, *add = inner;
    rl_server_config_t *conf = apr_pmemdup(pool, add, sizeof(*add));
    if (!add->store_set) {
        conf->store = base->store;
        conf->store_set = base->store_set;
    }
    if (add->pass == NULL) {
        conf->pass = base->pass;
    }
    conf->of_passes |= base->of_passes;
    if (add->log_level == RL_UNSET) {
        conf->log_level = base->log_level;
        conf->log_keys = base->log_keys;
    }
    return conf;
}

const rl_server_config_t *rl_server_config(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &ratelimit_cache_module);
}

bool rl_server_logs_keys(const rl_server_config_t *conf)
{
    return conf->log_keys;
}

int rl_server_log_level(const rl_server_config_t *conf)
{
    return conf->log_level != RL_UNSET ? conf->log_level : APLOG_WARNING;
}

const rl_pass_settings_t *rl_server_pass(const rl_server_config_t *conf)
{
    return conf->pass == NULL && conf->of_passes ? rl_pass_default() : conf->pass;
}

bool rl_config_has_passes(const server_rec *s)
{
    while (s != NULL && rl_server_pass(rl_server_config(s)) == NULL) {
        s = s->next;
    }
    return s != NULL;
}

/* Names a virtual host by its ServerName alone: the servers of a fleet have that in common, but
 * not addresses and ports. */
static const char *vhost_text(apr_pool_t *pool, const server_rec *s)
{
    return s->is_virtual && s->server_hostname != NULL
               ? apr_pstrcat(pool, "vhost ", s->server_hostname, NULL)
               : "main server";
}

/* Returns how many virtual hosts of this name came before. */
static int count_namesake(apr_hash_t *seen, apr_pool_t *ptemp, const char *name)
{
    int *n = apr_hash_get(seen, name, APR_HASH_KEY_STRING);
    if (n == NULL) {
        n = apr_pcalloc(ptemp, sizeof(*n));
        apr_hash_set(seen, name, APR_HASH_KEY_STRING, n);
    }
    return (*n)++;
}

/* httpd lets virtual hosts without any of our directives share the main server's configuration,
 * so each gets a copy for its identity. */
void rl_config_identify_vhosts(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    apr_hash_t *seen = apr_hash_make(ptemp);
    for (; s != NULL; s = s->next) {
        rl_server_config_t *conf =
            apr_pmemdup(pconf, rl_server_config(s), sizeof(rl_server_config_t));
        const char *name = vhost_text(ptemp, s);
        const char *text =
            apr_psprintf(ptemp, "%s #%d", name, count_namesake(seen, ptemp, name));
        conf->vhost = rl_digest_public(text, strlen(text));
        conf->site = rl_digest_public(name, strlen(name));
        ap_set_module_config(s->module_config, &ratelimit_cache_module, conf);
    }
}
