/* SPDX-License-Identifier: Apache-2.0 */
/* What .htaccess files do to a request's environment variables, and how to see past it. */
#ifndef RL_HTTPD_HTACCESS_H
#define RL_HTTPD_HTACCESS_H

#include <stdbool.h>

#include <httpd.h>

/* Which of the server's sections' directives have had their say about the environment. */
typedef enum {
    RL_ENV_OF_SETENVIF, /* SetEnvIf and its like: from header_parser on */
    RL_ENV_OF_SETENV    /* SetEnv and its like, too: in fixups */
} rl_env_stage_e;

/* Returns true if an .htaccess file was read for the request. */
bool rl_htaccess_was_read(const request_rec *r);

/* Returns the environment variables that the request would have if no .htaccess file had a say
 * about them, in r->pool. `before` are those it had when the header_parser hooks began to run.
 * Leaves the request as it is. Walks through the sections of the server's configuration again,
 * so don't call it without need. */
apr_table_t *rl_env_without_htaccess(request_rec *r, const apr_table_t *before,
                                     rl_env_stage_e stage);

#endif
