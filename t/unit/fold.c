/* SPDX-License-Identifier: Apache-2.0 */
/* core/fold: what people type, brought into one form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/fold.h"
#include "support.h"

static rl_fold_t fold;

static void assert_folds_bytes(const char *text, size_t len, const char *wanted,
                               size_t wanted_len)
{
    if (rl_fold(text, len, &fold) != RL_FOLD_DONE) {
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

static void assert_refused(const char *text)
{
    if (rl_fold(text, strlen(text), &fold) != RL_FOLD_REFUSED) {
        fail_msg("\"%s\" was not refused", text);
    }
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

static void accents_and_other_marks_make_no_difference(void **state)
{
    (void)state;
    assert_folds("J\u00f6rg", "jorg");
    assert_folds("Jo\u0308rg", "jorg");
    assert_folds("\u00e0dm\u00efn", "admin");
    assert_folds("a\u0323\u0307dmin", "admin");
    assert_folds("\u212bngstr\u00f6m", "angstrom");
    assert_folds("\u0645\u062d\u0645\u0651\u062f", "\u0645\u062d\u0645\u062f");
    assert_folds("\u0645\u062d\u0640\u0640\u0645\u062f", "\u0645\u062d\u0645\u062f");
    assert_folds("\u0439", "\u0438");
}

static void full_case_folding_is_used(void **state)
{
    (void)state;
    assert_folds("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
                 "\u03c3\u03b9\u03c3\u03c5\u03c6\u03bf\u03c3");
    assert_folds("\ufb03", "ffi");
    assert_folds("\u0130stanbul", "istanbul");
    assert_folds("adm\u0131n", "admin");
    assert_folds("\u212aate", "kate");
}

/* ss to Unicode, s to MySQL's general_ci. */
static void sharp_s_is_both_s_and_ss(void **state)
{
    (void)state;
    assert_folds("STRA\u00dfE", "strase");
    assert_folds("Stra\u1e9ee", "strase");
    assert_folds("strasse", "strase");
    assert_folds("STRASE", "strase");
    assert_folds("miSSisSippi\u017fs\u00df", "misisippis");
    assert_folds("boss s", "bos s");
}

/* Equal to collations that compare primary weights, or to WordPress. */
static void letters_without_a_weight_of_their_own_are_others(void **state)
{
    (void)state;
    assert_folds("\u00d8re", "ore");
    assert_folds("\u00c6gir \u0153uvre", "aegir oeuvre");
    assert_folds("\u0141\u00f3d\u017a", "lodz");
    assert_folds("\u0110or\u0111e \u00d0", "dorde d");
    assert_folds("\u00deor", "thor");
    assert_folds("\u0149a\u0140\u00b7l", "nall");
    assert_folds("a\u00a3dm\u00a3in \u20ac", "admin e");
    assert_folds("\u30a2\u30ac\u30c3 \uff76", "\u3042\u304b\u3064 \u304b");
    assert_folds("\u0663\u06f3\u0969\u0e53\u278c", "33333");
    assert_folds("\U0001f150\U0001f17dna", "anna");
    assert_folds("\U000104a3", "3");
    assert_folds("O\u2019Brien\u2013x", "o'brien-x");
}

static void what_is_beyond_the_basic_plane_has_no_weight(void **state)
{
    (void)state;
    assert_folds("anna\U0001f363", "anna");
    assert_folds("an\U0001f37ana\U00020bb7", "anna");
    assert_folds("\U0001f363", "\ufffd");
    assert_folds("\U0001f37a", "\ufffd");
    assert_folds("\U0001f37a \U0001f468\u200d\U0001f469", "\ufffd\ufffd\ufffd");
    assert_folds("\u738b\u5c0f\u660e\U0001f363", "\u738b\u5c0f\u660e");
    assert_folds("anna\ue000", "anna"); /* private */
    assert_folds("anna\uffff", "anna"); /* no character */
    assert_folds("anna\u0378", "anna"); /* not assigned */
}

static void what_cannot_be_seen_is_dropped(void **state)
{
    (void)state;
    assert_folds("ad\u200bmin", "admin");
    assert_folds("ad\u00admin", "admin");
    assert_folds("\ufeff"
                 "admin",
                 "admin");
    assert_folds("ad\u200dmin\ufe0f", "admin");
    assert_folds("\u0600admin\u06dd", "admin");
    assert_folds("\u202e\u2066admin\u061c", "admin");
    assert_folds("ad\x01min\x7f\x1b", "admin");
    assert_folds("ad\xc2\x80min\xc2\x9f", "admin");
    assert_folds("ad\\min", "admin");
}

static void white_space_of_any_kind_is_trimmed_and_one_blank(void **state)
{
    static const char *const blanks[] = {" ",
                                         "\t",
                                         "\n",
                                         "\v",
                                         "\f",
                                         "\r",
                                         "\x1c",
                                         "\x1d",
                                         "\x1e",
                                         "\x1f",
                                         "\xc2\x85",
                                         "\u00a0",
                                         "\u1680",
                                         "\u2000",
                                         "\u2003",
                                         "\u200a",
                                         "\u2028",
                                         "\u2029",
                                         "\u202f",
                                         "\u205f",
                                         "\u3000",
                                         "  ",
                                         "\t\u0301 \u2028"};
    (void)state;
    for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
        char text[64];
        snprintf(text, sizeof(text), "%sann%sa%s", blanks[i], blanks[i], blanks[i]);
        assert_folds(text, "ann a");
    }
}

static void different_names_stay_different(void **state)
{
    (void)state;
    assert_folds("admln", "admln");
    assert_folds("\u0430dmin", "\u0430dmin");
    assert_folds("ad min", "ad min");
    assert_folds("o.brien_x-y@example.com", "o.brien_x-y@example.com");
    assert_folds("\u738b\u5c0f\u660e", "\u738b\u5c0f\u660e");
    assert_folds("\u674e\u660e", "\u674e\u660e");
    assert_folds("x;y AT&T 100%", "x;y at&t 100%");
    assert_folds("user11", "user11");
}

static void names_with_markup_or_escapes_are_refused(void **state)
{
    static const char *const texts[] = {"<b>admin",       "admin<",
                                        "ad%41min",       "%6d",
                                        "ad&amp;min",     "&#97;dmin",
                                        "ad&xyz;min",     "ad&;x;",
                                        "%u0061dmin",     "adm%U0069N",
                                        "&#97dmin",       "adm&#x69n",
                                        "\uff1cb>\u00e4", "\uff05\uff14\uff11",
                                        "\uff06x\uff1b"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_refused(texts[i]);
    }
    assert_folds("a&;", "a&;");
    assert_folds("50%", "50%");
    assert_folds("50%u", "50%u");
    assert_folds("%u006", "%u006");
    assert_folds("%u00g1", "%u00g1");
    assert_folds("r&#d", "r&#d");
    assert_folds("a&#", "a&#");
    assert_folds("a%4 1%g", "a%4 1%g");
}

static void letters_written_as_marks_are_refused(void **state)
{
    (void)state;
    assert_refused("\u0363dmin");
    assert_refused("x\u1dd4");
    assert_refused("x\u2de0");
    assert_refused("x\ua674");
}

static void nothing_and_blanks_alone_are_empty(void **state)
{
    (void)state;
    assert_folds("", "");
    assert_folds(" \t\r\n\v\f ", "");
    assert_folds("\u00a0\u3000", "");
    assert_folds("\u200b", "");
}

static void bytes_that_are_not_utf8_are_told(void **state)
{
    static const char *const texts[] = {" J\xf6RG ", "\xff\xfe", "A\xc0\xaf", "A\xed\xa0\x80",
                                        "A\xc3"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(rl_fold(texts[i], strlen(texts[i]), &fold), RL_FOLD_NOT_UTF8);
    }
}

static void latin1_folds_as_its_utf8(void **state)
{
    (void)state;
    assert_int_equal(rl_fold_latin1(" J\xd6RG\xa0", 6, &fold), RL_FOLD_DONE);
    assert_int_equal(fold.len, 4);
    assert_memory_equal(fold.text, "jorg", 4);
    assert_int_equal(rl_fold_latin1("a\0b", 3, &fold), RL_FOLD_REFUSED);
}

static void a_nul_is_refused(void **state)
{
    (void)state;
    assert_int_equal(rl_fold("A\0B", 3, &fold), RL_FOLD_REFUSED);
    assert_int_equal(rl_fold("\u00c4\0B", 4, &fold), RL_FOLD_REFUSED);
    assert_int_equal(rl_fold("\0", 1, &fold), RL_FOLD_REFUSED);
}

static void text_up_to_the_bound_is_folded_and_beyond_it_refused(void **state)
{
    static char text[RL_FOLD_INPUT_MAX + 8];
    (void)state;
    memset(text, 'A', sizeof(text));
    assert_int_equal(rl_fold(text, RL_FOLD_INPUT_MAX, &fold), RL_FOLD_DONE);
    assert_int_equal(fold.len, RL_FOLD_INPUT_MAX);
    assert_int_equal(fold.text[RL_FOLD_INPUT_MAX - 1], 'a');
    assert_int_equal(rl_fold(text, RL_FOLD_INPUT_MAX + 1, &fold), RL_FOLD_REFUSED);
    text[0] = text[RL_FOLD_INPUT_MAX + 1] = ' ';
    assert_int_equal(rl_fold(text, RL_FOLD_INPUT_MAX + 1, &fold), RL_FOLD_DONE);
}

/* U+FDFA is one of 18 in compatibility decomposition: three bytes become 18 code points. */
static void an_expansion_beyond_the_scratch_memory_is_refused(void **state)
{
    static char text[RL_FOLD_INPUT_MAX];
    (void)state;
    for (size_t i = 0; i + 3 <= sizeof(text); i += 3) {
        memcpy(text + i, "\xef\xb7\xba", 3);
    }
    assert_int_equal(rl_fold(text, 3 * 100, &fold), RL_FOLD_DONE);
    assert_int_equal(rl_fold(text, 3 * 113, &fold), RL_FOLD_DONE);
    assert_int_equal(rl_fold(text, 3 * 114, &fold), RL_FOLD_REFUSED);
    assert_int_equal(rl_fold(text, 3 * 341, &fold), RL_FOLD_REFUSED);
}

static void long_runs_of_marks_are_refused(void **state)
{
    static char text[RL_FOLD_INPUT_MAX];
    (void)state;
    text[0] = 'a';
    for (size_t i = 1; i + 2 <= sizeof(text); i += 2) {
        memcpy(text + i, i % 4 == 1 ? "\xcc\x87" : "\xcc\xa3", 2);
    }
    assert_int_equal(rl_fold(text, 1 + 2 * 30, &fold), RL_FOLD_DONE);
    assert_int_equal(rl_fold(text, 1 + 2 * 31, &fold), RL_FOLD_REFUSED);
    assert_int_equal(rl_fold(text, 1 + 2 * 500, &fold), RL_FOLD_REFUSED);
}

static void folding_twice_changes_nothing_more(void **state)
{
    static const char *const pieces[] = {
        "A",      "\u00c4",       "o\u0308", "\u00df", "\u212b", "\uff21",
        " ",      "\u3000",       "\u0130",  "\u03a3", "\u1e9b", "\u0345",
        "ss",     "\U0001f363",   "\ue000",  "\u00e6", "\u30ac", "\u200b",
        "\uac00", "\u1100\u1161", "\ufb03",  "x",      "\u0323"};
    uint64_t rng = 1;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[64] = "", first[256];
        size_t len;
        for (uint64_t n = random_below(&rng, 9); n > 0; n--) {
            strcat(text, pieces[random_below(&rng, sizeof(pieces) / sizeof(pieces[0]))]);
        }
        assert_int_equal(rl_fold(text, strlen(text), &fold), RL_FOLD_DONE);
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
        const size_t len = (size_t)random_below(&rng, 40);
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
        cmocka_unit_test(accents_and_other_marks_make_no_difference),
        cmocka_unit_test(full_case_folding_is_used),
        cmocka_unit_test(sharp_s_is_both_s_and_ss),
        cmocka_unit_test(letters_without_a_weight_of_their_own_are_others),
        cmocka_unit_test(what_is_beyond_the_basic_plane_has_no_weight),
        cmocka_unit_test(what_cannot_be_seen_is_dropped),
        cmocka_unit_test(white_space_of_any_kind_is_trimmed_and_one_blank),
        cmocka_unit_test(different_names_stay_different),
        cmocka_unit_test(names_with_markup_or_escapes_are_refused),
        cmocka_unit_test(letters_written_as_marks_are_refused),
        cmocka_unit_test(nothing_and_blanks_alone_are_empty),
        cmocka_unit_test(bytes_that_are_not_utf8_are_told),
        cmocka_unit_test(latin1_folds_as_its_utf8),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(text_up_to_the_bound_is_folded_and_beyond_it_refused),
        cmocka_unit_test(an_expansion_beyond_the_scratch_memory_is_refused),
        cmocka_unit_test(long_runs_of_marks_are_refused),
        cmocka_unit_test(folding_twice_changes_nothing_more),
        cmocka_unit_test(random_bytes_are_folded_without_harm),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
