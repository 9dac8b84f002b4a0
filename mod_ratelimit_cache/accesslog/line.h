/* SPDX-License-Identifier: Apache-2.0 */
/* What one line of an access log tells. */
#ifndef RL_ACCESSLOG_LINE_H
#define RL_ACCESSLOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_LOG_HEADERS_MAX 16 /* %{NAME}i of one format */

/* Bytes of a line, or of the reader's buffer: valid until the next line is read. `at` is NULL
 * if the format doesn't have the field, or the line says "-". */
typedef struct rl_log_text {
    const char *at;
    size_t len;
} rl_log_text_t;

/* What a line tells of its request. */
typedef struct rl_log_line {
    int64_t began;    /* microseconds since the epoch */
    int64_t duration; /* microseconds until the answer was out; -1: not told */
    int status;       /* the last one, %>s if the format has it; 0: not told */
    int port;         /* the server's; 0: not told */
    bool decoded;     /* url is a path without escapes (%U) */
    rl_log_text_t client, user, method, url, query, protocol, vhost;
    rl_log_text_t headers[RL_LOG_HEADERS_MAX]; /* in the order of rl_log_format_header() */
} rl_log_line_t;

#endif
