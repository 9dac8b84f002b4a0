/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <ap_config.h>
#include <httpd.h>
#include <string.h>

#include "../core/number.h"
#include "../fleet/source.h"

const char *rl_status_parse(const char *text, int *status)
{
    uint64_t n;
    if (!rl_number_parse(text, strlen(text), 599, &n) || n < 400) {
        return "must be a status code from 400 to 599";
    }
    *status = (int)n;
    return NULL;
}

const char *rl_on_error_parse(const char *text, int *on_error)
{
    static const char *const words[] = {[RL_ON_ERROR_LOCAL] = "local",
                                        [RL_ON_ERROR_ALLOW] = "allow",
                                        [RL_ON_ERROR_DENY] = "deny"};
    for (int i = 0; i < (int)(sizeof(words) / sizeof(words[0])); i++) {
        if (ap_cstr_casecmp(text, words[i]) == 0) {
            *on_error = i;
            return NULL;
        }
    }
    return "must be local, allow or deny";
}
