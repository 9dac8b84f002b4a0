/* SPDX-License-Identifier: Apache-2.0 */
/* Times in an access log: private to accesslog/. */
#ifndef RL_ACCESSLOG_MOMENT_H
#define RL_ACCESSLOG_MOMENT_H

#include <time.h>

#include "item.h"
#include "line.h"

/* The second that was read last: lines of a busy server say the same one again and again. */
typedef struct rl_second {
    char text[32];
    size_t len; /* 0: none yet */
    int64_t at; /* microseconds since the epoch */
} rl_second_t;

/* What the items of one line say of its time. */
typedef struct rl_moment {
    struct tm parts; /* by strftime's formats */
    bool has_parts, has_zone;
    bool known;    /* whole: says the time */
    int64_t whole; /* microseconds since the epoch */
    int64_t fraction;
    bool at_end;
} rl_moment_t;

/* Reads what one item of kind RL_ITEM_TIME, _STRFTIME, _EPOCH or _FRACTION says. Returns false
 * if it says no time. */
bool rl_moment_read(rl_moment_t *moment, rl_second_t *second, const rl_item_t *item,
                    const rl_log_text_t *text);

/* Sets *at, microseconds since the epoch, to what the items of a line say together. Returns
 * false if they say no time. */
bool rl_moment_finish(const rl_moment_t *moment, int64_t *at);

#endif
