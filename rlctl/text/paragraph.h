/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences on a terminal. */
#ifndef RLCTL_PARAGRAPH_H
#define RLCTL_PARAGRAPH_H

#include "text/colour.h"

/* Writes safe text to stdout, and a line's end, broken at blanks to fit the terminal. */
void rlctl_paragraph(rlctl_style_e style, const char *safe);

#endif
