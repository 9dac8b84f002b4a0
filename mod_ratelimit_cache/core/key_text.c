/* SPDX-License-Identifier: Apache-2.0 */
#include "key_text.h"

const char *rl_key_text_part_end(const char *text)
{
    int depth = 0;
    for (; *text != '\0' && (*text != '+' || depth > 0); text++) {
        if (text[0] == '%' && text[1] == '{') {
            depth++;
        }
        else if (*text == '}' && depth > 0) {
            depth--;
        }
    }
    return text;
}
