/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "assets.h"
#include "html.h"
#include "limited.h"
#include "regions.h"

const char *rl_page_policy(void)
{
    return rl_asset_page_policy;
}

/* "3 keys limited": the state of everything, for the title and the head. */
static void page_state(rl_output_t *out, const rl_limited_t *limited)
{
    if (limited->keys == 0) {
        rl_out(out, "Nothing limited");
        return;
    }
    rl_html_count(out, limited->keys);
    rl_out(out, limited->or_more ? "+" : "");
    rl_out(out, limited->keys == 1 && !limited->or_more ? " key limited" : " keys limited");
}

static void page_head(rl_output_t *out, const rl_report_t *report, const rl_limited_t *limited)
{
    rl_out(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<meta name=\"robots\" content=\"noindex\">\n<title>");
    page_state(out, limited);
    rl_out(out, " - ");
    rl_out_html(out, report->host);
    rl_out(out, "</title>\n<style>");
    rl_out(out, rl_asset_page_css);
    rl_out(out, "</style>\n</head>\n<body>\n");
}

static void page_header(rl_output_t *out, const rl_report_t *report,
                        const rl_limited_t *limited)
{
    rl_out(out, "<a class=\"skip\" href=\"#now\">Skip to what is limited now</a>\n"
                "<header>\n<h1>Rate limits <span>");
    rl_out_html(out, report->host);
    rl_out(out, "</span></h1>\n<p id=\"state\" class=\"badge ");
    rl_out(out, limited->keys > 0 ? "bad" : "good");
    rl_out(out, "\">");
    page_state(out, limited);
    rl_out(out, "</p>\n<p id=\"when\"><span>As of </span>");
    rl_html_time(out, report->now_s);
    rl_out(out, " UTC</p>\n<nav aria-label=\"On this page\"><ul>"
                "<li><a href=\"#now\">Now</a></li>"
                "<li><a href=\"#traffic\">Requests</a></li>"
                "<li><a href=\"#rules\">Rules</a></li>"
                "<li><a href=\"#stores\">Stores</a></li></ul></nav>\n</header>\n");
}

static void page_footer(rl_output_t *out, const rl_report_t *report)
{
    rl_out(out, "<footer>\n<p>mod_ratelimit_cache ");
    rl_out_html(out, report->version);
    rl_out(out, ". Also as <a href=\"?format=json\">JSON</a>, "
                "<a href=\"?format=openmetrics\">OpenMetrics</a>, "
                "<a href=\"?format=prometheus\">Prometheus</a>, "
                "<a href=\"?format=health\">health</a>.</p>\n</footer>\n<script>");
    rl_out(out, rl_asset_page_js);
    rl_out(out, "</script>\n</body>\n</html>\n");
}

void rl_page_write(rl_output_t *out, const rl_report_t *report)
{
    const rl_limited_t limited = rl_limited_count(report);
    page_head(out, report, &limited);
    page_header(out, report, &limited);
    rl_out(out, "<main>\n");
    rl_region_deed(out, report);
    rl_region_now(out, report);
    rl_region_traffic(out, report);
    rl_region_rules(out, report);
    rl_region_stores(out, report);
    rl_out(out, "</main>\n");
    page_footer(out, report);
}
