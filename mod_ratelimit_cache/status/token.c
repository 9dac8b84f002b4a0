/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <apr_strings.h>
#include <stdint.h>
#include <string.h>

#include "../config/config.h"
#include "../process/runtime.h"
#include "../system/clock.h"

/* token    expiry (8 hex digits, seconds since 1970) | seal (32 hex digits) */
#define EXPIRY_LENGTH 8
#define TOKEN_LENGTH  (EXPIRY_LENGTH + 32)

static const char *token_of(const request_rec *r, uint32_t expiry)
{
    const char *user = r->user != NULL ? r->user : "";
    rl_key_builder_t builder;
    rl_digest_t seal;
    rl_key_begin(&builder, &rl_runtime()->deeds_secret, &rl_server_config(r->server)->vhost);
    rl_key_add(&builder, 0, &expiry, sizeof(expiry));
    rl_key_add(&builder, r->user != NULL ? 1 : 2, user, strlen(user));
    seal = rl_key_finish(&builder);
    return apr_psprintf(r->pool, "%08x%016" APR_UINT64_T_HEX_FMT "%016" APR_UINT64_T_HEX_FMT,
                        expiry, seal.hi, seal.lo);
}

const char *rl_token_make(const request_rec *r)
{
    return token_of(r, rl_clock_seconds() + RL_TOKEN_LIFE_S);
}

bool rl_token_is_good(const request_rec *r, const char *token)
{
    const char *right;
    uint32_t expiry;
    unsigned differs = 0;
    if (token == NULL || strspn(token, "0123456789abcdef") != TOKEN_LENGTH ||
        token[TOKEN_LENGTH] != '\0') {
        return false;
    }
    expiry = (uint32_t)apr_strtoi64(apr_pstrmemdup(r->pool, token, EXPIRY_LENGTH), NULL, 16);
    right = token_of(r, expiry);
    for (int i = 0; i < TOKEN_LENGTH; i++) {
        differs |= (unsigned)(token[i] ^ right[i]);
    }
    return differs == 0 && expiry > rl_clock_seconds();
}

/* Returns true if the URL's authority is the one that r was sent to. The scheme isn't looked
 * at: a proxy before this server may have taken TLS off. */
static bool is_of_this_host(const request_rec *r, const char *url)
{
    const char *host = apr_table_get(r->headers_in, "Host");
    const char *authority = strstr(url, "://");
    size_t len;
    if (host == NULL || authority == NULL) {
        return false;
    }
    authority += 3;
    len = strcspn(authority, "/?#");
    return strlen(host) == len && ap_cstr_casecmpn(authority, host, len) == 0;
}

bool rl_token_origin_is_own(const request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");
    const char *referer = apr_table_get(r->headers_in, "Referer");
    if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) {
        return false;
    }
    if (origin != NULL) {
        return is_of_this_host(r, origin);
    }
    return referer == NULL || is_of_this_host(r, referer);
}
