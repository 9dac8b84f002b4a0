/* SPDX-License-Identifier: Apache-2.0 */
#include "handler.h"

#include <http_core.h>
#include <mod_core.h>
#include <string.h>

#include "module.h"

RL_RARELY static bool is_type_without_parameters(const char *handler, const char *type)
{
    return strlen(handler) == strcspn(type, "; ") &&
           strncmp(type, handler, strlen(handler)) == 0;
}

/* Returns true if the content type has become the name of the handler, as httpd has it where
 * none was set. Mostly it is the very same text. */
static bool is_type(const request_rec *r)
{
    const char *type = r->content_type;
    return type == r->handler || (type != NULL && is_type_without_parameters(r->handler, type));
}

/* Returns true if programs are known by the handler's name, which is a type. */
static bool is_type_of_program(const char *handler)
{
    static const char programs[] = "application/x-httpd-";
    return *handler == *programs && strncmp(handler, programs, sizeof(programs) - 1) == 0;
}

/* Returns true for a page that PHP runs all the same, with its xbithack. */
static bool may_be_executed(const request_rec *r)
{
    return (r->finfo.protection & APR_UEXECUTE) != 0 && strcmp(r->handler, "text/html") == 0;
}

RL_EACH_REQUEST bool rl_handler_is_for_files(const request_rec *r)
{
    return r->proxyreq == PROXYREQ_NONE && r->finfo.filetype == APR_REG &&
           (is_type(r) ? !is_type_of_program(r->handler) && !may_be_executed(r)
                       : strcmp(r->handler, AP_DEFAULT_HANDLER_NAME) == 0);
}
