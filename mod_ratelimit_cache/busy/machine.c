/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../core/number.h"

#define TEXT_MAX    256
#define PERCENT_MAX 100

uint32_t rl_busy_load(void)
{
    double load;
    if (getloadavg(&load, 1) != 1 || !(load >= 0 && load < 1e6)) {
        return RL_BUSY_UNKNOWN;
    }
    return (uint32_t)(load * 100);
}

uint32_t rl_busy_pressure_parse(const char *text, size_t len)
{
    static const char head[] = "some avg10=";
    const size_t before = sizeof(head) - 1;
    size_t whole = 0;
    uint64_t units, hundredths;
    if (len < before || memcmp(text, head, before) != 0) {
        return RL_BUSY_UNKNOWN;
    }
    text += before;
    len -= before;
    while (whole < len && text[whole] >= '0' && text[whole] <= '9') {
        whole++;
    }
    if (whole + 3 > len || text[whole] != '.' ||
        !rl_number_parse(text, whole, PERCENT_MAX, &units) ||
        !rl_number_parse(text + whole + 1, 2, 99, &hundredths)) {
        return RL_BUSY_UNKNOWN;
    }
    return (uint32_t)(units * 100 + hundredths);
}

uint32_t rl_busy_pressure(const char *path)
{
    char text[TEXT_MAX];
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    uint32_t pressure = RL_BUSY_UNKNOWN;
    ssize_t len;
    int error;
    if (file < 0) {
        return RL_BUSY_UNKNOWN;
    }
    len = read(file, text, sizeof(text));
    error = errno;
    close(file);
    if (len >= 0) {
        pressure = rl_busy_pressure_parse(text, (size_t)len);
        error = EINVAL;
    }
    errno = error;
    return pressure;
}
