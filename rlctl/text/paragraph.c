/* SPDX-License-Identifier: Apache-2.0 */
#include "text/paragraph.h"

#include <string.h>

#include "text/safe.h"
#include "text/table.h"

#define WIDEST 88 /* what can be read with ease */

/* Returns how many bytes of text go into a line: as many whole words as fit, one at least. */
static size_t paragraph_line_length(const char *text, size_t width)
{
    const size_t fitting = rlctl_fitting(text, width);
    size_t len = fitting;
    if (text[fitting] == '\0') {
        return fitting;
    }
    while (len > 0 && text[len] != ' ') {
        len--;
    }
    return len > 0 ? len : strcspn(text, " ");
}

void rlctl_paragraph(rlctl_style_e style, const char *safe)
{
    const size_t terminal = rlctl_terminal_width();
    const size_t width = terminal == 0 ? strlen(safe) : terminal < WIDEST ? terminal : WIDEST;
    rlctl_style_begin(style);
    while (*safe != '\0') {
        const size_t len = paragraph_line_length(safe, width);
        fwrite(safe, 1, len, stdout);
        safe += len;
        safe += strspn(safe, " ");
        fputs(*safe != '\0' ? "\n" : "", stdout);
    }
    rlctl_style_end(style);
    putchar('\n');
}
