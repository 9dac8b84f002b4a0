/* SPDX-License-Identifier: Apache-2.0 */
#include "known.h"

#include <apr_general.h>
#include <http_protocol.h>

#include "../core/cookie.h"
#include "../process/runtime.h"
#include "../process/scope.h"

/* A stranger who knows a name can use up its limit. So a browser that has logged in to the
 * account has a counter of its own, with the same limit: it is named by the key and by a nonce
 * that the browser carries under a seal.
 *
 * The seal is for the key and for the spelling of what was typed. Folding takes names for one
 * that the application may tell apart: whoever has an account that is called "àdmïn" could get
 * any number of nonces for the key of "admin" by logging in again and again. With the spelling
 * under the seal they are worth nothing for "admin". An owner who types another spelling than
 * last time is a stranger. */

/* Cookies of the name that are looked at: another path or domain can have one, too. */
#define COOKIES_MAX 4

static rl_known_t *read_cookies(request_rec *r)
{
    rl_known_t *known = apr_palloc(r->pool, sizeof(*known));
    const char *field = apr_table_get(r->headers_in, "Cookie");
    known->n = 0;
    for (int i = 0; i < COOKIES_MAX; i++) {
        size_t len;
        const char *value = rl_cookie_next(&field, RL_KNOWN_COOKIE, &len);
        if (value == NULL) {
            break;
        }
        rl_known_read(known, value, len);
    }
    return known;
}

/* The cookies of a client request are read once. */
const rl_known_t *rl_known_of_browser(request_rec *r)
{
    rl_request_t *request = rl_request_get(r);
    if (request == NULL) {
        return read_cookies(r);
    }
    if (request->known == NULL) {
        request->known = read_cookies(r);
    }
    return request->known;
}

static int64_t seconds_of_record(const request_rec *r)
{
    rl_request_t *request = rl_request_get(r);
    return apr_time_sec(request != NULL ? rl_request_now(request) : apr_time_now());
}

static rl_digest_t account_of(request_rec *r, const rl_rule_t *rule, rl_key_values_t *values)
{
    rl_scope_t scope;
    rl_digest_t account;
    rl_scope_of_accounts(r->server, rule, &scope);
    account = rl_key_elsewhere(values, &scope);
    return rl_digest_extend(&rl_runtime()->known_secret, &account, &values->spelling,
                            sizeof(values->spelling));
}

static const rl_known_entry_t *good_entry(const rl_known_t *known, const rl_digest_t *account,
                                          int64_t now_s)
{
    return rl_known_find(known, &rl_runtime()->known_secret, account, now_s);
}

void rl_known_recognize(request_rec *r, rl_key_values_t *values, rl_claim_t *claim)
{
    rl_digest_t *account = apr_palloc(r->pool, sizeof(*account));
    const rl_known_entry_t *entry;
    *account = account_of(r, claim->rule, values);
    entry = good_entry(rl_known_of_browser(r), account, seconds_of_record(r));
    claim->known = entry != NULL;
    if (entry != NULL) {
        claim->op.key = rl_digest_extend(rl_runtime_secret(r->server), &claim->op.key,
                                         entry->nonce, sizeof(entry->nonce));
    }
    claim->account = account;
}

/* Two rules of one group have the same accounts: the second finds the entry of the first. */
bool rl_known_renew(const rl_claim_t *claim, int64_t now_s, rl_known_t *known)
{
    const int64_t known_s = claim->rule->known_s;
    const rl_known_entry_t *good = good_entry(known, claim->account, now_s);
    rl_known_entry_t entry;
    if (good != NULL && good->expires - now_s >= known_s / 2) {
        return false;
    }
    if (good != NULL) {
        entry = *good;
    }
    else if (apr_generate_random_bytes(entry.nonce, sizeof(entry.nonce)) != APR_SUCCESS) {
        return false;
    }
    entry.expires = now_s + known_s;
    rl_known_seal(&entry, &rl_runtime()->known_secret, claim->account);
    rl_known_put(known, &entry, now_s);
    return true;
}
