/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a LogFormat: private to accesslog/. */
#ifndef RL_ACCESSLOG_ITEM_H
#define RL_ACCESSLOG_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    RL_ITEM_LITERAL,
    RL_ITEM_IGNORED, /* a field that nobody asks for */
    RL_ITEM_CLIENT,
    RL_ITEM_USER,
    RL_ITEM_REQUEST, /* the request line */
    RL_ITEM_METHOD,
    RL_ITEM_URL,
    RL_ITEM_QUERY,
    RL_ITEM_PROTOCOL,
    RL_ITEM_STATUS,
    RL_ITEM_DURATION, /* a number of `unit` microseconds */
    RL_ITEM_VHOST,
    RL_ITEM_PORT,
    RL_ITEM_HEADER,   /* the index-th header field */
    RL_ITEM_TIME,     /* [10/Oct/2000:13:55:36 -0700] */
    RL_ITEM_STRFTIME, /* by a format of strftime(3), which is in text */
    RL_ITEM_EPOCH,    /* units since the epoch */
    RL_ITEM_FRACTION, /* of the second, in units */
} rl_item_kind_e;

typedef struct rl_item {
    rl_item_kind_e kind;
    const char *text; /* of a literal, bytes; of strftime, the format; of a header, its name */
    size_t len;       /* of text */
    int64_t unit;     /* microseconds */
    int index;
    bool at_end; /* a time: of the end of the request, not of its beginning */
} rl_item_t;

struct rl_log_format {
    rl_item_t *items;
    int n, headers;
    int timed; /* items up to the last that tells the time */
    bool duration, user, fraction;
};

#endif
