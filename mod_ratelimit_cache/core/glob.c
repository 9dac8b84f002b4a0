/* SPDX-License-Identifier: Apache-2.0 */
#include "glob.h"

/* If the text doesn't go on as the pattern does, the last * takes one byte more. An earlier one
 * never has to: whatever it could take, the last one can take as well. */
bool rl_glob_matches(const char *pattern, const char *text, size_t len)
{
    const char *after_star = NULL;
    size_t i = 0, retry = 0;
    while (i < len) {
        if (*pattern == '*') {
            after_star = ++pattern;
            retry = i;
        }
        else if (*pattern != '\0' && (*pattern == '?' || *pattern == text[i])) {
            pattern++;
            i++;
        }
        else if (after_star != NULL) {
            pattern = after_star;
            i = ++retry;
        }
        else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}
