/* SPDX-License-Identifier: Apache-2.0 */
#include "rate.h"

#include <string.h>
#include <strings.h>

#include "number.h"

static const char bad_form[] =
    "write COUNT/PERIOD, for example 5/m, 100/10m or 100/300, COUNT/concurrent, or none";
static const char bad_count[] = "the count must be an integer from 0 to 4294967295";
/* The sentences for what can be wrong with a period or a duration. */
typedef struct rl_reasons {
    const char *bad, *zero, *too_long;
} rl_reasons_t;

#define UNITS_TEXT                                                                             \
    " must be [N]UNIT or seconds, UNIT one of s sec second, m min minute, h hr hour, d day"

static const rl_reasons_t of_period = {"the period" UNITS_TEXT,
                                       "the period must be at least 1 second",
                                       "the period must be at most 30 days"};
static const rl_reasons_t of_duration = {"the duration" UNITS_TEXT,
                                         "the duration must be at least 1 second",
                                         "the duration must be at most 30 days"};

static const struct {
    const char *name;
    unsigned seconds;
} units[] = {
    {"s", 1},    {"sec", 1},   {"second", 1},  {"m", 60},    {"min", 60},    {"minute", 60},
    {"h", 3600}, {"hr", 3600}, {"hour", 3600}, {"d", 86400}, {"day", 86400},
};

/* Returns the seconds in a unit, 0 for an unknown one. Units of more than one letter may have a
 * plural s. */
static unsigned seconds_in(const char *unit)
{
    const size_t len = strlen(unit);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        const size_t n = strlen(units[i].name);
        const bool plural = n > 1 && len == n + 1 && (unit[n] == 's' || unit[n] == 'S');
        if ((len == n || plural) && strncasecmp(unit, units[i].name, n) == 0) {
            return units[i].seconds;
        }
    }
    return 0;
}

static const char *parse_time(const char *text, const rl_reasons_t *reasons, int64_t *time_us)
{
    const size_t digits = strspn(text, "0123456789");
    const unsigned scale = text[digits] == '\0' ? 1 : seconds_in(text + digits);
    uint64_t n = 1;
    if (scale == 0 || text[0] == '\0') {
        return reasons->bad;
    }
    if (digits > 0 && !rl_number_parse(text, digits, RL_PERIOD_MAX_SEC, &n)) {
        return reasons->too_long;
    }
    if (n == 0) {
        return reasons->zero;
    }
    if (n * scale > RL_PERIOD_MAX_SEC) {
        return reasons->too_long;
    }
    *time_us = (int64_t)(n * scale) * RL_USEC_PER_SEC;
    return NULL;
}

const char *rl_duration_parse(const char *text, int64_t *duration_us)
{
    return parse_time(text, &of_duration, duration_us);
}

const char *rl_rate_parse(const char *text, rl_rate_t *rate)
{
    const char *slash = strchr(text, '/');
    rl_rate_t parsed = {.unlimited = false};
    uint64_t count;
    const char *reason;
    if (strcasecmp(text, "none") == 0) {
        *rate = (rl_rate_t){.unlimited = true};
        return NULL;
    }
    if (slash == NULL) {
        return bad_form;
    }
    if (!rl_number_parse(text, (size_t)(slash - text), RL_COUNT_MAX, &count)) {
        return bad_count;
    }
    parsed.concurrent = strcasecmp(slash + 1, "concurrent") == 0;
    parsed.period_us = RL_USEC_PER_SEC;
    reason = parsed.concurrent ? NULL : parse_time(slash + 1, &of_period, &parsed.period_us);
    if (reason != NULL) {
        return reason;
    }
    parsed.count = (uint32_t)count;
    *rate = parsed;
    return NULL;
}

#define WAIT_LEAST_US (10 * 1000)
#define WAIT_MOST_US  (30 * RL_USEC_PER_SEC)

const char *rl_wait_parse(const char *text, int64_t *wait_us)
{
    const size_t digits = strspn(text, "0123456789");
    uint64_t ms;
    int64_t us;
    if (digits > 0 && strcasecmp(text + digits, "ms") == 0) {
        us = rl_number_parse(text, digits, 1000000, &ms) ? (int64_t)ms * 1000 : -1;
    }
    else if (parse_time(text, &of_duration, &us) != NULL) {
        return "must be a duration such as 500ms or 2s";
    }
    if (us < WAIT_LEAST_US || us > WAIT_MOST_US) {
        return "must be from 10ms to 30s";
    }
    *wait_us = us;
    return NULL;
}

int64_t rl_seconds_until(int64_t time_us, int64_t now_us)
{
    const int64_t left = time_us - now_us;
    return left > RL_USEC_PER_SEC ? (left + RL_USEC_PER_SEC - 1) / RL_USEC_PER_SEC : 1;
}
