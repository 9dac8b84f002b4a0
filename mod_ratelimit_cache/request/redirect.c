/* SPDX-License-Identifier: Apache-2.0 */
#include "redirect.h"

#include <string.h>

#include "../config/config.h"

static const char rewrite_handler[] = "redirect-handler";

bool rl_redirect_is_ahead(const request_rec *r)
{
    return r->handler != NULL && strcmp(r->handler, rewrite_handler) == 0;
}

/* Returns true if mod_actions sent prev on to a program. mod_actions notes the Action in prev's
 * environment, and goes to the program's path followed by prev's. */
static bool is_by_action(const request_rec *prev, const request_rec *r)
{
    const char *action = apr_table_get(prev->subprocess_env, "HANDLER");
    const size_t len = strlen(r->uri), tail = strlen(prev->uri);
    return action != NULL && strcmp(action, prev->handler) == 0 && len > tail &&
           strcmp(r->uri + len - tail, prev->uri) == 0;
}

/* Returns true if prev's handler only chose where the request goes on, and ran no program: the
 * handlers of mod_rewrite in a directory, of mod_negotiation for a type map, and of
 * mod_actions. */
static bool is_signpost(const request_rec *prev, const request_rec *r)
{
    static const char *const handlers[] = {rewrite_handler, "type-map",
                                           "application/x-type-map"};
    if (prev->handler == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (strcmp(prev->handler, handlers[i]) == 0) {
            return true;
        }
    }
    return is_by_action(prev, r);
}

static bool same_digest(const rl_digest_t *a, const rl_digest_t *b)
{
    return a->hi == b->hi && a->lo == b->lo;
}

/* Returns the tenant's rule that made this claim, parsed anew from its .htaccess; NULL if it
 * isn't in the set. */
static const rl_rule_t *find_again(const rl_claim_t *claim, const rl_rule_set_t *rules)
{
    const rl_rule_t *rule = rl_rule_set_find(rules, claim->name);
    return rule != NULL && rule->tenant && same_digest(&rule->id, &claim->rule_id) ? rule
                                                                                   : NULL;
}

/* After an upgrade to HTTP/2: the rules of tenants ended with the request that was taken over.
 */
static void find_tenants_rules(const rl_request_t *request, const rl_rule_set_t *rules)
{
    for (int i = 0; i < request->n; i++) {
        rl_claim_t *claim = &request->claims[i];
        if (claim->rule == NULL) {
            claim->rule = find_again(claim, rules);
        }
    }
}

void rl_redirect_follow(rl_request_t *request, const request_rec *r)
{
    rl_progress_t *progress = &request->progress;
    for (const request_rec *at = r; at != progress->current && at->prev != NULL;
         at = at->prev) {
        if (!is_signpost(at->prev, at)) {
            progress->ran = request->n;
            break;
        }
    }
    progress->current = r;
    if (request->special) {
        find_tenants_rules(request, rl_dir_config(r)->rules);
    }
}
