/* SPDX-License-Identifier: Apache-2.0 */
/* What is equal here is equal where it matters: to MySQL's and MariaDB's collations that end in
 * _ai_ci or _unicode_ci, which compare primary weights of the Default Unicode Collation Element
 * Table (UTS #10); to their _general_ci, which takes ß for s and ı for i; to SQL Server, which
 * heeds neither the width nor the kind of kana; or to remove_accents() of WordPress.
 *
 * The tables hold what compatibility decomposition and the dropping of marks don't do. They
 * were made from allkeys.txt of Unicode 13 and from WordPress's list. */
#include "letters.h"

#include <stddef.h>
#include <stdlib.h>

#define HIRAGANA_A 0x3041
#define QUOTE      0x27
#define QUOTES     0x22

/* Ranges that count up from one code point. Single ones among them are signs for which
 * keyboards have another. */
static const struct {
    int32_t first, last, plain;
} runs[] = {
    {0x02bc, 0x02bc, QUOTE},      {0x1369, 0x1371, '1'}, /* Ethiopic digits */
    {0x2018, 0x2018, QUOTE},      {0x2019, 0x2019, QUOTE},
    {0x201c, 0x201c, QUOTES},     {0x201d, 0x201d, QUOTES},
    {0x2212, 0x2212, '-'},        {0x24f5, 0x24fd, '1'}, /* digits in double circles */
    {0x24ff, 0x24ff, '0'},        /* in black circles: this, and the next */
    {0x2776, 0x277e, '1'},        /* serif */
    {0x2780, 0x2788, '1'},        /* sans-serif, in white circles */
    {0x278a, 0x2792, '1'},        /* sans-serif */
    {0x3007, 0x3007, '0'},        /* ideographic zero */
    {0x3021, 0x3029, '1'},        /* Hangzhou numerals */
    {0x30a1, 0x30f6, HIRAGANA_A}, /* katakana */
    {0x1f150, 0x1f169, 'a'},      /* letters in black circles */
    {0x1f170, 0x1f189, 'a'},      /* and squares */
};

static const struct letter {
    uint16_t codepoint;
    char others[3];
} letters[] = {
    {0x00e6, "ae"}, {0x00f0, "d"},  {0x00f8, "o"},  {0x00fe, "th"}, {0x0111, "d"},
    {0x0127, "h"},  {0x0131, "i"},  {0x0138, "k"},  {0x0142, "l"},  {0x014b, "n"},
    {0x0153, "oe"}, {0x0167, "t"},  {0x018d, "zw"}, {0x01be, "ts"}, {0x0238, "db"},
    {0x0239, "qp"}, {0x02a3, "dz"}, {0x02a6, "ts"}, {0x02aa, "ls"}, {0x02ab, "lz"},
    {0x1d79, "g"},  {0x1d7a, "th"}, {0x1efb, "ll"}, {0x20ac, "e"},  {0xa729, "tz"},
    {0xa733, "aa"}, {0xa735, "ao"}, {0xa737, "au"}, {0xa739, "av"}, {0xa73b, "av"},
    {0xa73d, "ay"}, {0xa74f, "oo"}, {0xa761, "vy"}, {0xa77a, "d"},  {0xa77c, "f"},
    {0xa783, "r"},  {0xa785, "s"},  {0xa787, "t"},  {0xa79b, "a"},  {0xa79d, "o"},
    {0xa79f, "u"},  {0xa7a1, "g"},  {0xa7a3, "k"},  {0xa7a5, "n"},  {0xa7a7, "r"},
    {0xa7a9, "s"},
};

/* Small kana, final letters of Hebrew, and a Ukrainian one. */
static const int32_t shapes[][2] = {
    {0x0491, 0x0433}, {0x05da, 0x05db}, {0x05dd, 0x05de}, {0x05df, 0x05e0}, {0x05e3, 0x05e4},
    {0x05e5, 0x05e6}, {0x3041, 0x3042}, {0x3043, 0x3044}, {0x3045, 0x3046}, {0x3047, 0x3048},
    {0x3049, 0x304a}, {0x3063, 0x3064}, {0x3083, 0x3084}, {0x3085, 0x3086}, {0x3087, 0x3088},
    {0x308e, 0x308f}, {0x3095, 0x304b}, {0x3096, 0x3051},
};

static int32_t large(int32_t codepoint)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (codepoint == shapes[i][0]) {
            return shapes[i][1];
        }
    }
    return codepoint;
}

int32_t rl_letter_plain(int32_t codepoint)
{
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        if (codepoint >= runs[i].first && codepoint <= runs[i].last) {
            return large(runs[i].plain + codepoint - runs[i].first);
        }
    }
    return large(codepoint);
}

static int compare_letters(const void *key, const void *letter)
{
    return *(const int32_t *)key - ((const struct letter *)letter)->codepoint;
}

const char *rl_letter_others(int32_t codepoint)
{
    const struct letter *found =
        bsearch(&codepoint, letters, sizeof(letters) / sizeof(letters[0]), sizeof(letters[0]),
                compare_letters);
    return found != NULL ? found->others : NULL;
}
