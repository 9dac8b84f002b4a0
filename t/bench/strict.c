/* SPDX-License-Identifier: Apache-2.0 */
/* What a decision costs that asks memcached, against the least that can be done: one increment
 * through libmemcached. No httpd; one after the other, in blocks that take turns, so that
 * whatever disturbs the machine disturbs all.
 *
 *     strict PORT[,PORT...] NUMBER
 *
 * On standard output: a name, the nanoseconds that one took, mean over NUMBER of each, and the
 * round trips that it took. "incr" is the increment, on the first server; "rule", "hot2" and
 * "hot4" are decisions about 1, 2 and 4 rules on keys that are asked for all the time; "slow1",
 * "slow2" and "slow4" on many keys that are asked for seldom.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <apr_general.h>
#include <libmemcached/memcached.h>

#include "core/meter/meter.h"
#include "core/meter/tally.h"
#include "limiter/limiter.h"
#include "memcached/memcached.h"

#define BLOCK       100
#define TABLE_BYTES (1u << 22)
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

#define SERVERS_MAX 8
static rl_memcached_server_t servers[SERVERS_MAX];
static rl_traffic_t traffic[SERVERS_MAX];

static rl_store_t *open_store(apr_pool_t *pool, const uint16_t *ports, unsigned n)
{
    static rl_memcached_settings_t settings = {.servers = servers,
                                               .prefix = "bench:",
                                               .timeout_us = TIMEOUT_US,
                                               .connections = 1,
                                               .breaker = {.failures = 3, .cooldown_us = 1000}};
    rl_store_t *store;
    settings.nservers = n;
    for (unsigned i = 0; i < n; i++) {
        servers[i] = (rl_memcached_server_t){.name = "bench",
                                             .host = "127.0.0.1",
                                             .address = "127.0.0.1",
                                             .port = ports[i],
                                             .traffic = &traffic[i]};
    }
    store = rl_memcached_create(pool, &settings, tell_nobody, NULL);
    if (store == NULL) {
        die("no memory");
    }
    return store;
}

static uint64_t round_trips(void)
{
    uint64_t trips = 0;
    for (unsigned i = 0; i < SERVERS_MAX; i++) {
        rl_traffic_sums_t sums;
        rl_traffic_sum(&traffic[i], 0, &sums);
        trips += sums.round_trips;
    }
    return trips;
}

/* As a request does it: claims, a session, a decision. */
static void decide(const rl_ledger_t *ledger, rl_store_t *store, rl_claim_t *claims, int n,
                   int64_t now)
{
    rl_store_session_t session = {.store = store, .deadline = clock_ns() / 1000 + TIMEOUT_US};
    const rl_source_t source = {
        .ledger = ledger, .session = &session, .incarnation = rl_tally_incarnation(1)};
    if (rl_limiter_decide(&source, claims, n, now) >= 0) {
        die("a decision came out wrong");
    }
    for (int i = 0; i < n; i++) {
        if (claims[i].uncounted) {
            die("memcached didn't answer in time");
        }
    }
    store->ops->end(&session);
}

/* ---- cases ---- */

#define RULES_MAX 4
#define SLOW_KEYS 2000

typedef struct measure {
    const char *name;
    int rules;
    bool slow;
    int64_t took_ns;
    uint64_t trips;
} measure_t;

static measure_t measures[] = {{.name = "rule", .rules = 1},
                               {.name = "hot2", .rules = 2},
                               {.name = "hot4", .rules = 4},
                               {.name = "slow1", .rules = 1, .slow = true},
                               {.name = "slow2", .rules = 2, .slow = true},
                               {.name = "slow4", .rules = 4, .slow = true}};
#define MEASURES (sizeof(measures) / sizeof(measures[0]))

static rl_ledger_t ledger;
static rl_store_t *store;
static int64_t later; /* microseconds by which the clock of slow keys is ahead */

/* A slow key is asked for every SLOW_KEYS * 2 seconds by its clock. */
static void decide_once(const measure_t *measure, uint32_t key)
{
    rl_claim_t claims[RULES_MAX];
    for (int i = 0; i < measure->rules; i++) {
        const uint32_t name[] = {(uint32_t)measure->slow, measure->slow ? key : 0, (uint32_t)i};
        claims[i] =
            (rl_claim_t){.op = {.key = rl_digest_public((const char *)name, sizeof(name)),
                                .meter = {.algorithm = RL_FIXED_WINDOW,
                                          .limit = 8000000,
                                          .period_us = 30 * 86400 * RL_USEC_PER_SEC},
                                .cost = 1}};
        rl_meter_prepare(&claims[i].op.meter);
    }
    later += measure->slow ? 2 * RL_USEC_PER_SEC : 0;
    decide(&ledger, store, claims, measure->rules,
           (int64_t)time(NULL) * RL_USEC_PER_SEC + (measure->slow ? later : 0));
}

static void measure_block(measure_t *measure)
{
    static uint32_t key;
    const uint64_t trips = round_trips();
    const int64_t start = clock_ns();
    for (int i = 0; i < BLOCK; i++) {
        decide_once(measure, key++ % SLOW_KEYS);
    }
    measure->took_ns += clock_ns() - start;
    measure->trips += round_trips() - trips;
}

static int64_t increment_block(memcached_st *bare)
{
    const int64_t start = clock_ns();
    for (int i = 0; i < BLOCK; i++) {
        increment(bare);
    }
    return clock_ns() - start;
}

static void warm_up(memcached_st *bare)
{
    const measure_t all = {.rules = RULES_MAX, .slow = true};
    for (uint32_t key = 0; key < SLOW_KEYS; key++) {
        decide_once(&all, key);
    }
    for (size_t i = 0; i < MEASURES; i++) {
        measure_block(&measures[i]);
        measures[i].took_ns = 0;
        measures[i].trips = 0;
    }
    increment_block(bare);
}

static unsigned parse_ports(char *text, uint16_t ports[SERVERS_MAX])
{
    unsigned n = 0;
    for (char *end = text; n < SERVERS_MAX && *end != '\0' && (n == 0 || *end++ == ',');) {
        ports[n++] = (uint16_t)strtoul(end, &end, 10);
    }
    return n;
}

int main(int argc, char **argv)
{
    uint16_t ports[SERVERS_MAX] = {0};
    const unsigned nports = argc == 3 ? parse_ports(argv[1], ports) : 0;
    const long n = argc == 3 ? strtol(argv[2], NULL, 10) / BLOCK * BLOCK : 0;
    int64_t took_bare = 0;
    apr_pool_t *pool;
    memcached_st *bare;
    if (nports == 0 || ports[0] == 0 || n < BLOCK) {
        fprintf(stderr, "usage: strict PORT[,PORT...] NUMBER\n");
        return 2;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    rl_ledger_open(&ledger, aligned_alloc(64, TABLE_BYTES), TABLE_BYTES);
    memset(ledger.cells, 0, TABLE_BYTES);
    bare = open_bare(ports[0]);
    store = open_store(pool, ports, nports);
    warm_up(bare);
    for (long done = 0; done < n; done += BLOCK) {
        took_bare += increment_block(bare);
        for (size_t i = 0; i < MEASURES; i++) {
            measure_block(&measures[i]);
        }
    }
    printf("incr\t%.0f\t1\n", (double)took_bare / (double)n);
    for (size_t i = 0; i < MEASURES; i++) {
        printf("%s\t%.0f\t%.3f\n", measures[i].name, (double)measures[i].took_ns / (double)n,
               (double)measures[i].trips / (double)n);
    }
    apr_pool_destroy(pool);
    memcached_free(bare);
    return 0;
}
