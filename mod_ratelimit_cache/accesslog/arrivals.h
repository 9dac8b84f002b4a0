/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the lines of access logs into the order in which their requests began. httpd writes a
 * line when its request is over, so the line of a long one comes late. */
#ifndef RL_ACCESSLOG_ARRIVALS_H
#define RL_ACCESSLOG_ARRIVALS_H

#include <stddef.h>
#include <stdint.h>

/* How much later than the newest line one may come, and is still put in its place; up to
 * RL_ARRIVALS_BYTES of lines wait for that. Those that come later are handed on at once. */
#define RL_ARRIVALS_SECONDS 120
#define RL_ARRIVALS_BYTES   (size_t)(256 << 20)

typedef void rl_arrival_t(void *context, const char *text, size_t len);

typedef struct rl_arrivals rl_arrivals_t;

/* Lines are handed to `arrive`, with the context. Lives until rl_arrivals_finish(). */
rl_arrivals_t *rl_arrivals_make(rl_arrival_t *arrive, void *context);

/* Adds a line, of which it keeps a copy, by when its request began (microseconds since the
 * epoch). Lines of one time keep their order. */
void rl_arrivals_add(rl_arrivals_t *arrivals, int64_t began, const char *text, size_t len);

/* Hands on what is left, and frees everything. Returns how many lines came too late to be put
 * in their place. */
uint64_t rl_arrivals_finish(rl_arrivals_t *arrivals);

#endif
