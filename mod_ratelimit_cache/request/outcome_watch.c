/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome_watch.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_request.h>
#include <string.h>
#include <util_filter.h>

#include "answer_header.h"

/* A filter notes the status, and fields of the header, when the answer begins. Later they are
 * no longer certain: a handler
 * that finds the client gone may fail, and r->status is then 500. Nor does it matter if the
 * client is there to read the answer: whoever breaks off has had the outcome all the same. Only
 * if the client was gone and nothing but the end came from the handler, that may have given up,
 * and r->status says nothing.
 *
 * A program may write the header itself, past httpd: an nph- CGI program, one of mod_perl's
 * that sets r->assbackwards. r->status stays 200 then, and the status line has to be read as it
 * passes, and fields with it. mod_cgi takes away all filters but the connection's for an nph-
 * program, so for such a name there is one of that type.
 */

#define STATUS_LINE "HTTP/1.1 200"
#define STATUS_AT   (sizeof(STATUS_LINE) - 4)
#define LINE_LENGTH (sizeof(STATUS_LINE) - 1)
#define HEAD_MAX    8192 /* bytes of a program's header in which fields are looked for */
#define BUCKETS_MAX 1024 /* buckets that are read for them */

static ap_filter_rec_t *begin_handle, *line_handle;

/* ---- status lines ---- */

/* Returns the status of a status line (RFC 9112 4) of which the first LINE_LENGTH bytes are
 * here, 0 if it isn't one. */
static int parse_status_line(const char *line)
{
    const char *digits = line + STATUS_AT;
    if (memcmp(line, "HTTP/", 5) != 0 || line[STATUS_AT - 1] != ' ' ||
        !apr_isdigit(digits[0]) || !apr_isdigit(digits[1]) || !apr_isdigit(digits[2])) {
        return 0;
    }
    return (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
}

/* Returns true if an empty line, which ends a header, stands in the text of n bytes. Looks at
 * line ends from `from` on. */
static bool has_empty_line(const char *text, size_t from, size_t n)
{
    for (size_t i = from; i < n; i++) {
        const size_t before = i > 0 && text[i - 1] == '\r' ? i - 1 : i;
        if (text[i] == '\n' && before > 0 && text[before - 1] == '\n') {
            return true;
        }
    }
    return false;
}

/* Copies what the brigade begins with to text: size bytes, or less if there aren't so many or
 * the header ends before. Waits for the program that writes it. Returns how many bytes. */
static size_t read_head(apr_bucket_brigade *bb, char *text, size_t size)
{
    size_t n = 0;
    apr_bucket *b = APR_BRIGADE_FIRST(bb);
    for (int i = 0; i < BUCKETS_MAX && n < size && b != APR_BRIGADE_SENTINEL(bb); i++) {
        const char *data;
        apr_size_t len = 0;
        if (!APR_BUCKET_IS_METADATA(b) &&
            apr_bucket_read(b, &data, &len, APR_BLOCK_READ) != APR_SUCCESS) {
            break;
        }
        len = len < size - n ? len : size - n;
        if (len > 0) {
            memcpy(text + n, data, len);
        }
        n += len;
        if (has_empty_line(text, n - len, n)) {
            break;
        }
        b = APR_BUCKET_NEXT(b);
    }
    return n;
}

/* ---- filters ---- */

/* The first status counts, unless it is that of an interim answer. Returns true if this one
 * does. */
static bool note_status(rl_request_t *request, int status)
{
    if (request->outcome.status != 0 || status < HTTP_OK) {
        return false;
    }
    request->outcome.status = status;
    return true;
}

void rl_outcome_note(request_rec *r, rl_request_t *request, int status)
{
    if (note_status(request, status) && request->outcome.reads_header) {
        request->outcome.header = rl_answer_header_of(r);
    }
}

/* Notes the outcome from the header that the brigade begins with. The pool is the request's. */
static void note_written(apr_pool_t *pool, rl_request_t *request, apr_bucket_brigade *bb)
{
    char line[LINE_LENGTH];
    const size_t size = request->outcome.reads_header ? HEAD_MAX : sizeof(line);
    char *text = request->outcome.reads_header ? apr_palloc(pool, size) : line;
    const size_t n = read_head(bb, text, size);
    if (n >= LINE_LENGTH && note_status(request, parse_status_line(text)) &&
        request->outcome.reads_header) {
        request->outcome.header = rl_answer_header_parse(pool, text, n);
    }
}

static bool has_data(const apr_bucket_brigade *bb)
{
    for (const apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        if (!APR_BUCKET_IS_METADATA(b)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the handler writes the header itself. A request of HTTP/0.9 has no header. */
static bool writes_header(const request_rec *r)
{
    return r->assbackwards && r->proto_num >= HTTP_VERSION(1, 0);
}

/* Sees the answer begin, above the filters that make its header. These may still change the
 * status, to 206 for example, so it is read after they had their turn. */
static apr_status_t watch_begin(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    rl_request_t *request = f->ctx;
    ap_filter_t *next = f->next;
    const bool produced = has_data(bb) || !f->c->aborted;
    apr_status_t rv;
    if (APR_BRIGADE_EMPTY(bb)) {
        return ap_pass_brigade(next, bb);
    }
    ap_remove_output_filter(f);
    if (writes_header(r)) {
        request->outcome.unseen = true;
        note_written(r->pool, request, bb);
        return ap_pass_brigade(next, bb);
    }
    rv = ap_pass_brigade(next, bb);
    if (produced) {
        rl_outcome_note(r, request, r->status);
    }
    return rv;
}

static bool has_end(const apr_bucket_brigade *bb)
{
    return !APR_BRIGADE_EMPTY(bb) &&
           (APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb)) || AP_BUCKET_IS_EOR(APR_BRIGADE_LAST(bb)));
}

/* Sees the first bytes that go to the client. The context is the request_rec: a filter of a
 * connection has none of its own. */
static apr_status_t watch_line(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const request_rec *r = f->ctx;
    rl_request_t *request = rl_request_get(r);
    ap_filter_t *next = f->next;
    if (has_data(bb)) {
        note_written(r->pool, request, bb);
    }
    if (request->outcome.status != 0 || has_end(bb)) {
        ap_remove_output_filter(f);
    }
    return ap_pass_brigade(next, bb);
}

void rl_outcome_watch_register(void)
{
    begin_handle = ap_register_output_filter("RATELIMIT_OUTCOME", watch_begin, NULL,
                                             (ap_filter_type)(AP_FTYPE_PROTOCOL - 1));
    line_handle = ap_register_output_filter("RATELIMIT_STATUS_LINE", watch_line, NULL,
                                            AP_FTYPE_CONNECTION);
}

static bool is_nph(const request_rec *r)
{
    return r->filename != NULL && strncmp(apr_filepath_name_get(r->filename), "nph-", 4) == 0;
}

void rl_outcome_watch_insert(request_rec *r)
{
    rl_request_t *request = r->main == NULL ? rl_request_get(r) : NULL;
    if (request == NULL || !request->outcome.matters || request->outcome.status != 0) {
        return;
    }
    ap_add_output_filter_handle(begin_handle, request, r, r->connection);
    if (is_nph(r) && !request->outcome.unseen) {
        request->outcome.unseen = true;
        ap_add_output_filter_handle(line_handle, r, r, r->connection);
    }
}

rl_ending_t rl_outcome_leaving(request_rec *r, const rl_request_t *request)
{
    return (rl_ending_t){.auth = request->outcome.auth,
                         .r = r,
                         .header =
                             request->outcome.reads_header ? rl_answer_header_of(r) : NULL};
}

int rl_outcome_status(const request_rec *r, const rl_request_t *request)
{
    if (request->outcome.status != 0) {
        return request->outcome.status;
    }
    return r->connection->aborted || request->outcome.unseen ? 0 : r->status;
}
