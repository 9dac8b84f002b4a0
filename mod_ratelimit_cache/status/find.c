/* SPDX-License-Identifier: Apache-2.0 */
#include "find.h"

#include <apr_strings.h>
#include <http_main.h>
#include <string.h>

#include "../config/config.h"
#include "../key/given_values.h"
#include "../process/runtime.h"
#include "../process/scope.h"
#include "../process/figures.h"
#include "../rule/identity.h"
#include "../system/clock.h"

#define FOUND_MAX 1024 /* keys that one question can find */

typedef struct rl_search {
    apr_pool_t *pool;
    const rl_wanted_t *wanted;
    apr_array_header_t *found; /* of rl_found_t */
    bool too_many;             /* there are more than FOUND_MAX */
    const char *reason;        /* why the last rule that was tried has no such key */
} rl_search_t;

/* ---- rules and the virtual hosts that they apply in ---- */

/* Returns false to have no further ones visited. */
typedef bool visit_fn(rl_search_t *search, const server_rec *s, const rl_rule_t *rule);

static bool counts(const rl_rule_t *rule)
{
    return !rule->dropped && !rule->unlimited;
}

static void visit_all(rl_search_t *search, visit_fn *visit)
{
    for (const rl_rule_t *rule = rl_global_config()->rules; rule != NULL; rule = rule->next) {
        const bool inherited = rule->home == ap_server_conf;
        if (!counts(rule)) {
            continue;
        }
        for (const server_rec *s = rule->home; s != NULL; s = inherited ? s->next : NULL) {
            if (!visit(search, s, rule)) {
                return;
            }
        }
    }
}

static const char *host_of(const server_rec *s)
{
    return s->server_hostname != NULL ? s->server_hostname : "";
}

static bool is_wanted(const rl_search_t *search, const server_rec *s, const rl_rule_t *rule)
{
    const char *vhost = search->wanted->vhost;
    return strcmp(rule->name, search->wanted->rule) == 0 &&
           (vhost == NULL || strcmp(host_of(s), vhost) == 0);
}

/* ---- by tag ---- */

static void add_found(rl_search_t *search, const rl_found_t *found)
{
    for (int i = 0; i < search->found->nelts; i++) {
        const rl_found_t *other = &APR_ARRAY_IDX(search->found, i, rl_found_t);
        if (memcmp(&other->op.key, &found->op.key, sizeof(found->op.key)) == 0 &&
            rl_server_config(other->server)->store == rl_server_config(found->server)->store) {
            return;
        }
    }
    if (search->found->nelts == FOUND_MAX) {
        search->too_many = true;
        return;
    }
    *(rl_found_t *)apr_array_push(search->found) = *found;
}

static void add_tagged(rl_search_t *search, const server_rec *s, const rl_rule_t *rule,
                       const rl_tagged_key_t *key)
{
    const rl_found_t found = {
        .server = s,
        .rule = rule,
        .op = {.key = key->key, .meter = key->meter, .rule = (uint8_t)key->rule}};
    add_found(search, &found);
}

/* Looks through those whose denial was logged. */
static bool find_logged(rl_search_t *search)
{
    rl_stats_t *stats = rl_runtime()->stats;
    rl_tagged_key_t key;
    if (!rl_tags_get(&stats->tags, search->wanted->tag, &key) ||
        key.figures_number >= RL_STATS_FIGURES) {
        return false;
    }
    for (const server_rec *s = ap_server_conf; s != NULL; s = s->next) {
        if (rl_figures_of_rule(s, NULL) == &stats->figures[key.figures_number]) {
            add_tagged(search, s, NULL, &key);
            return true;
        }
        for (const rl_rule_t *rule = rl_global_config()->rules; rule != NULL;
             rule = rule->next) {
            const bool applies = rule->home == s || rule->home == ap_server_conf;
            if (counts(rule) && applies &&
                rl_figures_of_rule(s, rule) == &stats->figures[key.figures_number]) {
                add_tagged(search, s, rule, &key);
                return true;
            }
        }
    }
    return false;
}

static rl_meter_t meter_at(const rl_rule_t *rule, uint32_t limit, uint32_t period_s)
{
    const rl_rate_t rate = {.count = limit, .period_us = (int64_t)period_s * RL_USEC_PER_SEC};
    rl_meter_t meter = rule->meter;
    if (rule->rate_expr != NULL) {
        rl_rule_meter(rule, &rate, &meter);
    }
    return meter;
}

/* Looks through the keys that one sketch has. */
static void find_in_sketch(rl_search_t *search, const server_rec *s, const rl_rule_t *rule,
                           const rl_sketch_t *sketch)
{
    rl_sketch_key_t keys[RL_SKETCH_KEYS];
    const unsigned n = rl_sketch_read(sketch, rl_clock_seconds(), keys);
    for (unsigned i = 0; i < n; i++) {
        char tag[RL_TAG_LENGTH + 1];
        rl_digest_tag(&keys[i].key, tag);
        if (strcmp(tag, search->wanted->tag) == 0) {
            const rl_tagged_key_t key = {.key = keys[i].key,
                                         .meter =
                                             meter_at(rule, keys[i].limit, keys[i].period_s),
                                         .rule = rule->number};
            add_tagged(search, s, rule, &key);
            return;
        }
    }
}

static bool find_busy(rl_search_t *search, const server_rec *s, const rl_rule_t *rule)
{
    const rl_figures_t *figures = rl_figures_of_rule(s, rule);
    if (figures != NULL) {
        find_in_sketch(search, s, rule, &figures->over);
        find_in_sketch(search, s, rule, &figures->busiest);
    }
    return search->found->nelts == 0;
}

static int find_by_tag(rl_search_t *search)
{
    if (!rl_is_tag(search->wanted->tag)) {
        search->reason = "A tag is twelve hex digits, as the log tells it.";
        return HTTP_BAD_REQUEST;
    }
    if (!find_logged(search)) {
        visit_all(search, find_busy);
    }
    search->reason = "No key of this tag was denied or busy here lately; ask for it by the "
                     "rule's name and the key's values, or on the server that told the tag.";
    return search->found->nelts > 0 ? OK : HTTP_NOT_FOUND;
}

/* ---- by values ---- */

/* Returns the value that is given for a part, NULL if none is. */
static const char *value_for(const rl_search_t *search, const rl_key_part_t *part)
{
    const char *name = rl_key_part_shown(search->pool, part);
    const size_t len = strlen(name);
    for (int i = 0; i < search->wanted->values->nelts; i++) {
        const char *given = APR_ARRAY_IDX(search->wanted->values, i, const char *);
        const bool same = part->kind == RL_PART_HEADER ? ap_cstr_casecmpn(given, name, len) == 0
                                                       : strncmp(given, name, len) == 0;
        if (same && given[len] == '=') {
            return given + len + 1;
        }
    }
    return part->kind == RL_PART_ALL ? "" : NULL;
}

/* Fills in the values of the key's parts, in the order in which they were written. Returns
 * false, with the reason set, if they aren't those that are given. */
static bool match_values(rl_search_t *search, const rl_rule_t *rule,
                         const char *values[RL_KEY_PARTS_MAX])
{
    int n = 0;
    for (int i = 0; i < rule->key.n; i++) {
        const rl_key_part_t *part = &rule->key.parts[i];
        const char *value = value_for(search, part);
        if (value == NULL) {
            search->reason =
                apr_psprintf(search->pool,
                             "The key of rule %s is %s: give a value for each part; %s has "
                             "none.",
                             rule->name, rl_key_spec_shown(search->pool, &rule->key),
                             rl_key_part_shown(search->pool, part));
            return false;
        }
        values[part->position] = value;
        n += part->kind != RL_PART_ALL;
    }
    if (n != search->wanted->values->nelts) {
        search->reason =
            apr_psprintf(search->pool, "The key of rule %s is %s: there are more values.",
                         rule->name, rl_key_spec_shown(search->pool, &rule->key));
        return false;
    }
    return true;
}

/* Makes the key at one rate. */
static void add_key(rl_search_t *search, const server_rec *s, const rl_rule_t *rule,
                    const char *const *values, const rl_meter_t *meter)
{
    const rl_dir_config_t *conf = rl_merge_dir_config(
        search->pool, ap_get_module_config(s->lookup_defaults, &ratelimit_cache_module),
        (void *)(uintptr_t)rule->section);
    const rl_digest_t counters =
        rule->rate_expr != NULL ? rl_rule_identity(rule, meter) : rule->id;
    rl_found_t found = {
        .server = s, .rule = rule, .op = {.meter = *meter, .rule = rule->number}};
    rl_scope_t scope;
    const rl_key_terms_t terms = {
        .spec = &rule->key,
        .bits = {.v4bits = rl_dir_v4bits(conf), .v6bits = rl_dir_v6bits(conf)},
        .charset = rl_dir_form_charset(conf),
        .secret = rl_runtime_secret(s),
        .scope = &scope};
    rl_scope_of_rule(s, rule, &counters, &scope);
    if (rl_key_of_values(search->pool, &terms, values, &found.op.key) == RL_KEY_MALFORMED) {
        search->reason = apr_psprintf(search->pool,
                                      "What is given for a part of %s is no IP "
                                      "address.",
                                      rl_key_spec_shown(search->pool, &rule->key));
        return;
    }
    add_found(search, &found);
}

/* Makes the key at each rate at which a sketch saw the rule count. */
static void add_keys_of_sketch(rl_search_t *search, const server_rec *s, const rl_rule_t *rule,
                               const char *const *values, const rl_sketch_t *sketch)
{
    rl_sketch_key_t keys[RL_SKETCH_KEYS];
    const unsigned n = rl_sketch_read(sketch, rl_clock_seconds(), keys);
    for (unsigned i = 0; i < n; i++) {
        const rl_meter_t meter = meter_at(rule, keys[i].limit, keys[i].period_s);
        add_key(search, s, rule, values, &meter);
    }
}

/* The rate is computed: there are counters for each at which the rule counted lately. */
static void add_keys_of_rates(rl_search_t *search, const server_rec *s, const rl_rule_t *rule,
                              const char *const *values)
{
    const rl_figures_t *figures = rl_figures_of_rule(s, rule);
    const int before = search->found->nelts;
    if (figures != NULL) {
        add_keys_of_sketch(search, s, rule, values, &figures->over);
        add_keys_of_sketch(search, s, rule, values, &figures->busiest);
    }
    if (search->found->nelts == before) {
        search->reason =
            "The rate of this rule is computed, and it has counted nothing lately.";
    }
}

static bool find_values(rl_search_t *search, const server_rec *s, const rl_rule_t *rule)
{
    const char *values[RL_KEY_PARTS_MAX];
    if (!is_wanted(search, s, rule) || !match_values(search, rule, values)) {
        return true;
    }
    if (rule->rate_expr != NULL) {
        add_keys_of_rates(search, s, rule, values);
    }
    else {
        add_key(search, s, rule, values, &rule->meter);
    }
    return true;
}

/* Two virtual hosts that have a rule of this name of their own have it for two purposes; those
 * of one name (for http and https) are taken for one. */
static const char *second_host(const rl_search_t *search, const char **first)
{
    *first = NULL;
    for (const rl_rule_t *rule = rl_global_config()->rules; rule != NULL; rule = rule->next) {
        const char *host = host_of(rule->home);
        if (!counts(rule) || strcmp(rule->name, search->wanted->rule) != 0) {
            continue;
        }
        if (*first != NULL && strcmp(*first, host) != 0) {
            return host;
        }
        *first = host;
    }
    return NULL;
}

static int find_by_values(rl_search_t *search)
{
    const char *first;
    const char *second = second_host(search, &first);
    if (first == NULL) {
        search->reason =
            apr_psprintf(search->pool, "There is no rule %s.", search->wanted->rule);
        return HTTP_NOT_FOUND;
    }
    if (second != NULL && search->wanted->vhost == NULL) {
        search->reason = apr_psprintf(
            search->pool, "Several virtual hosts have a rule %s, such as %s and %s: say which.",
            search->wanted->rule, first, second);
        return HTTP_CONFLICT;
    }
    search->reason = "The virtual host has no rule of this name.";
    visit_all(search, find_values);
    if (search->too_many) {
        search->reason = "There are more than a thousand such keys, since each virtual host "
                         "counts apart: say which host.";
        return HTTP_CONFLICT;
    }
    return search->found->nelts > 0 ? OK : HTTP_BAD_REQUEST;
}

int rl_find(apr_pool_t *pool, const rl_wanted_t *wanted, apr_array_header_t **found,
            const char **reason)
{
    rl_search_t search = {.pool = pool, .wanted = wanted};
    int status = HTTP_BAD_REQUEST;
    search.found = apr_array_make(pool, 1, sizeof(rl_found_t));
    if (wanted->tag != NULL) {
        status = find_by_tag(&search);
    }
    else if (wanted->rule != NULL) {
        status = find_by_values(&search);
    }
    else {
        search.reason = "Say which key: by its tag, or by a rule and a value for each part.";
    }
    *found = search.found;
    *reason = search.reason;
    return status;
}
