/* SPDX-License-Identifier: Apache-2.0 */
#include "html.h"

#include <apr_time.h>

/* ---- numbers ---- */

void rl_html_count(rl_output_t *out, uint64_t n)
{
    uint64_t unit = 1;
    while (n / unit >= 1000) {
        unit *= 1000;
    }
    rl_out_number(out, n / unit);
    for (unit /= 1000; unit > 0; unit /= 1000) {
        const uint64_t digits = n / unit % 1000;
        rl_out(out, digits < 10 ? ",00" : digits < 100 ? ",0" : ",");
        rl_out_number(out, digits);
    }
}

void rl_html_counted(rl_output_t *out, uint64_t n, const char *noun)
{
    rl_html_count(out, n);
    rl_out(out, " ");
    rl_out(out, noun);
    rl_out(out, n == 1 ? "" : "s");
}

static void out_unit(rl_output_t *out, uint64_t n, const char *unit)
{
    rl_out_number(out, n);
    rl_out(out, unit);
}

void rl_html_duration(rl_output_t *out, uint64_t seconds)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}};
    unsigned i = 0;
    while (i < 3 && seconds < units[i].seconds) {
        i++;
    }
    out_unit(out, seconds / units[i].seconds, units[i].name);
    if (i < 3) {
        const uint64_t rest = seconds % units[i].seconds / units[i + 1].seconds;
        if (rest > 0) {
            rl_out(out, " ");
            out_unit(out, rest, units[i + 1].name);
        }
    }
}

void rl_html_milliseconds(rl_output_t *out, uint64_t us)
{
    const uint64_t hundredths = (us + 5) / 10;
    rl_html_count(out, hundredths / 100);
    rl_out(out, hundredths % 100 < 10 ? ".0" : ".");
    rl_out_number(out, hundredths % 100);
    rl_out(out, " ms");
}

static uint64_t percent(uint64_t n, uint64_t of)
{
    return of == 0 ? 0 : n >= of ? 100 : (uint64_t)((double)n * 100 / (double)of);
}

void rl_html_share(rl_output_t *out, uint64_t n, uint64_t of)
{
    if (n > 0 && percent(n, of) == 0) {
        rl_out(out, "under 1%");
        return;
    }
    rl_out_number(out, percent(n, of));
    rl_out(out, "%");
}

/* ---- times ---- */

static void out_two(rl_output_t *out, const char *before, int number)
{
    rl_out(out, before);
    rl_out(out, number < 10 ? "0" : "");
    rl_out_number(out, (uint64_t)number);
}

void rl_html_clock(rl_output_t *out, uint32_t seconds)
{
    out_two(out, "", (int)(seconds / 3600 % 24));
    out_two(out, ":", (int)(seconds / 60 % 60));
}

void rl_html_time(rl_output_t *out, uint32_t seconds)
{
    apr_time_exp_t at;
    apr_time_exp_gmt(&at, apr_time_from_sec((apr_time_t)seconds));
    rl_out(out, "<time datetime=\"");
    rl_out_number(out, (uint64_t)at.tm_year + 1900);
    out_two(out, "-", at.tm_mon + 1);
    out_two(out, "-", at.tm_mday);
    out_two(out, "T", at.tm_hour);
    out_two(out, ":", at.tm_min);
    out_two(out, ":", at.tm_sec);
    rl_out(out, "Z\">");
    rl_html_clock(out, seconds);
    out_two(out, ":", at.tm_sec);
    rl_out(out, "</time>");
}

/* ---- small pieces ---- */

void rl_html_bar(rl_output_t *out, uint64_t n, uint64_t of, const char *style)
{
    const uint64_t width = of == 0 && n > 0 ? 100 : percent(n, of);
    rl_out(out, "<svg class=\"bar ");
    rl_out(out, style);
    rl_out(out, "\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                "<rect width=\"");
    rl_out_number(out, width == 0 && n > 0 ? 1 : width);
    rl_out(out, "\" height=\"6\"/></svg>");
}

void rl_html_hidden(rl_output_t *out, const char *name, const char *value)
{
    rl_out(out, "<input type=\"hidden\" name=\"");
    rl_out(out, name);
    rl_out(out, "\" value=\"");
    rl_out_html(out, value);
    rl_out(out, "\">");
}

void rl_html_figure_begin(rl_output_t *out, const char *name)
{
    rl_out(out, "<div><dt>");
    rl_out(out, name);
    rl_out(out, "</dt><dd>");
}

void rl_html_figure_end(rl_output_t *out)
{
    rl_out(out, "</dd></div>\n");
}

void rl_html_figure(rl_output_t *out, const char *name, uint64_t n)
{
    rl_html_figure_begin(out, name);
    rl_html_count(out, n);
    rl_html_figure_end(out);
}

/* ---- tables ---- */

/* Roles are told, too: a browser may forget what a table is once its rows are cards. */
void rl_html_table_begin(rl_output_t *out, const char *caption, const char *const *columns)
{
    rl_out(out, "<table role=\"table\"><caption>");
    rl_out(out, caption);
    rl_out(out, "</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">");
    for (; *columns != NULL; columns++) {
        const int number = **columns == '#';
        rl_out(out, "<th role=\"columnheader\" scope=\"col\"");
        rl_out(out, number ? " class=\"n\">" : ">");
        rl_out(out, *columns + number);
        rl_out(out, "</th>");
    }
    rl_out(out, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
}

void rl_html_table_end(rl_output_t *out)
{
    rl_out(out, "</tbody></table>\n");
}

void rl_html_cell_begin(rl_output_t *out, const char *column)
{
    const int number = *column == '#';
    rl_out(out, number ? "<td role=\"cell\" class=\"n\"" : "<td role=\"cell\"");
    rl_out(out, " data-label=\"");
    rl_out(out, column + number);
    rl_out(out, "\">");
}

void rl_html_cell_end(rl_output_t *out)
{
    rl_out(out, "</td>");
}

void rl_html_cell_head_begin(rl_output_t *out)
{
    rl_out(out, "<th role=\"rowheader\" scope=\"row\">");
}

void rl_html_cell_head_end(rl_output_t *out)
{
    rl_out(out, "</th>");
}

void rl_html_cell_count(rl_output_t *out, const char *column, uint64_t n)
{
    rl_html_cell_begin(out, column);
    rl_html_count(out, n);
    rl_html_cell_end(out);
}
