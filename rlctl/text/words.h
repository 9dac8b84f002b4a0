/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and times as people read them. */
#ifndef RLCTL_WORDS_H
#define RLCTL_WORDS_H

#include <stdint.h>

/* Each returns what the caller frees. */

/* 1234567 as "1,234,567". */
char *rlctl_number(int64_t number);

/* Seconds as "41 s", "3 min 20 s", "2 h 5 min", "3 d 4 h": the two largest units, rounded down;
 * "0 s" for what is not above 0. */
char *rlctl_duration(int64_t seconds);

/* The same with the largest unit only: "2 h". */
char *rlctl_short_duration(int64_t seconds);

/* A time since 1970 as "14:03:22" if it is within 12 hours of now, else "2026-11-26 14:03",
 * both in local time. */
char *rlctl_moment(int64_t seconds, int64_t now);

/* Returns the seconds of the period in a rate as the configuration has it, such as "5/10m" or
 * "100/300"; 0 if it has none. */
int64_t rlctl_period(const char *rate);

#endif
