/* SPDX-License-Identifier: Apache-2.0 */
#include "htaccess.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_request.h>
#include <string.h>

/* The environment without .htaccess
 *
 * httpd merges the server's sections and the .htaccess files into one configuration, and
 * mod_setenvif carries out the SetEnvIf directives of both in one go. So the sections are
 * merged a second time, without the .htaccess files, for a copy of the request, and
 * mod_setenvif is asked to set the copy's variables.
 *
 * Of an .htaccess file the copy keeps the core's directives: with Options the file may have
 * allowed a symbolic link, and without them the copy would get no further than that. What the
 * file has in sections of its own, <Files> and <If>, goes.
 */

/* httpd keeps its list of hooks in records that begin like this. */
typedef struct rl_hook_link {
    int (*run)(request_rec *r);
    const char *module;
} rl_hook_link_t;

/* What a walk through the sections is remembered by, of each kind of section. */
typedef struct rl_walk_notes {
    void *notes[AP_NUM_STD_NOTES];
} rl_walk_notes_t;

bool rl_htaccess_was_read(const request_rec *r)
{
    for (const struct htaccess_result *at = r->htaccess; at != NULL; at = at->next) {
        if (at->htaccess != NULL) {
            return r->proxyreq ==
                   PROXYREQ_NONE; /* no file is looked for on behalf of a proxy */
        }
    }
    return false;
}

/* Returns a configuration that has nothing but what the file says to httpd's core, without
 * sections; NULL if that is nothing. */
static ap_conf_vector_t *core_of_file(apr_pool_t *pool, const ap_conf_vector_t *file)
{
    void *said = file != NULL ? ap_get_core_module_config(file) : NULL;
    core_dir_config *core;
    ap_conf_vector_t *conf;
    if (said == NULL) {
        return NULL;
    }
    core = core_module.merge_dir_config(pool, core_module.create_dir_config(pool, NULL), said);
    core->sec_file = core->sec_if = NULL;
    conf = ap_create_per_dir_config(pool);
    ap_set_core_module_config(conf, core);
    return conf;
}

/* Returns the list of .htaccess files, which httpd takes instead of reading them again. */
static const struct htaccess_result *without_files(const request_rec *r)
{
    struct htaccess_result *first = NULL, **end = &first;
    for (const struct htaccess_result *at = r->htaccess; at != NULL; at = at->next) {
        struct htaccess_result *copy = apr_pmemdup(r->pool, at, sizeof(*at));
        copy->htaccess = core_of_file(r->pool, at->htaccess);
        copy->next = NULL;
        *end = copy;
        end = (struct htaccess_result **)&copy->next;
    }
    return first;
}

/* Takes away what earlier walks of the request are remembered by, and keeps it in *kept: else
 * httpd would reuse their results. */
static void forget_walks(request_rec *r, rl_walk_notes_t *kept)
{
    for (apr_size_t i = 0; i < AP_NUM_STD_NOTES; i++) {
        void **note = ap_get_request_note(r, i);
        kept->notes[i] = *note;
        *note = NULL;
    }
}

static void remember_walks(request_rec *r, const rl_walk_notes_t *kept)
{
    for (apr_size_t i = 0; i < AP_NUM_STD_NOTES; i++) {
        *ap_get_request_note(r, i) = kept->notes[i];
    }
}

/* Merges the sections for the request as httpd does. Returns false if httpd refuses. */
static bool walk(request_rec *r)
{
    return ap_directory_walk(r) == OK && ap_file_walk(r) == OK && ap_location_walk(r) == OK &&
           ap_if_walk(r) == OK;
}

/* Sets the copy's configuration to that of the server's sections. If httpd finds a file system
 * that has changed since the request came, the copy is left with what the server says outside
 * of all sections. */
static void walk_without_files(const request_rec *r, request_rec *copy)
{
    rl_walk_notes_t kept;
    copy->prev = copy->main = NULL; /* their walks would be reused, too */
    copy->htaccess = without_files(r);
    copy->per_dir_config = r->server->lookup_defaults;
    forget_walks(copy, &kept);
    if (!walk(copy)) {
        copy->per_dir_config = r->server->lookup_defaults;
    }
    remember_walks(copy, &kept);
    copy->prev = r->prev;
    copy->main = r->main;
}

/* Runs what one module has registered for a hook. */
static void run_module(request_rec *r, const apr_array_header_t *hook, const char *module)
{
    for (int i = 0; hook != NULL && i < hook->nelts; i++) {
        const rl_hook_link_t *link =
            (const rl_hook_link_t *)(void *)(hook->elts +
                                             (apr_size_t)i * (apr_size_t)hook->elt_size);
        if (strcmp(link->module, module) == 0) {
            link->run(r);
        }
    }
}

apr_table_t *rl_env_without_htaccess(request_rec *r, const apr_table_t *before,
                                     rl_env_stage_e stage)
{
    request_rec copy = *r;
    copy.subprocess_env = apr_table_copy(r->pool, before);
    walk_without_files(r, &copy);
    run_module(&copy, ap_hook_get_header_parser(), "mod_setenvif.c");
    if (stage == RL_ENV_OF_SETENV) {
        run_module(&copy, ap_hook_get_fixups(), "mod_env.c");
    }
    return copy.subprocess_env;
}
