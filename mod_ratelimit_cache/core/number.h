/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes decimal integers: the one place that turns the text of directives into
 * numbers. */
#ifndef RL_CORE_NUMBER_H
#define RL_CORE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the len bytes at text as a decimal integer from 0 to max: one digit or more and nothing
 * else, no sign, blank or fraction. Returns true and sets *value, or returns false and leaves
 * *value alone. */
bool rl_number_parse(const char *text, size_t len, uint64_t max, uint64_t *value);

/* Reads a NUL-terminated size in bytes: digits and optionally K, M or G (powers of 1024, upper
 * or lower case). Returns true and sets *bytes, or returns false if the text is malformed or
 * the size exceeds max. */
bool rl_number_parse_size(const char *text, uint64_t max, uint64_t *bytes);

/* The most digits that a 64-bit number has. */
#define RL_DIGITS_MAX 20

/* Writes the number in decimal, so that its last digit stands right before `end`. Returns the
 * place of its first digit. Takes up to RL_DIGITS_MAX bytes and writes no NUL. */
char *rl_number_write(char *end, uint64_t number);

#endif
