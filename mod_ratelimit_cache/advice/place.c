/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <apr_strings.h>
#include <string.h>

#include "../httpd/written.h"

/* Returns the virtual host that the directive stands in, NULL for the main server. */
static const ap_directive_t *vhost_of(const ap_directive_t *at)
{
    while (at != NULL && !rl_written_is(at, "<VirtualHost")) {
        at = at->parent;
    }
    return at;
}

/* Returns the outermost section around the directive, within the server that it stands in, NULL
 * if it stands outside of all sections. */
static const ap_directive_t *outermost_section(const ap_directive_t *at)
{
    const ap_directive_t *section = NULL;
    for (at = at->parent; at != NULL && !rl_written_is(at, "<VirtualHost"); at = at->parent) {
        section = at;
    }
    return section;
}

/* Returns the path of a <Location> or <Directory>, in the pool; NULL if it is a pattern, or
 * another section. */
static char *literal_path(apr_pool_t *pool, const ap_directive_t *section)
{
    const char *rest = section->args;
    char *path;
    if (!rl_written_is(section, "<Location") && !rl_written_is(section, "<Directory")) {
        return NULL;
    }
    path = ap_getword_conf(pool, &rest);
    path[strcspn(path, ">")] = '\0'; /* the section's own */
    return path[0] != '/' || path[strcspn(path, "*?[")] != '\0' ? NULL : path;
}

/* Returns true if `path` is `base`, or within it. */
static bool is_within(const char *path, const char *base)
{
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    return strncmp(path, base, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool sections_may_meet(apr_pool_t *pool, const ap_directive_t *a,
                              const ap_directive_t *b)
{
    const char *path_a, *path_b;
    if (a == NULL || b == NULL || !rl_written_is(a, b->directive)) {
        return true;
    }
    path_a = literal_path(pool, a);
    path_b = literal_path(pool, b);
    return path_a == NULL || path_b == NULL || is_within(path_a, path_b) ||
           is_within(path_b, path_a);
}

bool rl_place_may_meet(apr_pool_t *pool, const ap_directive_t *a, const ap_directive_t *b)
{
    const ap_directive_t *vhost_a = vhost_of(a), *vhost_b = vhost_of(b);
    if (vhost_a != NULL && vhost_b != NULL && vhost_a != vhost_b) {
        return false;
    }
    return sections_may_meet(pool, outermost_section(a), outermost_section(b));
}

static bool is_container(const ap_directive_t *at)
{
    return ap_cstr_casecmpn(at->directive, "<Require", 8) == 0 ||
           ap_cstr_casecmpn(at->directive, "<Limit", 6) == 0;
}

/* Returns the last directive of this name in a list of siblings, and in containers there. */
static const ap_directive_t *place_last(const ap_directive_t *first, const char *name)
{
    const ap_directive_t *found = NULL;
    for (const ap_directive_t *at = first; at != NULL; at = at->next) {
        const ap_directive_t *inside =
            is_container(at) ? place_last(at->first_child, name) : NULL;
        if (inside != NULL || rl_written_is(at, name)) {
            found = inside != NULL ? inside : at;
        }
    }
    return found;
}

const ap_directive_t *rl_place_around(const ap_directive_t *inner, const char *name)
{
    const ap_directive_t *found = NULL;
    for (; found == NULL && inner != NULL; inner = inner->parent) {
        found =
            place_last(inner->parent != NULL ? inner->parent->first_child : ap_conftree, name);
    }
    return found;
}

bool rl_place_is_conditional(const ap_directive_t *at)
{
    for (at = at->parent; at != NULL; at = at->parent) {
        if (rl_written_is(at, "<If") || ap_cstr_casecmpn(at->directive, "<Else", 5) == 0) {
            return true;
        }
    }
    return false;
}
