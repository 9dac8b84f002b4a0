/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include <apr_buckets.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>
#include <util_filter.h>

#include "fields.h"

/* Reading the body early
 *
 * The first bytes are read from r->proto_input_filters and copied. From then on a filter at the
 * head of r->proto_input_filters hands out the copy first, and then lets the rest of the body
 * pass. The filter has to be one of the protocol's: an internal redirect throws away all
 * filters in front of those, and with them it would lose exactly the bytes that were read. It
 * stays until the request ends, and after the end of the body it goes on saying that the body
 * has ended.
 */

#define IDLE_READS_MAX 16   /* reads in a row that bring nothing */
#define READ_MAX       8192 /* bytes, of one read */

struct rl_body {
    char *bytes;          /* the copy */
    apr_size_t len, size; /* bytes that were read, and room for them */
    apr_size_t served;    /* bytes that the filter has handed out */
    bool ended;           /* the copy is the whole body */
    rl_fields_t fields;   /* of the copy */
    char boundary[RL_BOUNDARY_MAX];
};

static ap_filter_rec_t *replay_handle, *nothing_handle;

/* ---- replay ---- */

static apr_size_t line_length(const char *bytes, apr_size_t len)
{
    const char *end = memchr(bytes, '\n', len);
    return end != NULL ? (apr_size_t)(end - bytes) + 1 : len;
}

/* Returns how many bytes of the copy answer a read in this mode. */
static apr_size_t portion(const rl_body_t *body, ap_input_mode_t mode, apr_off_t readbytes)
{
    const apr_size_t left = body->len - body->served;
    if (mode == AP_MODE_GETLINE) {
        return line_length(body->bytes + body->served, left);
    }
    if (mode == AP_MODE_EXHAUSTIVE) {
        return left;
    }
    return readbytes < (apr_off_t)left ? (apr_size_t)readbytes : left;
}

static apr_status_t replay(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                           apr_read_type_e block, apr_off_t readbytes)
{
    rl_body_t *body = f->ctx;
    apr_size_t n;
    if (mode == AP_MODE_INIT || mode == AP_MODE_EATCRLF) {
        return ap_get_brigade(f->next, bb, mode, block, readbytes);
    }
    if (body->served == body->len) {
        if (!body->ended) {
            return ap_get_brigade(f->next, bb, mode, block, readbytes);
        }
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
        return APR_SUCCESS;
    }
    n = portion(body, mode, readbytes);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_pool_create(body->bytes + body->served, n,
                                                       f->r->pool, f->c->bucket_alloc));
    if (mode != AP_MODE_SPECULATIVE) {
        body->served += n;
        if (body->served == body->len && body->ended) {
            APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
        }
    }
    return APR_SUCCESS;
}

/* Stands for a body that was given up: it is empty. */
static apr_status_t nothing(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                            apr_read_type_e block, apr_off_t readbytes)
{
    (void)mode;
    (void)block;
    (void)readbytes;
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}

void rl_body_register(void)
{
    nothing_handle = ap_register_input_filter("RATELIMIT_NO_BODY", nothing, NULL,
                                              (ap_filter_type)(AP_FTYPE_PROTOCOL - 1));
    replay_handle = ap_register_input_filter("RATELIMIT_REPLAY", replay, NULL,
                                             (ap_filter_type)(AP_FTYPE_PROTOCOL - 1));
}

/* Puts a filter at the head of r->proto_input_filters. httpd inserts a filter of its type right
 * before the protocol's, and the filter then becomes the first of them. */
static void insert(request_rec *r, ap_filter_rec_t *handle, rl_body_t *body)
{
    ap_filter_t *f = ap_add_input_filter_handle(handle, body, r, r->connection);
    if (f->next == r->proto_input_filters) {
        r->proto_input_filters = f;
    }
}

void rl_body_abandon(request_rec *r)
{
    r->connection->keepalive = AP_CONN_CLOSE;
    insert(r, nothing_handle, NULL);
    apr_table_unset(r->headers_in, "Content-Length");
    apr_table_unset(r->headers_in, "Transfer-Encoding");
}

/* ---- peek ---- */

/* Copies the data of a brigade, up to the end of the body or of the brigade. There is room for
 * all that was asked for; a filter that brings more is an error. */
static apr_status_t save(rl_body_t *body, apr_bucket_brigade *bb)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t len;
        apr_status_t rv;
        if (APR_BUCKET_IS_EOS(b)) {
            body->ended = true;
            return APR_SUCCESS;
        }
        if (APR_BUCKET_IS_METADATA(b)) {
            continue;
        }
        rv = apr_bucket_read(b, &data, &len, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (len > body->size - body->len) {
            return APR_EGENERAL;
        }
        memcpy(body->bytes + body->len, data, len);
        body->len += len;
    }
    return APR_SUCCESS;
}

/* Returns how many bytes to ask for. If it is asked for more at once, httpd reads all that the
 * socket has, into memory that it keeps. */
static apr_off_t next_read(const rl_body_t *body)
{
    const apr_size_t left = body->size - body->len;
    return (apr_off_t)(left < READ_MAX ? left : READ_MAX);
}

/* Reads until the body ends or the copy is full. A blocking read brings a byte, the end or an
 * error; a filter that brings nothing IDLE_READS_MAX times in a row isn't asked any more. */
static apr_status_t fill(request_rec *r, rl_body_t *body)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t rv = APR_SUCCESS;
    int idle = 0;
    while (rv == APR_SUCCESS && !body->ended && body->len < body->size &&
           idle < IDLE_READS_MAX) {
        const apr_size_t before = body->len;
        rv = ap_get_brigade(r->proto_input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ,
                            next_read(body));
        if (rv == APR_SUCCESS) {
            rv = save(body, bb);
            idle = body->len > before ? 0 : idle + 1;
        }
        apr_brigade_cleanup(bb);
    }
    apr_brigade_destroy(bb);
    return rv;
}

/* Returns how many bytes to read, which is also the size of the copy: the limit or, if that is
 * less, one byte more than the client announced, for the read that finds the end. The copy
 * isn't made to grow as the body comes, because that would take twice the memory: a pool gives
 * nothing back before the request ends. */
static apr_size_t size_to_read(const request_rec *r, apr_size_t limit)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    const apr_int64_t announced = length != NULL ? apr_atoi64(length) : -1;
    return announced >= 0 && announced < (apr_int64_t)limit ? (apr_size_t)announced + 1 : limit;
}

/* An encoded body isn't what the application reads: mod_deflate decodes it only later. */
static bool is_encoded(const request_rec *r)
{
    const char *encoding = apr_table_get(r->headers_in, "Content-Encoding");
    return encoding != NULL && ap_cstr_casecmp(encoding, "identity") != 0;
}

static rl_form_type_e form_type(const request_rec *r, rl_body_t *body)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    if (type == NULL || is_encoded(r) || !rl_body_is_announced(r)) {
        return RL_FORM_NONE;
    }
    return rl_form_type(type, strlen(type), body->fields.charset, body->boundary,
                        &body->fields.boundary_len);
}

int rl_body_peek(request_rec *r, rl_body_t **peeked, apr_size_t limit,
                 const rl_charset_t *charset)
{
    rl_body_t *body = *peeked;
    apr_status_t rv;
    if (body != NULL) {
        return OK;
    }
    body = *peeked = apr_pcalloc(r->pool, sizeof(*body));
    body->fields.charset = charset->name;
    body->fields.boundary = body->boundary;
    body->fields.type = form_type(r, body);
    if (body->fields.type == RL_FORM_NONE) {
        return OK;
    }
    body->size = size_to_read(r, limit);
    body->bytes = apr_palloc(r->pool, body->size);
    rv = fill(r, body);
    body->fields.text = body->bytes;
    body->fields.len = body->len;
    body->fields.ended = body->ended;
    if (rv == APR_SUCCESS) {
        insert(r, replay_handle, body);
        return OK;
    }
    r->connection->keepalive = AP_CONN_CLOSE;
    return rv == AP_FILTER_ERROR ? AP_FILTER_ERROR
                                 : ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
}

bool rl_body_is_announced(const request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    return apr_table_get(r->headers_in, "Transfer-Encoding") != NULL ||
           (length != NULL && strcmp(length, "0") != 0);
}

bool rl_body_is_seen_by_all(const request_rec *r)
{
    return r->method_number == M_POST && apr_table_get(r->headers_in, "Content-Length") != NULL;
}

bool rl_body_is_unread(const request_rec *r, const rl_body_t *body)
{
    return rl_body_is_announced(r) && (body == NULL || !body->ended);
}

/* ---- fields ---- */

static bool is_form(const rl_body_t *body)
{
    return body != NULL && body->fields.type != RL_FORM_NONE;
}

void rl_body_want_field(rl_body_t *body, apr_pool_t *pool, const char *name)
{
    if (is_form(body)) {
        rl_fields_want(&body->fields, pool, name);
    }
}

bool rl_body_lacks_field(rl_body_t *body, const request_rec *r, const char *name)
{
    return is_form(body) ? rl_form_field_absent(rl_fields_read(&body->fields, r->pool, name))
                         : !rl_body_is_announced(r);
}

bool rl_body_field(rl_body_t *body, apr_pool_t *pool, const char *name, const char **value,
                   apr_size_t *len)
{
    const rl_form_field_t *field;
    if (!is_form(body)) {
        return false;
    }
    field = rl_fields_read(&body->fields, pool, name);
    *value = field->value;
    *len = field->value_len;
    return rl_form_field_sure(field, 0);
}
