/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay finds out: of each rule, of clients, of requests at the same time. */
#ifndef RL_REPLAY_TALLY_H
#define RL_REPLAY_TALLY_H

#include "../census/spread.h"
#include "../limiter/limiter.h"
#include "../rule/rule.h"

#define RL_TALLY_RULES  64 /* rules that are told of */
#define RL_TALLY_WIDTHS 3

/* What is known of one key of a rule. */
typedef struct rl_key_tally {
    rl_digest_t name;
    uint64_t words[RL_METER_WORDS]; /* of its counter, if the rule had no limit */
    uint64_t requests, denied;
    uint32_t peak;     /* the highest position of a request, see census/spread.h */
    const char *label; /* the key's values */
} rl_key_tally_t;

/* The counter of a network, if the rule had no limit. */
typedef struct rl_network_tally {
    rl_digest_t name;
    uint64_t words[RL_METER_WORDS];
    bool seen;
} rl_network_tally_t;

/* The networks of one width. */
typedef struct rl_width_tally {
    int v4bits, v6bits;
    uint32_t n;           /* networks that were seen */
    rl_vector_t networks; /* rl_network_tally_t, by the number of the network */
    rl_spread_t spread;
} rl_width_tally_t;

/* What a rule has of one client. */
typedef struct rl_rule_client {
    rl_digest_t ledger_key; /* of that key */
    uint32_t
        key; /* number + 1 of the client's last key: mostly the one it has again; 0: none */
    bool was_denied;
} rl_rule_client_t;

/* What is known of one client. */
typedef struct rl_client_tally {
    uint64_t requests;
    uint32_t networks[RL_TALLY_WIDTHS]; /* numbers of those that it is in */
    uint32_t at_once;                   /* of its requests, how many are under way */
    bool was_denied;
} rl_client_tally_t;

typedef struct rl_rule_tally {
    const rl_rule_t *rule;
    uint64_t checked, denied, observed, refunded, cleared, missing;
    uint64_t clients_denied;
    rl_meter_t meter; /* the rule's last one, without its limit */
    rl_index_t keys;
    rl_vector_t key_tallies; /* rl_key_tally_t */
    rl_vector_t clients;     /* rl_rule_client_t */
    rl_spread_t spread;
    rl_width_tally_t widths[RL_TALLY_WIDTHS];
    bool by_address; /* the key is the address and nothing else */
    bool unseen;     /* the log doesn't tell what the rule reads: it isn't replayed */
    bool concurrent; /* COUNT/concurrent: a replay has no slots, so it admits everything */
} rl_rule_tally_t;

/* One minute of the log. */
typedef struct rl_minute_tally {
    uint64_t allowed, denied;
} rl_minute_tally_t;

typedef struct rl_tally {
    apr_pool_t *pool;
    uint64_t lines, unreadable, skipped, late; /* skipped: no request, or no address */
    uint64_t requests, denied, exempt;
    int64_t first, last; /* microseconds since the epoch */
    rl_vector_t minutes; /* rl_minute_tally_t, since the first line's */
    rl_index_t clients;
    rl_vector_t client_tallies; /* rl_client_tally_t */
    rl_index_t networks[RL_TALLY_WIDTHS];
    uint64_t clients_denied;
    rl_rule_tally_t rules[RL_TALLY_RULES];
    int n;
    /* Requests at the same time, if the log tells durations. */
    uint32_t at_once, at_once_most;
    int64_t at_once_time; /* when they were most */
    rl_spread_t at_once_spread;
} rl_tally_t;

/* Returns the rule's tally, NULL if there are too many rules. */
rl_rule_tally_t *rl_tally_rule(rl_tally_t *tally, const rl_rule_t *rule);

/* Has the processor fetch where the client's number is. */
void rl_tally_prefetch(const rl_tally_t *tally, const rl_address_t *address);

/* Counts a request of the client. Returns the client's number. */
uint32_t rl_tally_client(rl_tally_t *tally, const rl_address_t *address);

/* Have the processor fetch what a request of the client will need: first the client's own
 * records, and a while later what these name. */
void rl_tally_prefetch_client(const rl_tally_t *tally, uint32_t client);
void rl_tally_prefetch_keys(const rl_tally_t *tally, const rl_ledger_t *ledger,
                            uint32_t client);

/* Who sends a request, and when. */
typedef struct rl_caller {
    const request_rec *r;
    uint32_t client; /* number of the address */
    int64_t now;     /* microseconds since the epoch */
} rl_caller_t;

/* Counts a claim that was decided on. */
void rl_tally_claim(rl_tally_t *tally, const rl_caller_t *caller, const rl_claim_t *claim);

/* Counts a request, admitted or denied. */
void rl_tally_request(rl_tally_t *tally, const rl_caller_t *caller, bool denied);

/* Counts a request that begins, and one that ends, of those whose duration is known. */
void rl_tally_begins(rl_tally_t *tally, uint32_t client, int64_t at);
void rl_tally_ends(rl_tally_t *tally, uint32_t client);

#endif
