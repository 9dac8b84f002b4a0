/* SPDX-License-Identifier: Apache-2.0 */
#include "find.h"

#include <string.h>

#include "../../core/key_text.h"
#include "html.h"
#include "keys.h"

#define PARTS_MAX  16
#define PART_BYTES 512

/* ---- parts of a key ---- */

/* Copies a part without its prefix lengths, which a value doesn't name: ip/24 is "ip". Returns
 * false if it has no value, or is too long. */
static bool part_name(const char *part, const char *end, char name[PART_BYTES])
{
    const size_t all = (size_t)(end - part);
    const size_t len = strncmp(part, "ip/", 3) == 0 ? 2 : all;
    if (len >= PART_BYTES || (len == 3 && memcmp(part, "all", 3) == 0)) {
        return false;
    }
    memcpy(name, part, len);
    name[len] = '\0';
    return true;
}

/* ---- forms ---- */

static void text_input(rl_output_t *out)
{
    rl_out(out, "<input type=\"text\" autocomplete=\"off\" autocapitalize=\"none\" "
                "spellcheck=\"false\" name=\"");
}

static void part_field(rl_output_t *out, const char *part)
{
    rl_out(out, "<label><span>");
    rl_out_html(out, part);
    rl_out(out, "</span> ");
    text_input(out);
    rl_out(out, "value.");
    rl_out_html(out, part);
    rl_out(out, "\"></label>\n");
}

static void part_fields(rl_output_t *out, const char *key)
{
    char name[PART_BYTES];
    for (int i = 0; i < PARTS_MAX && *key != '\0'; i++) {
        const char *end = rl_key_text_part_end(key);
        if (part_name(key, end, name)) {
            part_field(out, name);
        }
        key = *end != '\0' ? end + 1 : end;
    }
}

static void find_buttons(rl_output_t *out)
{
    rl_out(out,
           "<p class=\"buttons\"><button name=\"action\" value=\"show\">Look up</button>\n"
           "<button name=\"action\" value=\"clear\">Clear</button>\n"
           "<span class=\"joined\"><button name=\"action\" value=\"exempt\">Exempt</button>\n"
           "<label>for <select name=\"for\"><option value=\"10m\">10 minutes</option>"
           "<option value=\"1h\" selected>1 hour</option>"
           "<option value=\"1d\">1 day</option></select></label></span></p>\n"
           "</form></details>\n");
}

void rl_find_form(rl_output_t *out, const rl_report_t *report, const rl_rule_row_t *row)
{
    if (*report->token == '\0' || *row->key == '\0') {
        return;
    }
    rl_out(out, "<details class=\"find\" id=\"r");
    rl_out_number(out, rl_rule_row_number(report, row));
    rl_out(out, "-find\"><summary>Look up a key</summary>\n<form method=\"post\">");
    rl_html_hidden(out, "token", report->token);
    rl_html_hidden(out, "rule", row->name);
    rl_html_hidden(out, "vhost", row->vhost);
    rl_out(out, "\n");
    part_fields(out, row->key);
    find_buttons(out);
}

void rl_find_form_any(rl_output_t *out, const rl_report_t *report)
{
    if (*report->token == '\0') {
        return;
    }
    rl_out(out, "<details class=\"find\" id=\"find-any\"><summary>Look up a key of another rule"
                "</summary>\n<form method=\"post\">");
    rl_html_hidden(out, "token", report->token);
    rl_out(out, "\n<label><span>Rule</span> ");
    text_input(out);
    rl_out(out, "rule\"></label>\n<label><span>Host</span> ");
    text_input(out);
    rl_out(out, "vhost\"></label>\n");
    for (int i = 0; i < 3; i++) {
        rl_out(out, "<label><span>PART=VALUE</span> ");
        text_input(out);
        rl_out(out, "key\"></label>\n");
    }
    find_buttons(out);
}
