/* SPDX-License-Identifier: Apache-2.0 */
#include "section.h"

#include <apr_strings.h>

const char *rl_section_around(apr_pool_t *pool, const ap_directive_t *directive)
{
    const char *text = "";
    for (const ap_directive_t *at = directive->parent; at != NULL; at = at->parent) {
        if (ap_cstr_casecmp(at->directive, "<VirtualHost") != 0) {
            text = apr_pstrcat(pool, at->directive, " ", at->args, *text != '\0' ? " " : "",
                               text, NULL);
        }
    }
    return text;
}

const char *rl_rule_section(apr_pool_t *pool, const rl_rule_t *rule)
{
    return rl_section_around(pool, rule->directive);
}
