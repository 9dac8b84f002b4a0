/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the response fields that tell a client about its limits.
 *
 * RateLimit-Policy and RateLimit are Lists of Items with Parameters (RFC 9651 3.1), as in
 * draft-ietf-httpapi-ratelimit-headers-10:
 *
 *     RateLimit-Policy: "burst";q=100;w=60, "hourly";q=1000;w=3600
 *     RateLimit: "burst";r=50;t=30
 *
 * Each X-RateLimit-* field is a number.
 */
#ifndef RL_ANSWER_TEXT_FIELD_TEXT_H
#define RL_ANSWER_TEXT_FIELD_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "../../core/text.h"

/* The largest Integer of a structured field (RFC 9651 3.3.1). */
#define RL_FIELD_INTEGER_MAX INT64_C(999999999999999)

/* Bytes for one item of either field: a rule's name of up to 32 letters, the comma before it,
 * and a NUL. */
#define RL_FIELD_ITEM_MAX 88

/* Bytes for one number and a NUL. */
#define RL_FIELD_NUMBER_MAX 21

/* Appends a policy to the text of RateLimit-Policy: up to quota units in window_us
 * microseconds, which are written as whole seconds, rounded up. The name is a rule's,
 * [A-Za-z0-9_-], so it needs no escapes as a String. */
void rl_field_text_add_policy(rl_text_t *text, const char *name, uint32_t quota,
                              int64_t window_us);

/* Appends a policy: up to quota requests at the same time. */
void rl_field_text_add_concurrent(rl_text_t *text, const char *name, uint32_t quota);

/* Appends a state to the text of RateLimit: the units that remain, and the seconds until
 * more of them are left, each 0 or more; -1 seconds: not known. */
void rl_field_text_add_state(rl_text_t *text, const char *name, int64_t remaining,
                             int64_t seconds);

/* Returns the first whole second since the epoch that is not before a time in microseconds. */
int64_t rl_field_text_epoch(int64_t time_us);

#endif
