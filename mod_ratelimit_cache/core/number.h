/* Whole numbers as directives write them: the one place that turns text into integers. */
#ifndef RL_CORE_NUMBER_H
#define RL_CORE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the len bytes at text as a decimal integer from 0 to max. Nothing but digits is
 * accepted: no sign, no blank, no fraction, and at least one digit. Returns true and sets
 * *value, or returns false and leaves *value alone. */
bool rl_number_parse(const char *text, size_t len, uint64_t max, uint64_t *value);

/* Reads a NUL-terminated size in bytes: digits and an optional K, M or G (powers of 1024, any
 * letter case). Returns false when it is malformed or exceeds max. */
bool rl_number_parse_size(const char *text, uint64_t max, uint64_t *bytes);

/* Room for the digits of a 64-bit number. */
#define RL_DIGITS_MAX 20

/* Writes the number in decimal so that its last digit stands right before `end`; returns where
 * the first one stands. At most RL_DIGITS_MAX bytes; no NUL. */
char *rl_number_write(char *end, uint64_t number);

#endif
