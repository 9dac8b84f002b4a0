/* SPDX-License-Identifier: Apache-2.0 */
/* LogFormats: what the lines of an access log are made of. */
#ifndef RL_ACCESSLOG_FORMAT_H
#define RL_ACCESSLOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <apr_pools.h>

/* A LogFormat that was read; it never changes afterwards. */
typedef struct rl_log_format rl_log_format_t;

/* Reads a LogFormat: a string as in httpd's directive, or one of the names common, combined,
 * vhost_common and vhost_combined. Sets *format, in the pool, and returns NULL, or returns the
 * reason why the lines of such a log can't be used: it doesn't tell client and time, or two
 * fields follow each other with nothing between them. */
const char *rl_log_format_parse(apr_pool_t *pool, const char *text,
                                const rl_log_format_t **format);

/* The formats that have a name, the longest first; {NULL} is the last. */
typedef struct rl_named_format {
    const char *name, *text;
} rl_named_format_t;

extern const rl_named_format_t rl_named_formats[];

/* Returns the name of the i-th header field, from 0, that lines of this format have; NULL if
 * there are no more. */
const char *rl_log_format_header(const rl_log_format_t *format, int i);

/* Returns true if lines tell the duration (%D, %T), the user (%u), or a fraction of seconds. */
bool rl_log_format_has_duration(const rl_log_format_t *format);
bool rl_log_format_has_user(const rl_log_format_t *format);
bool rl_log_format_has_fraction(const rl_log_format_t *format);

#endif
