/* SPDX-License-Identifier: Apache-2.0 */
#include "limits.h"

#include <string.h>

#include "../core/number.h"
#include "../core/rate.h"

#define HOLD_DEFAULT (30 * RL_USEC_PER_SEC)
#define HUNDRED      10000u /* percent */
#define LOAD_MAX     100000u

static const char given_twice[] = "given twice";

static const struct {
    const char *name;
    const char *reason; /* what is allowed */
    bool percent;
} measures[RL_BUSY_MEASURES] = {
    [RL_BUSY_WORKERS] = {"workers",
                         "write HIGH% or HIGH%:LOW%, from 0.01% to 100%, for example 90%:70%",
                         true},
    [RL_BUSY_LOAD] = {"load", "write HIGH or HIGH:LOW, from 0.01 to 100000, for example 8:6.5",
                      false},
    [RL_BUSY_PRESSURE] = {"cpu-pressure",
                          "write HIGH% or HIGH%:LOW%, from 0.01% to 100%, for example 40%:20%",
                          true},
};

const char *rl_busy_measure_name(rl_busy_measure_e measure)
{
    return measures[measure].name;
}

bool rl_busy_measure_is_percent(rl_busy_measure_e measure)
{
    return measures[measure].percent;
}

/* Reads digits, and perhaps a point and one or two more, into hundredths. */
static bool parse_decimal(const char *text, size_t len, uint32_t *hundredths)
{
    const char *point = memchr(text, '.', len);
    const size_t whole = point != NULL ? (size_t)(point - text) : len;
    const size_t places = point != NULL ? len - whole - 1 : 0;
    uint64_t units, rest = 0;
    if (!rl_number_parse(text, whole, LOAD_MAX, &units) || places > 2 ||
        (point != NULL && !rl_number_parse(point + 1, places, 99, &rest))) {
        return false;
    }
    *hundredths = (uint32_t)(units * 100 + (places == 1 ? rest * 10 : rest));
    return *hundredths > 0;
}

static bool parse_value(const char *text, size_t len, bool percent, uint32_t *hundredths)
{
    if (percent) {
        if (len == 0 || text[len - 1] != '%') {
            return false;
        }
        len--;
    }
    return parse_decimal(text, len, hundredths) &&
           *hundredths <= (percent ? HUNDRED : LOAD_MAX * 100);
}

/* Reads HIGH[:LOW]. LOW is three quarters of HIGH unless it is given, rounded up. */
static const char *parse_measure(rl_busy_limits_t *limits, int measure, const char *value)
{
    const bool percent = measures[measure].percent;
    const char *colon = strchr(value, ':');
    const size_t len = colon != NULL ? (size_t)(colon - value) : strlen(value);
    uint32_t high, low;
    if (limits->high[measure] > 0) {
        return given_twice;
    }
    if (!parse_value(value, len, percent, &high)) {
        return measures[measure].reason;
    }
    low = (high * 3 + 3) / 4;
    if (colon != NULL && !parse_value(colon + 1, strlen(colon + 1), percent, &low)) {
        return measures[measure].reason;
    }
    limits->high[measure] = high;
    limits->low[measure] = low;
    return low <= high ? NULL : "LOW must not be above HIGH";
}

const char *rl_busy_limits_add(rl_busy_limits_t *limits, const char *argument)
{
    if (strncmp(argument, "hold=", 5) == 0) {
        return limits->hold_us > 0 ? given_twice
                                   : rl_duration_parse(argument + 5, &limits->hold_us);
    }
    for (int i = 0; i < RL_BUSY_MEASURES; i++) {
        const size_t len = strlen(measures[i].name);
        if (strncmp(argument, measures[i].name, len) == 0 && argument[len] == '=') {
            return parse_measure(limits, i, argument + len + 1);
        }
    }
    return "not an option; one of workers, load, cpu-pressure, hold";
}

const char *rl_busy_limits_complete(rl_busy_limits_t *limits)
{
    if (limits->hold_us == 0) {
        limits->hold_us = HOLD_DEFAULT;
    }
    for (int i = 0; i < RL_BUSY_MEASURES; i++) {
        if (limits->high[i] > 0) {
            return NULL;
        }
    }
    return "write at least one of workers=HIGH%, load=HIGH, cpu-pressure=HIGH%";
}
