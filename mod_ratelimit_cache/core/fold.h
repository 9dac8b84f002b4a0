/* Text that people type, brought into one form, so that "Admin", " admin" and its full-width
 * spelling are one account. */
#ifndef RL_CORE_FOLD_H
#define RL_CORE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_FOLD_INPUT_MAX 1024 /* bytes */

/* Scratch memory that also holds the result. */
typedef struct rl_fold {
    const char *text; /* not NUL-terminated; inside this struct or in the caller's input */
    size_t len;
    union {
        int32_t codepoints[2 * RL_FOLD_INPUT_MAX + 1];
        char bytes[RL_FOLD_INPUT_MAX];
    } scratch;
} rl_fold_t;

/* Cuts white space (ASCII) off both ends. */
void rl_trim(const char **text, size_t *len);

/* Folds UTF-8 text to toNFKC_Casefold (Unicode 5.18.4, UAX #31) and trims it. Text that is not
 * UTF-8 has its ASCII letters lowered only. Returns false for text that no account name is and
 * that would be dear to normalize: more than RL_FOLD_INPUT_MAX bytes, an expansion to more than
 * twice as many code points, or more than 30 combining marks in a row (the bound of UAX #15,
 * Stream-Safe Text Format; sorting marks takes time with the square of their number). */
bool rl_fold(const char *text, size_t len, rl_fold_t *fold);

#endif
