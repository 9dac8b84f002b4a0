/* SPDX-License-Identifier: Apache-2.0 */
#include "number.h"

#include <string.h>

bool rl_number_parse(const char *text, size_t len, uint64_t max, uint64_t *value)
{
    uint64_t n = 0;
    if (len == 0) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        const uint64_t digit = (uint64_t)(text[i] - '0');
        if (digit > max || n > (max - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    *value = n;
    return true;
}

static unsigned shift_of_unit(char unit)
{
    switch (unit) {
    case 'k':
    case 'K':
        return 10;
    case 'm':
    case 'M':
        return 20;
    case 'g':
    case 'G':
        return 30;
    default:
        return 0;
    }
}

bool rl_number_parse_size(const char *text, uint64_t max, uint64_t *bytes)
{
    size_t len = strlen(text);
    const unsigned shift = len > 0 ? shift_of_unit(text[len - 1]) : 0;
    uint64_t n;
    if (shift > 0) {
        len--;
    }
    if (!rl_number_parse(text, len, max >> shift, &n)) {
        return false;
    }
    *bytes = n << shift;
    return true;
}

/* The numbers 00 to 99, so that one division yields two digits. */
static const char pairs[] = "0001020304050607080910111213141516171819"
                            "2021222324252627282930313233343536373839"
                            "4041424344454647484950515253545556575859"
                            "6061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

char *rl_number_write(char *end, uint64_t number)
{
    for (; number >= 100; number /= 100) {
        end -= 2;
        memcpy(end, pairs + 2 * (number % 100), 2);
    }
    if (number >= 10) {
        end -= 2;
        memcpy(end, pairs + 2 * number, 2);
        return end;
    }
    *--end = (char)('0' + number);
    return end;
}
