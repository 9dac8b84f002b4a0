/* SPDX-License-Identifier: Apache-2.0 */
/* core/fold: what people type, brought into one form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/fold.h"
#include "support.h"

static rl_fold_t fold;

static void assert_folds_bytes(const char *text, size_t len, const char *wanted,
                               size_t wanted_len)
{
    if (!rl_fold(text, len, &fold)) {
        fail_msg("\"%s\" was refused", text);
    }
    if (fold.len != wanted_len || memcmp(fold.text, wanted, wanted_len) != 0) {
        fail_msg("\"%s\" folded to \"%.*s\", not \"%s\"", text, (int)fold.len, fold.text,
                 wanted);
    }
}

static void assert_folds(const char *text, const char *wanted)
{
    assert_folds_bytes(text, strlen(text), wanted, strlen(wanted));
}

static void letter_case_width_and_blanks_make_one_account(void **state)
{
    (void)state;
    assert_folds("admin", "admin");
    assert_folds("Admin", "admin");
    assert_folds(" admin\t", "admin");
    assert_folds("ＡＤＭＩＮ", "admin");
    assert_folds("\u3000admin\u3000", "admin");
    assert_folds("\u00a0Admin\u2003", "admin");
    assert_folds("𝐀𝐝𝐦𝐢𝐧", "admin");
    assert_folds("ⓐⓓⓜⓘⓝ", "admin");
}

static void composed_and_decomposed_letters_are_the_same(void **state)
{
    (void)state;
    assert_folds("J\u00f6rg", "j\u00f6rg");
    assert_folds("Jo\u0308rg", "j\u00f6rg");
    assert_folds("JO\u0308RG", "j\u00f6rg");
    assert_folds("\u212bngstr\u00f6m", "\u00e5ngstr\u00f6m");
    assert_folds("q\u0323\u0307", "q\u0323\u0307");
    assert_folds("q\u0307\u0323", "q\u0323\u0307");
}

static void full_case_folding_is_used(void **state)
{
    (void)state;
    assert_folds("STRA\u00dfE", "strasse");
    assert_folds("Stra\u1e9ee", "strasse");
    assert_folds("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
                 "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3");
    assert_folds("\ufb03", "ffi");
    assert_folds("\u0130", "i\u0307");
}

static void ignorable_characters_are_dropped(void **state)
{
    (void)state;
    assert_folds("ad\u200bmin", "admin");
    assert_folds("ad\u00admin", "admin");
    assert_folds("\ufeff"
                 "admin",
                 "admin");
    assert_folds("ad\u200dmin\ufe0f", "admin");
}

static void different_names_stay_different(void **state)
{
    (void)state;
    assert_folds("admln", "admln");
    assert_folds("\u0430dmin", "\u0430dmin");
    assert_folds("ad min", "ad min");
    assert_folds("adm\u0131n", "adm\u0131n");
}

static void nothing_and_blanks_alone_are_empty(void **state)
{
    (void)state;
    assert_folds("", "");
    assert_folds(" \t\r\n\v\f ", "");
    assert_folds("\u00a0\u3000", "");
    assert_folds("\u200b", "");
}

static void bytes_that_are_not_utf8_keep_their_value(void **state)
{
    (void)state;
    assert_folds(" J\xf6RG ", "j\xf6rg");
    assert_folds("\xff\xfe", "\xff\xfe");
    assert_folds("A\xc0\xaf", "a\xc0\xaf");
    assert_folds("A\xed\xa0\x80", "a\xed\xa0\x80");
    assert_folds("A\xc3", "a\xc3");
}

static void an_embedded_nul_does_not_end_the_text(void **state)
{
    (void)state;
    assert_folds_bytes("A\0B", 3, "a\0b", 3);
    assert_folds_bytes("\u00c4\0B", 4, "\u00e4\0b", 4);
    assert_folds_bytes("\0", 1, "\0", 1);
}

static void text_up_to_the_bound_is_folded_and_beyond_it_refused(void **state)
{
    static char text[RL_FOLD_INPUT_MAX + 8];
    (void)state;
    memset(text, 'A', sizeof(text));
    assert_true(rl_fold(text, RL_FOLD_INPUT_MAX, &fold));
    assert_int_equal(fold.len, RL_FOLD_INPUT_MAX);
    assert_int_equal(fold.text[RL_FOLD_INPUT_MAX - 1], 'a');
    assert_false(rl_fold(text, RL_FOLD_INPUT_MAX + 1, &fold));
    text[0] = text[RL_FOLD_INPUT_MAX + 1] = ' ';
    assert_true(rl_fold(text, RL_FOLD_INPUT_MAX + 1, &fold));
}

/* U+FDFA is one of 18 in compatibility decomposition: three bytes become 18 code points. */
static void an_expansion_beyond_the_scratch_memory_is_refused(void **state)
{
    static char text[RL_FOLD_INPUT_MAX];
    (void)state;
    for (size_t i = 0; i + 3 <= sizeof(text); i += 3) {
        memcpy(text + i, "\xef\xb7\xba", 3);
    }
    assert_true(rl_fold(text, 3 * 100, &fold));
    assert_true(rl_fold(text, 3 * 113, &fold));
    assert_false(rl_fold(text, 3 * 114, &fold));
    assert_false(rl_fold(text, 3 * 341, &fold));
}

static void long_runs_of_marks_are_refused(void **state)
{
    static char text[RL_FOLD_INPUT_MAX];
    (void)state;
    text[0] = 'a';
    for (size_t i = 1; i + 2 <= sizeof(text); i += 2) {
        memcpy(text + i, i % 4 == 1 ? "\xcc\x87" : "\xcc\xa3", 2);
    }
    assert_true(rl_fold(text, 1 + 2 * 30, &fold));
    assert_false(rl_fold(text, 1 + 2 * 31, &fold));
    assert_false(rl_fold(text, 1 + 2 * 500, &fold));
}

static void folding_twice_changes_nothing_more(void **state)
{
    static const char *const pieces[] = {
        "A",      "\u00c4", "o\u0308",      "\u00df", "\u212b", "\uff21",
        " ",      "\u3000", "\u0130",       "\u03a3", "\u1e9b", "\u0345",
        "\u200b", "\uac00", "\u1100\u1161", "\ufb03", "x",      "\u0323"};
    uint64_t rng = 1;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[64] = "", first[256];
        size_t len;
        for (uint64_t n = random_below(&rng, 9); n > 0; n--) {
            strcat(text, pieces[random_below(&rng, sizeof(pieces) / sizeof(pieces[0]))]);
        }
        assert_true(rl_fold(text, strlen(text), &fold));
        assert_true(fold.len < sizeof(first));
        len = fold.len;
        memcpy(first, fold.text, len);
        assert_folds_bytes(first, len, first, len);
    }
}

/* Bytes of all kinds at the exact end of their memory, for the sanitizer to watch. */
static void random_bytes_are_folded_without_harm(void **state)
{
    uint64_t rng = 2;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const size_t len = random_below(&rng, 40);
        char *bytes = malloc(len + (len == 0));
        for (size_t b = 0; b < len; b++) {
            const uint64_t r = random_bits(&rng);
            bytes[b] = (char)(r % 3 == 0   ? r >> 8
                              : r % 3 == 1 ? 0x80 | (r >> 8 & 0x3f)
                                           : 0xe0 | (r >> 8 & 0x0f));
        }
        rl_fold(bytes, len, &fold);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letter_case_width_and_blanks_make_one_account),
        cmocka_unit_test(composed_and_decomposed_letters_are_the_same),
        cmocka_unit_test(full_case_folding_is_used),
        cmocka_unit_test(ignorable_characters_are_dropped),
        cmocka_unit_test(different_names_stay_different),
        cmocka_unit_test(nothing_and_blanks_alone_are_empty),
        cmocka_unit_test(bytes_that_are_not_utf8_keep_their_value),
        cmocka_unit_test(an_embedded_nul_does_not_end_the_text),
        cmocka_unit_test(text_up_to_the_bound_is_folded_and_beyond_it_refused),
        cmocka_unit_test(an_expansion_beyond_the_scratch_memory_is_refused),
        cmocka_unit_test(long_runs_of_marks_are_refused),
        cmocka_unit_test(folding_twice_changes_nothing_more),
        cmocka_unit_test(random_bytes_are_folded_without_harm),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
