/* SPDX-License-Identifier: Apache-2.0 */
#include "advice.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <string.h>

#include "../config/config.h"
#include "../networks/catalogue.h"
#include "rule_advice.h"
#include "../httpd/written.h"

APLOG_USE_MODULE(ratelimit_cache);

#define SECRET_MIN 16u /* bytes */

/* Returns the advice about network:NAME=LABEL, in the pool, or NULL. */
static const char *about_label(apr_pool_t *pool, const char *word)
{
    const char *name = word + strlen("network:"), *equals = strchr(name, '=');
    const rl_networks_t *networks =
        equals != NULL
            ? rl_networks_get(apr_pstrmemdup(pool, name, (apr_size_t)(equals - name)), false)
            : NULL;
    if (networks == NULL || networks->table == NULL ||
        rl_network_table_has(networks->table, equals + 1)) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "\"%s\": no network of the table has this label, and nobody is exempt; "
                        "letter case matters",
                        word);
}

/* Returns the advice about a RateLimitExempt, in the pool, or NULL. */
static const char *about_exemption(apr_pool_t *pool, const ap_directive_t *at)
{
    const char *rest = at->args;
    while (*rest != '\0') {
        const char *word = ap_getword_conf(pool, &rest);
        if (ap_cstr_casecmp(word, "env=RATELIMIT_PASS") == 0) {
            return "\"env=RATELIMIT_PASS\": the variable is there for everybody, and nothing "
                   "is "
                   "limited; write \"expr=%{env:RATELIMIT_PASS} == 'good'\"";
        }
        if (strncmp(word, "env=!", 5) == 0) {
            return apr_psprintf(pool,
                                "\"%s\": no variable is called so, and nothing is exempt; to "
                                "exempt what has no %s, write \"expr=-z %%{env:%s}\"",
                                word, word + 5, word + 5);
        }
        if (strncmp(word, "network:", 8) == 0 && about_label(pool, word) != NULL) {
            return about_label(pool, word);
        }
    }
    return NULL;
}

static const char *about_secret(apr_pool_t *pool)
{
    const rl_global_config_t *global = rl_global_config();
    return global->secret == NULL || global->secret_len >= SECRET_MIN
               ? NULL
               : apr_psprintf(pool,
                              "a secret of %" APR_SIZE_T_FMT
                              " bytes can be guessed; write at least %u random ones, such as "
                              "those of `openssl rand -hex 32`",
                              global->secret_len, SECRET_MIN);
}

/* Returns the rule that this RateLimit directive has made, NULL if there is none. */
static const rl_rule_t *rule_of(const ap_directive_t *at)
{
    const rl_rule_t *rule = rl_global_config()->rules;
    while (rule != NULL && rule->directive != at) {
        rule = rule->next;
    }
    return rule;
}

/* Adds the advice about one directive to `pieces`, of const char *, in the pool. */
static void advise(apr_pool_t *pool, const ap_directive_t *at, apr_array_header_t *pieces)
{
    const char *text = NULL;
    if (rl_written_is(at, "RateLimit")) {
        const rl_rule_t *rule = rule_of(at);
        if (rule != NULL) {
            rl_rule_advice(pool, rule, pieces);
        }
    }
    else if (rl_written_is(at, "RateLimitExempt")) {
        text = about_exemption(pool, at);
    }
    else if (rl_written_is(at, "RateLimitSecret")) {
        text = about_secret(pool);
    }
    if (text != NULL) {
        APR_ARRAY_PUSH(pieces, const char *) = text;
    }
}

/* Returns whom the advice is for: the directive, of a RateLimit with its NAME. */
static const char *advice_head(apr_pool_t *pool, const ap_directive_t *at)
{
    return rl_written_is(at, "RateLimit")
               ? apr_pstrcat(pool, at->directive, " ", rl_written_first(pool, at), NULL)
               : at->directive;
}

/* Gives all advice, at this level, in the order of the configuration. */
static void give(apr_pool_t *pool, const server_rec *s, int level, const char *prefix)
{
    for (const ap_directive_t *at = ap_conftree; at != NULL; at = rl_written_next(at)) {
        apr_array_header_t *pieces = apr_array_make(pool, 1, sizeof(const char *));
        advise(pool, at, pieces);
        for (int i = 0; i < pieces->nelts; i++) {
            ap_log_error(APLOG_MARK, level, 0, s, "%s%s: %s (%s:%d)", prefix,
                         advice_head(pool, at), APR_ARRAY_IDX(pieces, i, const char *),
                         at->filename, at->line_num);
        }
    }
}

int rl_advice_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                           server_rec *s)
{
    (void)pconf, (void)plog;
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) {
        give(ptemp, s, APLOG_STARTUP | APLOG_WARNING, "warning: ");
    }
    return OK;
}

int rl_advice_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)pconf, (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
        give(ptemp, s, APLOG_WARNING, "ratelimit: ");
    }
    return OK;
}
