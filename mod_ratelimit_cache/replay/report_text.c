/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people. */
#include <apr_strings.h>
#include <string.h>

#include "../rule/identity.h"
#include "findings.h"
#include "report.h"

#define TOP_MAX 1000

static double percent_of(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

/* Returns the number with commas between thousands. */
static const char *commas(apr_pool_t *pool, uint64_t number)
{
    char digits[32], *text = apr_palloc(pool, 48), *to = text;
    const int n = apr_snprintf(digits, sizeof(digits), "%" APR_UINT64_T_FMT, number);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

static const char *moment(apr_pool_t *pool, int64_t at)
{
    apr_time_exp_t parts;
    apr_time_exp_gmt(&parts, at);
    return apr_psprintf(pool, "%04d-%02d-%02d %02d:%02d:%02d", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                        parts.tm_sec);
}

/* Writes text that strangers have chosen: control characters as they are in logs. */
static void put_label(FILE *out, const char *label, int width)
{
    int n = 0;
    for (; *label != '\0'; label++) {
        if ((unsigned char)*label < 0x20 || *label == 0x7f || *label == '\\') {
            n += fprintf(out, "\\x%02x", (unsigned char)*label);
        }
        else {
            n += fputc(*label, out) != EOF && ((unsigned char)*label & 0xc0) != 0x80;
        }
    }
    fprintf(out, "%*s", n < width ? width - n : 0, "");
}

static void put_whole(FILE *out, const rl_tally_t *tally, const rl_report_terms_t *terms)
{
    apr_pool_t *pool = tally->pool;
    const char *bold = terms->colour ? "\033[1m" : "", *plain = terms->colour ? "\033[0m" : "";
    fprintf(out, "%s%s requests%s of %s clients, %s to %s UTC\n", bold,
            commas(pool, tally->requests), plain, commas(pool, tally->clients.n),
            moment(pool, tally->first), moment(pool, tally->last));
    fprintf(out, "%sdenied: %s%s (%.2f %%), of %s clients (%.2f %%)\n",
            tally->denied > 0 ? bold : "", commas(pool, tally->denied), plain,
            percent_of(tally->denied, tally->requests), commas(pool, tally->clients_denied),
            percent_of(tally->clients_denied, tally->clients.n));
    if (tally->exempt > 0) {
        fprintf(out, "exempt: %s\n", commas(pool, tally->exempt));
    }
    if (tally->unreadable + tally->skipped + tally->late > 0) {
        fprintf(out,
                "lines left out: %s in another format, %s without a request or an address; "
                "%s came too late to be put in their place\n",
                commas(pool, tally->unreadable), commas(pool, tally->skipped),
                commas(pool, tally->late));
    }
    if (!terms->has_fraction) {
        fputs("The log tells whole seconds: within one, requests are taken in the order of "
              "their lines (%{usec_frac}t tells more).\n",
              out);
    }
}

/* Returns the rule as it is written, with another COUNT. */
static const char *rule_line(apr_pool_t *pool, const rl_rule_t *rule, uint32_t count)
{
    const char *args = rule->directive->args;
    const char *rate = strstr(args, rule->rate_text);
    const char *period = rate != NULL ? strchr(rate, '/') : NULL;
    return period != NULL ? apr_psprintf(pool, "RateLimit %.*s%u%s", (int)(rate - args), args,
                                         count, period)
                          : NULL;
}

static void put_keys(FILE *out, const rl_rule_tally_t *rule, const rl_report_terms_t *terms,
                     apr_pool_t *pool)
{
    const rl_key_tally_t *keys = rule->key_tallies.items;
    uint32_t top[TOP_MAX];
    const unsigned n =
        rl_findings_busiest(rule, top, terms->top < TOP_MAX ? terms->top : TOP_MAX);
    for (unsigned i = 0; i < n; i++) {
        char tag[RL_TAG_LENGTH + 1];
        const rl_key_tally_t *key = &keys[top[i]];
        rl_digest_tag(&rule->keys.names[top[i]], tag);
        fprintf(out, "    %s  ", tag);
        put_label(out, key->label, 40);
        fprintf(out, " %12s requests %10s at most in a window %12s denied\n",
                commas(pool, key->requests), commas(pool, key->peak),
                commas(pool, key->denied));
    }
}

static void put_proposal(FILE *out, const rl_rule_tally_t *rule, const rl_report_terms_t *terms,
                         apr_pool_t *pool)
{
    const rl_proposal_t proposal = rl_findings_propose(&rule->spread, terms->percent);
    fprintf(out,
            "  %u is the smallest %s that denies at most %g %% of the clients: %s of %s, and "
            "%s requests (%.2f %%)\n",
            proposal.count, rule->meter.algorithm == RL_TOKEN_BUCKET ? "burst" : "COUNT",
            terms->percent, commas(pool, proposal.clients_denied),
            commas(pool, proposal.clients), commas(pool, proposal.denied),
            percent_of(proposal.denied, proposal.requests));
    if (rule->meter.algorithm != RL_TOKEN_BUCKET && rule->rule->rate_expr == NULL &&
        proposal.count > 0) {
        fprintf(out, "    %s\n", rule_line(pool, rule->rule, proposal.count));
    }
}

static void put_widths(FILE *out, const rl_rule_tally_t *rule, const rl_report_terms_t *terms,
                       apr_pool_t *pool)
{
    fprintf(out, "  by network %14s %10s %18s %18s\n", "networks", "COUNT", "requests denied",
            "clients denied");
    for (int i = 0; i < RL_TALLY_WIDTHS; i++) {
        const rl_width_tally_t *width = &rule->widths[i];
        const rl_proposal_t proposal = rl_findings_propose(&width->spread, terms->percent);
        fprintf(out, "  ip/%d/%-6d %14s %10u %16.2f %% %16.2f %%\n", width->v4bits,
                width->v6bits, commas(pool, width->n), proposal.count,
                percent_of(proposal.denied, proposal.requests),
                percent_of(proposal.clients_denied, proposal.clients));
    }
}

static void put_counts(FILE *out, const rl_rule_tally_t *rule, apr_pool_t *pool)
{
    fprintf(out, "  checked %s, denied %s (%.2f %%), of %s clients",
            commas(pool, rule->checked), commas(pool, rule->denied),
            percent_of(rule->denied, rule->checked), commas(pool, rule->clients_denied));
    if (rule->observed > 0) {
        fprintf(out, ", would have denied %s", commas(pool, rule->observed));
    }
    if (rule->refunded + rule->cleared > 0) {
        fprintf(out, ", gave back %s, cleared %s", commas(pool, rule->refunded),
                commas(pool, rule->cleared));
    }
    if (rule->missing > 0) {
        fprintf(out, ", without a value %s", commas(pool, rule->missing));
    }
    fputc('\n', out);
}

/* A replay has no slots. Tells what the log says of requests at the same time instead. */
static void put_concurrent(FILE *out, const rl_tally_t *tally, const rl_report_terms_t *terms)
{
    fputs("  not judged: a replay has no slots, so this rule admits everything. ", out);
    if (terms->has_duration) {
        fprintf(out,
                "By the log's %%D at most %s requests ran at the same time, %s of one client\n",
                commas(tally->pool, tally->at_once_most),
                commas(tally->pool, tally->at_once_spread.highest));
    }
    else {
        fputs("With %D the log would tell how many requests ran at the same time\n", out);
    }
}

static void report_rule(FILE *out, const rl_tally_t *tally, const rl_rule_tally_t *rule,
                        const rl_report_terms_t *terms)
{
    const ap_directive_t *at = rule->rule->directive;
    fprintf(out, "\n%sRateLimit %s%s  (%s:%d)\n", terms->colour ? "\033[1m" : "", at->args,
            terms->colour ? "\033[0m" : "", at->filename, at->line_num);
    if (rule->unseen) {
        fputs("  not replayed: an access log doesn't tell what is in a request's body\n", out);
        return;
    }
    put_counts(out, rule, tally->pool);
    if (rule->concurrent) {
        put_concurrent(out, tally, terms);
        return;
    }
    fprintf(out, "  %s keys; the busiest:\n", commas(tally->pool, rule->keys.n));
    put_keys(out, rule, terms, tally->pool);
    if (rule->checked == 0) {
        return;
    }
    put_proposal(out, rule, terms, tally->pool);
    if (rule->by_address) {
        put_widths(out, rule, terms, tally->pool);
    }
}

static void put_verdict(FILE *out, const rl_tally_t *tally, const rl_report_terms_t *terms)
{
    for (int i = 0; i < tally->n; i++) {
        if (rl_findings_address_is_useless(&tally->rules[i], terms->percent)) {
            fprintf(out,
                    "  No limit by address would have helped against these requests: half of "
                    "the clients sent %s or fewer,\n  and no network of any width stands out. "
                    "Limit all of them together (key=all), by what they ask for, or what runs "
                    "at\n  the same time (COUNT/concurrent).\n",
                    commas(tally->pool, rl_findings_median(tally, tally->pool)));
            return;
        }
    }
}

static void put_at_once(FILE *out, const rl_tally_t *tally, const rl_report_terms_t *terms)
{
    const rl_proposal_t proposal = rl_findings_propose(&tally->at_once_spread, terms->percent);
    fprintf(out,
            "\nat the same time: at most %u requests (%s UTC), at most %u of one client\n"
            "  %u/concurrent by key=ip denies at most %g %% of the clients, and %.2f %% of the "
            "requests\n",
            tally->at_once_most, moment(tally->pool, tally->at_once_time),
            tally->at_once_spread.highest, proposal.count, terms->percent,
            percent_of(proposal.denied, proposal.requests));
}

void rl_report_text(FILE *out, rl_tally_t *tally, const rl_report_terms_t *terms)
{
    if (tally->requests == 0) {
        fprintf(out, "No line of %" APR_UINT64_T_FMT " tells of a request in a known format\n",
                tally->lines);
        return;
    }
    put_whole(out, tally, terms);
    for (int i = 0; i < tally->n; i++) {
        report_rule(out, tally, &tally->rules[i], terms);
    }
    put_verdict(out, tally, terms);
    if (terms->has_duration) {
        put_at_once(out, tally, terms);
    }
}
