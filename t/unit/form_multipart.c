/* SPDX-License-Identifier: Apache-2.0 */
/* multipart/form-data: the value of a wanted field, and when there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/form/form.h"
#include "support.h"

#define BYTES(text) (text), sizeof(text) - 1

/* Pieces of bodies. The boundary is `AaB03x`, as in RFC 1867. */
#define PART(headers, value) "--AaB03x\r\n" headers "\r\n\r\n" value "\r\n"
#define NAMED(name)          "Content-Disposition: form-data; name=" name
#define FIELD(name, value)   PART(NAMED("\"" name "\""), value)
#define CLOSE                "--AaB03x--\r\n"

typedef struct answer {
    rl_form_field_t field;
    char value[16];
} answer_t;

static void read_cut(answer_t *answer, const char *name, const char *boundary,
                     const char *input, size_t len, const size_t *cuts, size_t ncuts)
{
    *answer = (answer_t){.field = {.name = name, .name_len = strlen(name), .value_cap = 16}};
    answer->field.value = answer->value;
    rl_multipart_t parser;
    memset(&parser, 0xa5, sizeof(parser));
    const rl_part_terms_t terms = {&answer->field, 1, "utf-8"};
    assert_true(rl_multipart_init(&parser, boundary, strlen(boundary), &terms));
    size_t from = 0;
    for (size_t i = 0; i < ncuts; i++) {
        rl_multipart_feed(&parser, input + from, cuts[i] - from);
        from = cuts[i];
    }
    rl_multipart_feed(&parser, input + from, len - from);
    rl_multipart_finish(&parser, true);
}

static void assert_field(const char *input, size_t len, const char *name,
                         rl_field_state_e state, unsigned doubts)
{
    answer_t answer;
    read_cut(&answer, name, "AaB03x", input, len, NULL, 0);
    if (answer.field.state != state || answer.field.doubts != doubts) {
        fail_msg("%s\nstate %d, doubts 0x%x", input, (int)answer.field.state,
                 answer.field.doubts);
    }
}

static void assert_value_at(const char *boundary, const char *input, size_t len,
                            const char *name, const char *value, size_t value_len)
{
    answer_t answer;
    read_cut(&answer, name, boundary, input, len, NULL, 0);
    if (!rl_form_field_sure(&answer.field, 0) || answer.field.value_len != value_len ||
        memcmp(answer.value, value, value_len) != 0) {
        fail_msg("%s\nstate %d, doubts 0x%x, %zu bytes: %.16s", input, (int)answer.field.state,
                 answer.field.doubts, answer.field.value_len, answer.value);
    }
}

static void assert_malformed(const char *input, size_t len)
{
    answer_t answer;
    read_cut(&answer, "user", "AaB03x", input, len, NULL, 0);
    if ((answer.field.doubts & RL_DOUBT_MALFORMED) == 0) {
        fail_msg("%s\nstate %d, doubts 0x%x", input, (int)answer.field.state,
                 answer.field.doubts);
    }
}

#define VALUE_AT(boundary, input, name, value)                                                 \
    assert_value_at(boundary, BYTES(input), name, BYTES(value))
#define VALUE(input, name, value)         VALUE_AT("AaB03x", input, name, value)
#define STATE(input, name, state, doubts) assert_field(BYTES(input), name, state, doubts)
#define MALFORMED(input)                  assert_malformed(BYTES(input))
#define HEADERS_MALFORMED(headers)        MALFORMED(PART(headers, "1") CLOSE)

static void test_as_browsers_send_it(void **state)
{
    (void)state;
    static const char chrome[] =
        "------WebKitFormBoundaryePkpFF7tjBAqx29L\r\n"
        "Content-Disposition: form-data; name=\"user\"\r\n\r\nbob\r\n"
        "------WebKitFormBoundaryePkpFF7tjBAqx29L\r\n"
        "Content-Disposition: form-data; name=\"pic\"; filename=\"a.png\"\r\n"
        "Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\0\0\r\n"
        "------WebKitFormBoundaryePkpFF7tjBAqx29L--\r\n";
    assert_value_at("----WebKitFormBoundaryePkpFF7tjBAqx29L", BYTES(chrome), "user", "bob", 3);
    static const char firefox[] =
        "-----------------------------9051914041544843365972754266\r\n"
        "Content-Disposition: form-data; name=\"a\"\r\n\r\ntext default\r\n"
        "-----------------------------9051914041544843365972754266--\r\n";
    assert_value_at("---------------------------9051914041544843365972754266", BYTES(firefox),
                    "a", "text default", 12);
    VALUE(FIELD("user", "bob") FIELD("password", "x") CLOSE, "password", "x");
}

static void test_values(void **state)
{
    (void)state;
    VALUE(FIELD("user", "") CLOSE, "user", "");
    VALUE(FIELD("user", "\r\n") CLOSE, "user", "\r\n");
    VALUE(FIELD("user", "\r") CLOSE, "user", "\r");
    VALUE(FIELD("user", "\n") CLOSE, "user", "\n");
    VALUE(FIELD("user", "a\r\r\n\nb\r") CLOSE, "user", "a\r\r\n\nb\r");
    VALUE(FIELD("user", "-") CLOSE, "user", "-");
    VALUE(FIELD("user", "--\r\n--") CLOSE, "user", "--\r\n--");
    VALUE(FIELD("user", "\r\n--AaB03") CLOSE, "user", "\r\n--AaB03");
    VALUE(FIELD("user", "\r\n--AaB0--Aa-") CLOSE, "user", "\r\n--AaB0--Aa-");
    VALUE(FIELD("user", "a+b%41&c=d;") CLOSE, "user", "a+b%41&c=d;");
    VALUE(FIELD("user", "\xc3\xbc") CLOSE, "user", "\xc3\xbc");
    VALUE(FIELD("user", "0123456789abcdef") CLOSE, "user", "0123456789abcdef");
    STATE(FIELD("user", "0123456789abcdefg") CLOSE, "user", RL_FIELD_TOO_LONG, 0);
    STATE(FIELD("user", "a\0b") CLOSE, "user", RL_FIELD_ONE, RL_DOUBT_NUL);
    STATE(FIELD("a", "1\0") CLOSE, "user", RL_FIELD_ABSENT, 0);
    STATE(CLOSE, "user", RL_FIELD_ABSENT, 0);
}

static void test_repeated(void **state)
{
    (void)state;
    VALUE(FIELD("a", "1") FIELD("b", "2") FIELD("a", "1") CLOSE, "a", "1");
    STATE(FIELD("a", "1") FIELD("a", "2") CLOSE, "a", RL_FIELD_CONFLICT, 0);
    STATE(FIELD("a", "1") FIELD("a", "") CLOSE, "a", RL_FIELD_CONFLICT, 0);
    STATE(FIELD("a", "1") FIELD("a", "1\r\n") CLOSE, "a", RL_FIELD_CONFLICT, 0);
}

/* Prefixes that begin again inside themselves: the search must give back the right bytes. */
static void test_boundaries_that_repeat_themselves(void **state)
{
    (void)state;
#define WITH(boundary, value)                                                                  \
    "--" boundary "\r\nContent-Disposition: form-data; name=u\r\n\r\n" value "\r\n--" boundary \
    "--"
    VALUE_AT("aab", WITH("aab", "aaaa-ab"), "u", "aaaa-ab");
    VALUE_AT("----x", WITH("----x", "-----y-----"), "u", "-----y-----");
    VALUE_AT("-a-b", WITH("-a-b", "\r\n---a---a-"), "u", "\r\n---a---a-");
    VALUE_AT("x--", WITH("x--", "--x-"), "u", "--x-");
    VALUE_AT("a b", WITH("a b", "--a --"), "u", "--a --");
    /* Nothing but dashes can't be told from the dashes around it. */
    answer_t answer;
    read_cut(&answer, "u", "---", BYTES(WITH("---", "1")), NULL, 0);
    assert_false(rl_form_field_sure(&answer.field, 0));
}

/* Rack and PHP disagree about blanks behind a delimiter, formidable wants it first. */
static void test_nothing_stands_around_delimiters(void **state)
{
    (void)state;
    MALFORMED("This is\r\n--ignored.\r\n" FIELD("user", "bob") CLOSE);
    MALFORMED("\r\n" FIELD("user", "bob") CLOSE);
    MALFORMED("--" FIELD("user", "bob") CLOSE);
    MALFORMED("-" FIELD("user", "bob") CLOSE);
    MALFORMED("--AaB03x \t\r\n" NAMED("user") "\r\n\r\nbob\r\n--AaB03x--\r\n");
    MALFORMED("--AaB03x\r\n" NAMED("user") "\r\n\r\nbob\r\n--AaB03x--  \t\r\n");
    MALFORMED("--AaB03x\r\n" NAMED("user") "\r\n\r\nbob\r\n--AaB03x-- ");
    MALFORMED(FIELD("user", "bob") CLOSE "So is -- this\r\n--AaB03.");
    VALUE("--AaB03x\r\n" NAMED("user") "\r\n\r\nbob\r\n--AaB03x--", "user", "bob");
    VALUE(FIELD("user", "bob") CLOSE "\r\n", "user", "bob");
}

static void test_headers_that_mean_the_same(void **state)
{
    (void)state;
    VALUE(PART("content-disposition: form-data; name=\"user\"", "1") CLOSE, "user", "1");
    VALUE(PART("CONTENT-DISPOSITION: \tform-data; name=user", "1") CLOSE, "user", "1");
    VALUE(PART("Content-Type: text/plain\r\n" NAMED("user"), "1") CLOSE, "user", "1");
    VALUE(PART(NAMED("user") "\r\nContent-Type: Text/Plain; charset=\"UTF-8\"", "1") CLOSE,
          "user", "1");
    VALUE(PART(NAMED("user") "\r\nContent-Type: text/plain;charset=utf-8", "1") CLOSE, "user",
          "1");
}

static void test_a_charset_field_makes_doubt(void **state)
{
    (void)state;
    STATE(FIELD("_charset_", "utf-16") FIELD("user", "1") CLOSE, "user", RL_FIELD_ONE,
          RL_DOUBT_CHARSET);
    STATE(FIELD("user", "1") FIELD(" _Charset_", "utf-8") CLOSE, "user", RL_FIELD_ONE,
          RL_DOUBT_CHARSET);
    VALUE(FIELD("user", "1") FIELD("_charset", "utf-8") FIELD("charset_", "x") CLOSE, "user",
          "1");
}

static void test_many_parts_make_doubt(void **state)
{
    (void)state;
    static char input[100 * (RL_FORM_PAIRS_MAX + 2)];
    for (unsigned parts = RL_FORM_PAIRS_MAX; parts <= RL_FORM_PAIRS_MAX + 1; parts++) {
        size_t len = 0;
        for (unsigned i = 1; i < parts; i++) {
            memcpy(input + len, BYTES(FIELD("x", "")));
            len += sizeof(FIELD("x", "")) - 1;
        }
        memcpy(input + len, BYTES(FIELD("user", "1") CLOSE));
        len += sizeof(FIELD("user", "1") CLOSE) - 1;
        assert_field(input, len, "user", RL_FIELD_ONE,
                     parts <= RL_FORM_PAIRS_MAX ? 0 : RL_DOUBT_MANY | 0u);
    }
}

static void test_names(void **state)
{
    (void)state;
    VALUE(FIELD("us er", "1") CLOSE, "us er", "1");
    VALUE(FIELD("us=er", "1") CLOSE, "us=er", "1");
    VALUE(FIELD("\xc3\xbc", "1") CLOSE, "\xc3\xbc", "1");
    VALUE(FIELD("u[email]", "1") FIELD("u[name]", "2") CLOSE, "u[email]", "1");
    /* As browsers write `"` CR LF, and as older ones do. */
    VALUE(FIELD("a%22b%0D%0Ac", "1") CLOSE, "a\"b\r\nc", "1");
    VALUE(FIELD("a%22b", "1") CLOSE, "a%22b", "1");
    VALUE(FIELD("a\\\"b", "1") CLOSE, "a\"b", "1");
    VALUE(FIELD("a\\\\b", "1") CLOSE, "a\\b", "1");
    /* No other escapes. */
    STATE(FIELD("us%65r", "1") CLOSE, "user", RL_FIELD_ABSENT, RL_DOUBT_NAME);
    STATE(FIELD("us+er", "1") CLOSE, "us er", RL_FIELD_ABSENT, 0);
    STATE(FIELD("\xef\xbb\xbfuser", "1") CLOSE, "user", RL_FIELD_ABSENT, RL_DOUBT_NAME);
    STATE(FIELD("gr\xc3\xb6\xc3\x9f"
                "e",
                "1") CLOSE,
          "user", RL_FIELD_ABSENT, 0);
    STATE(FIELD("", "1") CLOSE, "user", RL_FIELD_ABSENT, 0);
}

static void test_twin_names_make_doubt(void **state)
{
    (void)state;
    STATE(FIELD("User", "1") CLOSE, "user", RL_FIELD_ABSENT, RL_DOUBT_NAME);
    STATE(FIELD("user", "1") FIELD(" user", "2") CLOSE, "user", RL_FIELD_ONE, RL_DOUBT_NAME);
    STATE(FIELD("user", "1") FIELD("user[x]", "2") CLOSE, "user", RL_FIELD_ONE, RL_DOUBT_NAME);
    STATE(FIELD("us.er", "2") FIELD("us_er", "1") CLOSE, "us_er", RL_FIELD_ONE, RL_DOUBT_NAME);
}

static void test_files(void **state)
{
    (void)state;
#define FILE_PART(rest) PART(NAMED("user") rest, "2")
    STATE(FILE_PART("; filename=x") CLOSE, "user", RL_FIELD_ABSENT, RL_DOUBT_FILE);
    STATE(FILE_PART("; filename=\"\"") CLOSE, "user", RL_FIELD_ABSENT, RL_DOUBT_FILE);
    STATE(FILE_PART("; filename*=UTF-8''x") CLOSE, "user", RL_FIELD_ABSENT, RL_DOUBT_FILE);
    STATE(FIELD("user", "1") FILE_PART("; filename=x") CLOSE, "user", RL_FIELD_ONE,
          RL_DOUBT_FILE);
    STATE(PART("Content-Disposition: form-data; filename=x; name=user", "2") CLOSE, "user",
          RL_FIELD_ABSENT, RL_DOUBT_FILE);
    /* Other fields' files are none of our business, whatever they hold. */
    VALUE(PART(NAMED("pic") "; filename=\"C:\\dir\\a.png\"; filename*=UTF-8''x", "\0\r\n--\n")
              FIELD("user", "1") CLOSE,
          "user", "1");
    VALUE(PART(NAMED("pic") "; filename=\"a\\\"b;c\\\\d\"", "") FIELD("user", "1") CLOSE,
          "user", "1");
}

static void test_encoded_parts(void **state)
{
    (void)state;
#define WITH_HEADER(header) PART(NAMED("user") "\r\n" header, "Ym9i") CLOSE
    STATE(WITH_HEADER("Content-Type: text/plain; charset=utf-16"), "user", RL_FIELD_ABSENT,
          RL_DOUBT_ENCODING);
    STATE(WITH_HEADER("Content-Type: text/plain; charset"), "user", RL_FIELD_ABSENT,
          RL_DOUBT_ENCODING);
    STATE(WITH_HEADER("Content-Type: application/json"), "user", RL_FIELD_ABSENT,
          RL_DOUBT_ENCODING);
    STATE(FIELD("user", "1") WITH_HEADER("Content-Type: text/html"), "user", RL_FIELD_ONE,
          RL_DOUBT_ENCODING);
    STATE(WITH_HEADER("Content-Type: text/plain; charset=iso-8859-1"), "user", RL_FIELD_ABSENT,
          RL_DOUBT_ENCODING);
    STATE(WITH_HEADER("Content-Type: text/plain; format=flowed"), "user", RL_FIELD_ABSENT,
          RL_DOUBT_ENCODING);
    VALUE(PART(NAMED("a") "\r\nContent-Type: text/plain; charset=utf-16", "") FIELD("user", "1")
              CLOSE,
          "user", "1");
}

static const char *const malformed_headers[] = {
    "X-Y: z", /* no Content-Disposition: Rack takes Content-ID for the name */
    "Content-Disposition: form-data",
    "Content-Disposition: form-data; filename=x",
    "Content-Disposition: attachment; name=user", /* PHP doesn't mind */
    "Content-Disposition: form-data2; name=user",
    "Content-Disposition: form-data name=user",
    "Content-Disposition: form-data, x; name=user",
    "Content-Disposition:form-data; name=user",
    "Content-Disposition : form-data; name=user",
    "Content-Disposition",
    ": form-data; name=user",
    " Content-Disposition: form-data; name=user",
    "X: \r\nContent-Disposition: form-data; name=user",
    "X:Content-Disposition: form-data; name=user\r\n" NAMED("x"),
    NAMED("user") "\r\n folded: x",
    NAMED("user") "\r\n\tfolded",
    NAMED("user") "\nX: y",
    NAMED("user") "\rX: y",
    NAMED("us\x01") "er",
    NAMED("user") "\r\nX-Y: z", /* Mojolicious heeds Transfer-Encoding, Rack Content-ID */
    NAMED("user") "\r\nTransfer-Encoding: chunked",
    NAMED("user") "\r\nContent-Transfer-Encoding: 8bit",
    NAMED("user") "\r\nContent-Length: 1",
    "Content-Disposition: FORM-DATA; name=user",
    "Content-Disposition: form-data; Name=user",
    "Content-Disposition: form-data;name=user",
    "Content-Disposition: form-data;  name=user",
    "Content-Disposition: form-data ; name=user",
    "Content-Disposition: form-data; name=user;",
    "Content-Disposition: form-data; name=user ",
    "Content-Disposition: form-data; ; name=user",
    "Content-Disposition: form-data; x=y; name=user",
    NAMED("user") "; FileName=x",
    NAMED("user") "\r\n" NAMED("user"),
    NAMED("user") "\r\n" NAMED("x"),
    NAMED("user") "\r\nContent-Type: text/plain\r\nContent-Type: text/plain",
    NAMED("user") "; name=user",
    NAMED("user") "; filename=x; filename=y",
    NAMED("x") "; name*=UTF-8''user",
    NAMED("x") "; name*0=user",
    NAMED("x") "; filename*=UTF-8'; y=z'",
    NAMED("us er"),
    NAMED("'user'"), /* quotation marks to PHP */
    NAMED("\"user"),
    NAMED("\"us\"er"),
    NAMED("\"user\" x"),
    NAMED("\"us\\er\""),
    NAMED("\"user\\"),
    NAMED("\"user\\\""),
    NAMED("\"us\\\\\""),
    NAMED("\"=?UTF-8?Q?user?=\""),
    NAMED("x") "; y=\"; name=user\"",
    NAMED("x") "; filename=\"\\\\\"; z=\"\"",
    NAMED("user =x"),
    NAMED(" user"),
    NAMED("x") "; y",
    NAMED("x") "; y=",
    NAMED("x") "\r\nContent-Type: multipart/mixed; boundary=y",
};

static void test_malformed_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(malformed_headers) / sizeof(*malformed_headers); i++) {
        char input[512];
        const int len = snprintf(input, sizeof(input),
                                 FIELD("user", "1") "--AaB03x\r\n%s\r\n\r\n2"
                                                    "\r\n" CLOSE,
                                 malformed_headers[i]);
        assert_malformed(input, (size_t)len);
    }
    HEADERS_MALFORMED("Content-Disposition: form-data; name=\"user\0x\"");
    HEADERS_MALFORMED("Content-Disposition: form-data; name=\"user;\"");
    HEADERS_MALFORMED("\0");
}

static void test_limit_of_headers(void **state)
{
    (void)state;
    char input[16384];
    static const char file[] = "; filename=";
    const int head = (int)sizeof(NAMED("x")) - 1 + (int)sizeof(file) - 1;
    for (int pad = RL_PART_LINE_MAX - head; pad <= RL_PART_LINE_MAX - head + 1; pad++) {
        const int len =
            snprintf(input, sizeof(input),
                     FIELD("user", "1") "--AaB03x\r\n" NAMED("x") "%s%0*d"
                                                                  "\r\n\r\n\r\n" CLOSE,
                     file, pad, 0);
        const bool fits = pad + head <= RL_PART_LINE_MAX;
        assert_field(input, (size_t)len, "user", RL_FIELD_ONE,
                     fits ? 0 : RL_DOUBT_MALFORMED | 0u);
    }
}

static void test_delimiter_in_the_wrong_place(void **state)
{
    (void)state;
    MALFORMED(FIELD("user", "bob--AaB03x") CLOSE);   /* CGI.pm ends the value there */
    MALFORMED(FIELD("user", "bob\n--AaB03x") CLOSE); /* many do */
    MALFORMED(FIELD("user", "bob\r--AaB03x") CLOSE);
    MALFORMED(FIELD("user", "bob\r\n--AaB03xyz") CLOSE);
    MALFORMED(FIELD("user", "bob\r\n--AaB03x-") CLOSE);
    MALFORMED(FIELD("user", "bob\r\n--AaB03x\n") CLOSE);
    MALFORMED(FIELD("user", "bob\r\n--AaB03x\rx") CLOSE);
    MALFORMED(FIELD("user", "bob\r\n--AaB03x--x") CLOSE);
    MALFORMED(FIELD("user", "bob\r\n--AaB03x--\n") CLOSE);
    MALFORMED(FIELD("user", "bob\r\n--AaB03x--\rx") CLOSE);
    MALFORMED(" " FIELD("user", "bob") CLOSE);
    MALFORMED("x\n" FIELD("user", "bob") CLOSE);
    MALFORMED("--AaB03x\r\n--AaB03x\r\n" NAMED("user") "\r\n\r\n1\r\n" CLOSE);
    MALFORMED("--AaB03x\r\n" NAMED("user") "\r\n\r\n--AaB03x--\r\n"); /* no CRLF of its own */
    MALFORMED(PART(NAMED("user") "\r\nX: --AaB03x", "bob") CLOSE);
    /* PHP reads on behind the closing delimiter. */
    MALFORMED(FIELD("user", "bob") CLOSE FIELD("user", "eve") CLOSE);
    MALFORMED(FIELD("user", "bob") CLOSE "x--AaB03x");
    MALFORMED(FIELD("user", "bob") CLOSE CLOSE);
}

static void test_boundary_without_dashes(void **state)
{
    (void)state;
    STATE(FIELD("user", "AaB03x") CLOSE, "user", RL_FIELD_ONE, RL_DOUBT_BOUNDARY);
    STATE(FIELD("user", "1") FIELD("x", "-AaB03x") CLOSE, "user", RL_FIELD_ONE,
          RL_DOUBT_BOUNDARY);
    STATE(PART(NAMED("user") "; filename=AaB03x", "1") CLOSE, "user", RL_FIELD_ABSENT,
          RL_DOUBT_BOUNDARY | RL_DOUBT_FILE);
}

static void test_body_without_its_end(void **state)
{
    (void)state;
    static const char input[] = FIELD("user", "bob") "--AaB03x--";
    for (size_t len = 0; len < sizeof(input) - 1; len++) {
        answer_t answer;
        read_cut(&answer, "user", "AaB03x", input, len, NULL, 0);
        assert_int_equal(answer.field.doubts, RL_DOUBT_CUT);
    }
    STATE("user=bob", "user", RL_FIELD_ABSENT, RL_DOUBT_MALFORMED);

    /* Closed, but not looked at to its end. */
    char value[16];
    rl_form_field_t field = {.name = "user", .name_len = 4, .value = value, .value_cap = 16};
    rl_multipart_t parser;
    const rl_part_terms_t terms = {&field, 1, "utf-8"};
    assert_true(rl_multipart_init(&parser, "AaB03x", 6, &terms));
    assert_true(rl_multipart_feed(&parser, BYTES(input)));
    rl_multipart_finish(&parser, false);
    assert_int_equal(field.state, RL_FIELD_ONE);
    assert_int_equal(field.doubts, RL_DOUBT_CUT);
}

static void test_feed_tells_when_it_is_over(void **state)
{
    (void)state;
    rl_multipart_t parser;
    const rl_part_terms_t none = {NULL, 0, "utf-8"};
    assert_true(rl_multipart_init(&parser, "AaB03x", 6, &none));
    assert_true(rl_multipart_feed(&parser, BYTES("--AaB03")));
    assert_false(rl_multipart_feed(&parser, BYTES("x!")));
    assert_false(rl_multipart_feed(&parser, BYTES("\r\n")));
    rl_multipart_finish(&parser, true);
}

static void test_limits_of_init(void **state)
{
    (void)state;
    char boundary[RL_BOUNDARY_MAX + 1];
    memset(boundary, 'x', sizeof(boundary));
    rl_form_field_t field = {.name = "a"};
    rl_multipart_t parser;
    const rl_part_terms_t none = {NULL, 0, "utf-8"};
    const rl_part_terms_t nameless = {&field, 1, "utf-8"};
    assert_false(rl_multipart_init(&parser, boundary, 0, &none));
    assert_false(rl_multipart_init(&parser, boundary, RL_BOUNDARY_MAX + 1, &none));
    assert_true(rl_multipart_init(&parser, boundary, RL_BOUNDARY_MAX, &none));
    assert_false(rl_multipart_init(&parser, boundary, 1, &nameless));
}

/* Inputs in which every kind of state is open at some cut. */
static const struct {
    const char *bytes;
    size_t len;
} inputs[] = {
    {BYTES(FIELD("user", "bob") CLOSE "\r\n")},
    {BYTES("-" FIELD("user", "bob") CLOSE "epilogue\r\n")},
    {BYTES(FIELD("user", "bob") CLOSE "\r\nepilogue\r\n")},
    {BYTES(FIELD("x", "\r\n-\r--AaB\r\n") FIELD("user", "\r\n--AaB03-\r\n--\r\r\n") CLOSE)},
    {BYTES("--AaB03x\r\n" NAMED("\"us%22er\"; filename=\"C:\\x\\\"\"") "\r\n\r\n\r\n" CLOSE)},
    {BYTES(FIELD("user", "1") FIELD("user", "1") PART(NAMED("user") "; filename=x", "2")
               CLOSE)},
    {BYTES(FIELD("user", "1") FIELD("user", "12") CLOSE "\r\n--AaB03x--")},
    {BYTES(FIELD("user", "0123456789abcdefg") FIELD("User", "AaB03x") "--AaB03x--\r")},
    {BYTES(FIELD("user", "1\0")
               PART(NAMED("user") "\r\nContent-Type: x", "AaB03x\r") "--AaB0")},
    {BYTES(FIELD("user", "bob") "--AaB03x\r\nX: y\r\nY : z\r\n\r\n")},
};

static void assert_same(const answer_t *a, const answer_t *b, const char *input, size_t cut)
{
    if (a->field.state != b->field.state || a->field.doubts != b->field.doubts ||
        a->field.value_len != b->field.value_len ||
        memcmp(a->value, b->value, a->field.value_len) != 0) {
        fail_msg("%s differs when cut at %zu", input, cut);
    }
}

static void test_cut_in_two_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++) {
        const char *const input = inputs[i].bytes;
        answer_t whole, cut;
        read_cut(&whole, "user", "AaB03x", input, inputs[i].len, NULL, 0);
        for (size_t at = 0; at <= inputs[i].len; at++) {
            read_cut(&cut, "user", "AaB03x", input, inputs[i].len, &at, 1);
            assert_same(&whole, &cut, input, at);
        }
    }
}

/* A value as a reader sees it that has everything at once, to hold the search against: between
 * the empty line and the first CRLF of a delimiter. */
static void assert_value_is(const answer_t *answer, const char *value, size_t len)
{
    if ((answer->field.doubts & RL_DOUBT_MALFORMED) != 0) {
        return;
    }
    if (answer->field.doubts == 0) {
        assert_int_equal(answer->field.state, len <= 16 ? RL_FIELD_ONE : RL_FIELD_TOO_LONG);
    }
    if (answer->field.state == RL_FIELD_ONE) {
        assert_int_equal(answer->field.value_len, len);
        assert_memory_equal(answer->value, value, len);
    }
}

static void test_random_values_in_random_pieces(void **state)
{
    (void)state;
    static const char head[] = "---a-a\r\nContent-Disposition: form-data; name=u\r\n\r\n";
    static const char tail[] = "\r\n---a-a--\r\n";
    uint64_t seed = 1;
    unsigned sure = 0;
    for (int round = 0; round < 20000; round++) {
        char input[128];
        size_t len = sizeof(head) - 1;
        memcpy(input, head, len);
        const size_t value_len = (size_t)random_below(&seed, 20);
        for (size_t i = 0; i < value_len; i++) {
            input[len++] = "\r\n--a-"[random_below(&seed, 6)];
        }
        memcpy(input + len, tail, sizeof(tail) - 1);
        len += sizeof(tail) - 1;
        size_t cuts[8];
        size_t from = 0;
        for (size_t i = 0; i < 8; i++) {
            from += (size_t)random_below(&seed, (len - from + 1) / 2 + 1);
            cuts[i] = from;
        }
        answer_t whole, cut;
        read_cut(&whole, "u", "-a-a", input, len, NULL, 0);
        read_cut(&cut, "u", "-a-a", input, len, cuts, 8);
        assert_same(&whole, &cut, "random value", (size_t)round);
        assert_value_is(&whole, input + sizeof(head) - 1, value_len);
        sure += rl_form_field_sure(&whole.field, 0);
    }
    assert_in_range(sure, 5000, 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_browsers_send_it),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_boundaries_that_repeat_themselves),
        cmocka_unit_test(test_nothing_stands_around_delimiters),
        cmocka_unit_test(test_headers_that_mean_the_same),
        cmocka_unit_test(test_a_charset_field_makes_doubt),
        cmocka_unit_test(test_many_parts_make_doubt),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_twin_names_make_doubt),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_encoded_parts),
        cmocka_unit_test(test_malformed_headers),
        cmocka_unit_test(test_limit_of_headers),
        cmocka_unit_test(test_delimiter_in_the_wrong_place),
        cmocka_unit_test(test_boundary_without_dashes),
        cmocka_unit_test(test_body_without_its_end),
        cmocka_unit_test(test_feed_tells_when_it_is_over),
        cmocka_unit_test(test_limits_of_init),
        cmocka_unit_test(test_cut_in_two_anywhere),
        cmocka_unit_test(test_random_values_in_random_pieces),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
