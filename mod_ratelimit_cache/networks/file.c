/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <apr_allocator.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "builder.h"
#include "line.h"

#define LINES_MAX   UINT32_C(100000000)
#define BUFFER_SIZE 16384u

/* What editors of Windows put in front of UTF-8. */
static const char byte_order_mark[] = "\xef\xbb\xbf";

typedef struct rl_network_reader {
    FILE *in;
    apr_pool_t *pool; /* for the reason */
    rl_network_builder_t *builder;
    uint32_t line;     /* the number of the last one */
    size_t begin, end; /* what is in the buffer and wasn't taken yet */
    char buffer[BUFFER_SIZE];
} rl_network_reader_t;

/* Returns the reason why the line is refused, in the pool. */
static const char *line_error(const rl_network_reader_t *reader, uint32_t line,
                              const rl_network_line_t *parsed, const char *reason)
{
    if (parsed->token == NULL) {
        return apr_psprintf(reader->pool, "line %u: %s", line, reason);
    }
    return apr_psprintf(reader->pool, "line %u: \"%.*s\": %s", line, (int)parsed->token_len,
                        parsed->token, reason);
}

/* Adds one line, of len bytes. Returns NULL or the reason. */
static const char *add_line(rl_network_reader_t *reader, const char *line, size_t len)
{
    rl_network_line_t parsed;
    const char *reason = rl_network_line_parse(line, len, &parsed);
    if (reason == NULL && !parsed.blank) {
        reason = rl_network_builder_add(reader->builder, &parsed.prefix, parsed.label,
                                        parsed.label_len, reader->line);
    }
    return reason != NULL ? line_error(reader, reader->line, &parsed, reason) : NULL;
}

/* Finds the next line, without its newline, in the buffer. A piece that is longer than a line
 * may be is a line. Returns false at the end of the file, or if it can't be read further. */
static bool next_line(rl_network_reader_t *reader, const char **line, size_t *len)
{
    for (;;) {
        const size_t held = reader->end - reader->begin;
        const char *begin = reader->buffer + reader->begin;
        const char *newline = memchr(begin, '\n', held);
        size_t more = 0;
        if (newline == NULL && held <= RL_NETWORK_LINE_MAX + 1) {
            memmove(reader->buffer, begin, held);
            more = fread(reader->buffer + held, 1, BUFFER_SIZE - held, reader->in);
            reader->begin = 0;
            reader->end = held + more;
            if (more > 0) {
                continue;
            }
        }
        *line = reader->buffer + reader->begin;
        *len = newline != NULL ? (size_t)(newline - *line) : held;
        reader->begin += *len + (newline != NULL);
        return newline != NULL || held > 0;
    }
}

static const char *read_lines(rl_network_reader_t *reader)
{
    const char *line, *reason = NULL;
    size_t len;
    while (reason == NULL && next_line(reader, &line, &len)) {
        if (++reader->line > LINES_MAX) {
            return "the file has more than 100000000 lines";
        }
        if (reader->line == 1 && len >= 3 && memcmp(line, byte_order_mark, 3) == 0) {
            line += 3;
            len -= 3;
        }
        reason = add_line(reader, line, len);
    }
    return reason == NULL && ferror(reader->in) != 0
               ? apr_psprintf(reader->pool, "can't be read: %s", strerror(errno))
               : reason;
}

static const char *finish_table(rl_network_reader_t *reader, const rl_network_table_t **table)
{
    rl_network_conflict_t conflict;
    const char *reason = rl_network_builder_finish(reader->builder, table, &conflict);
    if (reason == NULL || conflict.line == 0) {
        return reason;
    }
    return apr_psprintf(reader->pool, "line %u: line %u has the same prefix with another label",
                        conflict.line, conflict.earlier_line);
}

/* A pool whose memory goes back to the system: the pools of a server, and malloc(), would keep
 * as much as the largest file needs for good. */
static apr_pool_t *make_scratch(apr_pool_t *parent)
{
    apr_allocator_t *allocator;
    apr_pool_t *scratch;
    if (apr_allocator_create(&allocator) != APR_SUCCESS) {
        return NULL;
    }
    if (apr_pool_create_ex(&scratch, parent, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, scratch);
    return scratch;
}

static void free_scratch(apr_pool_t *scratch)
{
    apr_pool_destroy(scratch);
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

const char *rl_network_file_read(apr_pool_t *pool, const char *path,
                                 const rl_network_table_t **table)
{
    rl_network_reader_t reader;
    const char *reason;
    apr_pool_t *scratch;
    *table = NULL;
    reader.pool = pool;
    reader.line = 0;
    reader.begin = reader.end = 0;
    reader.in = fopen(path, "re");
    if (reader.in == NULL) {
        return apr_psprintf(pool, "can't be read: %s", strerror(errno));
    }
    scratch = make_scratch(pool);
    if (scratch == NULL) {
        fclose(reader.in);
        return "not enough memory";
    }
    reader.builder = rl_network_builder_create(scratch);
    reason = read_lines(&reader);
    if (reason == NULL) {
        reason = finish_table(&reader, table);
    }
    free_scratch(scratch);
    fclose(reader.in);
    return reason;
}
