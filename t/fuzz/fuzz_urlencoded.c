/* SPDX-License-Identifier: Apache-2.0 */
/* Input: two bytes that say where to cut, then a body.
 *
 * Properties: cut in two it reads as in one piece; and the state and value are what a parser
 * makes of it that follows the WHATWG URL standard step by step, on whole buffers. */
#include "fuzz.h"
#include "form_answer.h"

static void read_body(answer_t *answer, const uint8_t *data, size_t size, size_t cut)
{
    answer_init(answer);
    rl_urlencoded_t parser;
    require(rl_urlencoded_init(&parser, answer->fields, ANSWER_FIELDS));
    char *const first = copy_piece(data, cut);
    char *const second = copy_piece(data + cut, size - cut);
    rl_urlencoded_feed(&parser, first, cut);
    rl_urlencoded_feed(&parser, second, size - cut);
    rl_urlencoded_finish(&parser, true);
    free(first);
    free(second);
}

static int hex(char c)
{
    const char *const digits = "0123456789abcdef0123456789ABCDEF";
    const char *const at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)((at - digits) % 16);
}

/* Decodes in place; returns the new length. */
static size_t decode(char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '%' && i + 2 < len && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            text[n++] = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
            i += 2;
        }
        else {
            text[n++] = text[i] == '+' ? ' ' : text[i];
        }
    }
    return n;
}

typedef struct expected {
    rl_field_state_e state;
    char value[ANSWER_CAP];
    size_t len;
} expected_t;

static void expect_value(expected_t *expected, const char *value, size_t len)
{
    if (expected->state == RL_FIELD_ABSENT) {
        expected->state = len <= ANSWER_CAP ? RL_FIELD_ONE : RL_FIELD_TOO_LONG;
        expected->len = len <= ANSWER_CAP ? len : 0;
        memcpy(expected->value, value, expected->len);
    }
    else if (expected->state == RL_FIELD_ONE &&
             (len != expected->len || memcmp(value, expected->value, len) != 0)) {
        expected->state = RL_FIELD_CONFLICT;
        expected->len = 0;
    }
}

static void expect_pair(expected_t *expected, const rl_form_field_t *field, char *pair,
                        size_t len)
{
    char *const equals = memchr(pair, '=', len);
    const size_t raw_name = equals == NULL ? len : (size_t)(equals - pair);
    const size_t raw_value = equals == NULL ? 0 : len - raw_name - 1;
    const size_t name_len = decode(pair, raw_name);
    if (name_len == field->name_len && memcmp(pair, field->name, name_len) == 0) {
        char *const value = equals == NULL ? pair : equals + 1;
        expect_value(expected, value, decode(value, raw_value));
    }
}

static void require_standard(const rl_form_field_t *field, const uint8_t *data, size_t size)
{
    expected_t expected = {.state = RL_FIELD_ABSENT};
    char *const body = copy_piece(data, size);
    for (size_t from = 0; from < size;) {
        const char *const and = memchr(body + from, '&', size - from);
        const size_t len = and == NULL ? size - from : (size_t)(and-body) - from;
        if (len > 0) {
            expect_pair(&expected, field, body + from, len);
        }
        from += len + 1;
    }
    require(field->state == expected.state && field->value_len == expected.len);
    require(memcmp(field->value, expected.value, expected.len) == 0);
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t cut = take_cut(&data, &size);
    answer_t whole, pieces;
    read_body(&whole, data, size, 0);
    read_body(&pieces, data, size, cut);
    require_same(&whole, &pieces);
    for (size_t i = 0; i < ANSWER_FIELDS; i++) {
        require_standard(&whole.fields[i], data, size);
    }
    return 0;
}
