/* SPDX-License-Identifier: Apache-2.0 */
/* Patience: a request that is over a limit only because the passwords of others are being
 * checked waits for what comes of that. */
#ifndef RL_HOOKS_PATIENCE_H
#define RL_HOOKS_PATIENCE_H

#include <stdbool.h>

#include <httpd.h>

#include "../request/record.h"

/* Makes those claims from index `first` on patient that credentials alone decide about
 * (count=auth-failed), and counts their checks as begun. To be called before the claims are
 * charged. Returns true if there are any. */
bool rl_patience_begin(const request_rec *r, rl_request_t *request, int first, int64_t now);

/* To be called if the request was denied: its checks didn't begin. */
void rl_patience_denied(const request_rec *r, rl_request_t *request, int first, int64_t now);

/* Returns true if r may wait: each claim that denies it is patient, and other checks of its key
 * go on. */
bool rl_patience_helps(const request_rec *r, const rl_request_t *request, int first,
                       int64_t now);

/* The denial is final: claims are patient no more. */
void rl_patience_end(const rl_request_t *request, int first);

/* The request's checks are over. */
void rl_patience_checked(const request_rec *r, const rl_request_t *request);

#endif
