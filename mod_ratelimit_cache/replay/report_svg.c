/* SPDX-License-Identifier: Apache-2.0 */
/* A plot of the requests over time, those that were denied in another colour. */
#include "report.h"

#define WIDTH   960
#define HEIGHT  320
#define LEFT    70
#define BOTTOM  40
#define TOP_GAP 30
#define COLUMNS (WIDTH - LEFT - 10)

/* A column of the plot: the sum of some minutes. */
typedef struct rl_column {
    uint64_t allowed, denied;
} rl_column_t;

static size_t minutes_of(const rl_tally_t *tally)
{
    return (size_t)((tally->last - tally->first) / (60 * RL_USEC_PER_SEC)) + 1;
}

static size_t make_columns(rl_tally_t *tally, rl_column_t *columns)
{
    const size_t minutes = minutes_of(tally);
    const size_t n = minutes < COLUMNS ? minutes : COLUMNS;
    for (size_t i = 0; i < minutes; i++) {
        const rl_minute_tally_t *minute =
            rl_vector_at(&tally->minutes, i, sizeof(rl_minute_tally_t));
        rl_column_t *column = &columns[i * n / minutes];
        column->allowed += minute->allowed;
        column->denied += minute->denied;
    }
    return n;
}

static void put_bar(FILE *out, double x, double width, double y, double height,
                    const char *kind)
{
    if (height > 0) {
        fprintf(out,
                "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n",
                kind, x, y, width, height);
    }
}

static void put_time(FILE *out, int64_t at, int x, const char *anchor)
{
    apr_time_exp_t parts;
    apr_time_exp_gmt(&parts, at);
    fprintf(out,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%04d-%02d-%02d %02d:%02d UTC</text>\n",
            x, HEIGHT - 12, anchor, parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
            parts.tm_hour, parts.tm_min);
}

void rl_report_svg(FILE *out, rl_tally_t *tally, const rl_report_terms_t *terms)
{
    static rl_column_t columns[COLUMNS];
    const double room = HEIGHT - BOTTOM - TOP_GAP;
    const size_t n = make_columns(tally, columns);
    const double width = (double)COLUMNS / (double)n;
    uint64_t most = 1;
    (void)terms;
    for (size_t i = 0; i < n; i++) {
        const uint64_t sum = columns[i].allowed + columns[i].denied;
        most = sum > most ? sum : most;
    }
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n"
            "<title>Requests over time: %" APR_UINT64_T_FMT ", of which %" APR_UINT64_T_FMT
            " would have been denied</title>\n"
            "<style>rect.a{fill:#3a7bd5}rect.d{fill:#d9480f}text{font:12px sans-serif}"
            "line{stroke:#888}</style>\n",
            WIDTH, HEIGHT, tally->requests, tally->denied);
    for (size_t i = 0; i < n; i++) {
        const double denied = room * (double)columns[i].denied / (double)most;
        const double allowed = room * (double)columns[i].allowed / (double)most;
        const double x = LEFT + (double)i * width;
        put_bar(out, x, width, HEIGHT - BOTTOM - allowed, allowed, "a");
        put_bar(out, x, width, HEIGHT - BOTTOM - allowed - denied, denied, "d");
    }
    fprintf(
        out,
        "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n"
        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%" APR_UINT64_T_FMT "</text>\n"
        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n"
        "<text x=\"%d\" y=\"18\">admitted (blue) and denied (orange), in %.0f s each</text>\n",
        LEFT, HEIGHT - BOTTOM, WIDTH - 10, HEIGHT - BOTTOM, LEFT - 6, TOP_GAP + 4, most,
        LEFT - 6, HEIGHT - BOTTOM, LEFT, 60.0 * (double)minutes_of(tally) / (double)n);
    put_time(out, tally->first, LEFT, "start");
    put_time(out, tally->last, WIDTH - 10, "end");
    fputs("</svg>\n", out);
}
