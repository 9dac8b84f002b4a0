/* The response fields that tell a client about its limits.
 *
 * RateLimit-Policy and RateLimit are Lists of Items with Parameters (RFC 9651 3.1), after
 * draft-ietf-httpapi-ratelimit-headers-10:
 *
 *     RateLimit-Policy: "burst";q=100;w=60, "hourly";q=1000;w=3600
 *     RateLimit: "burst";r=50;t=30
 *
 * The X-RateLimit-* fields are a number each. */
#ifndef RL_ANSWER_TEXT_FIELD_TEXT_H
#define RL_ANSWER_TEXT_FIELD_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "../../core/text.h"

/* The largest Integer of a structured field (RFC 9651 3.3.1). */
#define RL_FIELD_INTEGER_MAX INT64_C(999999999999999)

#define RL_FIELD_UNTOLD (-1)

/* Room for one item of either field, with a rule's name of up to 32 letters, the comma in front
 * of it and a NUL. */
#define RL_FIELD_ITEM_MAX 80

/* Room for one number and a NUL. */
#define RL_FIELD_NUMBER_MAX 21

/* Appends a policy to the text of RateLimit-Policy: up to quota units in window_us
 * microseconds, told in whole seconds, rounded up. The name is a rule's, [A-Za-z0-9_-], which
 * as a String needs no escapes. */
void rl_field_text_add_policy(rl_text_t *text, const char *name, uint32_t quota,
                              int64_t window_us);

/* Appends a state to the text of RateLimit: units that remain and seconds until they are
 * renewed, each 0 or more, or RL_FIELD_UNTOLD and left out. */
void rl_field_text_add_state(rl_text_t *text, const char *name, int64_t remaining,
                             int64_t seconds);

/* The first whole second, since the epoch, that is not before the time in microseconds. */
int64_t rl_field_text_epoch(int64_t time_us);

#endif
