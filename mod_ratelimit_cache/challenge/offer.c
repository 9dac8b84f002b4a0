/* SPDX-License-Identifier: Apache-2.0 */
#include "offer.h"

#include <apr_strings.h>
#include <stdbool.h>

#include "../answer/text/accept.h"
#include "../config/config.h"
#include "../core/pass/token.h"
#include "seal_of.h"

/* Returns true if a pass may help: no rule denies but those that challenge. */
static bool are_challenges(const rl_request_t *request)
{
    bool any = false;
    for (int i = 0; i < request->n; i++) {
        const rl_claim_t *claim = &request->claims[i];
        if (claim->step.granted || claim->observe) {
            continue;
        }
        if (claim->uncounted || claim->rule == NULL || !claim->rule->challenge) {
            return false;
        }
        any = true;
    }
    return any;
}

/* Returns the request as the client has sent it. */
static const request_rec *as_sent(const request_rec *r)
{
    while (r->prev != NULL) {
        r = r->prev;
    }
    return r;
}

/* GET covers HEAD. A forward proxy's answers are other sites'. */
static bool wants_page(const request_rec *sent)
{
    return sent->method_number == M_GET && sent->proxyreq != PROXYREQ_PROXY &&
           rl_accept_choose(apr_table_get(sent->headers_in, "Accept")) == RL_MEDIA_HTML;
}

/* Returns what was asked for, as it was written; path and query alone if a whole URL was. (The
 * path in parsed_uri is decoded by now.) */
static const char *path_of(request_rec *r, const request_rec *sent)
{
    const char *path = sent->unparsed_uri != NULL ? sent->unparsed_uri : "/";
    apr_uri_t uri;
    if (path[0] != '/' && apr_uri_parse(r->pool, path, &uri) == APR_SUCCESS) {
        path = apr_uri_unparse(r->pool, &uri, APR_URI_UNP_OMITSITEPART);
    }
    while (path[0] == '/' && path[1] == '/') {
        path++;
    }
    return path;
}

static const char *token_for(request_rec *r, const request_rec *sent,
                             const rl_pass_settings_t *settings)
{
    char token[RL_TOKEN_LENGTH_MAX + 1];
    rl_seal_t seal;
    size_t len;
    rl_challenge_seal(r, settings, &seal);
    len = rl_token_write(&seal, apr_time_sec(r->request_time), path_of(r, sent), token);
    return apr_pstrmemdup(r->pool, token, len);
}

void rl_challenge_offer(request_rec *r, rl_request_t *request)
{
    const rl_pass_settings_t *settings = rl_server_pass(rl_server_config(r->server));
    const request_rec *sent = as_sent(r);
    if (settings != NULL && r->main == NULL && are_challenges(request) && wants_page(sent)) {
        request->environment.challenge = token_for(r, sent, settings);
        request->environment.challenge_path = settings->path;
    }
}
