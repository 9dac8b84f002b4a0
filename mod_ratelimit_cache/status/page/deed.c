/* SPDX-License-Identifier: Apache-2.0 */
#include "html.h"
#include "keys.h"
#include "regions.h"

/* It gets the focus, so that a screen reader begins with it. */
void rl_region_deed(rl_output_t *out, const rl_report_t *report)
{
    const rl_key_table_t table = {.report = report, .id = "found-", .with_rules = true};
    if (report->deed == NULL) {
        return;
    }
    rl_out(out, "<section id=\"deed\" class=\"");
    rl_out(out, report->deed->done ? "done" : "failed");
    rl_out(out, "\" aria-label=\"What came of your request\">\n"
                "<p role=\"status\" tabindex=\"-1\" autofocus>");
    rl_out_html(out, report->deed->text);
    rl_out(out, "</p>\n");
    if (report->nfound > 0) {
        rl_key_table_begin(out, &table, "As it is now");
        for (size_t i = 0; i < report->nfound; i++) {
            rl_key_table_row(out, &table, &report->found[i], i);
        }
        rl_key_table_end(out, &table);
    }
    rl_out(out, "</section>\n");
}
