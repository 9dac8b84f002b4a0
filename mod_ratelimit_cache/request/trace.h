/* SPDX-License-Identifier: Apache-2.0 */
/* What each rule made of a request, in lines of the error log at `LogLevel debug`. A line has
 * no value of a key, and none of an expression but a rate or a cost. */
#ifndef RL_REQUEST_TRACE_H
#define RL_REQUEST_TRACE_H

#include <stdbool.h>

#include <httpd.h>

#include "../limiter/limiter.h"
#include "../rule/rule.h"

/* Returns true if the log takes such lines. Ask before calling the others, which may be dear.
 */
bool rl_trace_is_on(const request_rec *r);

/* Tells that a rule asks nothing of the request, and why: `decided` says that it was decided on
 * before; else its method, when= or unless= is the reason. */
void rl_trace_idle(request_rec *r, const rl_rule_t *rule, bool decided);

/* Tells that a rule which applies has nothing to ask: *claim is what rl_claim_make() left. */
void rl_trace_unclaimed(request_rec *r, const rl_rule_t *rule, const rl_claim_t *claim);

/* Tells what was decided for n claims, at time now, microseconds since the epoch. */
void rl_trace_decision(request_rec *r, const rl_claim_t *claims, int n, int64_t now);

/* Each tells what became of a claim that was charged, and why. */
void rl_trace_refund(request_rec *r, const rl_claim_t *claim, const char *why);
void rl_trace_clear(request_rec *r, const rl_claim_t *claim, const char *why);

/* Tells that the request is exempt. */
void rl_trace_exempt(request_rec *r);

#endif
