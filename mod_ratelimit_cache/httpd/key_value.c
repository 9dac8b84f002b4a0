/* The values that a request has for the parts of a key. */
#include "key.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

#include "../core/fold.h"
#include "../core/form.h"
#include "body.h"
#include "client.h"

/* What the encoding of a part starts with; no two sorts of value share one. */
enum { VALUE_MISSING, VALUE_TEXT, VALUE_ADDRESS, VALUE_NOTHING };

/* A query string as long as httpd's default LimitRequestLine is decoded on the stack. */
#define QUERY_ON_STACK 8190

typedef struct rl_key_source {
    request_rec *r;
    const rl_key_spec_t *spec;
    const rl_key_prefixes_t *prefixes;
    rl_key_builder_t builder;
    bool missing; /* a part had no value */
} rl_key_source_t;

static void add_missing(rl_key_source_t *source)
{
    source->missing = true;
    rl_key_add(&source->builder, VALUE_MISSING, NULL, 0);
}

/* Text as it came; nothing but white space is no value. */
static void add_bytes(rl_key_source_t *source, const char *text, size_t len)
{
    const char *trimmed = text;
    size_t trimmed_len = len;
    rl_trim(&trimmed, &trimmed_len);
    if (trimmed_len == 0) {
        add_missing(source);
        return;
    }
    rl_key_add(&source->builder, VALUE_TEXT, text, len);
}

static void add_string(rl_key_source_t *source, const char *text)
{
    if (text == NULL) {
        add_missing(source);
        return;
    }
    add_bytes(source, text, strlen(text));
}

/* Text that people type. What can't be folded is no value: its author could write it in any
 * number of ways that an application takes for one. */
static void add_typed(rl_key_source_t *source, const char *text, size_t len)
{
    rl_fold_t folded;
    if (!source->spec->fold) {
        add_bytes(source, text, len);
    }
    else if (rl_fold(text, len, &folded) && folded.len > 0) {
        rl_key_add(&source->builder, VALUE_TEXT, folded.text, folded.len);
    }
    else {
        add_missing(source);
    }
}

static void add_address(rl_key_source_t *source, const rl_key_part_t *part)
{
    const int v4bits = part->v4bits >= 0 ? part->v4bits : source->prefixes->v4bits;
    const int v6bits = part->v6bits >= 0 ? part->v6bits : source->prefixes->v6bits;
    rl_address_t address;
    if (!rl_client_address(source->r, &address)) {
        add_missing(source);
        return;
    }
    rl_address_mask(&address, (unsigned)v4bits, (unsigned)v6bits);
    rl_key_add(&source->builder, VALUE_ADDRESS, &address, rl_address_size(&address));
}

static void add_claimed_user(rl_key_source_t *source)
{
    const char *user = NULL;
    if (ap_get_basic_auth_components(source->r, &user, NULL) != APR_SUCCESS || user == NULL) {
        add_missing(source);
        return;
    }
    add_typed(source, user, strlen(user));
}

static void add_query_decoded(rl_key_source_t *source, const rl_key_part_t *part, char *buffer,
                              size_t size)
{
    const char *args = source->r->args;
    rl_form_field_t field = {
        .name = part->name, .name_len = strlen(part->name), .value = buffer, .value_cap = size};
    rl_urlencoded_t parser;
    rl_urlencoded_init(&parser, &field, 1);
    rl_urlencoded_feed(&parser, args, strlen(args));
    rl_urlencoded_finish(&parser, true);
    /* URLs are written by hand: a token may end in a raw =. */
    if (rl_form_field_sure(&field, RL_DOUBT_EQUALS)) {
        add_typed(source, field.value, field.value_len);
    }
    else {
        add_missing(source); /* also when applications would read different values */
    }
}

static void add_query(rl_key_source_t *source, const rl_key_part_t *part)
{
    const size_t len = source->r->args != NULL ? strlen(source->r->args) : 0;
    char on_stack[QUERY_ON_STACK];
    if (len == 0) {
        add_missing(source);
    }
    else if (len <= sizeof(on_stack)) {
        add_query_decoded(source, part, on_stack, sizeof(on_stack));
    }
    else {
        add_query_decoded(source, part, apr_palloc(source->r->pool, len), len);
    }
}

static void add_form(rl_key_source_t *source, const rl_key_part_t *part)
{
    const char *value;
    apr_size_t len;
    if (rl_body_field(source->r, part->name, &value, &len)) {
        add_typed(source, value, len);
    }
    else {
        add_missing(source);
    }
}

/* One pair of a Cookie header (RFC 6265 4.2.1) if its name is the wanted one. */
static bool cookie_matches(const char *pair, size_t len, const char *name, const char **value,
                           size_t *value_len)
{
    const size_t name_len = strlen(name);
    rl_trim(&pair, &len);
    if (len <= name_len || memcmp(pair, name, name_len) != 0 || pair[name_len] != '=') {
        return false;
    }
    *value = pair + name_len + 1;
    *value_len = len - name_len - 1;
    return true;
}

/* A cookie that comes twice with different values has none: applications differ in which they
 * take. */
static void add_cookie(rl_key_source_t *source, const char *name)
{
    const char *at = apr_table_get(source->r->headers_in, "Cookie");
    const char *value = NULL, *again;
    size_t value_len = 0, again_len;
    while (at != NULL && *at != '\0') {
        const size_t len = strcspn(at, ";");
        if (cookie_matches(at, len, name, &again, &again_len)) {
            if (value != NULL &&
                (again_len != value_len || memcmp(again, value, value_len) != 0)) {
                add_missing(source);
                return;
            }
            value = again;
            value_len = again_len;
        }
        at += len + (at[len] == ';');
    }
    if (value == NULL) {
        add_missing(source);
        return;
    }
    add_bytes(source, value, value_len);
}

/* HEAD is GET without the body, here as in <Limit>; and scripts don't tell methods apart by
 * letter case. */
static void add_method(rl_key_source_t *source)
{
    const request_rec *r = source->r;
    char *upper;
    if (r->method_number != M_INVALID) {
        add_string(source, r->header_only && r->method_number == M_GET ? "GET" : r->method);
        return;
    }
    upper = apr_pstrdup(r->pool, r->method);
    ap_str_toupper(upper);
    add_string(source, strcmp(upper, "HEAD") == 0 ? "GET" : upper);
}

static void add_expression(rl_key_source_t *source, const rl_key_part_t *part)
{
    const char *error = NULL;
    const char *text = ap_expr_str_exec(source->r, part->expr, &error);
    add_string(source, error == NULL ? text : NULL);
}

static void add_part(rl_key_source_t *source, const rl_key_part_t *part)
{
    request_rec *r = source->r;
    switch (part->kind) {
    case RL_PART_ALL:
        rl_key_add(&source->builder, VALUE_NOTHING, NULL, 0);
        break;
    case RL_PART_IP:
        add_address(source, part);
        break;
    case RL_PART_USER:
        add_typed(source, r->user, strlen(r->user));
        break;
    case RL_PART_USER_OR_IP:
        if (r->user != NULL) {
            add_typed(source, r->user, strlen(r->user));
        }
        else {
            add_address(source, part);
        }
        break;
    case RL_PART_CLAIMED_USER:
        add_claimed_user(source);
        break;
    case RL_PART_FORM:
        add_form(source, part);
        break;
    case RL_PART_QUERY:
        add_query(source, part);
        break;
    case RL_PART_HEADER:
        add_string(source, apr_table_get(r->headers_in, part->name));
        break;
    case RL_PART_COOKIE:
        add_cookie(source, part->name);
        break;
    case RL_PART_ENV:
        add_string(source, apr_table_get(r->subprocess_env, part->name));
        break;
    case RL_PART_HOST:
        add_string(source, r->hostname);
        break;
    case RL_PART_PATH:
        add_string(source, r->uri);
        break;
    case RL_PART_METHOD:
        add_method(source);
        break;
    case RL_PART_EXPR:
        add_expression(source, part);
        break;
    }
}

rl_key_result_e rl_key_digest(request_rec *r, const rl_key_spec_t *key,
                              const rl_key_prefixes_t *prefixes, const rl_secret_t *secret,
                              const rl_digest_t *scope, rl_digest_t *digest)
{
    rl_key_source_t source;
    source.r = r;
    source.spec = key;
    source.prefixes = prefixes;
    source.missing = false;
    rl_key_begin(&source.builder, secret, scope);
    for (int i = 0; i < key->n; i++) {
        if (key->parts[i].kind == RL_PART_USER && r->user == NULL) {
            return RL_KEY_ANONYMOUS;
        }
        add_part(&source, &key->parts[i]);
    }
    *digest = rl_key_finish(&source.builder);
    return source.missing ? RL_KEY_MISSING : RL_KEY_WHOLE;
}
