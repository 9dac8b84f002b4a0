/* SPDX-License-Identifier: Apache-2.0 */
/* application/x-www-form-urlencoded: the value of a wanted field, and when there is none. */
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

typedef struct answer {
    rl_form_field_t field;
    char value[16];
} answer_t;

/* Reads input in pieces that end at the given ascending cuts. */
static void read_cut(answer_t *answer, const char *name, const char *input, size_t len,
                     const size_t *cuts, size_t ncuts)
{
    *answer = (answer_t){.field = {.name = name, .name_len = strlen(name), .value_cap = 16}};
    answer->field.value = answer->value;
    rl_urlencoded_t parser;
    assert_true(rl_urlencoded_init(&parser, &answer->field, 1));
    size_t from = 0;
    for (size_t i = 0; i < ncuts; i++) {
        rl_urlencoded_feed(&parser, input + from, cuts[i] - from);
        from = cuts[i];
    }
    rl_urlencoded_feed(&parser, input + from, len - from);
    rl_urlencoded_finish(&parser, true);
}

static void assert_value(const char *input, size_t len, const char *name, const char *value,
                         size_t value_len, unsigned doubts)
{
    answer_t answer;
    read_cut(&answer, name, input, len, NULL, 0);
    if (answer.field.state != RL_FIELD_ONE || answer.field.doubts != doubts) {
        fail_msg("%s: state %d, doubts %x", input, (int)answer.field.state,
                 answer.field.doubts);
    }
    if (answer.field.value_len != value_len || memcmp(answer.value, value, value_len) != 0) {
        fail_msg("%s: %.*s", input, (int)answer.field.value_len, answer.value);
    }
}

static void assert_state(const char *input, size_t len, const char *name,
                         rl_field_state_e state, unsigned doubts)
{
    answer_t answer;
    read_cut(&answer, name, input, len, NULL, 0);
    if (answer.field.state != state || answer.field.doubts != doubts) {
        fail_msg("%s: state %d, doubts %x", input, (int)answer.field.state,
                 answer.field.doubts);
    }
}

#define VALUE(input, name, value)          assert_value(BYTES(input), name, BYTES(value), 0)
#define DOUBT(input, name, value, doubts)  assert_value(BYTES(input), name, BYTES(value), doubts)
#define STATE(input, name, state)          assert_state(BYTES(input), name, state, 0)
#define STATE_DOUBT(input, name, state, d) assert_state(BYTES(input), name, state, d)

/* What https://url.spec.whatwg.org/#urlencoded-parsing says, and the facts that its tests in
 * web-platform-tests (url/urlencoded-parser.any.js) look at. */
static void test_standard(void **state)
{
    (void)state;
    VALUE("test", "test", "");
    VALUE("test=", "test", "");
    VALUE("a=b", "a", "b");
    VALUE("a=b&c=d", "c", "d");
    VALUE("&a=b", "a", "b");
    VALUE("a=b&", "a", "b");
    VALUE("&&&a=b&&&&c=d&", "c", "d");
    VALUE("a&b&c", "b", "");
    VALUE("a+a=1", "a a", "1");
    VALUE("a=+b+", "a", " b ");
    VALUE("a=%20b%2B", "a", " b+");
    VALUE("a%3Db=c", "a=b", "c");
    VALUE("us%65r=bob", "user", "bob");
    VALUE("%75%73%65%72=%62%6F%6f", "user", "boo");
    VALUE("b=%2a", "b", "*");
    VALUE("id=0&value=%", "id", "0");
    VALUE("a=%26%3D%3B%25", "a", "&=;%");
    VALUE("a=%c2%a3", "a", "\xc2\xa3");
    VALUE("a=\xff\xfe", "a", "\xff\xfe");
    VALUE("\xef\xbb\xbftest=\xef\xbb\xbf", "\xef\xbb\xbftest", "\xef\xbb\xbf");
    VALUE("a=x\r\n", "a", "x\r\n");
}

static void test_absent(void **state)
{
    (void)state;
    STATE("", "a", RL_FIELD_ABSENT);
    STATE("&", "a", RL_FIELD_ABSENT);
    STATE("=", "a", RL_FIELD_ABSENT);
    STATE("=a", "a", RL_FIELD_ABSENT);
    STATE("=a&b=a", "a", RL_FIELD_ABSENT);
    STATE("us%3Der=x", "us", RL_FIELD_ABSENT);
    STATE("users=x&use=x", "user", RL_FIELD_ABSENT);
    STATE("?a=x", "a", RL_FIELD_ABSENT);
}

static void test_malformed_escapes_stand_for_themselves(void **state)
{
    (void)state;
    VALUE("a=100%", "a", "100%");
    VALUE("a=%4", "a", "%4");
    VALUE("a=%4&b", "a", "%4");
    VALUE("a=%zz", "a", "%zz");
    VALUE("a=%%41", "a", "%A");
    VALUE("a=%4%41", "a", "%4A");
    VALUE("a=%+1", "a", "% 1");
    VALUE("a=%4+1", "a", "%4 1");
    /* But for what CGI.pm takes for a letter, or any name with one. */
    DOUBT("a=%u0041", "a", "%u0041", RL_DOUBT_ESCAPE);
    DOUBT("a%=1", "a%", "1", RL_DOUBT_ESCAPE);
    DOUBT("a%4=1", "a%4", "1", RL_DOUBT_ESCAPE);
    DOUBT("a%4", "a%4", "", RL_DOUBT_ESCAPE);
    /* CGI.pm reads the first name as `a`; another reader makes any letter out of %5Q. */
    DOUBT("%u0061=x&a=1", "a", "1", RL_DOUBT_ESCAPE);
    DOUBT("a=1&%5Q=x", "a", "1", RL_DOUBT_ESCAPE);
    /* Values of other fields are nobody's business. */
    VALUE("b=100%&a=1&c=%", "a", "1");
}

static void test_repeated(void **state)
{
    (void)state;
    VALUE("a=1&a=1", "a", "1");
    VALUE("a=1&b=2&a=%31", "a", "1");
    VALUE("a&a=", "a", "");
    STATE("a=1&a=2", "a", RL_FIELD_CONFLICT);
    STATE("a=1&a=", "a", RL_FIELD_CONFLICT);
    STATE("a=1&a", "a", RL_FIELD_CONFLICT);
    STATE("a=&a=1", "a", RL_FIELD_CONFLICT);
    STATE("a=1&a=12", "a", RL_FIELD_CONFLICT);
    STATE("a=12&a=1", "a", RL_FIELD_CONFLICT);
    STATE("a=1&a=2&a=1", "a", RL_FIELD_CONFLICT);
    STATE("a=1&a=1&a=2", "a", RL_FIELD_CONFLICT);
}

static void test_too_long(void **state)
{
    (void)state;
    VALUE("a=0123456789abcdef", "a", "0123456789abcdef");
    VALUE("a=0123456789abcde%66", "a", "0123456789abcdef");
    STATE("a=0123456789abcdefg", "a", RL_FIELD_TOO_LONG);
    STATE("a=0123456789abcde%66%67", "a", RL_FIELD_TOO_LONG);
    STATE("a=0123456789abcdefg&a=1", "a", RL_FIELD_TOO_LONG);
    STATE("a=1&a=0123456789abcdefg", "a", RL_FIELD_CONFLICT);
}

static void test_any_byte_in_values(void **state)
{
    (void)state;
    DOUBT("a=1%002", "a", "1\0002", RL_DOUBT_NUL);
    DOUBT("a=%00", "a", "\0", RL_DOUBT_NUL);
    DOUBT("a=1\0002", "a", "1\0002", RL_DOUBT_NUL);
    VALUE("b=%00\0&a=1", "a", "1");
    STATE_DOUBT("a=1%00&a=1%002", "a", RL_FIELD_CONFLICT, RL_DOUBT_NUL);
}

/* Names that PHP, ASP.NET, Rack, qs or a C program file under `us_er`. */
static void test_twin_names_make_doubt(void **state)
{
    (void)state;
    const char *const twins[] = {"+us_er",      "us.er",   "us+er",     "us[er",   "us%5Ber",
                                 "US_ER",       "us_eR",   "us_er%00x", "us_er[]", "us_er[a]=2",
                                 "%20+us%20er", "[us_er]", "us_er]",    "%09us_er"};
    for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++) {
        char input[64];
        const int len = snprintf(input, sizeof(input), "us_er=1&%s=2", twins[i]);
        answer_t answer;
        read_cut(&answer, "us_er", input, (size_t)len, NULL, 0);
        if (answer.field.state != RL_FIELD_ONE || answer.field.doubts != RL_DOUBT_NAME) {
            fail_msg("%s: doubts %x", input, answer.field.doubts);
        }
    }
    STATE_DOUBT("Us+er", "us_er", RL_FIELD_ABSENT, RL_DOUBT_NAME);
    /* And the other way round, when the form itself says `us.er`. */
    DOUBT("us_er=1&us.er=2", "us.er", "2", RL_DOUBT_NAME);
}

static void test_other_names_make_no_doubt(void **state)
{
    (void)state;
    VALUE("user=1&user2=2&use=3&user_name=4&my_user=5&user-=6&user.x=7&=8", "user", "1");
    VALUE("u[email]=1&u[name]=2&u[email_again]=3&u[]=4&u=5", "u[email]", "1");
}

static void test_semicolons(void **state)
{
    (void)state;
    DOUBT("a=1;x", "a", "1;x", RL_DOUBT_SEPARATOR);
    DOUBT("a=1;a=2", "a", "1;a=2", RL_DOUBT_SEPARATOR | RL_DOUBT_EQUALS);
    DOUBT("x=1;a=2&a=3", "a", "3", RL_DOUBT_SEPARATOR);
    DOUBT("a=3&x=1;a=2", "a", "3", RL_DOUBT_SEPARATOR);
    DOUBT("a=3&x=1;A", "a", "3", RL_DOUBT_SEPARATOR);
    DOUBT("a=3&x=1;%61;", "a", "3", RL_DOUBT_SEPARATOR);
    DOUBT("a;x=1&a=3", "a", "3", RL_DOUBT_SEPARATOR);
    DOUBT("a=3&;a", "a", "3", RL_DOUBT_SEPARATOR);
    DOUBT("a;b=3", "a;b", "3", RL_DOUBT_SEPARATOR);
    STATE_DOUBT("x;a=2", "a", RL_FIELD_ABSENT, RL_DOUBT_SEPARATOR);
    DOUBT("a=3&x=1;%zz", "a", "3", RL_DOUBT_ESCAPE);
    VALUE("a=1&x=2;y=3;;&z;=4;4=%zz", "a", "1");
    VALUE("a%3bb=1%3b2", "a;b", "1;2");
}

static void test_second_equals_sign(void **state)
{
    (void)state;
    DOUBT("a=1=2", "a", "1=2", RL_DOUBT_EQUALS);
    DOUBT("a==", "a", "=", RL_DOUBT_EQUALS);
    VALUE("b==&a=1", "a", "1");
}

static void test_several_fields(void **state)
{
    (void)state;
    char values[3][8];
    rl_form_field_t fields[3] = {
        {.name = "a", .name_len = 1, .value = values[0], .value_cap = 8},
        {.name = "ab", .name_len = 2, .value = values[1], .value_cap = 8},
        {.name = "a", .name_len = 1, .value = values[2], .value_cap = 1},
    };
    rl_urlencoded_t parser;
    assert_true(rl_urlencoded_init(&parser, fields, 3));
    rl_urlencoded_feed(&parser, BYTES("a=12&ab=34"));
    rl_urlencoded_finish(&parser, true);
    assert_true(rl_form_field_sure(&fields[0], 0));
    assert_true(rl_form_field_sure(&fields[1], 0));
    assert_memory_equal(values[0], "12", 2);
    assert_memory_equal(values[1], "34", 2);
    assert_int_equal(fields[2].state, RL_FIELD_TOO_LONG);
    assert_false(rl_form_field_sure(&fields[2], 0));

    /* The parser and its fields serve again. */
    assert_true(rl_urlencoded_init(&parser, fields, 3));
    rl_urlencoded_finish(&parser, true);
    assert_int_equal(fields[0].state, RL_FIELD_ABSENT);
    assert_int_equal(fields[2].state, RL_FIELD_ABSENT);
}

static void test_cut_body_has_no_sure_value(void **state)
{
    (void)state;
    char value[8];
    rl_form_field_t field = {.name = "a", .name_len = 1, .value = value, .value_cap = 8};
    rl_urlencoded_t parser;
    assert_true(rl_urlencoded_init(&parser, &field, 1));
    rl_urlencoded_feed(&parser, BYTES("a=1&b=2"));
    rl_urlencoded_finish(&parser, false);
    assert_int_equal(field.state, RL_FIELD_ONE);
    assert_int_equal(field.doubts, RL_DOUBT_CUT);
    assert_false(rl_form_field_sure(&field, 0));
    assert_true(rl_form_field_sure(&field, RL_DOUBT_CUT));
}

static void test_limits_of_init(void **state)
{
    (void)state;
    rl_form_field_t fields[RL_FORM_FIELDS_MAX + 1];
    for (size_t i = 0; i < RL_FORM_FIELDS_MAX + 1; i++) {
        fields[i] = (rl_form_field_t){.name = "a", .name_len = 1};
    }
    rl_urlencoded_t parser;
    assert_false(rl_urlencoded_init(&parser, fields, RL_FORM_FIELDS_MAX + 1));
    assert_true(rl_urlencoded_init(&parser, fields, RL_FORM_FIELDS_MAX));
    rl_urlencoded_feed(&parser, BYTES("a"));
    rl_urlencoded_finish(&parser, true);
    assert_true(rl_form_field_sure(&fields[RL_FORM_FIELDS_MAX - 1], 0));
    assert_true(rl_urlencoded_init(&parser, NULL, 0));
    rl_urlencoded_feed(&parser, BYTES("a=1;b"));
    rl_urlencoded_finish(&parser, true);
    fields[0].name_len = 0;
    assert_false(rl_urlencoded_init(&parser, fields, 1));
}

/* Inputs in which every kind of state is open at some cut. */
static const struct {
    const char *bytes;
    size_t len;
} inputs[] = {
    {BYTES("user=bob&password=secret")},
    {BYTES("x=%&us%65r=b%6Fb&user=bob&%zz=%z%4")},
    {BYTES("x=1;user=bob;+user;us%65r[x]&user=%u0062%")},
    {BYTES("user=12345678901234567&&user=%00%0")},
    {BYTES("user=abc&user=abd&User=abc&=&user")},
    {BYTES("user=a=b;c+d%2&;=;&;user")},
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
        answer_t whole, cut;
        read_cut(&whole, "user", inputs[i].bytes, inputs[i].len, NULL, 0);
        for (size_t at = 0; at <= inputs[i].len; at++) {
            read_cut(&cut, "user", inputs[i].bytes, inputs[i].len, &at, 1);
            assert_same(&whole, &cut, inputs[i].bytes, at);
        }
    }
}

static void test_random_input_in_random_pieces(void **state)
{
    (void)state;
    static const char alphabet[] = "uuser==&&;;%%%67+[ .\0U52z";
    uint64_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char input[64];
        const size_t len = random_below(&seed, sizeof(input));
        for (size_t i = 0; i < len; i++) {
            input[i] = alphabet[random_below(&seed, sizeof(alphabet) - 1)];
        }
        size_t cuts[8];
        size_t from = 0;
        for (size_t i = 0; i < 8; i++) {
            from += random_below(&seed, (len - from + 1) / 2 + 1);
            cuts[i] = from;
        }
        answer_t whole, cut;
        read_cut(&whole, "us", input, len, NULL, 0);
        read_cut(&cut, "us", input, len, cuts, 8);
        assert_same(&whole, &cut, "random input", (size_t)round);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_malformed_escapes_stand_for_themselves),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_any_byte_in_values),
        cmocka_unit_test(test_twin_names_make_doubt),
        cmocka_unit_test(test_other_names_make_no_doubt),
        cmocka_unit_test(test_semicolons),
        cmocka_unit_test(test_second_equals_sign),
        cmocka_unit_test(test_several_fields),
        cmocka_unit_test(test_cut_body_has_no_sure_value),
        cmocka_unit_test(test_limits_of_init),
        cmocka_unit_test(test_cut_in_two_anywhere),
        cmocka_unit_test(test_random_input_in_random_pieces),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
