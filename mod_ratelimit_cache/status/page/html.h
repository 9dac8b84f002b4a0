/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of a page that all its regions are made of. Names of columns and labels are our own
 * texts, and need no escapes. */
#ifndef RL_STATUS_PAGE_HTML_H
#define RL_STATUS_PAGE_HTML_H

#include <stdint.h>

#include "../text/output.h"

/* Writes 1234567 as "1,234,567". */
void rl_html_count(rl_output_t *out, uint64_t n);

/* Writes "1 key", or "2 keys". */
void rl_html_counted(rl_output_t *out, uint64_t n, const char *noun);

/* Writes seconds as "45 s", "3 min 20 s", "2 h 5 min" or "3 d 4 h". */
void rl_html_duration(rl_output_t *out, uint64_t seconds);

/* Writes microseconds as milliseconds: "0.21 ms". */
void rl_html_milliseconds(rl_output_t *out, uint64_t us);

/* Writes the share of n in `of` in percent: "12%", "under 1%"; "0%" of nothing. */
void rl_html_share(rl_output_t *out, uint64_t n, uint64_t of);

/* Writes a moment, seconds since 1970, in UTC: "13:08", and as an element "13:08:42". */
void rl_html_clock(rl_output_t *out, uint32_t seconds);
void rl_html_time(rl_output_t *out, uint32_t seconds);

/* Writes a bar of which the share of n in `of` is full. The number itself must stand beside it:
 * readers of the screen don't hear of the bar. style: a class for its colour. */
void rl_html_bar(rl_output_t *out, uint64_t n, uint64_t of, const char *style);

/* Writes a hidden field of a form. */
void rl_html_hidden(rl_output_t *out, const char *name, const char *value);

/* A name and a number within a <dl>; begin, end: for what isn't just a number. */
void rl_html_figure(rl_output_t *out, const char *name, uint64_t n);
void rl_html_figure_begin(rl_output_t *out, const char *name);
void rl_html_figure_end(rl_output_t *out);

/* Begins a table. columns: their names, and NULL after the last; those that begin with "#" have
 * numbers. On a narrow screen its rows become cards. Rows go from one <tr> to </tr>. */
void rl_html_table_begin(rl_output_t *out, const char *caption, const char *const *columns);
void rl_html_table_end(rl_output_t *out);

/* Begins a cell of this column; the first of a row is its head. */
void rl_html_cell_begin(rl_output_t *out, const char *column);
void rl_html_cell_end(rl_output_t *out);
void rl_html_cell_head_begin(rl_output_t *out);
void rl_html_cell_head_end(rl_output_t *out);
void rl_html_cell_count(rl_output_t *out, const char *column, uint64_t n);

#endif
