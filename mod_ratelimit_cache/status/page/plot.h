/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic over time as a plot. Its texts stand beside the drawing, so that they keep their size
 * on a small screen; it has no colour of its own, but classes. */
#ifndef RL_STATUS_PAGE_PLOT_H
#define RL_STATUS_PAGE_PLOT_H

#include <stdint.h>

#include "../../stats/figures.h"
#include "../text/output.h"

/* A row of intervals of equal length. */
typedef struct rl_series {
    const char *id;    /* of the figure in the page */
    const char *title; /* what it shows, our own text */
    const char *step;  /* the name of an interval: "minute" */
    const rl_interval_t *of;
    int n;
    uint32_t begin_s, step_s; /* when the first begins, and how long each is */
} rl_series_t;

/* Writes a figure: the plot, its legend with sums, and the numbers as a table. */
void rl_plot_write(rl_output_t *out, const rl_series_t *series);

/* Writes a small plot without words but those that are read aloud. */
void rl_plot_write_small(rl_output_t *out, const rl_series_t *series);

#endif
