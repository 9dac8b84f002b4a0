/* SPDX-License-Identifier: Apache-2.0 */
/* Letters that have no weight of their own. For fold.c. */
#ifndef RL_CORE_LETTERS_H
#define RL_CORE_LETTERS_H

#include <stdint.h>

/* Returns the code point that this one sorts as where a letter counts and its shape doesn't:
 * katakana is hiragana, a digit in a circle a digit; most code points are themselves. */
int32_t rl_letter_plain(int32_t codepoint);

/* Returns the one or two ASCII letters that this one sorts as: ø is "o", æ "ae"; or NULL. */
const char *rl_letter_others(int32_t codepoint);

#endif
