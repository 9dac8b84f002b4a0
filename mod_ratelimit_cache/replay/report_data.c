/* SPDX-License-Identifier: Apache-2.0 */
/* The report for programs: JSON (RFC 8259) and CSV (RFC 4180). */
#include <string.h>

#include "findings.h"
#include "report.h"

#define TOP_MAX 1000
#define U64     "%" APR_UINT64_T_FMT

/* Writes text that strangers have chosen as a string of JSON. What isn't ASCII may not be
 * UTF-8: each of its bytes stands for the character of that number. */
static void put_json(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<') {
            fprintf(out, "\\u%04x", c);
        }
        else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static void json_proposal(FILE *out, const rl_spread_t *spread, double percent)
{
    const rl_proposal_t proposal = rl_findings_propose(spread, percent);
    fprintf(out,
            "{\"count\":%u,\"clients\":%u,\"clients_denied\":%u,\"requests\":" U64
            ",\"denied\":" U64 "}",
            proposal.count, proposal.clients, proposal.clients_denied, proposal.requests,
            proposal.denied);
}

static void json_keys(FILE *out, const rl_rule_tally_t *rule, const rl_report_terms_t *terms)
{
    const rl_key_tally_t *keys = rule->key_tallies.items;
    uint32_t top[TOP_MAX];
    const unsigned n =
        rl_findings_busiest(rule, top, terms->top < TOP_MAX ? terms->top : TOP_MAX);
    for (unsigned i = 0; i < n; i++) {
        char tag[RL_TAG_LENGTH + 1];
        const rl_key_tally_t *key = &keys[top[i]];
        rl_digest_tag(&rule->keys.names[top[i]], tag);
        fprintf(out, "%s{\"tag\":\"%s\",\"values\":", i > 0 ? "," : "", tag);
        put_json(out, key->label);
        fprintf(out, ",\"requests\":" U64 ",\"peak\":%u,\"denied\":" U64 "}", key->requests,
                key->peak, key->denied);
    }
}

static void json_widths(FILE *out, const rl_rule_tally_t *rule, double percent)
{
    for (int i = 0; rule->by_address && !rule->concurrent && i < RL_TALLY_WIDTHS; i++) {
        const rl_width_tally_t *width = &rule->widths[i];
        fprintf(out, "%s{\"v4bits\":%d,\"v6bits\":%d,\"networks\":%u,\"proposal\":",
                i > 0 ? "," : "", width->v4bits, width->v6bits, width->n);
        json_proposal(out, &width->spread, percent);
        fputc('}', out);
    }
}

/* Says if the rule was replayed and, if not, why. */
static void json_replayed(FILE *out, const rl_rule_tally_t *rule)
{
    if (rule->unseen || rule->concurrent) {
        fprintf(out, ",\"replayed\":false,\"reason\":\"%s\"",
                rule->unseen ? "body" : "concurrent");
    }
    else {
        fputs(",\"replayed\":true", out);
    }
}

static void json_rule(FILE *out, const rl_rule_tally_t *rule, const rl_report_terms_t *terms)
{
    const ap_directive_t *at = rule->rule->directive;
    fputs("{\"name\":", out);
    put_json(out, rule->rule->name);
    fputs(",\"rate\":", out);
    put_json(out, rule->rule->rate_text);
    fputs(",\"file\":", out);
    put_json(out, at->filename);
    fprintf(out, ",\"line\":%d", at->line_num);
    json_replayed(out, rule);
    fprintf(out,
            ",\"checked\":" U64 ",\"denied\":" U64 ",\"observed\":" U64 ",\"refunded\":" U64
            ",\"cleared\":" U64 ",\"missing\":" U64 ",\"clients_denied\":" U64
            ",\"keys\":%u,\"busiest\":[",
            rule->checked, rule->denied, rule->observed, rule->refunded, rule->cleared,
            rule->missing, rule->clients_denied, rule->keys.n);
    json_keys(out, rule, terms);
    fputs("],\"proposal\":", out);
    json_proposal(out, &rule->spread, terms->percent);
    fputs(",\"networks\":[", out);
    json_widths(out, rule, terms->percent);
    fprintf(out, "],\"address_helps\":%s}",
            rl_findings_address_is_useless(rule, terms->percent) ? "false" : "true");
}

void rl_report_json(FILE *out, rl_tally_t *tally, const rl_report_terms_t *terms)
{
    fprintf(out,
            "{\"version\":1,\"lines\":" U64 ",\"unreadable\":" U64 ",\"skipped\":" U64
            ",\"late\":" U64 ",\"requests\":" U64 ",\"denied\":" U64 ",\"exempt\":" U64
            ",\"clients\":%u,\"clients_denied\":" U64 ",\"median\":" U64
            ",\"first\":%" APR_INT64_T_FMT ",\"last\":%" APR_INT64_T_FMT
            ",\"percent\":%g,\"rules\":[",
            tally->lines, tally->unreadable, tally->skipped, tally->late, tally->requests,
            tally->denied, tally->exempt, tally->clients.n, tally->clients_denied,
            rl_findings_median(tally, tally->pool), tally->first / RL_USEC_PER_SEC,
            tally->last / RL_USEC_PER_SEC, terms->percent);
    for (int i = 0; i < tally->n; i++) {
        fputs(i > 0 ? "," : "", out);
        json_rule(out, &tally->rules[i], terms);
    }
    fputs("]", out);
    if (terms->has_duration) {
        fprintf(out,
                ",\"at_once\":{\"most\":%u,\"time\":%" APR_INT64_T_FMT
                ",\"of_a_client\":%u,\"proposal\":",
                tally->at_once_most, tally->at_once_time / RL_USEC_PER_SEC,
                tally->at_once_spread.highest);
        json_proposal(out, &tally->at_once_spread, terms->percent);
        fputs("}", out);
    }
    fputs("}\n", out);
}

/* A field that a spreadsheet would take for a formula begins with an apostrophe. */
static void put_csv(FILE *out, const char *text)
{
    fputs(*text != '\0' && strchr("=+-@\t\r", *text) != NULL ? "\"'" : "\"", out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            fputc('"', out);
        }
        fputc(*text, out);
    }
    fputc('"', out);
}

/* One line for each key. */
void rl_report_csv(FILE *out, rl_tally_t *tally, const rl_report_terms_t *terms)
{
    (void)terms;
    fputs("rule,tag,values,requests,peak,denied\r\n", out);
    for (int i = 0; i < tally->n; i++) {
        const rl_rule_tally_t *rule = &tally->rules[i];
        const rl_key_tally_t *keys = rule->key_tallies.items;
        for (uint32_t j = 0; j < rule->keys.n; j++) {
            char tag[RL_TAG_LENGTH + 1];
            rl_digest_tag(&rule->keys.names[j], tag);
            fprintf(out, "%s,%s,", rule->rule->name, tag);
            put_csv(out, keys[j].label);
            fprintf(out, "," U64 ",%u," U64 "\r\n", keys[j].requests, keys[j].peak,
                    keys[j].denied);
        }
    }
}
