/* SPDX-License-Identifier: Apache-2.0 */
/* The statistics' figures of rules: what is counted of a request when it is over. */
#ifndef RL_REQUEST_FIGURES_H
#define RL_REQUEST_FIGURES_H

#include <httpd.h>

#include "../stats/figures.h"
#include "record.h"

/* Counts what the rules decided about the request, and notes its keys. Call it once, when the
 * request is over and before its outcome is settled. */
void rl_figures_of_request(const request_rec *r, const rl_request_t *request);

/* Counts 1 for the claim's rule: its units were given back or its counter was cleared, because
 * of the outcome. */
void rl_figures_of_claim(const request_rec *r, const rl_claim_t *claim, rl_figure_e figure);

/* Counts that the rule skipped the request, because a part of its key had no value. */
void rl_figures_of_skipped(const request_rec *r, const rl_rule_t *rule);

#endif
