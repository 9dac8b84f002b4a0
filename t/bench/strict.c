/* SPDX-License-Identifier: Apache-2.0 */
/* What a decision costs that asks memcached, against the least that can be done: one increment
 * through libmemcached. No httpd; one after the other, in blocks that take turns, so that
 * whatever disturbs the machine disturbs both.
 *
 *     strict PORT NUMBER      on standard output: "incr" and "rule", and the nanoseconds that
 *                             one took, mean over NUMBER of each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <apr_general.h>
#include <libmemcached/memcached.h>

#include "core/meter/tally.h"
#include "limiter/limiter.h"
#include "memcached/memcached.h"

#define BLOCK       100
#define TABLE_BYTES (1u << 20)
#define TIMEOUT_US  (5 * RL_USEC_PER_SEC) /* a busy machine must not look like a hung server */

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "strict: %s\n", what);
    exit(1);
}

/* ---- a bare increment ---- */

static const char counter[] = "rl:0123456789abcdef0123456789abcdef01234567";

static memcached_st *open_bare(uint16_t port)
{
    memcached_st *memc = memcached_create(NULL);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
    memcached_server_add(memc, "127.0.0.1", port);
    if (memcached_set(memc, counter, sizeof(counter) - 1, "18302628885633695744", 20, 3600,
                      0) != MEMCACHED_SUCCESS) {
        die("memcached does not answer");
    }
    return memc;
}

static void increment(memcached_st *memc)
{
    uint64_t value;
    if (memcached_increment(memc, counter, sizeof(counter) - 1, 1, &value) !=
        MEMCACHED_SUCCESS) {
        die(memcached_last_error_message(memc));
    }
}

/* ---- a rule ---- */

static void tell_nobody(void *context, rl_server_event_e event, unsigned server,
                        const char *reason)
{
    (void)context, (void)event, (void)server, (void)reason;
}

static rl_store_t *open_store(apr_pool_t *pool, uint16_t port)
{
    static rl_memcached_server_t server = {
        .name = "bench", .host = "127.0.0.1", .address = "127.0.0.1"};
    static rl_memcached_settings_t settings = {.servers = &server,
                                               .nservers = 1,
                                               .prefix = "bench:",
                                               .timeout_us = TIMEOUT_US,
                                               .connections = 1,
                                               .breaker = {.failures = 3, .cooldown_us = 1000}};
    rl_store_t *store;
    server.port = port;
    store = rl_memcached_create(pool, &settings, tell_nobody, NULL);
    if (store == NULL) {
        die("no memory");
    }
    return store;
}

/* As a request does it: a claim on one rule, a session, a decision. */
static void decide(const rl_ledger_t *ledger, rl_store_t *store, rl_claim_t *claim, int64_t now)
{
    rl_store_session_t session = {.store = store, .deadline = clock_ns() / 1000 + TIMEOUT_US};
    const rl_source_t source = {
        .ledger = ledger, .session = &session, .incarnation = rl_tally_incarnation(1)};
    if (rl_limiter_decide(&source, claim, 1, now) >= 0 || claim->uncounted) {
        die("a decision came out wrong");
    }
    store->ops->end(&session);
}

int main(int argc, char **argv)
{
    const uint16_t port = argc == 3 ? (uint16_t)strtoul(argv[1], NULL, 10) : 0;
    const long n = argc == 3 ? strtol(argv[2], NULL, 10) / BLOCK * BLOCK : 0;
    rl_claim_t claim = {.op = {.key = rl_digest_public("key", 3),
                               .meter = {.algorithm = RL_FIXED_WINDOW,
                                         .limit = 8000000,
                                         .period_us = 3600 * RL_USEC_PER_SEC},
                               .cost = 1}};
    int64_t took_bare = 0, took_rule = 0;
    rl_ledger_t ledger;
    apr_pool_t *pool;
    memcached_st *bare;
    rl_store_t *store;
    if (port == 0 || n < BLOCK) {
        fprintf(stderr, "usage: strict PORT NUMBER\n");
        return 2;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    rl_ledger_open(&ledger, aligned_alloc(64, TABLE_BYTES), TABLE_BYTES);
    memset(ledger.cells, 0, TABLE_BYTES);
    bare = open_bare(port);
    store = open_store(pool, port);
    for (long done = -BLOCK; done < n; done += BLOCK) { /* the first block is for warming up */
        const int64_t now = (int64_t)time(NULL) * RL_USEC_PER_SEC, start = clock_ns();
        int64_t between, end;
        for (int i = 0; i < BLOCK; i++) {
            increment(bare);
        }
        between = clock_ns();
        for (int i = 0; i < BLOCK; i++) {
            decide(&ledger, store, &claim, now);
        }
        end = clock_ns();
        if (done >= 0) {
            took_bare += between - start;
            took_rule += end - between;
        }
    }
    printf("incr\t%.0f\nrule\t%.0f\n", (double)took_bare / (double)n,
           (double)took_rule / (double)n);
    apr_pool_destroy(pool);
    memcached_free(bare);
    return 0;
}
