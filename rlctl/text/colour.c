/* SPDX-License-Identifier: Apache-2.0 */
#include "text/colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool coloured;

static const char *const begins[] = {
    [RLCTL_PLAIN] = "",        [RLCTL_TITLE] = "\033[1m",  [RLCTL_FAINT] = "\033[2m",
    [RLCTL_GOOD] = "\033[32m", [RLCTL_DOUBT] = "\033[33m", [RLCTL_BAD] = "\033[31m"};

bool rlctl_colour_parse(const char *word, rlctl_colour_e *colour)
{
    static const char *const words[] = {"auto", "always", "never"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(word, words[i]) == 0) {
            *colour = (rlctl_colour_e)i;
            return true;
        }
    }
    return false;
}

static bool colour_is_wanted(void)
{
    const char *term = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) == 1 && (no_colour == NULL || *no_colour == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

void rlctl_colour_choose(rlctl_colour_e colour)
{
    coloured = colour == RLCTL_COLOUR_AUTO ? colour_is_wanted() : colour == RLCTL_COLOUR_ALWAYS;
}

void rlctl_style_begin(rlctl_style_e style)
{
    if (coloured) {
        fputs(begins[style], stdout);
    }
}

void rlctl_style_end(rlctl_style_e style)
{
    if (coloured && style != RLCTL_PLAIN) {
        fputs("\033[0m", stdout);
    }
}

void rlctl_put(rlctl_style_e style, const char *text)
{
    rlctl_style_begin(style);
    fputs(text, stdout);
    rlctl_style_end(style);
}
