/* SPDX-License-Identifier: Apache-2.0 */
#include "rule_advice.h"

#include <apr_strings.h>
#include <string.h>

#include "../config/config.h"
#include "place.h"
#include "../httpd/written.h"

/* Returns one piece of advice about the rule, in the pool, or NULL. */
typedef const char *advice_fn(apr_pool_t *pool, const rl_rule_t *rule);

/* Returns true if the key, or what distinct= counts, has such a part. */
static bool has_part(const rl_rule_t *rule, rl_key_part_e kind)
{
    return rl_key_has(&rule->key, kind) ||
           (rule->distinct != NULL && rl_key_has(rule->distinct, kind));
}

/* Every request has a value for such a part. */
static bool is_in_each_request(rl_key_part_e kind)
{
    return kind == RL_PART_ALL || kind == RL_PART_IP || kind == RL_PART_USER_OR_IP ||
           kind == RL_PART_HOST || kind == RL_PART_PATH || kind == RL_PART_METHOD;
}

static bool always_have_values(const rl_key_spec_t *parts)
{
    for (int i = 0; i < parts->n; i++) {
        if (!is_in_each_request(parts->parts[i].kind)) {
            return false;
        }
    }
    return true;
}

static bool always_has_value(const rl_rule_t *rule)
{
    return always_have_values(&rule->key) &&
           (rule->distinct == NULL || always_have_values(rule->distinct));
}

static bool rule_counts(const rl_rule_t *rule)
{
    return !rule->dropped && !rule->unlimited;
}

static bool covers_get(const rl_rule_t *rule)
{
    return rule->methods.all || (rule->methods.mask & (AP_METHOD_BIT << M_GET)) != 0;
}

/* Returns true if there are requests that both rules are about by their methods. */
static bool share_methods(const rl_rule_t *a, const rl_rule_t *b)
{
    if (a->methods.all || b->methods.all) {
        return true;
    }
    return (a->methods.mask & b->methods.mask) != 0;
}

static bool is_none(apr_pool_t *pool, const ap_directive_t *at)
{
    return ap_cstr_casecmp(rl_written_first(pool, at), "None") == 0;
}

static bool begins_with(const ap_directive_t *at, const char *name)
{
    return ap_cstr_casecmpn(at->directive, name, strlen(name)) == 0;
}

/* Returns true if the directive lets .htaccess files say something. */
static bool admits_htaccess(apr_pool_t *pool, const ap_directive_t *at)
{
    return begins_with(at, "AllowOverride") && !is_none(pool, at);
}

/* ---- pages ---- */

/* Returns true if an answer of 200 counts. What an expression says isn't known. */
static bool counts_pages(apr_pool_t *pool, const rl_rule_t *rule)
{
    const char *count = rl_written_option(pool, rule->directive, "count");
    return count == NULL || rl_written_list_has(count, "all") ||
           rl_written_list_has(count, "200") || rl_written_list_has(count, "2xx");
}

/* A look at a page has no body, so it is charged to the counter of what has no value. */
static const char *about_pages(apr_pool_t *pool, const rl_rule_t *rule)
{
    const bool narrowed =
        rule->when != NULL || rule->unless != NULL || rl_place_is_conditional(rule->directive);
    if (!has_part(rule, RL_PART_FORM) || !covers_get(rule) || narrowed ||
        rule->missing == RL_MISSING_SKIP ||
        rl_written_option(pool, rule->directive, "absent") != NULL ||
        !counts_pages(pool, rule)) {
        return NULL;
    }
    if (rule->missing == RL_MISSING_DENY) {
        return "\"missing=deny\": every look at a page is denied, because it brings no form; "
               "add "
               "methods=POST or absent=skip";
    }
    return apr_psprintf(pool,
                        "\"key=%s\": every look at a page counts, too, and all of them "
                        "together; add methods=POST or absent=skip",
                        rl_written_option(pool, rule->directive, "key"));
}

/* ---- bodies that can't be read ---- */

/* Returns true if the rule counts, or denies, requests with a form that is in doubt; also if
 * that can't be known. */
static bool counts_doubt(const rl_rule_t *rule)
{
    if (!rule_counts(rule) || has_part(rule, RL_PART_USER)) {
        return false;
    }
    if (has_part(rule, RL_PART_FORM)) {
        return rule->missing != RL_MISSING_SKIP;
    }
    return always_has_value(rule) ||
           (rule->missing != RL_MISSING_SKIP && rule->absent != RL_MISSING_SKIP);
}

/* Returns true if httpd may put another URL in the place of the one that was asked for, whose
 * rules apply as well. */
static bool may_redirect(apr_pool_t *pool)
{
    for (const ap_directive_t *at = ap_conftree; at != NULL; at = rl_written_next(at)) {
        if (rl_written_is(at, "RewriteRule") || rl_written_is(at, "FallbackResource") ||
            rl_written_is(at, "Action") || admits_htaccess(pool, at)) {
            return true;
        }
    }
    return false;
}

static bool has_company(apr_pool_t *pool, const rl_rule_t *rule)
{
    const bool anywhere = may_redirect(pool);
    for (const rl_rule_t *other = rl_global_config()->rules; other != NULL;
         other = other->next) {
        if (other != rule && counts_doubt(other) && share_methods(rule, other) &&
            (anywhere || rl_place_may_meet(pool, rule->directive, other->directive))) {
            return true;
        }
    }
    return false;
}

static const char *about_doubt(apr_pool_t *pool, const rl_rule_t *rule)
{
    return !has_part(rule, RL_PART_FORM) || rule->missing != RL_MISSING_SKIP ||
                   has_company(pool, rule)
               ? NULL
               : "\"missing=skip\": no rule counts a form that can't be read, which is a way "
                 "around this one; write missing=share absent=skip, or add a rule with key=ip";
}

/* ---- clear= ---- */

/* Returns the word of clear= that any success gives, NULL if there is none. */
static const char *common_success(const char *clear)
{
    static const char *const words[] = {"all", "1xx", "2xx", "3xx", "4xx", "5xx", "302", "303"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (rl_written_list_has(clear, words[i])) {
            return words[i];
        }
    }
    return NULL;
}

static const char *about_clear(apr_pool_t *pool, const rl_rule_t *rule)
{
    const char *clear = rl_written_option(pool, rule->directive, "clear");
    const char *word =
        clear != NULL && strncmp(clear, "expr=", 5) != 0 ? common_success(clear) : NULL;
    if (word == NULL || rl_key_has(&rule->key, RL_PART_USER_OR_IP) ||
        !always_have_values(&rule->key)) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "\"clear=%s\": any answer of %s clears what guesses at other accounts "
                        "have used; add the account to key= (form:FIELD, claimed-user), or "
                        "leave clear= out",
                        clear, word);
}

/* ---- authentication ---- */

/* Returns true if the directive may have httpd, or an .htaccess, name a user. */
static bool may_name_user(apr_pool_t *pool, const ap_directive_t *at)
{
    if (rl_written_is(at, "AuthType")) {
        return !is_none(pool, at);
    }
    return admits_htaccess(pool, at) || rl_written_is(at, "SSLUserName") ||
           begins_with(at, "LuaHook") || begins_with(at, "Perl") || begins_with(at, "Shib") ||
           begins_with(at, "Mellon");
}

/* Returns true if a directive that may name a user may apply where the rule stands. */
static bool may_have_user(apr_pool_t *pool, const rl_rule_t *rule)
{
    for (const ap_directive_t *at = ap_conftree; at != NULL; at = rl_written_next(at)) {
        if (may_name_user(pool, at) && rl_place_may_meet(pool, at, rule->directive)) {
            return true;
        }
    }
    return false;
}

static const char *about_user(apr_pool_t *pool, const rl_rule_t *rule)
{
    if (!has_part(rule, RL_PART_USER) || may_have_user(pool, rule)) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "\"key=%s\": no AuthType applies here, so no request has a user, and "
                        "the rule never counts; write user-or-ip, or form:FIELD if the "
                        "application checks passwords itself",
                        rl_written_option(pool, rule->directive, "key"));
}

static const char *about_outcome_of_authentication(apr_pool_t *pool, const rl_rule_t *rule)
{
    const bool counts = rule->count != NULL && rl_outcomes_read_only_auth(rule->count);
    if (!counts || may_have_user(pool, rule)) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "\"count=%s\": no AuthType applies here, so httpd checks no password, "
                        "and the rule never counts; write count=401 if the application checks "
                        "passwords itself",
                        rl_written_option(pool, rule->directive, "count"));
}

/* Returns true if httpd asks for a password where the rule stands, and checks it in time for
 * auth-failed: not where a form's handler checks it. */
static bool advice_is_authenticated(apr_pool_t *pool, const rl_rule_t *rule)
{
    const ap_directive_t *type = rl_place_around(rule->directive, "AuthType");
    const ap_directive_t *require = rl_place_around(rule->directive, "Require");
    const char *name = type != NULL ? rl_written_first(pool, type) : "";
    return (ap_cstr_casecmp(name, "Basic") == 0 || ap_cstr_casecmp(name, "Digest") == 0) &&
           require != NULL && ap_cstr_casecmp(rl_written_first(pool, require), "all") != 0;
}

static const char *about_authentication(apr_pool_t *pool, const rl_rule_t *rule)
{
    const char *count = rl_written_option(pool, rule->directive, "count");
    if (count == NULL || !rl_written_list_has(count, "401") ||
        rl_written_list_has(count, "auth-failed") || rule->phase == RL_PHASE_LATE ||
        rule->phase == RL_PHASE_LATE_BODY || !advice_is_authenticated(pool, rule)) {
        return NULL;
    }
    return apr_psprintf(
        pool,
        "\"count=%s\": a browser's first request, without a password, is answered "
        "401, too, and each good one holds a unit until its answer is out; "
        "write count=auth-failed",
        count);
}

/* ---- challenges ---- */

static bool exempts_passes(void)
{
    for (const ap_directive_t *at = ap_conftree; at != NULL; at = rl_written_next(at)) {
        if (rl_written_is(at, "RateLimitExempt") &&
            ap_strcasestr(at->args, "RATELIMIT_PASS") != NULL) {
            return true;
        }
    }
    return false;
}

static const char *about_challenge(apr_pool_t *pool, const rl_rule_t *rule)
{
    (void)pool;
    return !rule->challenge || rule->reads_pass || exempts_passes()
               ? NULL
               : "\"action=challenge\": whoever has pressed the button is over the limit all "
                 "the same, and gets the button again; add \"when=%{env:RATELIMIT_PASS} != "
                 "'good'\", or count each pass by itself with key=pass";
}

/* ---- methods ---- */

/* Methods of standards and of well-known software that httpd has no number for. */
static const char *const other_methods[] = {
    "ACL",
    "BAN",
    "BCOPY",
    "BDELETE",
    "BIND",
    "BMOVE",
    "BPROPFIND",
    "BPROPPATCH",
    "HEAD",
    "LINK",
    "MKCALENDAR",
    "MKREDIRECTREF",
    "M-SEARCH",
    "NOTIFY",
    "ORDERPATCH",
    "POLL",
    "PRI",
    "PURGE",
    "QUERY",
    "REBIND",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "SEARCH",
    "SUBSCRIBE",
    "TRACK",
    "UNBIND",
    "UNLINK",
    "UNSUBSCRIBE",
    "UPDATEREDIRECTREF",
};

static bool is_known_method(const char *name)
{
    for (size_t i = 0; i < sizeof(other_methods) / sizeof(other_methods[0]); i++) {
        if (strcmp(name, other_methods[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *about_methods(apr_pool_t *pool, const rl_rule_t *rule)
{
    const apr_array_header_t *other = rule->methods.other;
    for (int i = 0; other != NULL && i < other->nelts; i++) {
        const char *name = APR_ARRAY_IDX(other, i, const char *);
        if (!is_known_method(name)) {
            return apr_psprintf(pool,
                                "\"methods=%s\": neither httpd nor a standard knows the method "
                                "%s; check its spelling",
                                rl_written_option(pool, rule->directive, "methods"), name);
        }
    }
    return NULL;
}

/* ---- busy= ---- */

static const char *about_busy(apr_pool_t *pool, const rl_rule_t *rule)
{
    return rule->busy < 0 || rl_global_config()->busy != NULL
               ? NULL
               : apr_psprintf(
                     pool,
                     "\"busy=%" APR_INT64_T_FMT "\": no RateLimitBusy says when the "
                     "server is busy, so the limit stays the same; write RateLimitBusy "
                     "workers=90%% outside of all sections",
                     rule->busy);
}

static const char *about_reserve(apr_pool_t *pool, const rl_rule_t *rule)
{
    return rule->busy < 0 || rule->reserve == 0 || rule->busy > rule->reserve
               ? NULL
               : apr_psprintf(pool,
                              "\"reserve=%u\": while the server is busy, busy=%" APR_INT64_T_FMT
                              " leaves no slot to anybody but those that prefer= is true for; "
                              "write a busy= above reserve=",
                              rule->reserve, rule->busy);
}

/* ---- all ---- */

static bool is_switched_off(apr_pool_t *pool, const rl_rule_t *rule)
{
    const ap_directive_t *engine = rl_place_around(rule->directive, "RateLimitEngine");
    return engine != NULL && ap_cstr_casecmp(rl_written_first(pool, engine), "Off") == 0;
}

void rl_rule_advice(apr_pool_t *pool, const rl_rule_t *rule, apr_array_header_t *pieces)
{
    static advice_fn *const all[] = {about_methods,
                                     about_pages,
                                     about_doubt,
                                     about_clear,
                                     about_user,
                                     about_authentication,
                                     about_outcome_of_authentication,
                                     about_challenge,
                                     about_busy,
                                     about_reserve};
    if (!rule_counts(rule) || is_switched_off(pool, rule)) {
        return;
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const char *piece = all[i](pool, rule);
        if (piece != NULL) {
            APR_ARRAY_PUSH(pieces, const char *) = piece;
        }
    }
}
