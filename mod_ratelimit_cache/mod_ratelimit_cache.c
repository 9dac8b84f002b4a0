/* mod_ratelimit_cache: request rate limits for Apache httpd. */

/* The table of contents of a request:
 *
 * post_read_request: an offer to upgrade to HTTP/2 that was not taken up is forgotten.
 *
 * check_access, first of all: rules that need no authentication, before any password check;
 * those keyed by a form field last, because they wait for the body.
 *
 * check_access_ex: a denial is said again, or "Satisfy Any" would lose it.
 *
 * fixups, first: rules that need the authenticated user.
 *
 * fixups, last: rules of the target when mod_dir, mod_negotiation or a rewrite have put it in
 * the request's place.
 *
 * insert_filter, insert_error_filter: what the response tells about limits; a denial's answer.
 *
 * log_transaction, before the access log: what came of the request is known, so units are given
 * back and counters cleared by outcome.
 *
 * What other modules may call, and hook: mod_ratelimit_cache.h.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>

#include "httpd/body.h"
#include "httpd/config.h"
#include "httpd/deny.h"
#include "httpd/enforce.h"
#include "httpd/headers.h"
#include "httpd/interface.h"
#include "httpd/request.h"
#include "httpd/runtime.h"
#include "httpd/settle.h"
#include "httpd/store.h"
#include "mod_ratelimit_cache.h"

/* httpd's default handler is APR_HOOK_REALLY_LAST. (Naming core.c as successor would put ours
 * in front of everybody's, because core.c has another handler that is first.) */
#define BEFORE_DEFAULT_HANDLER (APR_HOOK_REALLY_LAST - 1)

/* Names the module and its version in httpd's start-up line. Clients see it in the Server field
 * only where ServerTokens is Full. */
static int tell_version(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog, (void)ptemp, (void)s;
    ap_add_version_component(pconf, "mod_ratelimit_cache/" RATELIMIT_VERSION);
    return OK;
}

/* The check_access hooks are registered "per configuration": a raw access_checker hook would
 * make httpd run all authentication again for every look-up of the whole server. */
static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    rl_body_register();
    rl_settle_register();
    rl_deny_register();
    rl_headers_register();
    rl_interface_register();
    ap_hook_post_config(tell_version, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(rl_config_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(rl_store_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(rl_runtime_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_access(rl_enforce_check_access, NULL, NULL, APR_HOOK_REALLY_FIRST,
                         AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_access_ex(rl_enforce_check_access_ex, NULL, NULL, APR_HOOK_REALLY_FIRST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_fixups(rl_enforce_fixups, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(rl_enforce_fixups, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_insert_filter(rl_deny_watch, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_filter(rl_headers_insert, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(rl_deny_insert_answer, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(rl_headers_insert, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(rl_deny_handler, NULL, NULL, BEFORE_DEFAULT_HANDLER);
    ap_hook_post_read_request(rl_request_post_read, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(rl_settle_log_transaction, NULL, NULL, APR_HOOK_FIRST);
}

AP_DECLARE_MODULE(ratelimit_cache) = {
    STANDARD20_MODULE_STUFF, rl_create_dir_config, rl_merge_dir_config, rl_create_server_config,
    rl_merge_server_config,  rl_directives,        register_hooks,      0,
};
