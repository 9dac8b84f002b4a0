/* SPDX-License-Identifier: Apache-2.0 */
/* Text of any length, handed on piece by piece, and the escapes of the forms it is in. What is
 * escaped may hold any bytes: those that are not UTF-8, and control characters, are told as
 * "?".
 */
#ifndef RL_STATUS_TEXT_OUTPUT_H
#define RL_STATUS_TEXT_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/* Takes a piece of the text. */
typedef void rl_output_fn(void *context, const char *bytes, size_t len);

typedef struct rl_output {
    rl_output_fn *take;
    void *context;
    size_t len;
    char buffer[8192];
} rl_output_t;

void rl_output_begin(rl_output_t *out, rl_output_fn *take, void *context);

/* Hands on what is left. */
void rl_output_end(rl_output_t *out);

/* Appends text as it is, which ends with a NUL. */
void rl_out(rl_output_t *out, const char *text);

/* Appends a number in decimal. */
void rl_out_number(rl_output_t *out, uint64_t number);

/* Appends microseconds, 0 or more, as seconds with six decimals. */
void rl_out_seconds(rl_output_t *out, int64_t us);

/* Appends hundredths as a number with two decimals. */
void rl_out_hundredths(rl_output_t *out, uint32_t hundredths);

/* Appends text in HTML, also within quotes. */
void rl_out_html(rl_output_t *out, const char *text);

/* Appends a JSON string, with its quotes. */
void rl_out_json(rl_output_t *out, const char *text);

/* Appends the value of a label of a metric, with its quotes. */
void rl_out_label(rl_output_t *out, const char *text);

#endif
