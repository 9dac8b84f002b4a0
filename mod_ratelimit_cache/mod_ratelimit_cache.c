/* SPDX-License-Identifier: Apache-2.0 */
/* mod_ratelimit_cache: request rate limits for Apache httpd. */

/* What happens when the configuration was read: check_config refuses tables of networks
 * that nobody has read and limits that a fleet can't share, warns of what doesn't do what it
 * seems to, looks for HTTP/2, and finds out who may read RATELIMIT_* variables; post_config
 * starts.
 *
 * What happens to a request, in httpd's order:
 *
 * post_read_request, first: sets RATELIMIT_BUSY, if RateLimitBusy is configured. After an
 * internal redirect, sets the REDIRECT_RATELIMIT_* variables that have waited. Forgets an offer
 * to upgrade the connection to HTTP/2 that was not taken up.
 *
 * quick_handler, first: gives a pass to who has pressed the button of a challenge. Registered
 * if the configuration has to do with passes.
 *
 * header_parser, first: looks for a pass, if rules have to do with passes. Keeps the
 * environment and header fields as they are before an .htaccess has a say, if rules read them.
 * Registered if there are such rules.
 *
 * check_access, first of all: checks the rules that need no authentication, before any password
 * check. Those keyed by a form field come last, because they wait for the body.
 *
 * check_access_ex: repeats a denial, which "Satisfy Any" would lose otherwise.
 *
 * check_authn, first of all: runs all other hooks that authenticate, if a rule counts or clears
 * by what comes of it, and settles.
 *
 * auth_checker, first: notes who was authenticated.
 *
 * fixups, first: checks the rules that need the authenticated user.
 *
 * fixups, last: checks the rules of the target, if mod_dir, mod_negotiation or a rewrite has
 * put another one in the request's place.
 *
 * insert_filter, insert_error_filter: add the filters that note the outcome, that set the
 * response fields and the cookie of a known browser, and that write the answer to a denial.
 *
 * handler, first: shows RATELIMIT_* variables to a program; checks the rules of a program that
 * a page includes.
 *
 * handler, right before httpd's default handler: keeps a denied file from being sent if the
 * deny handler doesn't exist.
 *
 * log_transaction, before the access log: the outcome of the request is known, so units are
 * refunded and counters cleared.
 *
 * test_config, which httpd -t runs: replays access logs, if rlctl asks for it.
 *
 * The functions and the hook for other modules are in mod_ratelimit_cache.h.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>

#include "advice/advice.h"
#include "answer/denial.h"
#include "answer/known_cookie.h"
#include "answer/response_fields.h"
#include "api/functions.h"
#include "config/config.h"
#include "config/networks_directive.h"
#include "config/shareable.h"
#include "hooks/access.h"
#include "hooks/authentication.h"
#include "hooks/arrival.h"
#include "hooks/filters.h"
#include "hooks/handler.h"
#include "hooks/pass.h"
#include "hooks/settle.h"
#include "httpd/env_readers.h"
#include "httpd/module.h"
#include "key/body.h"
#include "mod_ratelimit_cache.h"
#include "process/children.h"
#include "process/start.h"
#include "replay/replay.h"
#include "request/holdings.h"
#include "request/outcome_watch.h"
#include "request/upgrade.h"
#include "status/handler.h"
#include "status/summary.h"

/* httpd's default handler is APR_HOOK_REALLY_LAST. (Naming core.c as successor would put our
 * handler before everybody's, because core.c has another handler that comes first.) */
#define BEFORE_DEFAULT_HANDLER (APR_HOOK_REALLY_LAST - 1)

/* Names the module and its version in httpd's start-up line. Clients see it in the Server field
 * only where ServerTokens is Full. */
static int tell_version(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog, (void)ptemp, (void)s;
    ap_add_version_component(pconf, "mod_ratelimit_cache/" RATELIMIT_VERSION);
    return OK;
}

/* Comes before hooks of this order that other modules have registered by now. */
#define LATE_BUT_FIRST (APR_HOOK_REALLY_FIRST - 1)

/* Registers the hooks that only some configurations need, now that ours is known. httpd sorts
 * its hooks once more when the configuration is read, for modules that are loaded late; for
 * these it is to be done again. httpd forgets all hooks before it reads another one. */
static int register_wanted(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                           server_rec *s)
{
    const rl_global_config_t *global = rl_global_config();
    const bool passes = rl_config_has_passes(s);
    (void)pconf, (void)plog, (void)ptemp;
    apr_hook_debug_current = ratelimit_cache_module.name;
    if (passes) {
        ap_hook_quick_handler(rl_pass_quick_handler, NULL, NULL, LATE_BUT_FIRST);
    }
    if (passes || global->reads_env || global->reads_headers) {
        ap_hook_header_parser(rl_access_header_parser, NULL, NULL, LATE_BUT_FIRST);
    }
    apr_hook_sort_all();
    return OK;
}

/* The check_access hooks are registered "per configuration" (AP_AUTH_INTERNAL_PER_CONF): with a
 * raw access_checker hook, httpd would run all authentication again for every look-up on the
 * whole server. */
static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    rl_body_register();
    rl_outcome_watch_register();
    rl_denial_register();
    rl_response_fields_register();
    rl_holdings_register();
    rl_known_cookie_register();
    rl_api_register();
    rl_summary_register();
    ap_hook_post_config(tell_version, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(rl_config_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(rl_networks_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(rl_networks_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(rl_networks_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(rl_env_readers_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(rl_upgrade_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(register_wanted, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_check_config(rl_shareable_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(rl_advice_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(rl_advice_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(rl_replay_test_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_status(rl_children_status, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(rl_children_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(rl_start_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_access(rl_access_check, NULL, NULL, APR_HOOK_REALLY_FIRST,
                         AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_access_ex(rl_access_check_ex, NULL, NULL, APR_HOOK_REALLY_FIRST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authn(rl_authentication_check, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(rl_access_note_user, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_fixups(rl_access_fixups_first, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(rl_access_fixups_last, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_insert_filter(rl_filters_insert, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(rl_filters_insert_error, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(rl_handler_first, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(rl_status_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(rl_denial_missing_handler, NULL, NULL, BEFORE_DEFAULT_HANDLER);
    ap_hook_post_read_request(rl_arrival_post_read_request, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(rl_settle_log_transaction, NULL, NULL, APR_HOOK_FIRST);
}

AP_DECLARE_MODULE(ratelimit_cache) = {
    STANDARD20_MODULE_STUFF, rl_create_dir_config, rl_merge_dir_config, rl_create_server_config,
    rl_merge_server_config,  rl_directives,        register_hooks,      0,
};
