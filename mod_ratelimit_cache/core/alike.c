/* SPDX-License-Identifier: Apache-2.0 */
#include "alike.h"

static const struct {
    const char *text, *word;
} names[RL_ALIKE_KINDS] = {
    [RL_ALIKE_SECRET] = {"RateLimitSecret", "secret"},
    [RL_ALIKE_SERVERS] = {"list-of-memcached-servers", "servers"},
    [RL_ALIKE_RULES] = {"rules", "rules"},
    [RL_ALIKE_SETTINGS] = {"RateLimitIPv4Prefix, RateLimitIPv6Prefix, RateLimitFormLimit, "
                           "RateLimitFormCharset or RateLimitInherit",
                           "settings"},
    [RL_ALIKE_CONDITIONS] = {"methods=, when= or unless= of a rule", "conditions"},
    [RL_ALIKE_GAPS] = {"missing= or absent= of a rule", "missing"},
    [RL_ALIKE_UNITS] = {"cost= or initial= of a rule", "cost"},
    [RL_ALIKE_OUTCOMES] = {"count=, clear= or known= of a rule", "outcomes"},
    [RL_ALIKE_PENALTIES] = {"penalty= of a rule", "penalty"},
    [RL_ALIKE_VERSION] = {"version of mod_ratelimit_cache", "version"},
};

const char *rl_alike_text(rl_alike_e kind)
{
    return names[kind].text;
}

const char *rl_alike_word(rl_alike_e kind)
{
    return names[kind].word;
}
