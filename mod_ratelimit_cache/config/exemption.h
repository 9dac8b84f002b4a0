/* RateLimitExempt: requests that skip every rule. */
#ifndef RL_CONFIG_EXEMPTION_H
#define RL_CONFIG_EXEMPTION_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>

#include "../core/address.h"

/* One argument of RateLimitExempt. */
typedef struct rl_exemption {
    rl_address_t network;
    const char *env;            /* NULL: not this kind */
    const ap_expr_info_t *expr; /* NULL: not this kind */
    bool after_auth;            /* the expression reads the authenticated user */
} rl_exemption_t;

/* Reads one argument. Returns NULL and fills *exemption, or the reason. */
const char *rl_exemption_parse(cmd_parms *cmd, const char *text, rl_exemption_t *exemption);

/* Returns true if one of the exemptions (an array of rl_exemption_t, or NULL) is for this
 * request. Expressions that read the authenticated user are looked at only after
 * authentication, when the others have been. */
bool rl_exemption_applies(request_rec *r, const apr_array_header_t *exemptions,
                          bool after_auth);

/* Returns true if any of them reads the authenticated user. */
bool rl_exemption_reads_user(const apr_array_header_t *exemptions);

#endif
