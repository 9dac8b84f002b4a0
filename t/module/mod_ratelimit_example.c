/* SPDX-License-Identifier: Apache-2.0 */
/* mod_ratelimit_example: uses everything in mod_ratelimit_cache.h. The tests drive it; a module
 * author may copy from it.
 *
 *     LoadModule ratelimit_example_module out/t/mod_ratelimit_example.so
 *     <Location /api>
 *         SetHandler ratelimit-example
 *     </Location>
 *
 * The handler calls the function that the query string names, and answers in JSON:
 *
 *     op=read|check|charge|refund|clear|nonsense    the function; nonsense: many wrong calls
 *     rule=NAME
 *     cost=UNITS                                    without it: the rule's own cost
 *     v=VALUE                                       a value of the key; may be repeated
 *     none                                          NULL as a value of the key
 *     at=/PATH                                      call it for another location
 *     receipt=HEX                                   the receipt of a charge, for refund
 *
 * Without v and none, the request's own values are used. The hook does what the request's
 * X-Opinion field says; see opinion(). With a field X-Everywhere: RULE, the module reads that
 * rule's counter in every phase of the request.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "mod_ratelimit_cache.h"

extern module AP_MODULE_DECLARE_DATA ratelimit_example_module
    __attribute__((visibility("default")));

APLOG_USE_MODULE(ratelimit_example);

#define VALUES_MAX 20

/* ---- the functions: NULL where mod_ratelimit_cache is not loaded ---- */

static APR_OPTIONAL_FN_TYPE(ratelimit_check) * check;
static APR_OPTIONAL_FN_TYPE(ratelimit_charge) * charge;
static APR_OPTIONAL_FN_TYPE(ratelimit_refund) * refund;
static APR_OPTIONAL_FN_TYPE(ratelimit_read) * read_usage;
static APR_OPTIONAL_FN_TYPE(ratelimit_clear) * clear;

/* optional_fn_retrieve: all modules have registered their functions by now, in whichever order
 * they were loaded. */
static void retrieve_functions(void)
{
    check = APR_RETRIEVE_OPTIONAL_FN(ratelimit_check);
    charge = APR_RETRIEVE_OPTIONAL_FN(ratelimit_charge);
    refund = APR_RETRIEVE_OPTIONAL_FN(ratelimit_refund);
    read_usage = APR_RETRIEVE_OPTIONAL_FN(ratelimit_read);
    clear = APR_RETRIEVE_OPTIONAL_FN(ratelimit_clear);
}

static bool have_functions(void)
{
    return check != NULL && charge != NULL && refund != NULL && read_usage != NULL &&
           clear != NULL;
}

/* ---- what to do ---- */

typedef struct order {
    const char *op, *rule, *at, *receipt;
    const char *values[VALUES_MAX];
    int n;
    apr_int64_t cost;
} order_t;

static const char *const *values_of(const order_t *order)
{
    return order->n > 0 ? order->values : NULL;
}

static void add_value(order_t *order, const char *value)
{
    if (order->n < VALUES_MAX) {
        order->values[order->n++] = value;
    }
}

static void take(order_t *order, const char *name, const char *value)
{
    if (strcmp(name, "op") == 0) {
        order->op = value;
    }
    else if (strcmp(name, "rule") == 0) {
        order->rule = value;
    }
    else if (strcmp(name, "at") == 0) {
        order->at = value;
    }
    else if (strcmp(name, "receipt") == 0) {
        order->receipt = value;
    }
    else if (strcmp(name, "cost") == 0) {
        order->cost = apr_atoi64(value);
    }
    else if (strcmp(name, "v") == 0) {
        add_value(order, value);
    }
    else if (strcmp(name, "none") == 0) {
        add_value(order, NULL);
    }
}

static void read_order(const request_rec *r, order_t *order)
{
    char *last, *pair = apr_pstrdup(r->pool, r->args != NULL ? r->args : "");
    *order = (order_t){.op = "read", .cost = RATELIMIT_RULE_COST};
    for (pair = apr_strtok(pair, "&", &last); pair != NULL;
         pair = apr_strtok(NULL, "&", &last)) {
        char *value = strchr(pair, '=');
        if (value != NULL) {
            *value++ = '\0';
            ap_unescape_urlencoded(value);
        }
        take(order, pair, value != NULL ? value : "");
    }
}

/* ---- receipts as text ---- */

static const char *receipt_text(apr_pool_t *pool, const ratelimit_receipt_t *receipt)
{
    char *text = apr_palloc(pool, 2 * sizeof(*receipt) + 1);
    ap_bin2hex(receipt, sizeof(*receipt), text);
    return text;
}

static void read_receipt(const char *text, ratelimit_receipt_t *receipt)
{
    unsigned char *byte = (unsigned char *)receipt;
    memset(receipt, 0, sizeof(*receipt));
    for (size_t i = 0; i < sizeof(*receipt) && text[0] != '\0' && text[1] != '\0'; i++) {
        const char digits[3] = {text[0], text[1], '\0'};
        byte[i] = (unsigned char)strtoul(digits, NULL, 16);
        text += 2;
    }
}

/* ---- the handler ---- */

static const char *word_of(apr_status_t rv)
{
    switch (rv) {
    case APR_SUCCESS:
        return "ok";
    case RATELIMIT_OVER:
        return "over";
    case RATELIMIT_NO_RULE:
        return "no rule";
    case RATELIMIT_NOT_COUNTED:
        return "not counted";
    case RATELIMIT_BAD_VALUE:
        return "bad value";
    case RATELIMIT_BAD_CALL:
        return "bad call";
    case RATELIMIT_NO_STORE:
        return "no store";
    default:
        return "something else";
    }
}

/* Writes the result as JSON. Rules' names and keys' tags need no escaping, and nothing else
 * here is text. */
static void print(request_rec *r, apr_status_t rv, const ratelimit_usage_t *usage,
                  const ratelimit_receipt_t *receipt)
{
    ap_set_content_type(r, "application/json");
    ap_rprintf(r,
               "{\"result\": \"%s\", \"count\": %u, \"limit\": %u, \"remaining\": %u, "
               "\"reset\": %" APR_INT64_T_FMT ", \"retry_after\": %" APR_INT64_T_FMT
               ", \"fits\": %d, \"observed\": %d, \"store_failed\": %d, \"key\": \"%s\", "
               "\"receipt\": \"%s\"}\n",
               word_of(rv), usage->count, usage->limit, usage->remaining, usage->reset,
               usage->retry_after, usage->fits, usage->observed, usage->store_failed,
               usage->key, receipt_text(r->pool, receipt));
}

/* Makes calls that are wrong in every way in which a caller can get them wrong. Returns
 * APR_SUCCESS if each gives the right error. */
static apr_status_t call_nonsense(request_rec *r, const order_t *order)
{
    const char *const one[] = {"x"};
    ratelimit_usage_t none = RATELIMIT_USAGE_INIT;
    ratelimit_receipt_t noise;
    memset(&noise, 0xa5, sizeof(noise));
    none.size = 0;
    return check(NULL, order->rule, NULL, 0, 1, NULL) == RATELIMIT_BAD_CALL &&
                   check(r, NULL, NULL, 0, 1, NULL) == RATELIMIT_BAD_CALL &&
                   check(r, order->rule, NULL, 0, -2, NULL) == RATELIMIT_BAD_CALL &&
                   check(r, order->rule, NULL, 0, APR_INT64_MAX, NULL) == RATELIMIT_BAD_CALL &&
                   check(r, order->rule, one, -1, 1, NULL) == RATELIMIT_BAD_CALL &&
                   check(r, order->rule, one, 1000, 1, NULL) == RATELIMIT_BAD_CALL &&
                   check(r, order->rule, NULL, 0, 1, &none) == RATELIMIT_BAD_CALL &&
                   read_usage(NULL, NULL, NULL, 0, NULL) == RATELIMIT_BAD_CALL &&
                   charge(NULL, NULL, NULL, 0, 1, NULL, NULL) == RATELIMIT_BAD_CALL &&
                   clear(NULL, NULL, NULL, 0) == RATELIMIT_BAD_CALL &&
                   refund(NULL, &noise) == RATELIMIT_BAD_CALL &&
                   refund(r, NULL) == RATELIMIT_BAD_CALL &&
                   refund(r, &noise) == RATELIMIT_BAD_CALL &&
                   check(r, "", NULL, 0, 1, NULL) == RATELIMIT_NO_RULE
               ? APR_SUCCESS
               : APR_ENOTIMPL;
}

/* Carries out the order for `on`, which is r or a look-up of another location. */
static apr_status_t obey(request_rec *on, const order_t *order, ratelimit_usage_t *usage,
                         ratelimit_receipt_t *receipt)
{
    const char *const *values = values_of(order);
    if (strcmp(order->op, "check") == 0) {
        return check(on, order->rule, values, order->n, order->cost, usage);
    }
    if (strcmp(order->op, "charge") == 0) {
        return charge(on, order->rule, values, order->n, order->cost, usage, receipt);
    }
    if (strcmp(order->op, "refund") == 0) {
        return refund(on, receipt);
    }
    if (strcmp(order->op, "clear") == 0) {
        return clear(on, order->rule, values, order->n);
    }
    if (strcmp(order->op, "nonsense") == 0) {
        return call_nonsense(on, order);
    }
    return read_usage(on, order->rule, values, order->n, usage);
}

static int answer(request_rec *r)
{
    order_t order;
    ratelimit_usage_t usage = RATELIMIT_USAGE_INIT;
    ratelimit_receipt_t receipt;
    request_rec *on = r;
    apr_status_t rv;
    if (strcmp(r->handler, "ratelimit-example") != 0) {
        return DECLINED;
    }
    if (!have_functions()) {
        return HTTP_SERVICE_UNAVAILABLE;
    }
    read_order(r, &order);
    read_receipt(order.receipt != NULL ? order.receipt : "", &receipt);
    if (order.at != NULL) {
        on = ap_sub_req_lookup_uri(order.at, r, NULL);
    }
    rv = obey(on, &order, &usage, &receipt);
    if (on != r) {
        ap_destroy_sub_req(on);
    }
    print(r, rv, &usage, &receipt);
    return OK;
}

/* ---- the hook ---- */

/* Returns true if the list, RULE,RULE..., names the rule. */
static bool names(request_rec *r, const char *list, const char *rule)
{
    char *last, *copy = apr_pstrdup(r->pool, list);
    for (char *one = apr_strtok(copy, ",", &last); one != NULL;
         one = apr_strtok(NULL, ",", &last)) {
        if (strcmp(one, rule) == 0) {
            return true;
        }
    }
    return false;
}

/* Writes the whole response: DONE. The output filters of the location are not in place yet. */
static int write_response(request_rec *r, const ratelimit_denial_t *denial)
{
    r->status = HTTP_TOO_MANY_REQUESTS;
    apr_table_setn(r->headers_out, "Retry-After",
                   apr_psprintf(r->pool, "%" APR_INT64_T_FMT, denial->retry_after));
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "Not so fast: %s allows %s.\n", denial->rule, denial->limit_text);
    return DONE;
}

/* Calls one of the functions from within the hook. */
static int look_up(request_rec *r, const ratelimit_denial_t *denial)
{
    ratelimit_usage_t usage = RATELIMIT_USAGE_INIT;
    const apr_status_t rv = read_usage(r, denial->rule, NULL, 0, &usage);
    apr_table_setn(
        r->err_headers_out, "X-Use",
        apr_psprintf(r->pool, "%s %u/%u %s", word_of(rv), usage.count, usage.limit,
                     strcmp(usage.key, denial->key) == 0 ? "same key" : "other key"));
    return DECLINED;
}

static int set_headers(request_rec *r)
{
    const char *status = apr_table_get(r->subprocess_env, "RATELIMIT_STATUS");
    apr_table_setn(r->err_headers_out, "X-Denied", status != NULL ? status : "");
    apr_table_setn(r->err_headers_out, "Retry-After", "77");
    apr_table_setn(r->notes, "denied", "1");
    return OK;
}

/* The hook. X-Opinion: veto | veto:RULE,RULE... | done | headers | look | a number to return.
 * Without the field it has no opinion. */
static int opinion(request_rec *r, const ratelimit_denial_t *denial)
{
    const char *word = apr_table_get(r->headers_in, "X-Opinion");
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  "example: rule %s, %s, status %d, %u of %u left, reset %" APR_INT64_T_FMT
                  ", retry %" APR_INT64_T_FMT ", key %s, failed %d",
                  denial->rule, denial->limit_text, denial->status, denial->remaining,
                  denial->limit, denial->reset, denial->retry_after, denial->key,
                  denial->store_failed);
    if (word == NULL) {
        return DECLINED;
    }
    if (strcmp(word, "veto") == 0 ||
        (strncmp(word, "veto:", 5) == 0 && names(r, word + 5, denial->rule))) {
        return RATELIMIT_VETO;
    }
    if (strcmp(word, "done") == 0) {
        return write_response(r, denial);
    }
    if (strcmp(word, "headers") == 0) {
        return set_headers(r);
    }
    if (strcmp(word, "look") == 0) {
        return look_up(r, denial);
    }
    return (int)strtol(word, NULL, 10);
}

/* ---- every phase ---- */

/* Notes what a read gives at this moment. */
static int look_around(request_rec *r)
{
    const char *rule = apr_table_get(r->headers_in, "X-Everywhere");
    ratelimit_usage_t usage = RATELIMIT_USAGE_INIT;
    if (rule != NULL && have_functions()) {
        const apr_status_t rv = read_usage(r, rule, NULL, 0, &usage);
        const char *word = apr_psprintf(r->pool, "%s %u", word_of(rv), usage.count);
        apr_table_mergen(r->notes, "everywhere", word);
    }
    return DECLINED;
}

static int look_around_at_the_end(request_rec *r)
{
    const char *seen;
    look_around(r);
    seen = apr_table_get(r->notes, "everywhere");
    if (seen != NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "example: everywhere: %s", seen);
    }
    return DECLINED;
}

static int look_around_first(request_rec *r, int lookup)
{
    (void)lookup;
    return look_around(r);
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    APR_OPTIONAL_HOOK(ratelimit, ratelimit_denial, opinion, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_optional_fn_retrieve(retrieve_functions, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(answer, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_read_request(look_around, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_quick_handler(look_around_first, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_translate_name(look_around, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_map_to_storage(look_around, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_header_parser(look_around, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_access(look_around, NULL, NULL, APR_HOOK_LAST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_type_checker(look_around, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_fixups(look_around, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(look_around_at_the_end, NULL, NULL, APR_HOOK_LAST);
}

module AP_MODULE_DECLARE_DATA ratelimit_example_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, 0,
};
