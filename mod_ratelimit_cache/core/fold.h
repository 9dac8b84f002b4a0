/* SPDX-License-Identifier: Apache-2.0 */
/* Brings text that people type into one form, so that "Admin", " admin", "àdmïn" and the
 * full-width spelling of it are one account.
 *
 * Applications and databases take more names for the same one than one would think, and each of
 * them others. To count two accounts as one does little harm; to count one as two lets a
 * guesser try it twice. So this folds as hard as the most lenient of them. */
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

typedef enum rl_fold_result {
    RL_FOLD_DONE,    /* the result is in the struct; it may be empty */
    RL_FOLD_REFUSED, /* what no account is called; see rl_fold() */
    RL_FOLD_NOT_UTF8
} rl_fold_result_e;

/* Cuts ASCII white space off both ends. */
void rl_trim(const char **text, size_t *len);

/* Folds UTF-8 text: compatibility decomposition (UAX #15, NFKD) and full case folding; then
 * - marks, default-ignorable, control and format characters, backslashes and what is below are
 *   dropped;
 * - white space of any kind is trimmed, and runs of it are one blank;
 * - letters that collations give no weight of their own are the letters that they sort as: ø is
 *   o, æ is ae, ß is s as ss is, kana are hiragana, digits of all scripts are 0 to 9;
 * - characters beyond U+FFFF that are no letters by all this, and those without a meaning, have
 *   no weight in some collations and one for all in others: they are dropped, or, if nothing
 *   else is left, one as good as another.
 *
 * Refuses text that no account is called and that applications read in ways of their own: with
 * `<`, `&...;` or `%XX` in it, which WordPress removes or other programs decode; with a NUL,
 * where C programs stop; with letters written as marks, which are letters to some collations;
 * more than RL_FOLD_INPUT_MAX bytes; an expansion to more than twice as many code points; or
 * more than 30 combining marks in a row (the bound of UAX #15, Stream-Safe Text Format; the
 * time to sort marks grows with the square of their number). */
rl_fold_result_e rl_fold(const char *text, size_t len, rl_fold_t *fold);

/* Folds ISO-8859-1 text, as rl_fold() does UTF-8. */
rl_fold_result_e rl_fold_latin1(const char *text, size_t len, rl_fold_t *fold);

#endif
