/* SPDX-License-Identifier: Apache-2.0 */
#include "shown.h"

#include "../config/config.h"
#include "../core/cookie.h"
#include "seal_of.h"

/* Cookies of the name that are looked at: another path or domain can have one, too, and whoever
 * has a neighbour's domain can plant more. A field of httpd's usual 8190 bytes has room for
 * less than twice as many; each costs about 100 ns. */
#define COOKIES_MAX 64

/* One good pass will do, whatever else there is. */
static void read_passes(const request_rec *r, const rl_pass_settings_t *settings,
                        rl_pass_shown_t *shown)
{
    const char *field = apr_table_get(r->headers_in, "Cookie"), *text;
    const int64_t now_s = apr_time_sec(r->request_time);
    rl_seal_t seal;
    rl_pass_t pass;
    size_t len;
    shown->state = RL_PASS_NONE;
    for (int i = 0; i < COOKIES_MAX; i++) {
        text = rl_cookie_next(&field, RL_PASS_COOKIE, &len);
        if (text == NULL) {
            return;
        }
        if (i == 0) {
            rl_challenge_seal(r, settings, &seal);
        }
        shown->state = RL_PASS_BAD;
        if (rl_pass_read(&seal, text, len, settings->life_s, now_s, &pass)) {
            shown->state = RL_PASS_GOOD;
            rl_pass_name(&pass, shown->name);
            return;
        }
    }
}

void rl_pass_look(request_rec *r, rl_request_t *request)
{
    static const char *const words[] = {
        [RL_PASS_NONE] = "none", [RL_PASS_BAD] = "bad", [RL_PASS_GOOD] = "good"};
    const rl_pass_settings_t *settings = rl_server_pass(rl_server_config(r->server));
    if (settings == NULL) {
        return;
    }
    if (!request->pass_seen) {
        read_passes(r, settings, &request->pass);
        request->pass_seen = true;
    }
    apr_table_setn(r->subprocess_env, "RATELIMIT_PASS", words[request->pass.state]);
}
