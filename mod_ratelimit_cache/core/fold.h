/* SPDX-License-Identifier: Apache-2.0 */
/* Brings text that people type into one form, so that "Admin", " admin" and the full-width
 * spelling of it are one account. */
#ifndef RL_CORE_FOLD_H
#define RL_CORE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_FOLD_INPUT_MAX 1024 /* bytes */

/* Scratch memory of a folding. The result may lie in it, so it must live as long as the result.
 */
typedef struct rl_fold {
    const char *text; /* the result; not NUL-terminated; inside this struct */
    size_t len;
    union {
        int32_t codepoints[2 * RL_FOLD_INPUT_MAX + 1];
        char bytes[RL_FOLD_INPUT_MAX];
    } scratch;
} rl_fold_t;

/* Cuts ASCII white space off both ends. */
void rl_trim(const char **text, size_t *len);

/* Folds UTF-8 text to toNFKC_Casefold (Unicode 5.18.4, UAX #31) and trims it. Of text that is
 * not UTF-8, only ASCII letters are lowered. Returns true, with the result in *fold; or false
 * for text that no account name is and that would be costly to normalize: more than
 * RL_FOLD_INPUT_MAX bytes, an expansion to more than twice as many code points, or more than 30
 * combining marks in a row (the bound of UAX #15, Stream-Safe Text Format; the time to sort
 * marks grows with the square of their number). */
bool rl_fold(const char *text, size_t len, rl_fold_t *fold);

#endif
