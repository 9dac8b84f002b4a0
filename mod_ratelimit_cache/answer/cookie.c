/* SPDX-License-Identifier: Apache-2.0 */
#include "cookie.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

bool rl_cookie_is_secure(const request_rec *r)
{
    if (strcmp(ap_http_scheme(r), "https") == 0) {
        return true;
    }
    for (; r != NULL; r = r->prev) {
        const char *https = apr_table_get(r->subprocess_env, "HTTPS");
        if (https != NULL && ap_cstr_casecmp(https, "on") == 0) {
            return true;
        }
    }
    return false;
}

const char *rl_cookie_field(request_rec *r, const char *name, const char *value,
                            int64_t max_age_s)
{
    return apr_psprintf(r->pool,
                        "%s=%s; Max-Age=%" APR_INT64_T_FMT "; Path=/; HttpOnly; SameSite=Lax%s",
                        name, value, max_age_s, rl_cookie_is_secure(r) ? "; Secure" : "");
}
