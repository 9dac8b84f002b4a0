/* SPDX-License-Identifier: Apache-2.0 */
/* Places of requests that wait: those that don't must not lack threads because of them. */
#ifndef RL_HOOKS_PLACES_H
#define RL_HOOKS_PLACES_H

#include <stdbool.h>

#include <httpd.h>

/* What a request waits for: an instant (the check of a password), or as long as other requests
 * take. */
typedef enum { RL_WAIT_SHORT, RL_WAIT_LONG } rl_wait_e;

/* Reserves a place for r among those that wait in this process. Returns false if there is none;
 * else rl_place_leave() gives it back. */
bool rl_place_enter(const request_rec *r, rl_wait_e wait);
void rl_place_leave(const request_rec *r);

#endif
