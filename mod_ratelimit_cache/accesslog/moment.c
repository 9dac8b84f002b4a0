/* SPDX-License-Identifier: Apache-2.0 */
#include "moment.h"

#include <string.h>

#include "../core/number.h"

#define USEC_PER_SEC INT64_C(1000000)

static int two_digits(const char *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++) {
        if (memcmp(names + i * 3, name, 3) == 0) {
            return i;
        }
    }
    return -1;
}

/* Returns true if text is like the picture: a 0 stands for a digit, a + for a sign, an A for
 * any character. */
static bool is_like(const char *text, const char *picture)
{
    for (; *picture != '\0'; text++, picture++) {
        const bool fits = *picture == '0'   ? *text >= '0' && *text <= '9'
                          : *picture == '+' ? *text == '+' || *text == '-'
                                            : *picture == 'A' || *text == *picture;
        if (!fits) {
            return false;
        }
    }
    return true;
}

/* Reads the time as %t writes it, without its brackets. */
static bool moment_parse(const char *text, size_t len, int64_t *at)
{
    static const char picture[] = "00/AAA/0000:00:00:00 +0000";
    struct tm parts = {.tm_isdst = 0};
    int64_t zone;
    if (len != sizeof(picture) - 1 || !is_like(text, picture) || month_of(text + 3) < 0) {
        return false;
    }
    parts.tm_mday = two_digits(text);
    parts.tm_mon = month_of(text + 3);
    parts.tm_year = two_digits(text + 7) * 100 + two_digits(text + 9) - 1900;
    parts.tm_hour = two_digits(text + 12);
    parts.tm_min = two_digits(text + 15);
    parts.tm_sec = two_digits(text + 18);
    zone = two_digits(text + 22) * 3600 + two_digits(text + 24) * 60;
    *at = ((int64_t)timegm(&parts) - (text[21] == '-' ? -zone : zone)) * USEC_PER_SEC;
    return true;
}

/* Reads [10/Oct/2000:13:55:36 -0700]. */
static bool moment_read_common(rl_second_t *second, const rl_log_text_t *text, int64_t *at)
{
    const size_t len = text->len - 2;
    if (text->len <= 2 || len >= sizeof(second->text)) {
        return false;
    }
    if (len != second->len || memcmp(text->at + 1, second->text, len) != 0) {
        if (!moment_parse(text->at + 1, len, &second->at)) {
            second->len = 0;
            return false;
        }
        memcpy(second->text, text->at + 1, len);
        second->len = len;
    }
    *at = second->at;
    return true;
}

static bool moment_read_parts(rl_moment_t *moment, const rl_item_t *item,
                              const rl_log_text_t *text)
{
    char copy[64];
    const char *end;
    if (text->len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text->at, text->len);
    copy[text->len] = '\0';
    end = strptime(copy, item->text, &moment->parts);
    moment->has_parts = true;
    moment->has_zone |= strstr(item->text, "%z") != NULL;
    return end != NULL && *end == '\0';
}

bool rl_moment_read(rl_moment_t *moment, rl_second_t *second, const rl_item_t *item,
                    const rl_log_text_t *text)
{
    uint64_t number = 0;
    moment->at_end |= item->at_end;
    if (item->kind == RL_ITEM_STRFTIME) {
        return moment_read_parts(moment, item, text);
    }
    if (item->kind == RL_ITEM_TIME) {
        moment->known = true;
        return moment_read_common(second, text, &moment->whole);
    }
    if (!rl_number_parse(text->at, text->len, (uint64_t)(INT64_MAX / item->unit), &number)) {
        return false;
    }
    if (item->kind == RL_ITEM_FRACTION) {
        moment->fraction = (int64_t)number * item->unit;
        return true;
    }
    moment->known = true;
    moment->whole = (int64_t)number * item->unit;
    return true;
}

bool rl_moment_finish(const rl_moment_t *moment, int64_t *at)
{
    struct tm parts = moment->parts;
    if (moment->known) {
        *at = moment->whole % USEC_PER_SEC == 0 ? moment->whole + moment->fraction
                                                : moment->whole;
        return true;
    }
    if (!moment->has_parts) {
        return false;
    }
    if (moment->has_zone) {
        const long zone = parts.tm_gmtoff;
        *at = ((int64_t)timegm(&parts) - zone) * USEC_PER_SEC + moment->fraction;
    }
    else {
        parts.tm_isdst = -1;
        *at = (int64_t)mktime(&parts) * USEC_PER_SEC + moment->fraction;
    }
    return true;
}
