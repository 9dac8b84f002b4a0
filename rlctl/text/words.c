/* SPDX-License-Identifier: Apache-2.0 */
#include "text/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memory.h"

#define MINUTE   60
#define HOUR     (60 * MINUTE)
#define DAY      (24 * HOUR)
#define LONGEST  (30 * DAY) /* of a period */
#define HALF_DAY (DAY / 2)

char *rlctl_number(int64_t number)
{
    char digits[32];
    char *grouped;
    const int len = snprintf(digits, sizeof(digits), "%" PRId64, number > 0 ? number : 0);
    char *to = grouped = rlctl_allocate(sizeof(digits) * 2);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    return grouped;
}

static char *two_units(int64_t many, const char *unit, int64_t few, const char *of)
{
    return few > 0 ? rlctl_format("%" PRId64 " %s %" PRId64 " %s", many, unit, few, of)
                   : rlctl_format("%" PRId64 " %s", many, unit);
}

char *rlctl_duration(int64_t seconds)
{
    if (seconds < MINUTE) {
        return rlctl_format("%" PRId64 " s", seconds > 0 ? seconds : 0);
    }
    if (seconds < HOUR) {
        return two_units(seconds / MINUTE, "min", seconds % MINUTE, "s");
    }
    if (seconds < DAY) {
        return two_units(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min");
    }
    return two_units(seconds / DAY, "d", seconds % DAY / HOUR, "h");
}

char *rlctl_short_duration(int64_t seconds)
{
    const int64_t unit = seconds < MINUTE ? 1
                         : seconds < HOUR ? MINUTE
                         : seconds < DAY  ? HOUR
                                          : DAY;
    return rlctl_duration(seconds - seconds % unit);
}

char *rlctl_moment(int64_t seconds, int64_t now)
{
    const time_t time = (time_t)seconds;
    const int64_t apart = seconds > now ? seconds - now : now - seconds;
    char text[64] = "";
    struct tm local;
    if (localtime_r(&time, &local) != NULL) {
        strftime(text, sizeof(text), apart < HALF_DAY ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &local);
    }
    return rlctl_copy(text);
}

static int64_t unit_seconds(char unit)
{
    switch (unit) {
    case '\0':
    case 's':
    case 'S':
        return 1;
    case 'm':
    case 'M':
        return MINUTE;
    case 'h':
    case 'H':
        return HOUR;
    case 'd':
    case 'D':
        return DAY;
    default:
        return 0;
    }
}

int64_t rlctl_period(const char *rate)
{
    const char *slash = strchr(rate, '/');
    char *end;
    long n;
    if (slash == NULL || strncmp(rate, "expr=", 5) == 0) {
        return 0;
    }
    n = strtol(slash + 1, &end, 10);
    n = end == slash + 1 ? 1 : n;
    return n > 0 && n <= LONGEST ? n * unit_seconds(*end) : 0;
}
