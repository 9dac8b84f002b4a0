#include "deny.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <mod_core.h>
#include <stdbool.h>
#include <string.h>

#include "body.h"

/* httpd files a status that it has no name for under 500. */
static bool has_name(int status)
{
    return status == HTTP_INTERNAL_SERVER_ERROR ||
           ap_index_of_response(status) != ap_index_of_response(HTTP_INTERNAL_SERVER_ERROR);
}

static const char *title_of(const request_rec *r, int status)
{
    return has_name(status) ? ap_get_status_line(status) + 4
                            : apr_psprintf(r->pool, "Too Many Requests (%d)", status);
}

static const char *body_of(const request_rec *r, int status, const char *retry_after)
{
    const char *title = title_of(r, status);
    return apr_pstrcat(r->pool, "<!DOCTYPE html>\n<html lang=\"en\"><head><title>", title,
                       "</title></head>\n<body><h1>", title,
                       "</h1>\n<p>There were too many requests. Please try again in ",
                       retry_after, strcmp(retry_after, "1") == 0 ? " second" : " seconds",
                       ".</p>\n</body></html>\n", NULL);
}

/* What another module has said of the denial stands (mod_ratelimit_cache.h). */
static void set_unless_set(request_rec *r, const char *name, const char *value)
{
    if (apr_table_get(r->err_headers_out, name) == NULL) {
        apr_table_setn(r->err_headers_out, name, value);
    }
}

int rl_deny(request_rec *r, int status, const char *retry_after)
{
    set_unless_set(r, "Retry-After", retry_after);
    set_unless_set(r, "Cache-Control", "no-store");
    if (rl_body_is_unread(r)) {
        rl_body_abandon(r); /* httpd would read it all before it answers */
    }
    if (!has_name(status)) {
        r->status_line = apr_psprintf(r->pool, "%d Too Many Requests", status);
    }
    if (!has_name(status) || ap_response_code_string(r, ap_index_of_response(status)) == NULL) {
        ap_custom_response(r, status, body_of(r, status, retry_after));
    }
    return status;
}
