/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <apr_strings.h>
#include <string.h>

#include "../core/meter/meter.h"
#include "../httpd/client.h"

#define LABEL_MAX        120
#define PREFETCHED_RULES 8
#define MINUTES_MAX      (400 * 24 * 60) /* later ones are taken for this one */

static const struct {
    int v4bits, v6bits;
} widths[RL_TALLY_WIDTHS] = {{32, 64}, {24, 48}, {16, 32}};

static bool is_by_address(const rl_rule_t *rule)
{
    return rule->key.n == 1 && rule->key.parts[0].kind == RL_PART_IP;
}

static void tally_begin(rl_rule_tally_t *tally, const rl_rule_t *rule)
{
    tally->rule = rule;
    tally->by_address = is_by_address(rule);
    tally->concurrent = rule->meter.algorithm == RL_CONCURRENT;
    for (int i = 0; i < RL_TALLY_WIDTHS; i++) {
        tally->widths[i].v4bits = widths[i].v4bits;
        tally->widths[i].v6bits = widths[i].v6bits;
    }
}

rl_rule_tally_t *rl_tally_rule(rl_tally_t *tally, const rl_rule_t *rule)
{
    for (int i = 0; i < tally->n; i++) {
        if (tally->rules[i].rule == rule) {
            return &tally->rules[i];
        }
    }
    if (tally->n == RL_TALLY_RULES) {
        return NULL;
    }
    tally_begin(&tally->rules[tally->n], rule);
    return &tally->rules[tally->n++];
}

static rl_client_tally_t *tally_of_client(rl_tally_t *tally, uint32_t client)
{
    return rl_vector_at(&tally->client_tallies, client, sizeof(rl_client_tally_t));
}

static void tally_find_networks(rl_tally_t *tally, const rl_address_t *address,
                                rl_client_tally_t *client)
{
    for (int i = 0; i < RL_TALLY_WIDTHS; i++) {
        rl_address_t network = *address;
        rl_digest_t name;
        bool fresh;
        rl_address_mask(&network, (unsigned)widths[i].v4bits, (unsigned)widths[i].v6bits);
        name = rl_address_name(&network);
        client->networks[i] = rl_index_of(&tally->networks[i], &name, &fresh);
    }
}

uint32_t rl_tally_client(rl_tally_t *tally, const rl_address_t *address)
{
    const rl_digest_t name = rl_address_name(address);
    bool fresh;
    const uint32_t number = rl_index_of(&tally->clients, &name, &fresh);
    rl_client_tally_t *client = tally_of_client(tally, number);
    if (fresh) {
        tally_find_networks(tally, address, client);
    }
    client->requests++;
    return number;
}

/* ---- fetching ahead ---- */

static int prefetched_rules(const rl_tally_t *tally)
{
    return tally->n < PREFETCHED_RULES ? tally->n : PREFETCHED_RULES;
}

void rl_tally_prefetch(const rl_tally_t *tally, const rl_address_t *address)
{
    const rl_digest_t name = rl_address_name(address);
    rl_index_prefetch(&tally->clients, &name);
}

void rl_tally_prefetch_client(const rl_tally_t *tally, uint32_t client)
{
    rl_vector_prefetch(&tally->client_tallies, client, sizeof(rl_client_tally_t));
    for (int i = 0; i < prefetched_rules(tally); i++) {
        const rl_rule_tally_t *rule = &tally->rules[i];
        rl_vector_prefetch(&rule->clients, client, sizeof(rl_rule_client_t));
        rl_vector_prefetch(&rule->spread.peaks, client, sizeof(uint32_t));
        for (int j = 0; rule->by_address && j < RL_TALLY_WIDTHS; j++) {
            rl_vector_prefetch(&rule->widths[j].spread.peaks, client, sizeof(uint32_t));
        }
    }
}

void rl_tally_prefetch_keys(const rl_tally_t *tally, const rl_ledger_t *ledger, uint32_t client)
{
    const rl_client_tally_t *clients = tally->client_tallies.items;
    for (int i = 0; i < prefetched_rules(tally); i++) {
        const rl_rule_tally_t *rule = &tally->rules[i];
        const rl_rule_client_t *own = rule->clients.items;
        if (client >= rule->clients.room || own[client].key == 0) {
            continue;
        }
        rl_ledger_prefetch(ledger, &own[client].ledger_key);
        rl_vector_prefetch(&rule->key_tallies, own[client].key - 1, sizeof(rl_key_tally_t));
        for (int j = 0; rule->by_address && j < RL_TALLY_WIDTHS; j++) {
            rl_vector_prefetch(&rule->widths[j].networks, clients[client].networks[j],
                               sizeof(rl_network_tally_t));
        }
    }
}

/* ---- positions ---- */

/* Returns the meter without its limit: what it counts is how much would have been asked for. */
static rl_meter_t unlimited(const rl_meter_t *meter)
{
    rl_meter_t open = *meter;
    open.penalty_us = 0;
    if (open.algorithm == RL_TOKEN_BUCKET) {
        open.burst = open.initial = RL_SPREAD_POSITIONS;
    }
    else {
        open.limit = RL_COUNT_MAX;
    }
    rl_meter_prepare(&open);
    return open;
}

/* Charges the words without a limit. Returns the position of the request. */
static uint32_t position_in(const rl_operation_t *op, uint64_t words[RL_METER_WORDS])
{
    rl_step_t step;
    do {
        rl_meter_charge(op, words, &step);
        if (step.word >= 0) {
            words[step.word] = step.value;
        }
    } while (step.again);
    return step.used;
}

static void add_to_widths(rl_tally_t *all, rl_rule_tally_t *tally, const rl_operation_t *op,
                          uint32_t client)
{
    const rl_client_tally_t *of_client = tally_of_client(all, client);
    rl_operation_t own = *op;
    for (int i = 0; i < RL_TALLY_WIDTHS; i++) {
        const uint32_t number = of_client->networks[i];
        rl_width_tally_t *width = &tally->widths[i];
        rl_network_tally_t *network = rl_vector_at(&width->networks, number, sizeof(*network));
        if (!network->seen) {
            network->seen = true;
            network->name = all->networks[i].names[number];
            width->n++;
        }
        own.key = network->name;
        rl_spread_add(&width->spread, client, position_in(&own, network->words));
    }
}

/* ---- keys ---- */

static const char *network_label(const request_rec *r, const rl_networks_t *networks)
{
    rl_address_t address;
    return rl_client_address(r, &address) ? rl_networks_label(networks, &address) : NULL;
}

static const char *part_label(const request_rec *r, const rl_key_part_t *part)
{
    switch (part->kind) {
    case RL_PART_IP:
        return r->useragent_ip;
    case RL_PART_USER:
    case RL_PART_CLAIMED_USER:
        return r->user != NULL ? r->user : "-";
    case RL_PART_USER_OR_IP:
        return r->user != NULL ? r->user : r->useragent_ip;
    case RL_PART_HOST:
        return r->hostname != NULL ? r->hostname : "-";
    case RL_PART_PATH:
        return r->uri;
    case RL_PART_METHOD:
        return r->method;
    case RL_PART_HEADER:
        return apr_table_get(r->headers_in, part->name);
    case RL_PART_ENV:
        return apr_table_get(r->subprocess_env, part->name);
    case RL_PART_NETWORK:
        return network_label(r, part->networks);
    case RL_PART_ALL:
        return "all";
    default:
        return NULL;
    }
}

/* Returns what people know the key by: the values of the first request that had it. */
static const char *make_label(apr_pool_t *pool, const request_rec *r, const rl_rule_t *rule)
{
    const char *label = "";
    for (int i = 0; i < rule->key.n; i++) {
        const char *part = part_label(r, &rule->key.parts[i]);
        label = apr_pstrcat(r->pool, label, i > 0 ? " " : "", part != NULL ? part : "?", NULL);
    }
    return apr_pstrndup(pool, label, LABEL_MAX);
}

static void mark_once(bool *marked, uint64_t *count)
{
    *count += !*marked;
    *marked = true;
}

static void count_result(rl_rule_tally_t *tally, const rl_claim_t *claim,
                         rl_rule_client_t *client)
{
    tally->checked++;
    tally->missing += claim->missing;
    if (!claim->step.granted) {
        tally->observed += claim->observe;
        tally->denied += !claim->observe;
        mark_once(&client->was_denied, &tally->clients_denied);
    }
}

static bool is_same_name(const rl_digest_t *a, const rl_digest_t *b)
{
    return a->hi == b->hi && a->lo == b->lo;
}

/* Returns the tally of the claim's key. A client mostly has the key that it had before. */
static rl_key_tally_t *tally_of_key(rl_tally_t *all, rl_rule_tally_t *tally,
                                    const request_rec *r, const rl_claim_t *claim,
                                    rl_rule_client_t *client)
{
    const rl_digest_t *name = &claim->op.key;
    rl_key_tally_t *keys = tally->key_tallies.items, *key;
    bool fresh;
    if (client->key > 0 && is_same_name(&keys[client->key - 1].name, name)) {
        return &keys[client->key - 1];
    }
    client->key = rl_index_of(&tally->keys, name, &fresh) + 1;
    key = rl_vector_at(&tally->key_tallies, client->key - 1, sizeof(*key));
    if (fresh) {
        key->name = *name;
        key->label = make_label(all->pool, r, claim->rule);
    }
    client->ledger_key = claim->op.ledger_key;
    return key;
}

void rl_tally_claim(rl_tally_t *all, const rl_caller_t *caller, const rl_claim_t *claim)
{
    rl_rule_tally_t *tally = rl_tally_rule(all, claim->rule);
    rl_operation_t op = claim->op;
    rl_rule_client_t *client;
    rl_key_tally_t *key;
    uint32_t position;
    if (tally == NULL) {
        return;
    }
    client = rl_vector_at(&tally->clients, caller->client, sizeof(*client));
    count_result(tally, claim, client);
    if (tally->concurrent) {
        return;
    }
    op.meter = tally->meter = unlimited(&op.meter);
    key = tally_of_key(all, tally, caller->r, claim, client);
    position = position_in(&op, key->words);
    key->requests++;
    key->denied += !claim->step.granted;
    key->peak = position > key->peak ? position : key->peak;
    rl_spread_add(&tally->spread, caller->client, position);
    if (tally->by_address) {
        add_to_widths(all, tally, &op, caller->client);
    }
}

static rl_minute_tally_t *minute_of(rl_tally_t *tally, int64_t now)
{
    const int64_t minute = (now - tally->first) / (60 * RL_USEC_PER_SEC);
    const size_t i = minute < 0 ? 0 : minute < MINUTES_MAX ? (size_t)minute : MINUTES_MAX;
    return rl_vector_at(&tally->minutes, i, sizeof(rl_minute_tally_t));
}

void rl_tally_request(rl_tally_t *tally, const rl_caller_t *caller, bool denied)
{
    rl_minute_tally_t *minute;
    if (tally->requests++ == 0) {
        tally->first = caller->now;
    }
    tally->last = caller->now > tally->last ? caller->now : tally->last;
    minute = minute_of(tally, caller->now);
    minute->allowed += !denied;
    minute->denied += denied;
    if (denied) {
        tally->denied++;
        mark_once(&tally_of_client(tally, caller->client)->was_denied, &tally->clients_denied);
    }
}

/* ---- requests at the same time ---- */

void rl_tally_begins(rl_tally_t *tally, uint32_t client, int64_t at)
{
    rl_spread_add(&tally->at_once_spread, client, ++tally_of_client(tally, client)->at_once);
    if (++tally->at_once > tally->at_once_most) {
        tally->at_once_most = tally->at_once;
        tally->at_once_time = at;
    }
}

void rl_tally_ends(rl_tally_t *tally, uint32_t client)
{
    tally_of_client(tally, client)->at_once--;
    tally->at_once--;
}
