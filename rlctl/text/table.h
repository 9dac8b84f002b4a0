/* SPDX-License-Identifier: Apache-2.0 */
/* Tables in columns, fitted to a width. */
#ifndef RLCTL_TABLE_H
#define RLCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "text/colour.h"

/* A column. What doesn't fit is cut at the end, but not below `least` columns of the terminal;
 * then whole columns are left out, those with the highest `rank` first. */
typedef struct rlctl_column {
    const char *title;
    bool right; /* numbers stand at the right */
    int least;  /* 0: never cut */
    int rank;   /* 0: never left out */
} rlctl_column_t;

typedef struct rlctl_table rlctl_table_t;

/* Begins a table. The columns stay the caller's, and outlive it. */
rlctl_table_t *rlctl_table_new(const rlctl_column_t *columns, size_t n);

/* Adds the next cell, row by row from the left. text is safe (safe.h); the table frees it. */
void rlctl_table_cell(rlctl_table_t *table, rlctl_style_e style, char *text);

/* Writes the table to stdout, in at most `width` columns of the terminal if it can be cut so
 * far; 0: as wide as it is. A column of empty cells is left out. */
void rlctl_table_write(const rlctl_table_t *table, size_t width);

void rlctl_table_free(rlctl_table_t *table);

/* Returns the width to fit stdout: of the terminal, or COLUMNS of the environment; 0: none. */
size_t rlctl_terminal_width(void);

#endif
