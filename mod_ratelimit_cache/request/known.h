/* SPDX-License-Identifier: Apache-2.0 */
/* Known browsers: a browser that has logged in to an account before shows it by its cookie, and
 * is counted apart from strangers. */
#ifndef RL_REQUEST_KNOWN_H
#define RL_REQUEST_KNOWN_H

#include <stdbool.h>

#include <httpd.h>

#include "../core/known.h"
#include "../key/request_values.h"
#include "record.h"

#define RL_KNOWN_COOKIE "ratelimit-known"

/* For a claim of a rule with known= whose key is whole, and made of these values with their
 * spelling: sets claim->account, in r's pool; and if the browser has a good entry for it, moves
 * the claim to the browser's own counter. */
void rl_known_recognize(request_rec *r, rl_key_values_t *values, rl_claim_t *claim);

/* Returns what the browser of r carries, in r's pool. */
const rl_known_t *rl_known_of_browser(request_rec *r);

/* The claim's outcome clears: puts a new entry for its account into `known`, unless there is a
 * good one that has half of its time left. A browser keeps its nonce. now_s is in seconds since
 * the epoch. Returns true if an entry was put. */
bool rl_known_renew(const rl_claim_t *claim, int64_t now_s, rl_known_t *known);

#endif
