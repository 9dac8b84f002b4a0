/* SPDX-License-Identifier: Apache-2.0 */
/* What the module makes of a form: a worker as README.md describes them. It asks as
 * key/body.c and key/request_values.c do, for a location without directives about forms.
 *
 * The content type `?` stands for a query string. To `CONTENT-TYPE BODY NAME` it answers `V
 * FOLDED VALUE` if the module is sure of the field's value, `N` if it is sure that the field
 * isn't there, and `D` with the reasons if it is in doubt. To `fold VALUE` it answers `V
 * FOLDED`, or `D` if the value has no folding. */
#include "core/fold.h"
#include "core/form/form.h"

#include <apr_base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX          8192
#define TOLERATED_IN_QUERY (RL_DOUBT_EQUALS | RL_DOUBT_ELSEWHERE | RL_DOUBT_TYPE)
#define QUESTION_MAX       (1 << 22)

typedef struct bytes {
    char *at;
    size_t len;
} bytes_t;

/* Takes the next word of the line and decodes it in place. */
static bytes_t next_word(char **rest)
{
    char *word = strsep(rest, " \n");
    bytes_t bytes = {.at = word};
    if (word == NULL) {
        exit(2);
    }
    if (strcmp(word, "-") == 0) {
        return bytes;
    }
    bytes.len = (size_t)apr_base64_decode_binary((unsigned char *)word, word);
    return bytes;
}

static void print_bytes(const char *bytes, size_t len)
{
    static char text[2 * QUESTION_MAX];
    if (len == 0) {
        fputs(" -", stdout);
        return;
    }
    apr_base64_encode(text, bytes, (int)len);
    printf(" %s", text);
}

static void answer_fold(const char *value, size_t len, bool with_value)
{
    rl_fold_t folded;
    if (rl_fold(value, len, &folded) != RL_FOLD_DONE || folded.len == 0) {
        puts("D fold");
        return;
    }
    fputs("V", stdout);
    print_bytes(folded.text, folded.len);
    if (with_value) {
        print_bytes(value, len);
    }
    putchar('\n');
}

static void parse_urlencoded(bytes_t text, rl_form_field_t *field)
{
    rl_urlencoded_t parser;
    rl_urlencoded_init(&parser, field, 1);
    rl_urlencoded_feed(&parser, text.at, text.len);
    rl_urlencoded_finish(&parser, true);
}

/* Returns false if the body has no readable type. */
static bool parse(bytes_t type, bytes_t body, rl_form_field_t *field)
{
    rl_multipart_t multipart;
    const rl_part_terms_t terms = {field, 1, "utf-8"};
    char boundary[RL_BOUNDARY_MAX];
    size_t boundary_len;
    switch (rl_form_type(type.at, type.len, terms.charset, boundary, &boundary_len)) {
    case RL_FORM_URLENCODED:
        parse_urlencoded(body, field);
        return true;
    case RL_FORM_MULTIPART:
        rl_multipart_init(&multipart, boundary, boundary_len, &terms);
        rl_multipart_feed(&multipart, body.at, body.len);
        rl_multipart_finish(&multipart, true);
        return true;
    default:
        return false;
    }
}

/* As in key/request_values.c. */
static bool is_padded(const char *value, size_t len)
{
    const char *equals = memchr(value, '=', len);
    const size_t padding = equals == NULL ? 0 : len - (size_t)(equals - value);
    return len % 4 == 0 && (padding < 2 || (padding == 2 && equals[1] == '='));
}

static bool is_sure(const rl_form_field_t *field, bool query)
{
    return rl_form_field_sure(field, query ? TOLERATED_IN_QUERY : 0) &&
           ((field->doubts & RL_DOUBT_EQUALS) == 0 ||
            is_padded(field->value, field->value_len));
}

static void answer(bytes_t type, bytes_t body, bytes_t name)
{
    static char value[VALUE_MAX];
    rl_form_field_t field = {
        .name = name.at, .name_len = name.len, .value = value, .value_cap = VALUE_MAX};
    const bool query = type.len == 1 && type.at[0] == '?';
    if (query) {
        parse_urlencoded(body, &field);
    }
    else if (!parse(type, body, &field)) {
        puts("D type");
        return;
    }
    if (is_sure(&field, query)) {
        answer_fold(field.value, field.value_len, true);
    }
    else if (field.state == RL_FIELD_ABSENT && field.doubts == 0) {
        puts("N");
    }
    else {
        printf("D state=%d,doubts=%x\n", (int)field.state, field.doubts);
    }
}

int main(void)
{
    static char line[QUESTION_MAX];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *rest = line;
        if (strncmp(line, "fold ", 5) == 0) {
            bytes_t value;
            rest += 5;
            value = next_word(&rest);
            answer_fold(value.at, value.len, false);
        }
        else {
            const bytes_t type = next_word(&rest);
            const bytes_t body = next_word(&rest);
            const bytes_t name = next_word(&rest);
            answer(type, body, name);
        }
        fflush(stdout);
    }
    return 0;
}
