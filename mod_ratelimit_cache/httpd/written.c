/* SPDX-License-Identifier: Apache-2.0 */
#include "written.h"

#include <apr_strings.h>
#include <string.h>

const ap_directive_t *rl_written_next(const ap_directive_t *at)
{
    if (at->first_child != NULL) {
        return at->first_child;
    }
    while (at != NULL && at->next == NULL) {
        at = at->parent;
    }
    return at != NULL ? at->next : NULL;
}

bool rl_written_is(const ap_directive_t *at, const char *name)
{
    return ap_cstr_casecmp(at->directive, name) == 0;
}

const char *rl_written_option(apr_pool_t *pool, const ap_directive_t *rule, const char *name)
{
    const size_t len = strlen(name);
    const char *rest = rule->args;
    while (*rest != '\0') {
        const char *word = ap_getword_conf(pool, &rest);
        if (strncmp(word, name, len) == 0 && word[len] == '=') {
            return word + len + 1;
        }
    }
    return NULL;
}

const char *rl_written_first(apr_pool_t *pool, const ap_directive_t *at)
{
    const char *rest = at->args;
    return ap_getword_conf(pool, &rest);
}

bool rl_written_list_has(const char *list, const char *word)
{
    const size_t len = strlen(word);
    for (; list != NULL; list = strchr(list, ',')) {
        list += *list == ',';
        if (ap_cstr_casecmpn(list, word, len) == 0 && (list[len] == '\0' || list[len] == ',')) {
            return true;
        }
    }
    return false;
}
