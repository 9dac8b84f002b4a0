/* SPDX-License-Identifier: Apache-2.0 */
/* Drawings have COLUMN units for each interval and HEIGHT from bottom to top, and are stretched
 * to whatever place there is. What was denied stands at the bottom, where even little of it is
 * seen. */
#include "plot.h"

#include "html.h"

#define COLUMN 10
#define GAP    2
#define HEIGHT 200
#define LEAST  4 /* of what isn't 0, so that it can be seen */

static const struct {
    rl_figure_e figure;
    const char *name, *label;
} kinds[] = {{RL_FIGURE_DENIED, "denied", "Denied"},
             {RL_FIGURE_OBSERVED, "observed", "Observed"},
             {RL_FIGURE_ALLOWED, "allowed", "Allowed"}};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- sums ---- */

static uint64_t interval_sum(const rl_interval_t *of)
{
    uint64_t sum = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        sum += of->n[kinds[k].figure];
    }
    return sum;
}

/* Returns the place of the interval that had most. */
static int series_peak(const rl_series_t *series)
{
    int peak = 0;
    for (int i = 1; i < series->n; i++) {
        if (interval_sum(&series->of[i]) > interval_sum(&series->of[peak])) {
            peak = i;
        }
    }
    return peak;
}

static uint64_t series_sum(const rl_series_t *series, rl_figure_e figure)
{
    uint64_t sum = 0;
    for (int i = 0; i < series->n; i++) {
        sum += series->of[i].n[figure];
    }
    return sum;
}

/* Returns the least of 2, 4, 6, 8, 10, 20, 40 ... that isn't below most: half of it is whole.
 */
static uint64_t scale_for(uint64_t most)
{
    uint64_t unit = 2;
    while (unit * 5 < most && unit < UINT64_MAX / 100) {
        unit *= 10;
    }
    return most <= unit ? unit : (most + unit - 1) / unit * unit;
}

/* ---- drawing ---- */

static uint64_t height_of(uint64_t n, uint64_t scale)
{
    const uint64_t height = (uint64_t)((double)n * HEIGHT / (double)scale);
    return n > 0 && height < LEAST ? LEAST : height > HEIGHT ? HEIGHT : height;
}

/* Appends a bar of one kind in column i to a path; `low` is what stands below it. */
static void plot_bar(rl_output_t *out, int i, uint64_t low, uint64_t height)
{
    const uint64_t top = low + height < HEIGHT ? HEIGHT - low - height : 0;
    rl_out(out, "M");
    rl_out_number(out, (uint64_t)i * COLUMN + GAP / 2);
    rl_out(out, " ");
    rl_out_number(out, top);
    rl_out(out, "v");
    rl_out_number(out, height);
    rl_out(out, "h8v-");
    rl_out_number(out, height);
    rl_out(out, "z");
}

static void plot_kind(rl_output_t *out, const rl_series_t *series, unsigned kind,
                      uint64_t scale)
{
    if (series_sum(series, kinds[kind].figure) == 0) {
        return;
    }
    rl_out(out, "<path class=\"");
    rl_out(out, kinds[kind].name);
    rl_out(out, "\" d=\"");
    for (int i = 0; i < series->n; i++) {
        uint64_t low = 0;
        for (unsigned k = 0; k < kind; k++) {
            low += height_of(series->of[i].n[kinds[k].figure], scale);
        }
        if (series->of[i].n[kinds[kind].figure] > 0) {
            plot_bar(out, i, low, height_of(series->of[i].n[kinds[kind].figure], scale));
        }
    }
    rl_out(out, "\"/>\n");
}

static void plot_kinds(rl_output_t *out, const rl_series_t *series, uint64_t scale)
{
    for (unsigned k = 0; k < KINDS; k++) {
        plot_kind(out, series, k, scale);
    }
}

/* Returns how high the kinds up to this one stand in column i. */
static uint64_t stack_of(const rl_series_t *series, int i, unsigned kind, uint64_t scale)
{
    uint64_t height = 0;
    for (unsigned k = 0; k <= kind; k++) {
        height += height_of(series->of[i].n[kinds[k].figure], scale);
    }
    return height < HEIGHT ? height : HEIGHT;
}

/* Writes a kind and those below it as one area; equal neighbours are one step. */
static void plot_area(rl_output_t *out, const rl_series_t *series, unsigned kind,
                      uint64_t scale)
{
    rl_out(out, "<path class=\"");
    rl_out(out, kinds[kind].name);
    rl_out(out, "\" d=\"M0 200");
    for (int i = 0, next; i < series->n; i = next) {
        const uint64_t height = stack_of(series, i, kind, scale);
        for (next = i + 1; next < series->n; next++) {
            if (stack_of(series, next, kind, scale) != height) {
                break;
            }
        }
        rl_out(out, "V");
        rl_out_number(out, HEIGHT - height);
        rl_out(out, "H");
        rl_out_number(out, (uint64_t)next * COLUMN);
    }
    rl_out(out, "V200z\"/>\n");
}

/* As plot_kinds(), in fewer bytes: each kind is drawn over the one above it. */
static void plot_areas(rl_output_t *out, const rl_series_t *series, uint64_t scale)
{
    for (unsigned k = KINDS; k-- > 0;) {
        if (series_sum(series, kinds[k].figure) > 0) {
            plot_area(out, series, k, scale);
        }
    }
}

static void sentence(rl_output_t *out, const rl_interval_t *of)
{
    rl_html_count(out, of->n[RL_FIGURE_ALLOWED]);
    rl_out(out, " allowed, ");
    rl_html_count(out, of->n[RL_FIGURE_DENIED]);
    rl_out(out, " denied, ");
    rl_html_count(out, of->n[RL_FIGURE_OBSERVED]);
    rl_out(out, " observed");
}

static uint32_t begin_of(const rl_series_t *series, int i)
{
    return series->begin_s + (uint32_t)i * series->step_s;
}

/* Columns that say what they are of, to whom points at them. */
static void plot_tips(rl_output_t *out, const rl_series_t *series)
{
    for (int i = 0; i < series->n; i++) {
        if (interval_sum(&series->of[i]) == 0) {
            continue;
        }
        rl_out(out, "<rect class=\"tip\" x=\"");
        rl_out_number(out, (uint64_t)i * COLUMN);
        rl_out(out, "\" width=\"10\" height=\"200\"><title>");
        rl_html_clock(out, begin_of(series, i));
        rl_out(out, ": ");
        sentence(out, &series->of[i]);
        rl_out(out, "</title></rect>\n");
    }
}

static void plot_head(rl_output_t *out, const rl_series_t *series, const char *kind)
{
    rl_out(out, "<svg class=\"");
    rl_out(out, kind);
    rl_out(out, "\" role=\"img\" aria-labelledby=\"");
    rl_out(out, series->id);
    rl_out(out, "-t ");
    rl_out(out, series->id);
    rl_out(out, "-d\" preserveAspectRatio=\"none\" viewBox=\"0 0 ");
    rl_out_number(out, (uint64_t)series->n * COLUMN);
    rl_out(out, " 200\"><title id=\"");
    rl_out(out, series->id);
    rl_out(out, "-t\">");
    rl_out(out, series->title);
    rl_out(out, "</title><desc id=\"");
    rl_out(out, series->id);
    rl_out(out, "-d\">");
}

static void describe(rl_output_t *out, const rl_series_t *series)
{
    const int peak = series_peak(series);
    rl_interval_t sum;
    for (unsigned k = 0; k < KINDS; k++) {
        sum.n[kinds[k].figure] = series_sum(series, kinds[k].figure);
    }
    sentence(out, &sum);
    if (interval_sum(&sum) > 0) {
        rl_out(out, "; most in one ");
        rl_out(out, series->step);
        rl_out(out, ": ");
        rl_html_count(out, interval_sum(&series->of[peak]));
        rl_out(out, " at ");
        rl_html_clock(out, begin_of(series, peak));
        rl_out(out, " UTC");
    }
    rl_out(out, "</desc>\n");
}

void rl_plot_write_small(rl_output_t *out, const rl_series_t *series)
{
    plot_head(out, series, "spark");
    describe(out, series);
    plot_areas(out, series, scale_for(interval_sum(&series->of[series_peak(series)])));
    rl_out(out, "</svg>\n");
}

/* ---- words beside it ---- */

static void plot_legend(rl_output_t *out, const rl_series_t *series)
{
    rl_out(out, "<ul class=\"legend\">");
    for (unsigned k = KINDS; k-- > 0;) {
        const uint64_t sum = series_sum(series, kinds[k].figure);
        if (sum == 0 && kinds[k].figure == RL_FIGURE_OBSERVED) {
            continue;
        }
        rl_out(out, "<li><svg class=\"swatch\" viewBox=\"0 0 10 10\" aria-hidden=\"true\">"
                    "<rect class=\"");
        rl_out(out, kinds[k].name);
        rl_out(out, "\" width=\"10\" height=\"10\"/></svg> ");
        rl_out(out, kinds[k].label);
        rl_out(out, " <b>");
        rl_html_count(out, sum);
        rl_out(out, "</b></li>\n");
    }
    rl_out(out, "</ul>\n");
}

static void plot_axes(rl_output_t *out, const rl_series_t *series, uint64_t scale)
{
    rl_out(out, "<div class=\"y\" aria-hidden=\"true\"><span>");
    rl_html_count(out, scale);
    rl_out(out, "</span><span>");
    rl_html_count(out, scale / 2);
    rl_out(out, "</span><span>0</span></div>\n<div class=\"x\" aria-hidden=\"true\"><span>");
    rl_html_clock(out, begin_of(series, 0));
    rl_out(out, "</span><span>");
    rl_html_clock(out, begin_of(series, series->n / 2));
    rl_out(out, "</span><span>");
    rl_html_clock(out, begin_of(series, series->n - 1));
    rl_out(out, "</span></div>\n");
}

static void plot_table(rl_output_t *out, const rl_series_t *series)
{
    static const char *const columns[] = {"From (UTC)", "#Allowed", "#Denied", "#Observed",
                                          NULL};
    rl_out(out, "<details id=\"");
    rl_out(out, series->id);
    rl_out(out, "-table\"><summary>The numbers as a table</summary>\n"
                "<div class=\"tall\" role=\"region\" tabindex=\"0\" aria-label=\"");
    rl_out(out, series->title);
    rl_out(out, "\">");
    rl_html_table_begin(out, series->title, columns);
    for (int i = series->n - 1; i >= 0; i--) {
        rl_out(out, "<tr role=\"row\">");
        rl_html_cell_head_begin(out);
        rl_html_clock(out, begin_of(series, i));
        rl_html_cell_head_end(out);
        rl_html_cell_count(out, columns[1], series->of[i].n[RL_FIGURE_ALLOWED]);
        rl_html_cell_count(out, columns[2], series->of[i].n[RL_FIGURE_DENIED]);
        rl_html_cell_count(out, columns[3], series->of[i].n[RL_FIGURE_OBSERVED]);
        rl_out(out, "</tr>\n");
    }
    rl_html_table_end(out);
    rl_out(out, "</div></details>\n");
}

void rl_plot_write(rl_output_t *out, const rl_series_t *series)
{
    const uint64_t scale = scale_for(interval_sum(&series->of[series_peak(series)]));
    rl_out(out, "<figure><figcaption><h3>");
    rl_out(out, series->title);
    rl_out(out, "</h3>");
    plot_legend(out, series);
    rl_out(out, "</figcaption>\n<div class=\"plot\">\n");
    plot_head(out, series, "bars");
    describe(out, series);
    rl_out(out, "<path class=\"grid\" d=\"M0 0H");
    rl_out_number(out, (uint64_t)series->n * COLUMN);
    rl_out(out, "M0 100H");
    rl_out_number(out, (uint64_t)series->n * COLUMN);
    rl_out(out, "M0 200H");
    rl_out_number(out, (uint64_t)series->n * COLUMN);
    rl_out(out, "\"/>\n");
    plot_kinds(out, series, scale);
    plot_tips(out, series);
    rl_out(out, "</svg>\n");
    plot_axes(out, series, scale);
    rl_out(out, "</div>\n");
    plot_table(out, series);
    rl_out(out, "</figure>\n");
}
