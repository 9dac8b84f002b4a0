/* SPDX-License-Identifier: Apache-2.0 */
/* Several servers, each with a ledger of its own, on one store in memory. Their requests may be
 * coroutines, which a seeded scheduler switches while a command or its answer is on its way. */
#ifndef T_UNIT_FLEET_WORLD_H
#define T_UNIT_FLEET_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_pools.h>

#include "core/meter/tally.h"
#include "lease/keeper.h"
#include "lease/lease_list.h"
#include "limiter/counter.h"
#include "support.h"
#include "store_memory.h"

#define SECOND RL_USEC_PER_SEC
#define HOUR   (3600 * SECOND)
#define NOON   (INT64_C(1700049600) * SECOND)

#define SERVERS_MAX 4
#define ACTORS_MAX  12
#define STACK_SIZE  (64 * 1024)

typedef struct server {
    rl_ledger_t ledger;
    void *memory;
    rl_lease_list_t *leases; /* NULL without leases */
    bool cut_off;            /* its connection fails */
    unsigned net;            /* units granted and not given back */
    unsigned known;          /* by its ledger, when the store last lost everything */
    unsigned since;          /* granted since then */
    unsigned asking;         /* requests of this server that were in flight then */
    unsigned slack;          /* units that could be in flight at any such moment */
} server_t;

typedef struct actor {
    ucontext_t context;
    server_t *server;
    bool done;
    bool asking; /* a request is in flight */
} actor_t;

/* What happens in a run. */
typedef struct story {
    unsigned servers, actors, requests; /* per actor */
    uint32_t limit;
    uint32_t cost_max;
    unsigned refund_one_in; /* 0: never */
    unsigned lose_one_in;   /* scheduler steps */
    unsigned fault_one_in;  /* operations */
    unsigned cut_one_in;    /* scheduler steps until a server is cut off or connected again */
    rl_on_error_e on_error;
    bool leases;
    bool first;                  /* windows begin with the first unit */
    void (*request)(server_t *); /* what an actor does, over and over; NULL: request() */
} story_t;

static server_t servers[SERVERS_MAX];
static actor_t actors[ACTORS_MAX];
static char stacks[ACTORS_MAX][STACK_SIZE] __attribute__((aligned(64)));
static ucontext_t home;
static actor_t *running;
static memory_store_t store;
static const story_t *story;
static uint64_t rng;
static int64_t now;
static apr_pool_t *keepers; /* of one run */
static unsigned granted, net, most_net, in_flight_at_losses, losses;
static const rl_digest_t key = {.hi = 0x1234, .lo = 0x5678};

/* Tests that are to hold for windows that begin with their first unit as well are listed twice:
 * as cmocka_unit_test(f) and as WITH_FIRST(f); their stories have `.first = with_first`. */
static bool with_first;

static inline int begin_with_first(void **state)
{
    (void)state;
    with_first = true;
    return 0;
}

static inline int end_with_first(void **state)
{
    (void)state;
    with_first = false;
    return 0;
}

#define WITH_FIRST(f) cmocka_unit_test_setup_teardown(f, begin_with_first, end_with_first)

static rl_meter_t meter_of(uint32_t limit)
{
    rl_meter_t meter = fixed_window(limit, 24 * HOUR);
    meter.aligned = true;
    meter.algorithm = story->first ? RL_FIRST_WINDOW : RL_FIXED_WINDOW;
    return meter;
}

static bool one_in(unsigned n)
{
    return n > 0 && random_below(&rng, n) == 0;
}

/* ---- the world ---- */

static void leave(void *context)
{
    (void)context;
    if (running != NULL) {
        swapcontext(&running->context, &home);
    }
}

static fault_e fault_of(void *context, rl_store_session_t *session)
{
    (void)context;
    (void)session;
    if (running == NULL) {
        return FAULT_NONE;
    }
    if (running->server->cut_off) {
        return FAULT_REFUSED;
    }
    return one_in(story->fault_one_in) ? (fault_e)(1 + random_below(&rng, 3)) : FAULT_NONE;
}

static rl_source_t source_of(const server_t *server, rl_store_session_t *session)
{
    *session = (rl_store_session_t){.store = &store.base};
    return (rl_source_t){.ledger = &server->ledger,
                         .session = session,
                         .leases = server->leases,
                         .incarnation = rl_tally_incarnation(random_bits(&rng))};
}

static void count(server_t *server, int units)
{
    server->net += (unsigned)units;
    server->since += (unsigned)units;
    net += (unsigned)units;
    granted += units > 0 ? (unsigned)units : 0;
    most_net = net > most_net ? net : most_net;
}

/* One request, on behalf of the running actor. */
static void request(server_t *server)
{
    const rl_meter_t meter = meter_of(story->limit);
    const uint32_t cost = 1 + (uint32_t)random_below(&rng, story->cost_max);
    rl_store_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_step_t step;
    bool counted =
        rl_counter_charge(&source, OP(&key, &meter, now, cost), story->on_error, &step);
    if (!step.granted) {
        rl_counter_refresh(&source, OP(&key, &meter, now, 1));
        return;
    }
    if (!counted) {
        return;
    }
    count(server, (int)cost);
    if (one_in(story->refund_one_in)) {
        count(server, -(int)cost);
        rl_counter_refund(&source, OP(&key, &meter, now, cost), step.stamp);
    }
}

static void act(void)
{
    actor_t *self = running;
    for (unsigned i = 0; i < story->requests; i++) {
        self->asking = true;
        (story->request != NULL ? story->request : request)(self->server);
        self->asking = false;
        leave(NULL);
    }
    self->done = true;
}

/* ---- a run ---- */

static void begin(actor_t *actor)
{
    actor->done = actor->asking = false;
    getcontext(&actor->context);
    actor->context.uc_stack.ss_sp = fresh_stack(stacks[actor - actors], STACK_SIZE);
    actor->context.uc_stack.ss_size = STACK_SIZE;
    actor->context.uc_link = &home;
    makecontext(&actor->context, act, 0);
}

static void renew_keepers(void)
{
    if (keepers == NULL) {
        apr_initialize();
        atexit(apr_terminate); /* or what the pool owns would be a leak */
        apr_pool_create(&keepers, NULL);
    }
    apr_pool_clear(keepers);
}

static void start(const story_t *what, uint64_t seed)
{
    story = what;
    rng = seed;
    now = NOON;
    granted = net = most_net = in_flight_at_losses = losses = 0;
    memory_open(&store);
    store.fault = fault_of;
    store.pause = leave;
    renew_keepers();
    for (unsigned i = 0; i < what->servers; i++) {
        void *memory = servers[i].memory;
        memset(&servers[i], 0, sizeof(servers[i]));
        servers[i].memory = memory != NULL ? memory : aligned_alloc(64, RL_LEDGER_SIZE_MIN);
        memset(servers[i].memory, 0, RL_LEDGER_SIZE_MIN);
        rl_ledger_open(&servers[i].ledger, servers[i].memory, RL_LEDGER_SIZE_MIN);
        servers[i].leases = what->leases ? rl_lease_list_create(keepers) : NULL;
    }
    for (unsigned i = 0; i < what->actors; i++) {
        actors[i].server = &servers[i % what->servers];
        begin(&actors[i]);
    }
}

/* Lets one of the actors go on; false when all are done. */
static inline bool step_one(void)
{
    const unsigned first = (unsigned)random_below(&rng, story->actors);
    for (unsigned i = 0; i < story->actors; i++) {
        actor_t *actor = &actors[(first + i) % story->actors];
        if (!actor->done) {
            running = actor;
            swapcontext(&home, &actor->context);
            running = NULL;
            return true;
        }
    }
    return false;
}

#endif
