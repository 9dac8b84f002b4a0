/* SPDX-License-Identifier: Apache-2.0 */
/* RateLimitExempt: requests that skip every rule. */
#ifndef RL_CONFIG_EXEMPTION_H
#define RL_CONFIG_EXEMPTION_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>

#include "../core/address.h"
#include "../networks/catalogue.h"

/* One argument of RateLimitExempt: an expression, a variable, a table of networks, or else one
 * network. */
typedef struct rl_exemption {
    rl_address_t network;          /* if all of these are NULL: */
    const char *env;               /* the variable's name, or NULL */
    const ap_expr_info_t *expr;    /* or NULL */
    const rl_networks_t *networks; /* or NULL */
    const char *label;             /* the one that the client must have there; NULL: any */
    bool after_auth;               /* the expression reads the authenticated user */
    bool reads_env;                /* it depends on environment variables, */
    bool reads_headers;            /* or on header fields */
    bool reads_pass;               /* or on RATELIMIT_PASS */
} rl_exemption_t;

/* Reads one argument into *exemption. Returns NULL, or the reason why it is refused. */
const char *rl_exemption_parse(cmd_parms *cmd, const char *text, rl_exemption_t *exemption);

/* Returns true if one of the exemptions (an array of rl_exemption_t, or NULL) applies to this
 * request. Before authentication (after_auth is false) it leaves out expressions that read the
 * authenticated user; after authentication it looks at these alone, because the rest has been
 * looked at. */
bool rl_exemption_applies(request_rec *r, const apr_array_header_t *exemptions,
                          bool after_auth);

/* Returns true if any of the exemptions depends on environment variables. */
bool rl_exemption_reads_env(const apr_array_header_t *exemptions);

/* Returns true if any of the exemptions depends on header fields. */
bool rl_exemption_reads_headers(const apr_array_header_t *exemptions);

/* Returns true if any of the exemptions depends on RATELIMIT_PASS. */
bool rl_exemption_reads_pass(const apr_array_header_t *exemptions);

/* Returns true if any of the exemptions reads the authenticated user. */
bool rl_exemption_reads_user(const apr_array_header_t *exemptions);

#endif
