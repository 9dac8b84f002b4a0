/* SPDX-License-Identifier: Apache-2.0 */
#include "request_values.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

#include "../core/basic.h"
#include "../core/cookie.h"
#include "../core/form/form.h"
#include "../httpd/client.h"
#include "../httpd/module.h"
#include "encoder.h"

/* A request whose values are being read. */
typedef struct rl_key_reader {
    request_rec *r;
    rl_body_t *body;             /* what was read early of its body, or NULL */
    rl_fields_t *query;          /* of its query string; NULL: they are read one by one */
    const rl_pass_shown_t *pass; /* what the client shows; NULL: nothing */
    const rl_charset_t *charset;
    const rl_secret_t *spelling_secret; /* NULL: the spelling is not wanted */
    rl_digest_t spelling;
    rl_key_encoder_t encoder;
} rl_key_reader_t;

/* Adds text that people type to the spelling, as it was written. */
static void note_spelling(rl_key_reader_t *reader, const char *text, size_t len)
{
    if (reader->spelling_secret != NULL) {
        reader->spelling =
            rl_digest_extend(reader->spelling_secret, &reader->spelling, text, len);
    }
}

static inline void add_address(const request_rec *r, const rl_key_part_t *part,
                               rl_key_encoder_t *encoder)
{
    rl_address_t address;
    if (rl_client_address(r, &address)) {
        rl_key_add_address(encoder, part, &address);
    }
    else {
        rl_key_add_missing(encoder);
    }
}

/* Adds what the request may lack. */
static void add_optional(rl_key_reader_t *reader, const char *text)
{
    if (text != NULL) {
        rl_key_add_string(&reader->encoder, text);
    }
    else {
        rl_key_add_absent(&reader->encoder);
    }
}

/* Adds that there is no value: certainly absent, or in doubt. */
static void add_none(rl_key_reader_t *reader, bool absent)
{
    if (absent) {
        rl_key_add_absent(&reader->encoder);
    }
    else {
        rl_key_add_missing(&reader->encoder);
    }
}

/* Servers behind a proxy take x_api_key for X-Api-Key. */
static bool is_like_header(const char *name, const char *wanted)
{
    while (*name != '\0' &&
           (apr_tolower(*name) == *wanted || (*name == '_' && *wanted == '-') ||
            (*name == '-' && *wanted == '_'))) {
        name++;
        wanted++;
    }
    return *name == *wanted;
}

/* Returns true if it is certain that the header has no such field; the name is in small
 * letters. */
static bool lacks_header(const rl_key_reader_t *reader, const char *name)
{
    const apr_array_header_t *fields = apr_table_elts(reader->r->headers_in);
    for (int i = 0; reader->encoder.spec->absence && i < fields->nelts; i++) {
        if (is_like_header(APR_ARRAY_IDX(fields, i, apr_table_entry_t).key, name)) {
            return false;
        }
    }
    return true;
}

static void add_header(rl_key_reader_t *reader, const char *name)
{
    const char *value = apr_table_get(reader->r->headers_in, name);
    if (value != NULL) {
        rl_key_add_string(&reader->encoder, value);
    }
    else {
        add_none(reader, lacks_header(reader, name));
    }
}

static void add_user(rl_key_reader_t *reader, const char *user)
{
    const size_t len = strlen(user);
    note_spelling(reader, user, len);
    rl_key_add_typed(&reader->encoder, user, len);
}

/* Whoever writes credentials in another way than clients do may be read in another way. With a
 * NUL or without a colon in them, httpd's parts are shorter than the whole. */
static void add_claimed_user(rl_key_reader_t *reader)
{
    request_rec *r = reader->r;
    const char *value = apr_table_get(
        r->headers_in, r->proxyreq == PROXYREQ_PROXY ? "Proxy-Authorization" : "Authorization");
    const char *user = NULL, *password = NULL;
    size_t bytes;
    if (value == NULL) {
        rl_key_add_absent(&reader->encoder);
        return;
    }
    if (!rl_basic_is_clean(value, &bytes) ||
        ap_get_basic_auth_components(r, &user, &password) != APR_SUCCESS || user == NULL ||
        password == NULL || strlen(user) + 1 + strlen(password) != bytes) {
        rl_key_add_missing(&reader->encoder);
        return;
    }
    add_user(reader, user);
}

/* Adds a field's value. */
static void add_field(rl_key_reader_t *reader, const char *value, apr_size_t len)
{
    note_spelling(reader, value, len);
    if (!reader->encoder.spec->fold ||
        rl_charset_decode(reader->charset, reader->r->pool, &value, &len)) {
        rl_key_add_utf8(&reader->encoder, value, len);
    }
    else {
        rl_key_add_missing(&reader->encoder);
    }
}

/* Reads a field of the query string by itself. The value lies in the buffer. */
static void read_alone(const request_rec *r, const char *name, char buffer[RL_FIELD_VALUE_MAX],
                       rl_form_field_t *field)
{
    const char *args = r->args != NULL ? r->args : "";
    const size_t len = strlen(args);
    rl_urlencoded_t parser;
    *field = (rl_form_field_t){.name = name,
                               .name_len = strlen(name),
                               .value = buffer,
                               .value_cap = RL_FIELD_VALUE_MAX};
    rl_urlencoded_init(&parser, field, 1);
    rl_urlencoded_feed(&parser, args, len);
    rl_urlencoded_finish(&parser, true);
}

/* Reads a field of the query string: it was read together with those of other rules, unless
 * httpd has another query string by now. */
static void read_query(const rl_key_reader_t *reader, const char *name,
                       char buffer[RL_FIELD_VALUE_MAX], rl_form_field_t *field)
{
    request_rec *r = reader->r;
    if (reader->query != NULL && reader->query->text == r->args) {
        *field = *rl_fields_read(reader->query, r->pool, name);
    }
    else {
        read_alone(r, name, buffer, field);
    }
}

/* URLs are written by hand: a token may end in raw =, a search have a % in it. */
#define TOLERATED_IN_QUERY (RL_DOUBT_EQUALS | RL_DOUBT_ELSEWHERE | RL_DOUBT_TYPE)

/* Returns true if the only raw = of the value are the padding of base64. To a program that
 * splits at each = any others would end the value, and so make many spellings of one. */
static bool is_padded(const char *value, size_t len)
{
    const char *equals = memchr(value, '=', len);
    const size_t padding = equals == NULL ? 0 : len - (size_t)(equals - value);
    return len % 4 == 0 && (padding < 2 || (padding == 2 && equals[1] == '='));
}

static bool is_sure_in_query(const rl_form_field_t *field)
{
    return rl_form_field_sure(field, TOLERATED_IN_QUERY) &&
           ((field->doubts & RL_DOUBT_EQUALS) == 0 ||
            is_padded(field->value, field->value_len));
}

static void add_query(rl_key_reader_t *reader, const rl_key_part_t *part)
{
    char buffer[RL_FIELD_VALUE_MAX];
    rl_form_field_t field;
    read_query(reader, part->name, buffer, &field);
    if (is_sure_in_query(&field)) {
        add_field(reader, field.value, field.value_len);
    }
    else {
        /* Also if applications would read different values. */
        add_none(reader, rl_form_field_absent(&field));
    }
}

/* Returns true if the query string says something else of a field than the body. Java reads the
 * field from there, and others do if they can't read the body. */
static bool query_differs(const rl_key_reader_t *reader, const char *name, const char *value,
                          apr_size_t len)
{
    char buffer[RL_FIELD_VALUE_MAX];
    rl_form_field_t field;
    if (reader->r->args == NULL) {
        return false;
    }
    read_query(reader, name, buffer, &field);
    if (field.state == RL_FIELD_ABSENT) {
        return (field.doubts & ~(unsigned)TOLERATED_IN_QUERY) != 0;
    }
    return !is_sure_in_query(&field) || field.value_len != len ||
           memcmp(field.value, value, len) != 0;
}

static bool query_lacks(const rl_key_reader_t *reader, const char *name)
{
    char buffer[RL_FIELD_VALUE_MAX];
    rl_form_field_t field;
    if (reader->r->args == NULL) {
        return true;
    }
    read_query(reader, name, buffer, &field);
    return rl_form_field_absent(&field);
}

/* Returns true if it is certain that the request has no such field. Many applications read it
 * from the query string if the body doesn't have it. */
static bool lacks_field(const rl_key_reader_t *reader, const char *name)
{
    return reader->encoder.spec->absence &&
           rl_body_lacks_field(reader->body, reader->r, name) && query_lacks(reader, name);
}

static void add_form(rl_key_reader_t *reader, const rl_key_part_t *part)
{
    request_rec *r = reader->r;
    const char *value;
    apr_size_t len;
    if (!rl_body_field(reader->body, r->pool, part->name, &value, &len)) {
        add_none(reader, lacks_field(reader, part->name));
    }
    else if (query_differs(reader, part->name, value, len)) {
        rl_key_add_missing(&reader->encoder);
    }
    else {
        add_field(reader, value, len);
    }
}

/* Returns true if it is certain that there is no such cookie. Some applications split at
 * commas, too, and decode names. */
static bool lacks_cookie(const char *header, const char *name)
{
    while (header != NULL && *header != '\0') {
        const size_t len = strcspn(header, ";,");
        if (rl_form_name_is_like(header, strcspn(header, "=;,"), name)) {
            return false;
        }
        header += len + (header[len] != '\0');
    }
    return true;
}

/* A cookie that comes twice with different values has no value: applications differ in which
 * one they take. */
static void add_cookie(rl_key_reader_t *reader, const char *name)
{
    const char *const header = apr_table_get(reader->r->headers_in, "Cookie");
    const char *field = header, *again;
    size_t len = 0, again_len;
    const char *value = rl_cookie_next(&field, name, &len);
    if (value == NULL) {
        add_none(reader, reader->encoder.spec->absence && lacks_cookie(header, name));
        return;
    }
    while ((again = rl_cookie_next(&field, name, &again_len)) != NULL) {
        if (again_len != len || memcmp(again, value, len) != 0) {
            rl_key_add_missing(&reader->encoder);
            return;
        }
    }
    rl_key_add_bytes(&reader->encoder, value, len);
}

/* HEAD counts as GET, as in <Limit>. */
static void add_method(rl_key_reader_t *reader)
{
    const request_rec *r = reader->r;
    if (r->method_number != M_INVALID) {
        rl_key_add_string(&reader->encoder,
                          r->header_only && r->method_number == M_GET ? "GET" : r->method);
        return;
    }
    rl_key_add_unknown_method(&reader->encoder, r->pool, r->method);
}

static void add_expression(rl_key_reader_t *reader, const rl_key_part_t *part)
{
    const char *error = NULL;
    const char *text = ap_expr_str_exec(reader->r, part->expr, &error);
    rl_key_add_string(&reader->encoder, error == NULL ? text : NULL);
}

/* A pass that isn't good casts doubt: the client may well have had a good one. */
static void add_pass(rl_key_reader_t *reader)
{
    const rl_pass_shown_t *pass = reader->pass;
    if (pass != NULL && pass->state == RL_PASS_GOOD) {
        rl_key_add(reader->encoder.builder, RL_VALUE_TEXT, pass->name, RL_PASS_NAME_LENGTH);
    }
    else {
        add_none(reader, pass == NULL || pass->state == RL_PASS_NONE);
    }
}

/* An address that is in no network of the table is certainly in none. */
static void add_network(rl_key_reader_t *reader, const rl_networks_t *networks)
{
    rl_address_t address;
    if (rl_client_address(reader->r, &address)) {
        add_optional(reader, rl_networks_label(networks, &address));
    }
    else {
        rl_key_add_missing(&reader->encoder);
    }
}

static void add_part(rl_key_reader_t *reader, const rl_key_part_t *part)
{
    request_rec *r = reader->r;
    switch (part->kind) {
    case RL_PART_ALL:
        rl_key_add(reader->encoder.builder, RL_VALUE_NOTHING, NULL, 0);
        break;
    case RL_PART_IP:
        add_address(r, part, &reader->encoder);
        break;
    case RL_PART_USER:
        add_user(reader, r->user);
        break;
    case RL_PART_USER_OR_IP:
        if (r->user != NULL) {
            add_user(reader, r->user);
        }
        else {
            add_address(r, part, &reader->encoder);
        }
        break;
    case RL_PART_CLAIMED_USER:
        add_claimed_user(reader);
        break;
    case RL_PART_FORM:
        add_form(reader, part);
        break;
    case RL_PART_QUERY:
        add_query(reader, part);
        break;
    case RL_PART_HEADER:
        add_header(reader, part->name);
        break;
    case RL_PART_COOKIE:
        add_cookie(reader, part->name);
        break;
    case RL_PART_ENV:
        add_optional(reader, apr_table_get(r->subprocess_env, part->name));
        break;
    case RL_PART_HOST:
        add_optional(reader, r->hostname);
        break;
    case RL_PART_PATH:
        rl_key_add_string(&reader->encoder, r->uri);
        break;
    case RL_PART_METHOD:
        add_method(reader);
        break;
    case RL_PART_EXPR:
        add_expression(reader, part);
        break;
    case RL_PART_PASS:
        add_pass(reader);
        break;
    case RL_PART_NETWORK:
        add_network(reader, part->networks);
        break;
    }
}

/* Doubt about one part wins over the absence of another. */
static rl_key_result_e result_of(const rl_key_encoder_t *encoder)
{
    if (encoder->missing) {
        return RL_KEY_MISSING;
    }
    return encoder->absent ? RL_KEY_ABSENT : RL_KEY_WHOLE;
}

static rl_key_result_e encode_address(const request_rec *r, rl_key_values_t *values)
{
    rl_key_encoder_t encoder = {
        .spec = values->spec, .bits = &values->bits, .builder = &values->builder};
    add_address(r, &values->spec->parts[0], &encoder);
    values->spelled = true; /* nobody types it */
    values->spelling = (rl_digest_t){.hi = 0};
    return result_of(&encoder);
}

/* Reads the values of the parts, and the spelling if it is wanted. */
RL_RARELY static rl_key_result_e encode(request_rec *r, const rl_secret_t *spelling_secret,
                                        rl_key_values_t *values)
{
    const rl_key_spec_t *key = values->spec;
    rl_key_reader_t reader = {
        .r = r,
        .body = values->body,
        .query = values->query,
        .pass = values->pass,
        .charset = values->charset,
        .spelling_secret = spelling_secret,
        .encoder = {.spec = key, .bits = &values->bits, .builder = &values->builder}};
    for (int i = 0; i < key->n; i++) {
        if (key->parts[i].kind == RL_PART_USER && r->user == NULL) {
            return RL_KEY_ANONYMOUS;
        }
        add_part(&reader, &key->parts[i]);
    }
    values->spelled = spelling_secret != NULL;
    values->spelling = reader.spelling;
    return result_of(&reader.encoder);
}

/* Returns true if the values are for the key and the prefix lengths of these terms. */
static bool are_of(const rl_key_values_t *values, const rl_key_terms_t *terms)
{
    return values->spec != NULL && values->spec->alike == terms->spec->alike &&
           terms->spec->alike != 0 && values->charset == terms->charset &&
           (values->spelled || terms->spelling_secret == NULL) &&
           values->bits.v4bits == terms->bits.v4bits &&
           values->bits.v6bits == terms->bits.v6bits;
}

/* Most keys are the address alone. */
static inline bool is_address(const rl_key_spec_t *key)
{
    return key->n == 1 && key->parts[0].kind == RL_PART_IP;
}

static inline void read_values(request_rec *r, const rl_key_terms_t *terms,
                               rl_key_values_t *values)
{
    values->spec = terms->spec;
    values->bits = terms->bits;
    values->charset = terms->charset;
    rl_key_begin_in(&values->builder, terms->secret, terms->scope);
    values->result = is_address(values->spec) ? encode_address(r, values)
                                              : encode(r, terms->spelling_secret, values);
}

RL_EACH_REQUEST rl_key_result_e rl_key_of_request(request_rec *r, const rl_key_terms_t *terms,
                                                  rl_key_values_t *values, rl_digest_t *digest)
{
    if (are_of(values, terms)) {
        rl_key_rescope(&values->builder, terms->scope);
    }
    else {
        read_values(r, terms, values);
    }
    if (values->result != RL_KEY_ANONYMOUS) {
        *digest = rl_key_counter(&values->builder);
    }
    return values->result;
}

rl_digest_t rl_key_elsewhere(rl_key_values_t *values, const rl_scope_t *scope)
{
    rl_key_rescope(&values->builder, scope);
    return rl_key_finish(&values->builder);
}
