/* SPDX-License-Identifier: Apache-2.0 */
#include "methods.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <stdlib.h>
#include <string.h>

#define BIT(number) (AP_METHOD_BIT << (number))

static bool is_token(const char *word)
{
    return *word != '\0' && ap_scan_http_token(word)[0] == '\0';
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_other(apr_pool_t *pool, rl_methods_t *methods, const char *name)
{
    if (methods->other == NULL) {
        methods->other = apr_array_make(pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(methods->other, const char *) = name;
    qsort(methods->other->elts, (size_t)methods->other->nelts, sizeof(const char *),
          compare_names);
}

static const char *methods_add(apr_pool_t *pool, rl_methods_t *methods, const char *word)
{
    int number;
    if (!is_token(word)) {
        return "must be ALL, UNSAFE or a list of method names such as GET,POST";
    }
    if (strcmp(word, "ALL") == 0 || strcmp(word, "UNSAFE") == 0) {
        return "ALL and UNSAFE can't be combined with other methods";
    }
    number = ap_method_number_of(word);
    if (number == M_TRACE) {
        return "no rule is checked for TRACE; TraceEnable Off switches it off";
    }
    if (number == M_INVALID) {
        add_other(pool, methods, word);
    }
    else {
        methods->mask |= BIT(number);
    }
    return NULL;
}

const char *rl_methods_parse(apr_pool_t *pool, const char *text, rl_methods_t *methods)
{
    char *rest = apr_pstrdup(pool, text);
    const char *reason = NULL;
    for (char *c = rest; *c != '\0'; c++) {
        *c = (char)apr_toupper(*c);
    }
    *methods = (rl_methods_t){.all = strcmp(rest, "ALL") == 0};
    if (methods->all) {
        return NULL;
    }
    if (strcmp(rest, "UNSAFE") == 0) {
        methods->mask = BIT(M_POST) | BIT(M_PUT) | BIT(M_PATCH) | BIT(M_DELETE);
        return NULL;
    }
    while (rest != NULL && reason == NULL) {
        char *word = rest;
        rest = strchr(rest, ',');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        reason = methods_add(pool, methods, word);
    }
    return reason;
}

const char *rl_methods_text(apr_pool_t *pool, const rl_methods_t *methods)
{
    if (methods->all) {
        return "ALL";
    }
    return apr_psprintf(pool, "%" APR_UINT64_T_HEX_FMT ",%s", (apr_uint64_t)methods->mask,
                        methods->other != NULL ? apr_array_pstrcat(pool, methods->other, ',')
                                               : "");
}

/* httpd tells methods apart by letter case, and hands a method that it doesn't know to the
 * handler all the same; a script may take "post" for POST. So "post" counts as POST here. */
static int method_number_of(const request_rec *r)
{
    char upper[16];
    const size_t len = strlen(r->method);
    if (r->method_number != M_INVALID || len >= sizeof(upper)) {
        return r->method_number;
    }
    for (size_t i = 0; i <= len; i++) {
        upper[i] = (char)apr_toupper(r->method[i]);
    }
    return ap_method_number_of(upper);
}

bool rl_methods_cover(const rl_methods_t *methods, const request_rec *r)
{
    const int number = method_number_of(r);
    if (number != M_INVALID) {
        return (methods->mask & BIT(number)) != 0;
    }
    for (int i = 0; methods->other != NULL && i < methods->other->nelts; i++) {
        if (ap_cstr_casecmp(APR_ARRAY_IDX(methods->other, i, const char *), r->method) == 0) {
            return true;
        }
    }
    return false;
}
