/* SPDX-License-Identifier: Apache-2.0 */
/* mod_ratelimit_cache.h: the C interface of mod_ratelimit_cache, for other Apache httpd
 * modules.
 *
 * It offers two things:
 *
 *   a hook       that is called before a client's request is denied: it may veto the denial,
 *                change its status, or write the response itself;
 *   functions    that check, charge, refund, read and clear a rule's counter for any key.
 *
 * A module that uses them needs this header and links with nothing. It loads before or after
 * mod_ratelimit_cache, and also without it: then no function is found
 * (APR_RETRIEVE_OPTIONAL_FN() gives NULL), and the hook is never called. docs/modules.md has a
 * short module; t/module/mod_ratelimit_example.c in the source uses everything here.
 *
 * Compatibility. A name in this header never changes its meaning. What can't stay compatible
 * gets a new name; a module that was compiled for the old one then finds no function, or is
 * never called, but never gets something else. Structures grow only at their end;
 * ratelimit_denial_t and ratelimit_usage_t begin with their size.
 *
 * Threads. Every function may be called from any thread, and from several at the same time, as
 * long as each thread uses a request_rec of its own, as everywhere in httpd. The hook is called
 * in the request's thread.
 *
 * Units. A rule counts units. A request costs one, or what the rule's cost= says.
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

/* Goes up by one when something is added to this header. */
#define RATELIMIT_API_VERSION 1

#define RATELIMIT_DECLARE(type) type

/* ---- the hook ---- */

/* A denial that is about to happen. Its strings last as long as the request. */
typedef struct ratelimit_denial {
    apr_size_t size;        /* bytes of this structure, as the loaded module knows it */
    const char *rule;       /* the rule's name */
    const char *limit_text; /* its rate, e.g. "5/m": as configured, or as computed for r */
    const char *key;  /* the tag of the hashed key, as in the error log and RATELIMIT_KEY */
    int status;       /* HTTP status that will be sent */
    int store_failed; /* 1: on-error=deny denies, because the shared store did not answer or the
                       * rate could not be computed; 0: any other denial */
    apr_uint32_t limit;      /* units; of a token bucket its size */
    apr_uint32_t remaining;  /* units left of the limit: fewer than the request costs, unless it
                              * is denied for another reason, such as a penalty */
    apr_int64_t reset;       /* seconds until nothing of the key's use counts any more */
    apr_int64_t retry_after; /* seconds until the same request would fit, at least 1 */
} ratelimit_denial_t;

/* What a hook function returns to have the request served. */
#define RATELIMIT_VETO (-100)

/* ratelimit_denial: a rule is about to deny r, a client's request.
 *
 * Called in the phase in which the rule is checked: access_checker (before authentication, so
 * that r->user is NULL) or fixups. If several rules deny, it is called for the one with the
 * longest wait, and for the next one only when that denial was vetoed. It is called at most
 * once per rule and client request: not again in a later phase or after an internal redirect.
 * It is not called for rules that only observe or for exempt requests, and never for
 * subrequests and error documents, which no rule checks.
 *
 * Returns
 *
 *   OK or DECLINED   No opinion: the next module is asked; if none has an opinion, the request
 *                    is denied.
 *   RATELIMIT_VETO   Serve the request. The rule observes it instead, and charges nothing:
 *                    RATELIMIT_STATUS is "observed" and the error log says "would deny". (If
 *                    store_failed, RATELIMIT_STATUS is "error".) Other rules are checked and
 *                    charged as usual, and may still deny.
 *   400 to 599       Deny with this status instead. ErrorDocument, RateLimitDenyHandler and the
 *                    like apply to it.
 *   DONE             The module has written the whole response: r->status, header and body,
 *                    with ap_rputs() and the like. The output filters of this location are not
 *                    in place yet, and mod_ratelimit_cache adds nothing: no Retry-After, no
 *                    Cache-Control, no RateLimit fields.
 *
 * The first function that returns something else than OK and DECLINED decides, and no further
 * one is called. Any value that isn't listed here denies the request, as if nobody had an
 * opinion.
 *
 * Whatever it returns, the function may set header fields and notes. Fields in
 * r->err_headers_out become part of a denial; a Retry-After or Cache-Control there is kept.
 * RATELIMIT_* are set in r->subprocess_env already. The functions below may be called.
 *
 * If the request's body hasn't been read, the connection is closed after the denial, or after
 * the module's own response. Don't read the body here: the client may never send it.
 *
 * Register it in register_hooks():
 *
 *     APR_OPTIONAL_HOOK(ratelimit, ratelimit_denial, my_function, NULL, NULL, APR_HOOK_MIDDLE);
 */
APR_DECLARE_EXTERNAL_HOOK(ratelimit, RATELIMIT, int, ratelimit_denial,
                          (request_rec * r, const ratelimit_denial_t *denial))

/* ---- the functions ---- */

/* What the functions return besides APR_SUCCESS:
 *
 *   OVER         check, charge: the units don't fit; none was charged
 *   NO_RULE      no rule of this name applies at r's location
 *   NOT_COUNTED  the rule doesn't count here, see below
 *   BAD_VALUE    a value for ip, or after "ip:" for user-or-ip, isn't an address
 *   BAD_CALL     an argument is NULL that must not be; n, the cost or usage->size is wrong; the
 *                receipt isn't one of r's store; or r is no request_rec of a running server
 *   NO_STORE     the shared store did not answer, and on-error= isn't local; or the rate could
 *                not be computed, and on-error= is deny
 */
#define RATELIMIT_OVER        APR_EAGAIN
#define RATELIMIT_NO_RULE     APR_NOTFOUND
#define RATELIMIT_NOT_COUNTED APR_INCOMPLETE
#define RATELIMIT_BAD_VALUE   APR_EBADIP
#define RATELIMIT_BAD_CALL    APR_EINVAL
#define RATELIMIT_NO_STORE    APR_EGENERAL

/* A cost: what the rule's cost= says for r. */
#define RATELIMIT_RULE_COST ((apr_int64_t)-1)

/* Bytes for a key's tag and its NUL. */
#define RATELIMIT_KEY_SIZE 16

/* How much a key has used. Initialize it with RATELIMIT_USAGE_INIT: size tells which members
 * there are. */
typedef struct ratelimit_usage {
    apr_size_t size;
    apr_uint32_t count;     /* units in use, those just charged included */
    apr_uint32_t limit;     /* units; of a token bucket its size */
    apr_uint32_t remaining; /* units left of the limit */
    int fits;               /* 1: the cost fits, or was charged */
    int observed; /* 1: the rule only observes, so serve the request even if it does not fit */
    int store_failed;  /* 1: the shared store did not answer, and these are the numbers of this
                        * server alone. (0 after ratelimit_charge() with on-error=local: that
                        * counts as answered.) */
    apr_int64_t reset; /* seconds until nothing of the key's use counts any more, or 0 */
    apr_int64_t retry_after;      /* seconds until the cost would fit; 0 if it fits */
    char key[RATELIMIT_KEY_SIZE]; /* the tag of the hashed key, as in the error log and
                                   * RATELIMIT_KEY */
} ratelimit_usage_t;

#define RATELIMIT_USAGE_INIT                                                                   \
    {                                                                                          \
        sizeof(ratelimit_usage_t), 0, 0, 0, 0, 0, 0, 0, 0, ""                                  \
    }

/* What a charge took; ratelimit_refund() gives it back. It is a plain value: it may be copied,
 * kept for later requests, and refunded by another thread or child. All zero: nothing was
 * charged. */
typedef struct ratelimit_receipt {
    apr_uint64_t opaque[16];
} ratelimit_receipt_t;

/* Arguments that all functions take:
 *
 * r        Any request_rec that httpd made, in any hook from post_read_request on. The rule is
 *          looked for among the rules at r's location: the merged configuration in
 *          r->per_dir_config, which belongs to the location from map_to_storage on. For another
 *          location, pass a subrequest made by ap_sub_req_lookup_uri(). Counters and store are
 *          those of r's virtual host; the expressions of RATE and cost= are evaluated for r.
 *
 * rule     The rule's NAME.
 *
 * values   The key's values: n strings, one for each part of key=, in the order in which the
 *          rule names them, and then one for each part of distinct=, if the rule has that. They
 *          count like the values of a request:
 *            ip                   an IPv4 or IPv6 address, which is cut to the rule's prefix;
 *                                 ::ffff:192.0.2.1 is 192.0.2.1
 *            user-or-ip           a user's name; for a request without a user, "ip:" and an
 *                                 address
 *            user, claimed-user,
 *            form:, query:        decoded text, which is folded unless the rule has fold=off
 *            network:             a label, as the table has it
 *            all                  anything; the value is ignored
 *            any other part       text as the request has it, e.g. host in lower case
 *          NULL or an empty string is no value, and missing= decides as it does for a request
 *          that is in doubt, whatever absent= says:
 *          share uses the shared counter, skip returns RATELIMIT_NOT_COUNTED, and with deny no
 *          unit fits (RATELIMIT_OVER). A NULL for `user` always returns RATELIMIT_NOT_COUNTED.
 *          values itself may be NULL: then r's own values are used, as far as they are known at
 *          this moment (and n is ignored), and a browser that known= counts apart is counted
 *          so. Given values are a stranger's. r->user is NULL before authentication; a form
 * field has a value only after a rule that is keyed by one has read the body; these functions
 * never read it.
 *
 * The functions count units; they don't judge requests. methods=, when=, unless= and
 * RateLimitExempt are not looked at. RATELIMIT_NOT_COUNTED is also returned for the rate
 * `none`, for a rate whose expression is empty, for one that can't be computed unless on-error=
 * is deny, and under RateLimitEngine Off. A rule that observes, as all do under RateLimitEngine
 * Observe, returns APR_SUCCESS even if the units don't fit; then they are not charged, and
 * usage->fits is 0. COUNT/concurrent limits what a request takes for as long as it is served,
 * and is RATELIMIT_NOT_COUNTED here.
 *
 * Each call waits for the shared store no longer than its timeout=. If the store doesn't answer
 * and on-error= is local, the call goes on with this server's numbers. With memcached, a call
 * is expensive: it takes one round trip or two.
 *
 * usage may be NULL. It is filled in if the result is APR_SUCCESS, RATELIMIT_OVER or
 * RATELIMIT_NO_STORE, and left alone otherwise. No other argument may be NULL unless its
 * description says so.
 */

/* Returns APR_SUCCESS if cost units would fit now, RATELIMIT_OVER if not. Charges nothing, and
 * neither begins nor extends a penalty=. cost is 0 to 4294967295, or RATELIMIT_RULE_COST. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ratelimit_check,
                        (request_rec * r, const char *rule, const char *const *values, int n,
                         apr_int64_t cost, ratelimit_usage_t *usage));

/* Charges cost units if all of them fit, else none: returns APR_SUCCESS or RATELIMIT_OVER.
 * Units that don't fit begin or extend a penalty=, as a request does. If the result is
 * RATELIMIT_NO_STORE nothing is charged, and usage->fits is 1 for on-error=allow and 0 for
 * deny. cost is as for ratelimit_check().
 *
 * The charge is the caller's. The outcome of r (count=, clear=) doesn't refund it, nor does a
 * denial by another rule. receipt may be NULL; if not, it is filled in, with zeros if nothing
 * was charged.
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ratelimit_charge,
                        (request_rec * r, const char *rule, const char *const *values, int n,
                         apr_int64_t cost, ratelimit_usage_t *usage,
                         ratelimit_receipt_t *receipt));

/* Gives back the units that the receipt names, and zeroes the receipt, so that a second call
 * does nothing. Returns APR_SUCCESS, for a zero receipt too, or RATELIMIT_BAD_CALL if the
 * receipt isn't one of r's store: r's virtual host must use the store that the charge used.
 *
 * The caller must not refund a second copy of a receipt, or a charge from before the counter
 * was cleared: both would take off what others were charged. (The latter is noticed for most
 * windows, and does nothing then; for token buckets it is not.) Apart from these two, no refund
 * takes off units of another charge. Units of a window that has ended are gone, and giving them
 * back does nothing. If the shared store can't be told, the fleet's count stays too high, never
 * too low, and the result is APR_SUCCESS all the same.
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ratelimit_refund,
                        (request_rec * r, ratelimit_receipt_t *receipt));

/* Reads what the key has used, on all servers of a fleet together. Returns APR_SUCCESS whether
 * the cost fits or not; for errors, what ratelimit_check() returns. usage->fits and
 * usage->retry_after are about the rule's own cost. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ratelimit_read,
                        (request_rec * r, const char *rule, const char *const *values, int n,
                         ratelimit_usage_t *usage));

/* Wipes what the key has used, its penalty included. Other servers of a fleet, which may know
 * the key as over its limit, notice within some seconds. Returns RATELIMIT_NO_STORE, whatever
 * on-error= is, if the shared store could not be told: then the counter is wiped on this server
 * only; and if the rate can't be computed and on-error=deny: then nothing is wiped. Returns
 * RATELIMIT_NOT_COUNTED, with nothing wiped, if `values` is NULL and the request has no value
 * for a part of the key, or one that is in doubt: such requests share a counter. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ratelimit_clear,
                        (request_rec * r, const char *rule, const char *const *values, int n));

#ifdef __cplusplus
}
#endif

#endif
