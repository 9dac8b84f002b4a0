/* mod_ratelimit_cache.h: what other Apache httpd modules may ask of mod_ratelimit_cache.
 *
 * Two ways in, neither of which cares in which order modules are loaded, or whether
 * mod_ratelimit_cache is loaded at all:
 *
 *   a hook       is asked before a client's request is denied: it may veto the denial, change
 *                its status, or write the answer itself;
 *   functions    check, charge, refund, read and clear a rule's counter for any key.
 *
 * Only this header is needed, nothing is linked. A complete module that uses all of it is
 * t/module/mod_ratelimit_example.c in the source; the README has a short one.
 *
 * Compatibility. Within one version nothing here changes its meaning; structures grow at their
 * end only, and tell their size. What can't be kept compatible gets another name, so that a
 * module never finds a function or a hook that is not what it was compiled for: it finds none.
 *
 * Threads. Every function may be called from any thread, at the same time, as long as the
 * request_rec is the calling thread's own, as everywhere in httpd. The hook is called in the
 * request's thread.
 */
#ifndef MOD_RATELIMIT_CACHE_H
#define MOD_RATELIMIT_CACHE_H

#include <httpd.h>
#include <apr_errno.h>
#include <apr_general.h>
#include <apr_hooks.h>
#include <apr_optional.h>
#include <apr_optional_hooks.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The module's version, "0.2.0" or, until it is released, "0.2.0-dev". It also stands first in
 * CHANGES and in the line that httpd logs when it starts. */
#define RATELIMIT_VERSION_MAJOR  0
#define RATELIMIT_VERSION_MINOR  2
#define RATELIMIT_VERSION_PATCH  0
#define RATELIMIT_VERSION_SUFFIX "-dev"
#define RATELIMIT_VERSION                                                                      \
    APR_STRINGIFY(RATELIMIT_VERSION_MAJOR)                                                     \
    "." APR_STRINGIFY(RATELIMIT_VERSION_MINOR) "." APR_STRINGIFY(RATELIMIT_VERSION_PATCH)      \
        RATELIMIT_VERSION_SUFFIX

/* Goes up by one when something is added. */
#define RATELIMIT_API_VERSION 1

#define RATELIMIT_DECLARE(type) type

/* ---- the hook ---- */

/* A denial that is about to happen. Strings last as long as the request. */
typedef struct ratelimit_denial {
    apr_size_t size;        /* of this structure, as the loaded module knows it */
    const char *rule;       /* the rule's name */
    const char *limit_text; /* its rate as it is configured, or was computed: "5/m" */
    const char *key;    /* a short tag of the hashed key, the same as in log and environment */
    int status;         /* that will be sent */
    int store_failed;   /* 1: not over the limit; the shared store, or the expression of the
                         * rate, gave no answer, and on-error=deny decides */
    apr_uint32_t limit; /* units */
    apr_uint32_t remaining;  /* units of it that are left: fewer than the request costs, or it
                              * is denied for another reason, such as a penalty */
    apr_int64_t reset;       /* seconds until nothing that was used counts any more */
    apr_int64_t retry_after; /* seconds until the same request would pass, at least 1 */
} ratelimit_denial_t;

/* A hook's answer: the request is served. */
#define RATELIMIT_VETO (-100)

/* Called when a rule is about to deny a client's request, r, in the phase in which the rule is
 * checked: access_checker (nobody is authenticated: r->user is NULL) or fixups. Not called for
 * rules that observe, for exempt requests, and never for subrequests and error documents, which
 * no rule checks. When several rules deny, it is called for the one with the longest wait; for
 * the next one only when that was vetoed. A rule is asked about once per client request, not
 * again in a later phase or after an internal redirect.
 *
 * Returns
 *   OK or DECLINED   no opinion: the next module is asked, in the end the request is denied;
 *   RATELIMIT_VETO   serve the request. The rule charges nothing for it, RATELIMIT_STATUS says
 *                    "observed" (or "error" if store_failed), and the log "would deny"; other
 *                    rules are checked and charged as usual, and may still deny;
 *   400 to 599       deny with this status instead. ErrorDocument, RateLimitDenyHandler and the
 *                    like apply to it;
 *   DONE             the module has written the whole response: r->status, headers and body,
 *                    with ap_rputs() and the like. No output filters of this location are in
 *                    place yet, and nothing is added: no Retry-After, no Cache-Control, no
 *                    RateLimit fields.
 * Anything else counts as no opinion. The first module that has one is followed.
 *
 * In any case the module may set headers and notes. In r->err_headers_out they are part of a
 * denial; its own Retry-After or Cache-Control there is kept. RATELIMIT_* are in
 * r->subprocess_env already.
 *
 * If a request's body hasn't been read, the connection is closed behind a denial and behind the
 * module's own response; don't wait for a body that nobody may want to send.
 *
 * To be hooked in register_hooks():
 *
 *     APR_OPTIONAL_HOOK(ratelimit, ratelimit_denial, my_function, NULL, NULL, APR_HOOK_MIDDLE);
 */
APR_DECLARE_EXTERNAL_HOOK(ratelimit, RATELIMIT, int, ratelimit_denial,
                          (request_rec * r, const ratelimit_denial_t *denial))

/* ---- the functions ---- */

/* What the functions return besides APR_SUCCESS:
 *
 *   OVER         check, charge: the units don't fit, and none was charged
 *   NO_RULE      r's location has no rule of that name
 *   NOT_COUNTED  the rule doesn't count here, see below
 *   BAD_VALUE    what was given for ip isn't an address
 *   BAD_CALL     NULL, a wrong number of values, a cost or size out of range, a receipt that
 *                isn't ours
 *   NO_STORE     the shared store, or the expression of the rate, gave no answer, and on-error=
 *                isn't local
 */
#define RATELIMIT_OVER        APR_EAGAIN
#define RATELIMIT_NO_RULE     APR_NOTFOUND
#define RATELIMIT_NOT_COUNTED APR_INCOMPLETE
#define RATELIMIT_BAD_VALUE   APR_EBADIP
#define RATELIMIT_BAD_CALL    APR_EINVAL
#define RATELIMIT_NO_STORE    APR_EGENERAL

/* Cost: what the rule's cost= says, for r. */
#define RATELIMIT_RULE_COST ((apr_int64_t)-1)

/* Room for a key's tag and its NUL. */
#define RATELIMIT_KEY_SIZE 16

/* A key's use. Start from RATELIMIT_USAGE_INIT: the size tells which members there are. */
typedef struct ratelimit_usage {
    apr_size_t size;
    apr_uint32_t count;     /* units in use; after a charge, that included */
    apr_uint32_t limit;     /* units; of a token bucket its size */
    apr_uint32_t remaining; /* units */
    int fits;               /* 1: the cost asked about fits, or was charged */
    int observed;      /* 1: the rule only observes; who is over the limit is to be served */
    int store_failed;  /* 1: the shared store gave no answer, and these are the numbers of
                        * this server alone. (A charge that on-error=local has decided
                        * doesn't say so.) */
    apr_int64_t reset; /* seconds until nothing that was used counts any more, or 0 */
    apr_int64_t retry_after;      /* seconds until the cost would fit; 0 if it does */
    char key[RATELIMIT_KEY_SIZE]; /* the key's tag, as in log and environment */
} ratelimit_usage_t;

#define RATELIMIT_USAGE_INIT                                                                   \
    {                                                                                          \
        sizeof(ratelimit_usage_t), 0, 0, 0, 0, 0, 0, 0, 0, ""                                  \
    }

/* What a charge took, for giving it back. A plain value: it may be copied, kept for later
 * requests, and be given back by another thread or child. All zero: nothing was taken. */
typedef struct ratelimit_receipt {
    apr_uint64_t opaque[16];
} ratelimit_receipt_t;

/* All functions take
 *
 * r        Any request_rec that httpd made, in any hook from post_read_request on. The rule is
 *          looked for among those that apply at r's location: the merged configuration of
 *          r->per_dir_config, which is the location's after map_to_storage. A subrequest
 *          (ap_sub_req_lookup_uri) does for another location. Its virtual host's counters and
 *          store are used; expressions of RATE and cost= are evaluated for it.
 *
 * rule     The rule's NAME.
 *
 * values   One string for each part of key=, in the order in which the rule has them; n is how
 *          many. What counts is the same as in a request that has these values:
 *            ip                   an IPv4 or IPv6 address, which is cut to the rule's prefix;
 *                                 ::ffff:192.0.2.1 is 192.0.2.1
 *            user-or-ip           a user's name, or "ip:" and an address for nobody
 *            user, claimed-user,
 *            form:, query:        decoded text, which is folded unless the rule says fold=off
 *            all                  anything, it is ignored
 *            others               text as the request has it, e.g. host in lower case
 *          NULL or an empty string is no value, and missing= decides as for a request: the
 *          shared counter, or RATELIMIT_NOT_COUNTED for skip and for `user`, or RATELIMIT_OVER.
 *          values may be NULL: then r's own values are meant, as far as they are known at this
 *          moment: r->user is NULL before authentication, and a form field has a value only
 *          after a rule on such a field has looked at the body (nobody reads it for this).
 *
 * They decide about units, not about requests: methods=, when=, unless= and RateLimitExempt are
 * not looked at. RATELIMIT_NOT_COUNTED comes for the rate `none`, for one whose expression is
 * empty, and under RateLimitEngine Off. Rules that observe, and all under RateLimitEngine
 * Observe, return APR_SUCCESS also where units don't fit; those are not charged, and
 * usage->fits says it.
 *
 * The shared store gets one call's time-out for each call; with on-error=local a call that gets
 * no answer goes on with this server's numbers. Nothing is kept waiting longer. A call is dear
 * where the store is memcached: one round trip or two.
 *
 * usage may be NULL. It is filled in with APR_SUCCESS, RATELIMIT_OVER and RATELIMIT_NO_STORE
 * and left alone otherwise. No other argument may be NULL where it isn't said.
 */

/* Would cost units fit now? Charges nothing, and a penalty= isn't begun or extended. cost is 0
 * to 4294967295 or RATELIMIT_RULE_COST. APR_SUCCESS when they fit, RATELIMIT_OVER when not. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ratelimit_check,
                        (request_rec * r, const char *rule, const char *const *values, int n,
                         apr_int64_t cost, ratelimit_usage_t *usage));

/* Charges cost units if they fit, all of them or none: APR_SUCCESS, or RATELIMIT_OVER. What is
 * over the limit begins or extends a penalty=, as a request does. With RATELIMIT_NO_STORE
 * nothing is charged, and usage->fits is 1 for on-error=allow, 0 for deny.
 *
 * The charge is the caller's: the outcome of r changes nothing about it (count=, clear=), nor
 * does a denial by another rule. receipt may be NULL; else it is filled in, all zero if nothing
 * was charged. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ratelimit_charge,
                        (request_rec * r, const char *rule, const char *const *values, int n,
                         apr_int64_t cost, ratelimit_usage_t *usage,
                         ratelimit_receipt_t *receipt));

/* Gives back what the receipt says, and zeroes it, so that a second time does nothing. Copies
 * are the caller's business, and so is what was charged before a clear: both would come off
 * what others are charged. Nothing else is ever given back by it. r's virtual host must use the
 * same store as the charge's. Units of a window that is over are gone with it. If the shared
 * store doesn't take them the fleet's count stays too high, not too low. Returns APR_SUCCESS
 * also then, and for a zero receipt; RATELIMIT_BAD_CALL for one that isn't ours. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ratelimit_refund,
                        (request_rec * r, ratelimit_receipt_t *receipt));

/* Reads the key's use, of the whole fleet. APR_SUCCESS, whether or not there is any; fits and
 * retry_after are about the rule's own cost. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ratelimit_read,
                        (request_rec * r, const char *rule, const char *const *values, int n,
                         ratelimit_usage_t *usage));

/* Wipes the key's use, its penalty included. Other servers of a fleet, where the key may be
 * known to be over its limit, notice within some seconds. RATELIMIT_NO_STORE, whatever
 * on-error= is, when the shared store could not be told: it is wiped on this server only. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ratelimit_clear,
                        (request_rec * r, const char *rule, const char *const *values, int n));

#ifdef __cplusplus
}
#endif

#endif
