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
    VALUE("id=0&value=%25", "id", "0");
    VALUE("a=%26%3D%3B%25", "a", "&=;%");
    VALUE("a=%c2%a3", "a", "\xc2\xa3");
    VALUE("a=%ff%fe", "a", "\xff\xfe");
    VALUE("%ef%bb%bftest=%ef%bb%bf", "\xef\xbb\xbftest", "\xef\xbb\xbf");
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
    STATE_DOUBT("?a=x", "a", RL_FIELD_ABSENT, RL_DOUBT_NAME);
}

/* As browsers and the libraries of scripts write forms. */
static void test_as_clients_send_it(void **state)
{
    (void)state;
    VALUE("user=J%C3%B6rg+M%C3%BCller&x=%F0%9F%8D%A3%0D%0A", "x", "\xf0\x9f\x8d\xa3\r\n");
    VALUE("user=%D9%85%D8%AD", "user", "\xd9\x85\xd8\xad");
    VALUE("x=%26%23x%3B%3Cb%3E&user=bob&remember=on&utf8=%E2%9C%93", "user", "bob");
    VALUE("user[name]=a:b$,c/~*-._@d!'()&user[email]=bob%40x.org", "user[email]", "bob@x.org");
    VALUE("user%5Bemail%5D=bob&user%5Bpassword%5D=x&user%5Bremember_me%5D=0&commit=Log+in",
          "user[email]", "bob");
    VALUE("token=abc%3D%3D&user=bob&next=/a?b=c", "user", "bob");
}

/* To the standard they stand for themselves; to CGI.pm, mod_auth_form and old programs in C
 * they are letters; others refuse the whole body. */
static void test_malformed_escapes_make_doubt(void **state)
{
    (void)state;
    DOUBT("a=100%", "a", "100%", RL_DOUBT_ESCAPE);
    DOUBT("a=%4", "a", "%4", RL_DOUBT_ESCAPE);
    DOUBT("a=%4&b", "a", "%4", RL_DOUBT_ESCAPE);
    DOUBT("a=%m1", "a", "%m1", RL_DOUBT_ESCAPE);
    DOUBT("a=%eA", "a", "\xea", RL_DOUBT_ESCAPE);
    DOUBT("a=%Ea", "a", "\xea", RL_DOUBT_ESCAPE);
    DOUBT("%4a=1&%aA=2", "J", "1", RL_DOUBT_ESCAPE);
    VALUE("a=%4a%4A%ea%EA", "a", "JJ\xea\xea");
    DOUBT("?a=1&a=1", "a", "1", RL_DOUBT_NAME);
    DOUBT("?&a=1", "a", "1", RL_DOUBT_NAME);
    VALUE("a=?&?=1", "a", "?");
    VALUE("%3F=1&a=2", "a", "2");
    DOUBT("a=%%41", "a", "%A", RL_DOUBT_ESCAPE);
    DOUBT("a=%4%41", "a", "%4A", RL_DOUBT_ESCAPE);
    DOUBT("a=%+1", "a", "% 1", RL_DOUBT_ESCAPE);
    DOUBT("a=%4+1", "a", "%4 1", RL_DOUBT_ESCAPE);
    DOUBT("a=%u0041", "a", "%u0041", RL_DOUBT_ESCAPE);
    DOUBT("a%=1", "a%", "1", RL_DOUBT_ESCAPE);
    DOUBT("a%4", "a%4", "", RL_DOUBT_ESCAPE);
    DOUBT("%u0061=x&a=1", "a", "1", RL_DOUBT_ESCAPE);
    DOUBT("a=1&%5Q=x", "a", "1", RL_DOUBT_ESCAPE);
    DOUBT("b=100%&a=1", "a", "1", RL_DOUBT_ELSEWHERE);
    DOUBT("a=1&c=%", "a", "1", RL_DOUBT_ELSEWHERE);
    DOUBT("a=1&c=0123456789%zz", "a", "1", RL_DOUBT_ELSEWHERE);
    STATE_DOUBT("b=%G0", "a", RL_FIELD_ABSENT, RL_DOUBT_ELSEWHERE);
}

/* Programs that look at the body first would read victim. */
static void test_what_json_and_xml_need_makes_doubt(void **state)
{
    (void)state;
    DOUBT("{\"user\":\"victim\",\"x\":\"&user=bob&\"}", "user", "bob", RL_DOUBT_TYPE);
    DOUBT("<u><user>victim</user><x>&user=bob&</x></u>", "user", "bob", RL_DOUBT_TYPE);
    DOUBT("user=bob&x=\"", "user", "bob", RL_DOUBT_TYPE);
    DOUBT("user=bob&x=%\"", "user", "bob", RL_DOUBT_TYPE | RL_DOUBT_ELSEWHERE);
    DOUBT("user=bob\"", "user", "bob\"", RL_DOUBT_TYPE);
    STATE_DOUBT("{\"user\":\"victim\"}", "user", RL_FIELD_ABSENT, RL_DOUBT_TYPE);
    VALUE("x=%7B%22a%22:%3C&user=bob", "user", "bob");
}

/* formidable drops the high bit: \xf5 is u. Express drops a byte order mark. */
static void test_raw_bytes_beyond_ascii_make_doubt(void **state)
{
    (void)state;
    DOUBT("a=\xff\xfe", "a", "\xff\xfe", RL_DOUBT_RAW);
    DOUBT("\xf5ser=eve&user=bob", "user", "bob", RL_DOUBT_RAW);
    DOUBT("user=bob&b=\x80", "user", "bob", RL_DOUBT_ELSEWHERE);
    DOUBT("\xef\xbb\xbf"
          "x=eve&user=bob",
          "user", "bob", RL_DOUBT_RAW);
    static const char digits[] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    for (size_t at = 0; at < 200; at++) {
        char input[300];
        snprintf(input, sizeof(input), "a=1&b=%s%s%s%s", digits, digits, digits, digits);
        input[6 + at] = '\x80';
        assert_state(input, strlen(input), "a", RL_FIELD_ONE, RL_DOUBT_ELSEWHERE);
        input[6 + at] = '\0';
        assert_state(input, 6 + 4 * (sizeof(digits) - 1), "a", RL_FIELD_ONE, RL_DOUBT_NUL);
    }
}

static void test_a_charset_field_makes_doubt(void **state)
{
    (void)state;
    DOUBT("_charset_=utf-16&a=1", "a", "1", RL_DOUBT_CHARSET);
    DOUBT("a=1&_charset_", "a", "1", RL_DOUBT_CHARSET);
    DOUBT("a=1&+_CharSet%5F=utf-8", "a", "1", RL_DOUBT_CHARSET);
    VALUE("a=1&_charset=utf-8&charset_=x", "a", "1");
}

/* PHP's max_input_vars, and qs. */
static void test_many_fields_make_doubt(void **state)
{
    (void)state;
    char input[RL_FORM_PAIRS_MAX + 4];
    memset(input, '&', sizeof(input));
    memcpy(input + RL_FORM_PAIRS_MAX - 1, "a=1&", 4);
    assert_value(input, RL_FORM_PAIRS_MAX + 2, "a", "1", 1, 0);
    assert_value(input, RL_FORM_PAIRS_MAX + 3, "a", "1", 1, RL_DOUBT_MANY);
    assert_value(input + 1, RL_FORM_PAIRS_MAX + 2, "a", "1", 1, 0);
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
    DOUBT("b=%00&a=1", "a", "1", RL_DOUBT_NUL);
    DOUBT("b=\0&a=1", "a", "1", RL_DOUBT_NUL);
    DOUBT("b%00&a=1", "a", "1", RL_DOUBT_NUL);
    STATE_DOUBT("a=1%00&a=1%002", "a", RL_FIELD_CONFLICT, RL_DOUBT_NUL);
}

/* Names that PHP, ASP.NET, Rack, qs, Zope, Spring or a C program file under `us_er`. */
static void test_twin_names_make_doubt(void **state)
{
    (void)state;
    const char *const twins[] = {"+us_er",      "us.er",
                                 "us+er",       "us[er",
                                 "us%5Ber",     "US_ER",
                                 "us_eR",       "us_er\x01",
                                 "us_er[]",     "us_er[a]=2",
                                 "us_er+",      "us_er.",
                                 "%C2%A0us_er", "us_e%2572",
                                 "us%5Fer%09",  "us.er[",
                                 "%20+us%20er", "[us_er]",
                                 "us_er]",      "%09us_er",
                                 "us_er:utf8",  "us_er%3Alist:string",
                                 "!us_er",      "us_er*0",
                                 "us_er(0)",    "%24us_er",
                                 "us_er%2B",    "US_ER:int",
                                 "'us_er'",     "us_er%257C"};
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
    DOUBT("$us_er=1&$US_ER=2", "$us_er", "1", RL_DOUBT_NAME);
    DOUBT("$us_er=1&us_er=2&$us_er:x=3", "$us_er", "1", RL_DOUBT_NAME);
    DOUBT("f:u=1&F:U=2", "f:u", "1", RL_DOUBT_NAME);
    DOUBT("u[email]=1&!u[email]=2", "u[email]", "1", RL_DOUBT_NAME);
    DOUBT("u[email]=1&u[email]:string=2", "u[email]", "1", RL_DOUBT_NAME);
}

static void test_other_names_make_no_doubt(void **state)
{
    (void)state;
    VALUE("user=1&user2=2&use=3&user_name=4&my_user=5&user-=6&user.x=7&=8", "user", "1");
    VALUE("$u=1&u=2&f:u=3&u-x=4", "$u", "1");
    VALUE("f=1&f:u=2&f:u2=3&f:u_x=4&g:u=5", "f:u", "2");
    VALUE("username=1&user[name]=2&user[x]=3&user=4&user+x=5&user_name=6", "username", "1");
    VALUE("u[email]=1&u[name]=2&u[email_again]=3&u[e][]=4&u[a-b][0][c]=5&user=6&u_email=7&"
          "uemail=8",
          "u[email]", "1");
    VALUE("u[a][b]=1&u[a][c]=2&u[b]=3&u[c][b]=4", "u[a][b]", "1");
}

/* PHP ignores what follows a `]`, Rack 2.2 and qs 6 read the others. */
static void test_twins_of_names_with_brackets(void **state)
{
    (void)state;
    static const char *const twins[] = {"u[email]x",
                                        "u][email]",
                                        "u[[email]",
                                        "u[email",
                                        "u[0]",
                                        "u[]",
                                        "u",
                                        "U[email]",
                                        "u[Email]",
                                        "u[email][]",
                                        "u[email][x]",
                                        "u[email]]",
                                        "[u][email]",
                                        "+u[email]",
                                        "u.email",
                                        "u[+email]",
                                        "u[email+]",
                                        "u[email%00]",
                                        "u[ema.il]",
                                        "u[name]x",
                                        "u[name][",
                                        "u[1][email]",
                                        "u%255Bemail]",
                                        "u+[email]",
                                        "u]",
                                        "u[name]][email]",
                                        "u[email].x"};
    for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++) {
        char input[64];
        const int len = snprintf(input, sizeof(input), "u[email]=1&%s=2", twins[i]);
        answer_t answer;
        read_cut(&answer, "u[email]", input, (size_t)len, NULL, 0);
        if ((answer.field.doubts & RL_DOUBT_NAME) == 0) {
            fail_msg("%s: doubts %x", input, answer.field.doubts);
        }
    }
    STATE_DOUBT("u[a]=2", "u[a][b]", RL_FIELD_ABSENT, RL_DOUBT_NAME);
    STATE_DOUBT("u[a][b][c]=2", "u[a][b]", RL_FIELD_ABSENT, RL_DOUBT_NAME);
}

static void test_long_names(void **state)
{
    (void)state;
    char input[RL_NAME_MAX + 64];
    memset(input, 'x', sizeof(input));
    memcpy(input, "a=1&u[", 6);
    memcpy(input + sizeof(input) - 2, "]=", 2);
    assert_state(input, sizeof(input), "u", RL_FIELD_ABSENT, RL_DOUBT_NAME);
    assert_state(input, sizeof(input), "a", RL_FIELD_ONE, 0);
    assert_state(input, sizeof(input), "u[y]", RL_FIELD_ABSENT, RL_DOUBT_NAME);
    input[sizeof(input) - 1] = '\0'; /* the wanted name is longer than what is kept */
    assert_state(input, sizeof(input) - 1, input + 4, RL_FIELD_ONE, 0);
    input[sizeof(input) - 3] = 'y';
    answer_t answer;
    char wanted[RL_NAME_MAX + 64];
    memset(wanted, 'x', sizeof(wanted));
    memcpy(wanted, "u[", 2);
    memcpy(wanted + sizeof(input) - 6, "]", 2);
    read_cut(&answer, wanted, input, sizeof(input) - 1, NULL, 0);
    assert_int_equal(answer.field.doubts, RL_DOUBT_NAME);
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
    VALUE("a=1&x=2;y=3;;&z;=4;4=", "a", "1");
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

static bool is_absent(const char *input, bool ended)
{
    char value[8];
    rl_form_field_t field = {.name = "user", .name_len = 4, .value = value, .value_cap = 8};
    rl_urlencoded_t parser;
    rl_urlencoded_init(&parser, &field, 1);
    rl_urlencoded_feed(&parser, input, strlen(input));
    rl_urlencoded_finish(&parser, ended);
    return rl_form_field_absent(&field);
}

static void test_a_field_is_absent_only_for_certain(void **state)
{
    (void)state;
    assert_true(is_absent("", true));
    assert_true(is_absent("users=1&use=2", true));
    assert_false(is_absent("users=1&use=2", false));
    assert_false(is_absent("user", true));
    assert_false(is_absent("user=1&user=2", true));
    assert_false(is_absent("user=123456789", true));
    assert_false(is_absent("user[]=1", true));
    assert_false(is_absent("x=%", true));
}

static void test_names_that_are_taken_for_another(void **state)
{
    (void)state;
    assert_true(rl_form_name_is_like(BYTES("user_id"), "user_id"));
    assert_true(rl_form_name_is_like(BYTES(" User.ID"), "user_id"));
    assert_true(rl_form_name_is_like(BYTES("us%65r_id[]"), "user_id"));
    assert_false(rl_form_name_is_like(BYTES("user_ids"), "user_id"));
    assert_false(rl_form_name_is_like(BYTES("user"), "user_id"));
    assert_false(rl_form_name_is_like("", 0, "user_id"));
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
        const size_t len = (size_t)random_below(&seed, sizeof(input));
        for (size_t i = 0; i < len; i++) {
            input[i] = alphabet[random_below(&seed, sizeof(alphabet) - 1)];
        }
        size_t cuts[8];
        size_t from = 0;
        for (size_t i = 0; i < 8; i++) {
            from += (size_t)random_below(&seed, (len - from + 1) / 2 + 1);
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
        cmocka_unit_test(test_as_clients_send_it),
        cmocka_unit_test(test_malformed_escapes_make_doubt),
        cmocka_unit_test(test_what_json_and_xml_need_makes_doubt),
        cmocka_unit_test(test_raw_bytes_beyond_ascii_make_doubt),
        cmocka_unit_test(test_a_charset_field_makes_doubt),
        cmocka_unit_test(test_many_fields_make_doubt),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_any_byte_in_values),
        cmocka_unit_test(test_twin_names_make_doubt),
        cmocka_unit_test(test_other_names_make_no_doubt),
        cmocka_unit_test(test_twins_of_names_with_brackets),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_semicolons),
        cmocka_unit_test(test_second_equals_sign),
        cmocka_unit_test(test_several_fields),
        cmocka_unit_test(test_a_field_is_absent_only_for_certain),
        cmocka_unit_test(test_names_that_are_taken_for_another),
        cmocka_unit_test(test_cut_body_has_no_sure_value),
        cmocka_unit_test(test_limits_of_init),
        cmocka_unit_test(test_cut_in_two_anywhere),
        cmocka_unit_test(test_random_input_in_random_pieces),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
