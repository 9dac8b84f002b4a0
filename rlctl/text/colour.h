/* SPDX-License-Identifier: Apache-2.0 */
/* Styles of text on a terminal. */
#ifndef RLCTL_COLOUR_H
#define RLCTL_COLOUR_H

#include <stdbool.h>
#include <stdio.h>

typedef enum {
    RLCTL_PLAIN,
    RLCTL_TITLE,
    RLCTL_FAINT,
    RLCTL_GOOD,
    RLCTL_DOUBT,
    RLCTL_BAD
} rlctl_style_e;

/* --color: auto is when stdout is a terminal that has colours, and NO_COLOR is not set. */
typedef enum { RLCTL_COLOUR_AUTO, RLCTL_COLOUR_ALWAYS, RLCTL_COLOUR_NEVER } rlctl_colour_e;

/* Reads what stands after --color. Returns false if it isn't one of the words. */
bool rlctl_colour_parse(const char *word, rlctl_colour_e *colour);

/* Decides for the rest of the program. Before, there are no colours. */
void rlctl_colour_choose(rlctl_colour_e colour);

/* Write to stdout what begins and ends a style; nothing without colours. */
void rlctl_style_begin(rlctl_style_e style);
void rlctl_style_end(rlctl_style_e style);

/* Writes text to stdout in a style. */
void rlctl_put(rlctl_style_e style, const char *text);

#endif
