/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the lines of access logs. */
#ifndef RL_ACCESSLOG_READ_H
#define RL_ACCESSLOG_READ_H

#include "format.h"
#include "line.h"

#define RL_LOG_LINE_MAX (64 * 1024) /* bytes of a line that is read */

/* Reads one line after another. */
typedef struct rl_log_reader rl_log_reader_t;

/* Makes a reader in the pool, for lines of this format. */
rl_log_reader_t *rl_log_reader_make(apr_pool_t *pool, const rl_log_format_t *format);

/* Reads a line of len bytes, without its end. Returns false if it doesn't have the format, or
 * is longer than RL_LOG_LINE_MAX: *line is undefined then. */
bool rl_log_read(rl_log_reader_t *reader, const char *text, size_t len, rl_log_line_t *line);

/* Reads only when a line's request began, microseconds since the epoch; looks at nothing behind
 * that. Returns false if the line doesn't have the format. */
bool rl_log_read_time(rl_log_reader_t *reader, const char *text, size_t len, int64_t *began);

/* Finds the format of a log, of those that have a name, by one of its lines. Returns its name,
 * or NULL. A line of combined is one of common, too; the longest that fits is taken.
 * Leaves nothing in the pool: a file that is no log has many lines. */
const char *rl_log_guess(apr_pool_t *pool, const char *line, size_t len);

#endif
