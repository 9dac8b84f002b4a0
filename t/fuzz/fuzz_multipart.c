/* Input: two bytes that say where to cut, a Content-Type value, LF, a body.
 *
 * Properties: cut in two the body reads as in one piece; and a field that is sure stands in the
 * body as the standard wants it: its bytes between an empty line and CRLF--boundary. */
#ifndef _GNU_SOURCE /* APR's flags have it */
#define _GNU_SOURCE /* memmem */
#endif
#include "fuzz.h"
#include "form_answer.h"

typedef struct boundary {
    char text[RL_BOUNDARY_MAX];
    size_t len;
} boundary_t;

/* The boundary of the first line; a fixed one when that is no multipart, so that the fuzzer
 * needs no luck to get past it. */
static void take_boundary(boundary_t *boundary, const uint8_t **data, size_t *size)
{
    const uint8_t *const lf = *size == 0 ? NULL : memchr(*data, '\n', *size);
    const size_t len = lf == NULL ? *size : (size_t)(lf - *data);
    char *const line = copy_piece(*data, len);
    boundary->len = 0;
    if (rl_form_type(line, len, "utf-8", boundary->text, &boundary->len) == RL_FORM_MULTIPART) {
        require(boundary->len > 0 && boundary->len <= RL_BOUNDARY_MAX);
        require(memmem(line, len, boundary->text, boundary->len) != NULL);
    }
    else {
        require(boundary->len == 0);
        boundary->len = 6;
        memcpy(boundary->text, "AaB03x", boundary->len);
    }
    free(line);
    *data += len + (lf != NULL);
    *size -= len + (lf != NULL);
}

static void read_body(answer_t *answer, const boundary_t *boundary, const uint8_t *data,
                      size_t size, size_t cut)
{
    answer_init(answer);
    rl_multipart_t parser;
    const rl_part_terms_t terms = {answer->fields, ANSWER_FIELDS, "utf-8"};
    require(rl_multipart_init(&parser, boundary->text, boundary->len, &terms));
    char *const first = copy_piece(data, cut);
    char *const second = copy_piece(data + cut, size - cut);
    const bool going_on = rl_multipart_feed(&parser, first, cut);
    require(rl_multipart_feed(&parser, second, size - cut) <= going_on);
    rl_multipart_finish(&parser, true);
    free(first);
    free(second);
}

static void require_in_body(const rl_form_field_t *field, const boundary_t *boundary,
                            const uint8_t *data, size_t size)
{
    char needle[8 + ANSWER_CAP + RL_BOUNDARY_MAX];
    size_t len = 0;
    memcpy(needle, "\r\n\r\n", 4);
    len += 4;
    memcpy(needle + len, field->value, field->value_len);
    len += field->value_len;
    memcpy(needle + len, "\r\n--", 4);
    len += 4;
    memcpy(needle + len, boundary->text, boundary->len);
    len += boundary->len;
    require(memmem(data, size, needle, len) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cut = take_cut(&data, &size);
    boundary_t boundary;
    take_boundary(&boundary, &data, &size);
    cut %= size + 1;
    answer_t whole, pieces;
    read_body(&whole, &boundary, data, size, 0);
    read_body(&pieces, &boundary, data, size, cut);
    require_same(&whole, &pieces);
    for (size_t i = 0; i < ANSWER_FIELDS; i++) {
        if (rl_form_field_sure(&whole.fields[i], 0)) {
            require_in_body(&whole.fields[i], &boundary, data, size);
        }
    }
    return 0;
}
