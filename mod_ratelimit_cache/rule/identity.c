/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <apr_strings.h>
#include <http_core.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../httpd/methods.h"

/* Returns a section's head as it is written, in the pool. An <Else> has no argument that tells
 * it from another, so its line number is added: its counters start anew when lines are inserted
 * above it. */
static const char *head_of(apr_pool_t *pool, const ap_directive_t *section)
{
    return ap_cstr_casecmpn(section->directive, "<Else", 5) == 0
               ? apr_psprintf(pool, "%s %s %d\n", section->directive, section->args,
                              section->line_num)
               : apr_pstrcat(pool, section->directive, " ", section->args, "\n", NULL);
}

/* Returns where the directive stands: the heads of the sections around it. That text is the
 * same after a reload and, for an .htaccess, in each request. The virtual host isn't part of
 * it: the one that serves the request is added when the scope is made (process/scope.c). For an
 * .htaccess the file's name is added; cmd->path wouldn't do, because inside <Files> it is the
 * argument of that section. */
static const char *section_of(const cmd_parms *cmd)
{
    const char *path = "";
    for (const ap_directive_t *at = cmd->directive->parent; at != NULL; at = at->parent) {
        if (ap_cstr_casecmp(at->directive, "<VirtualHost") != 0) {
            path = apr_pstrcat(cmd->temp_pool, head_of(cmd->temp_pool, at), path, NULL);
        }
    }
    if (rl_cmd_is_tenant(cmd)) {
        path = apr_pstrcat(cmd->temp_pool, "file ", cmd->directive->filename, "\n", path, NULL);
    }
    return path;
}

/* Returns whose group it is: the server's, or the tenant's whose .htaccess names it. Two
 * tenants of one virtual host know nothing of each other, and with a common counter the one
 * could clear what the other has counted. */
static const char *owner_of_group(const cmd_parms *cmd, const rl_rule_t *rule)
{
    return rule->tenant
               ? apr_psprintf(cmd->temp_pool, "tenant's %s\n",
                              ap_make_dirstr_parent(cmd->temp_pool, cmd->directive->filename))
               : "";
}

/* Returns what the rule's counters have in common at every rate: for a rule by itself its
 * section, name and key; for a rule in a group the group's name and owner, the methods and the
 * key. Together with the key stands what values it counts. */
static const char *base_text(const cmd_parms *cmd, const rl_rule_t *rule)
{
    apr_pool_t *pool = cmd->temp_pool;
    const char *key = rl_key_spec_text(pool, &rule->key);
    if (rule->distinct != NULL) {
        key =
            apr_pstrcat(pool, key, "\ndistinct ", rl_key_spec_text(pool, rule->distinct), NULL);
    }
    if (rule->group == NULL) {
        return apr_pstrcat(pool, "rule\n", section_of(cmd), rule->name, "\n", key, NULL);
    }
    return apr_psprintf(pool, "%sgroup %" APR_SIZE_T_FMT ":%s\n%s\n%s",
                        owner_of_group(cmd, rule), strlen(rule->group), rule->group,
                        rl_methods_text(pool, &rule->methods), key);
}

/* A token bucket's state is a time, in ticks whose length the rate and the size determine
 * (core/meter/bucket.c). */
rl_digest_t rl_rule_identity(const rl_rule_t *rule, const rl_meter_t *meter)
{
    const bool bucket = meter->algorithm == RL_TOKEN_BUCKET;
    const bool by_limit = bucket || rule->group != NULL;
    char text[160];
    const int len = snprintf(
        text, sizeof(text), "%016" PRIx64 "%016" PRIx64 " %d %d %" PRId64 " %u %u",
        rule->base_identity.hi, rule->base_identity.lo, meter->algorithm, meter->aligned,
        meter->period_us, by_limit ? meter->limit : 0, bucket ? meter->burst : 0);
    return rl_digest_public(text, (size_t)len);
}

/* A rule whose rate is computed has counters for each rate that comes out. To tell such rules
 * apart, the expression and the burst= that was given take the place of a rate. */
static rl_digest_t id_of(const cmd_parms *cmd, const rl_rule_t *rule)
{
    const rl_digest_t identity = rl_rule_identity(rule, &rule->meter);
    const char *text;
    if (rule->rate_expr == NULL) {
        return identity;
    }
    text = apr_psprintf(cmd->temp_pool, "%016" PRIx64 "%016" PRIx64 " %" APR_INT64_T_FMT " %s",
                        identity.hi, identity.lo, rule->burst, rule->rate_text);
    return rl_digest_public(text, strlen(text));
}

/* Returns the number that a rule has in the ledger unless another rule of the server's has it.
 * It is the same after a reload. */
static unsigned number_wanted(const rl_rule_t *rule)
{
    return (unsigned)(rule->id.hi % RL_RULE_NUMBERS);
}

void rl_draft_identify(const rl_draft_t *draft)
{
    rl_rule_t *rule = draft->rule;
    const char *text = base_text(draft->cmd, rule);
    rule->base_identity = rl_digest_public(text, strlen(text));
    rule->id = id_of(draft->cmd, rule);
    rule->per_vhost = rule->group == NULL || rule->tenant;
    rule->number = (uint8_t)(RL_RULE_TENANT | number_wanted(rule));
}

static bool is_same_id(const rl_rule_t *a, const rl_rule_t *b)
{
    return a->id.hi == b->id.hi && a->id.lo == b->id.lo;
}

/* Returns the rule's number, given the rule that has each number so far. */
static unsigned find_number(const rl_rule_t *const owners[RL_RULE_NUMBERS],
                            const rl_rule_t *rule)
{
    for (unsigned i = 0; i < RL_RULE_NUMBERS; i++) {
        const unsigned number = (number_wanted(rule) + i) % RL_RULE_NUMBERS;
        if (owners[number] == NULL || is_same_id(owners[number], rule)) {
            return number;
        }
    }
    return number_wanted(rule);
}

void rl_rules_number(rl_rule_t *rules)
{
    const rl_rule_t *owners[RL_RULE_NUMBERS] = {NULL};
    for (rl_rule_t *rule = rules; rule != NULL; rule = rule->next) {
        rule->number = (uint8_t)find_number(owners, rule);
        if (owners[rule->number] == NULL) {
            owners[rule->number] = rule;
        }
    }
}
