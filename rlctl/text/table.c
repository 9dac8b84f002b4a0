/* SPDX-License-Identifier: Apache-2.0 */
#include "text/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "memory.h"
#include "text/safe.h"

#define GAP      2 /* between columns */
#define ELLIPSIS "…"

typedef struct cell {
    rlctl_style_e style;
    char *text;
} cell_t;

struct rlctl_table {
    const rlctl_column_t *columns;
    size_t ncolumns;
    cell_t *cells;
    size_t ncells, room;
};

rlctl_table_t *rlctl_table_new(const rlctl_column_t *columns, size_t n)
{
    rlctl_table_t *table = rlctl_allocate(sizeof(*table));
    table->columns = columns;
    table->ncolumns = n;
    return table;
}

void rlctl_table_free(rlctl_table_t *table)
{
    for (size_t i = 0; i < table->ncells; i++) {
        free(table->cells[i].text);
    }
    free(table->cells);
    free(table);
}

void rlctl_table_cell(rlctl_table_t *table, rlctl_style_e style, char *text)
{
    if (table->ncells == table->room) {
        table->room = table->room > 0 ? table->room * 2 : 64;
        table->cells = rlctl_resize(table->cells, table->room * sizeof(*table->cells));
    }
    table->cells[table->ncells].style = style;
    table->cells[table->ncells].text = text;
    table->ncells++;
}

/* ---- how wide each column is: 0, it is left out ---- */

static size_t natural_width(const rlctl_table_t *table, size_t column)
{
    size_t widest = 0;
    for (size_t i = column; i < table->ncells; i += table->ncolumns) {
        const size_t width = rlctl_width(table->cells[i].text);
        widest = width > widest ? width : widest;
    }
    if (widest > 0) {
        const size_t title = rlctl_width(table->columns[column].title);
        widest = title > widest ? title : widest;
    }
    return widest;
}

static size_t total(const size_t *widths, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += widths[i] > 0 ? widths[i] + (sum > 0 ? GAP : 0) : 0;
    }
    return sum;
}

/* What the column could be cut by. */
static size_t slack(const rlctl_table_t *table, const size_t *widths, size_t i)
{
    const size_t least = (size_t)table->columns[i].least;
    return least > 0 && widths[i] > least ? widths[i] - least : 0;
}

/* Cuts the column with most to spare, again and again, until the table fits. Returns false if
 * it doesn't. */
static bool cut(const rlctl_table_t *table, size_t *widths, size_t width)
{
    while (total(widths, table->ncolumns) > width) {
        size_t widest = 0;
        for (size_t i = 1; i < table->ncolumns; i++) {
            if (slack(table, widths, i) > slack(table, widths, widest)) {
                widest = i;
            }
        }
        if (slack(table, widths, widest) == 0) {
            return false;
        }
        widths[widest]--;
    }
    return true;
}

/* Leaves out the column of the highest rank. Returns false if none may be. */
static bool leave_out(const rlctl_table_t *table, size_t *widths)
{
    size_t worst = 0;
    int rank = 0;
    for (size_t i = 0; i < table->ncolumns; i++) {
        if (widths[i] > 0 && table->columns[i].rank > rank) {
            worst = i;
            rank = table->columns[i].rank;
        }
    }
    widths[worst] = rank > 0 ? 0 : widths[worst];
    return rank > 0;
}

/* A text as wide as the terminal is enough to know that the column must be cut. */
static size_t bounded(const rlctl_column_t *column, size_t natural, size_t width)
{
    const size_t least = (size_t)column->least;
    const size_t most = width > least ? width : least;
    return width > 0 && least > 0 && natural > most ? most : natural;
}

static void fit(const rlctl_table_t *table, size_t *widths, size_t width)
{
    size_t *natural = rlctl_allocate(table->ncolumns * sizeof(*natural));
    bool fits;
    for (size_t i = 0; i < table->ncolumns; i++) {
        natural[i] = bounded(&table->columns[i], natural_width(table, i), width);
    }
    do {
        memcpy(widths, natural, table->ncolumns * sizeof(*natural));
        fits = width == 0 || cut(table, widths, width);
    } while (!fits && leave_out(table, natural));
    free(natural);
}

/* ---- writing ---- */

static void put_blanks(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        putchar(' ');
    }
}

static void put_text(rlctl_style_e style, const char *text, size_t width)
{
    rlctl_style_begin(style);
    if (rlctl_width(text) <= width) {
        fputs(text, stdout);
    }
    else {
        const size_t bytes = rlctl_fitting(text, width - 1);
        fwrite(text, 1, bytes, stdout);
        fputs(ELLIPSIS, stdout);
    }
    rlctl_style_end(style);
}

/* Blanks that the next text needs in front of it are kept in *owed, so that no line ends with
 * blanks. */
static void put_cell(const rlctl_column_t *column, rlctl_style_e style, const char *text,
                     size_t width, size_t *owed)
{
    const size_t natural = rlctl_width(text);
    const size_t rest = natural < width ? width - natural : 0;
    if (natural == 0) {
        *owed += width + GAP;
        return;
    }
    put_blanks(*owed + (column->right ? rest : 0));
    put_text(style, text, width);
    *owed = (column->right ? 0 : rest) + GAP;
}

static void put_titles(const rlctl_table_t *table, const size_t *widths)
{
    size_t owed = 0;
    for (size_t i = 0; i < table->ncolumns; i++) {
        if (widths[i] > 0) {
            put_cell(&table->columns[i], RLCTL_TITLE, table->columns[i].title, widths[i],
                     &owed);
        }
    }
    putchar('\n');
}

static void put_row(const rlctl_table_t *table, const cell_t *row, const size_t *widths)
{
    size_t owed = 0;
    for (size_t i = 0; i < table->ncolumns; i++) {
        if (widths[i] > 0) {
            put_cell(&table->columns[i], row[i].style, row[i].text, widths[i], &owed);
        }
    }
    putchar('\n');
}

void rlctl_table_write(const rlctl_table_t *table, size_t width)
{
    size_t *widths = rlctl_allocate(table->ncolumns * sizeof(*widths));
    fit(table, widths, width);
    put_titles(table, widths);
    for (size_t i = 0; i + table->ncolumns <= table->ncells; i += table->ncolumns) {
        put_row(table, &table->cells[i], widths);
    }
    free(widths);
}

size_t rlctl_terminal_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
        size.ws_col > 0) {
        return size.ws_col;
    }
    if (columns != NULL) {
        char *end;
        const long width = strtol(columns, &end, 10);
        return *end == '\0' && width > 0 && width < 100000 ? (size_t)width : 0;
    }
    return 0;
}
