/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "../concurrent/concurrent.h"
#include "../config/config.h"
#include "../fleet/exempt_key.h"
#include "../limiter/counter.h"
#include "../process/busy.h"
#include "../process/runtime.h"
#include "../request/session.h"
#include "gathering.h"

#define KEYS_SHOWN 10 /* of each sketch of a rule */

static uint32_t seconds_left(int64_t time, int64_t now)
{
    return time > now ? (uint32_t)rl_seconds_until(time, now) : 0;
}

static rl_meter_t meter_of(const rl_rule_t *rule, const rl_sketch_key_t *key)
{
    const rl_rate_t rate = {.count = key->limit,
                            .period_us = (int64_t)key->period_s * RL_USEC_PER_SEC};
    rl_meter_t meter = rule->meter;
    if (rule->rate_expr != NULL) {
        rl_rule_meter(rule, &rate, &meter);
    }
    rl_busy_lower(rule, &meter);
    return meter;
}

static uint32_t slots_in_use(const rl_operation_t *op)
{
    uint32_t waiting;
    return rl_runtime()->slots != NULL
               ? rl_slots_used(rl_runtime()->slots, &op->ledger_key, &waiting)
               : 0;
}

/* Sets what the key has used, as far as this server knows. */
static void look_at_key(const rl_gathering_t *to, const server_rec *s, rl_operation_t *op,
                        rl_key_row_t *row)
{
    rl_session_t session;
    rl_step_t step;
    rl_session_view(s, &session);
    rl_source_bind(&session.source, op, to->now);
    rl_counter_peek(&session.source, op, &step);
    row->used = op->meter.algorithm == RL_CONCURRENT ? slots_in_use(op) : step.used;
    row->limit = rl_meter_quota(&op->meter);
    row->reset_s = seconds_left(step.reset, to->now);
    row->penalty_s =
        !step.granted && op->meter.penalty_us > 0 ? seconds_left(step.retry, to->now) : 0;
    row->exempt_s = seconds_left(rl_exempt_key_until(&session.source, op), to->now);
}

/* Sets what is remembered of the key's denials. */
static void recall_denials(const rl_digest_t *key, rl_key_row_t *row)
{
    rl_tagged_key_t logged;
    if (rl_tags_get(&rl_runtime()->stats->tags, row->tag, &logged) &&
        memcmp(&logged.key, key, sizeof(*key)) == 0) {
        row->since_s = logged.since_s;
        row->seen_s = logged.seen_s;
    }
}

/* Returns what is kept of the key's values, if the virtual host has them told. */
static const char *values_told(const rl_gathering_t *to, const server_rec *s,
                               const rl_digest_t *key)
{
    char text[RL_VALUES_BYTES];
    return rl_server_logs_keys(rl_server_config(s)) &&
                   rl_values_get(&rl_runtime()->stats->values, key, text)
               ? apr_pstrdup(to->pool, text)
               : "";
}

rl_key_row_t *rl_gather_key(const rl_gathering_t *to, const server_rec *s,
                            const rl_operation_t *key, const rl_rule_row_t *rule)
{
    rl_key_row_t *row = apr_array_push(to->keys);
    rl_operation_t op = *key;
    *row = (rl_key_row_t){.rule = rule, .values = values_told(to, s, &key->key)};
    rl_digest_tag(&key->key, row->tag);
    look_at_key(to, s, &op, row);
    recall_denials(&key->key, row);
    return row;
}

static rl_key_row_t *make_row(const rl_gathering_t *to, int rule, const rl_sketch_key_t *key)
{
    const rl_row_origin_t *from = &APR_ARRAY_IDX(to->origins, rule, rl_row_origin_t);
    const rl_operation_t op = {
        .key = key->key, .meter = meter_of(from->rule, key), .rule = from->rule->number};
    return rl_gather_key(to, from->server, &op, &APR_ARRAY_IDX(to->rules, rule, rl_rule_row_t));
}

/* Returns the row of the key among those of its rule, which begin at `first`, or NULL. */
static rl_key_row_t *find_row(const rl_gathering_t *to, int first, const rl_sketch_key_t *key)
{
    char tag[RL_TAG_LENGTH + 1];
    rl_digest_tag(&key->key, tag);
    for (int i = first; i < to->keys->nelts; i++) {
        rl_key_row_t *row = &APR_ARRAY_IDX(to->keys, i, rl_key_row_t);
        if (strcmp(row->tag, tag) == 0) {
            return row;
        }
    }
    return NULL;
}

/* Of what a sketch says, the part that is sure is told. */
static uint32_t sure_count(const rl_sketch_key_t *key)
{
    return key->count - key->error;
}

static void add_over(const rl_gathering_t *to, int i, const rl_figures_t *figures)
{
    rl_sketch_key_t keys[RL_SKETCH_KEYS];
    const unsigned n = rl_sketch_read(&figures->over, to->now_s, keys);
    for (unsigned k = 0; k < n && k < KEYS_SHOWN; k++) {
        rl_key_row_t *row = make_row(to, i, &keys[k]);
        row->denied = row->requests = sure_count(&keys[k]);
        row->seen_s = keys[k].last_s;
    }
}

static void add_busiest(const rl_gathering_t *to, int i, const rl_figures_t *figures, int first)
{
    rl_sketch_key_t keys[RL_SKETCH_KEYS];
    const unsigned n = rl_sketch_read(&figures->busiest, to->now_s, keys);
    for (unsigned k = 0; k < n; k++) {
        rl_key_row_t *row = find_row(to, first, &keys[k]);
        if (row == NULL && k < KEYS_SHOWN) {
            row = make_row(to, i, &keys[k]);
        }
        if (row != NULL) {
            const uint32_t count = sure_count(&keys[k]);
            row->requests = count > row->requests ? count : row->requests;
            row->seen_s = keys[k].last_s > row->seen_s ? keys[k].last_s : row->seen_s;
        }
    }
}

void rl_gather_keys(const rl_gathering_t *to, int i)
{
    const rl_figures_t *figures = APR_ARRAY_IDX(to->rules, i, rl_rule_row_t).figures;
    const int first = to->keys->nelts;
    add_over(to, i, figures);
    add_busiest(to, i, figures, first);
}
