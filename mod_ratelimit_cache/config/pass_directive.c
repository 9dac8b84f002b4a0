/* SPDX-License-Identifier: Apache-2.0 */
#include "pass_directive.h"

#include <apr_strings.h>
#include <string.h>

#include "../core/number.h"

#define PATH_MAX_LENGTH 200

static const rl_pass_settings_t standard = {
    .life_s = 7 * 24 * 3600,
    .bound = true,
    .v4bits = 24,
    .v6bits = 48,
    .path = "/.ratelimit/pass",
    .limited = true,
    .issue = {.algorithm = RL_FIXED_WINDOW, .limit = 20, .period_us = 3600 * RL_USEC_PER_SEC},
};

const rl_pass_settings_t *rl_pass_default(void)
{
    return &standard;
}

/* ---- options: each returns NULL or the reason why the value is refused ---- */

static const char *pass_life(rl_pass_settings_t *settings, const char *value)
{
    int64_t duration;
    const char *reason = rl_duration_parse(value, &duration);
    if (reason == NULL) {
        settings->life_s = duration / RL_USEC_PER_SEC;
    }
    return reason;
}

static bool pass_bits(const char *text, size_t len, unsigned most, unsigned *bits)
{
    uint64_t n;
    if (!rl_number_parse(text, len, most, &n)) {
        return false;
    }
    *bits = (unsigned)n;
    return true;
}

static const char *pass_bind(rl_pass_settings_t *settings, const char *value)
{
    const char *v4 = value + 3, *v6;
    settings->bound = ap_cstr_casecmp(value, "none") != 0;
    if (!settings->bound || ap_cstr_casecmp(value, "ip") == 0) {
        return NULL;
    }
    if (ap_cstr_casecmpn(value, "ip/", 3) != 0) {
        return "must be ip, ip/BITS, ip/BITS/BITS or none";
    }
    v6 = strchr(v4, '/');
    if (!pass_bits(v4, v6 != NULL ? (size_t)(v6 - v4) : strlen(v4), 32, &settings->v4bits)) {
        return "the IPv4 prefix must be an integer from 0 to 32";
    }
    return v6 == NULL || pass_bits(v6 + 1, strlen(v6 + 1), 128, &settings->v6bits)
               ? NULL
               : "the IPv6 prefix must be an integer from 0 to 128";
}

/* The path stands in HTML and is compared with URLs as they come: no character of it means
 * anything there, and it has but one spelling. */
static const char *pass_path(rl_pass_settings_t *settings, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~/";
    settings->path = value;
    if (value[0] != '/') {
        return "must be a URL path that begins with /";
    }
    if (value[1] == '\0' || strstr(value, "//") != NULL || strstr(value, "/./") != NULL ||
        strstr(value, "/../") != NULL || strcmp(strrchr(value, '/'), "/.") == 0 ||
        strcmp(strrchr(value, '/'), "/..") == 0) {
        return "must name something below /, without empty segments, /./ and /../";
    }
    if (value[strspn(value, plain)] != '\0' || strlen(value) > PATH_MAX_LENGTH) {
        return "must have letters, digits and -._~/ only, at most 200";
    }
    return NULL;
}

static const char *pass_issue(rl_pass_settings_t *settings, const char *value)
{
    rl_rate_t rate;
    const char *reason = rl_rate_parse(value, &rate);
    if (reason != NULL) {
        return reason;
    }
    if (rate.concurrent) {
        return "must be COUNT/PERIOD or none: passes aren't issued at the same time";
    }
    settings->limited = !rate.unlimited;
    if (settings->limited) {
        settings->issue.limit = rate.count;
        settings->issue.period_us = rate.period_us;
        rl_meter_prepare(&settings->issue);
    }
    return settings->limited && !rl_meter_is_shareable(&settings->issue)
               ? "the count must be at most 8000000"
               : NULL;
}

static const struct {
    const char *name;
    const char *(*parse)(rl_pass_settings_t *settings, const char *value);
} pass_options[] = {
    {"life=", pass_life},
    {"bind=", pass_bind},
    {"path=", pass_path},
    {"issue=", pass_issue},
};

#define PASS_OPTIONS (sizeof(pass_options) / sizeof(pass_options[0]))

/* `seen` has a bit for each option that came before. */
static const char *pass_option(rl_pass_settings_t *settings, const char *token, unsigned *seen)
{
    for (size_t i = 0; i < PASS_OPTIONS; i++) {
        const size_t len = strlen(pass_options[i].name);
        if (strncmp(token, pass_options[i].name, len) == 0) {
            const bool again = (*seen & 1u << i) != 0;
            *seen |= 1u << i;
            return again ? "given twice" : pass_options[i].parse(settings, token + len);
        }
    }
    return "not an option; one of life, bind, path, issue";
}

const char *rl_pass_directive_parse(cmd_parms *cmd, int argc, char *const argv[],
                                    const rl_pass_settings_t **settings)
{
    rl_pass_settings_t *own = apr_pmemdup(cmd->pool, &standard, sizeof(standard));
    unsigned seen = 0;
    for (int i = 0; i < argc; i++) {
        const char *reason = pass_option(own, argv[i], &seen);
        if (reason != NULL) {
            return apr_psprintf(cmd->pool, "%s \"%s\": %s", cmd->cmd->name, argv[i], reason);
        }
    }
    *settings = own;
    return NULL;
}
