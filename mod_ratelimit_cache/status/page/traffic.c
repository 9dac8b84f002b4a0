/* SPDX-License-Identifier: Apache-2.0 */
#include "plot.h"
#include "regions.h"

void rl_region_traffic(rl_output_t *out, const rl_report_t *report)
{
    const uint32_t minute = report->now_s / 60 - (RL_MINUTES - 1);
    const uint32_t hour = report->now_s / 3600 - (RL_HOURS - 1);
    rl_interval_t minutes[RL_MINUTES], hours[RL_HOURS];
    const rl_series_t by_minutes = {
        "plot-hour", "The last hour, by minutes", "minute", minutes, RL_MINUTES, minute * 60,
        60};
    const rl_series_t by_hours = {
        "plot-day", "The last day, by hours", "hour", hours, RL_HOURS, hour * 3600, 3600};
    rl_figures_minutes(report->all, report->now_s, minutes);
    rl_figures_hours(report->all, report->now_s, hours);
    rl_out(out, "<section id=\"traffic\" tabindex=\"-1\" aria-labelledby=\"traffic-h\">\n"
                "<h2 id=\"traffic-h\">Requests</h2>\n<div class=\"plots\">\n");
    rl_plot_write(out, &by_minutes);
    rl_plot_write(out, &by_hours);
    rl_out(out, "</div>\n</section>\n");
}
