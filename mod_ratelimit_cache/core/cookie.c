/* SPDX-License-Identifier: Apache-2.0 */
#include "cookie.h"

#include <string.h>

#include "fold.h"

const char *rl_cookie_next(const char **field, const char *name, size_t *len)
{
    const size_t name_len = strlen(name);
    while (*field != NULL && **field != '\0') {
        const char *pair = *field;
        size_t pair_len = strcspn(pair, ";");
        *field += pair_len + (pair[pair_len] == ';');
        rl_trim(&pair, &pair_len);
        if (pair_len > name_len && memcmp(pair, name, name_len) == 0 && pair[name_len] == '=') {
            *len = pair_len - name_len - 1;
            return pair + name_len + 1;
        }
    }
    return NULL;
}
