/* SPDX-License-Identifier: Apache-2.0 */
/* core/meter: how often the sliding window decides otherwise than an exact log would.
 *
 * A sliding window takes the units of the window before to have come evenly. An exact log keeps
 * the time of every request that was admitted and counts those of the last period. Two of them
 * see the same requests:
 *
 *     the judge  is fed with what the sliding window admitted, so that each decision is judged
 *                by itself: wrong if the request was let in though the limit is in the log, or
 *                refused though it isn't. Of a client that hammers, each request in the moment
 *                by which the two differ counts.
 *     the rival  is fed with what it admits itself: what a server with an exact log would do.
 *
 * The traffic is made up: clients that come at random at a steady mean rate, clients that come
 * in bursts, which may be larger than the limit, and clients whose rate follows the hours of a
 * day. Those for whom the limit was made, those who come near it, and those who try for more
 * all the time are told apart.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "counter.h"

#define LIMIT 60
#define SPAN  DAY

typedef enum { STEADY, BURSTY, DAILY, KINDS } kind_e;

static const char *const names[] = {"steady", "bursty", "day-cycle"};

typedef struct figures {
    uint64_t requests, admitted;
    uint64_t let_in, refused;           /* wrongly, as the judge has it */
    uint64_t otherwise, rival_admitted; /* decisions of the rival */
} figures_t;

/* When the last requests were admitted, in a ring. */
typedef struct exact_log {
    int64_t at[LIMIT];
    uint64_t n;
} exact_log_t;

typedef struct client {
    kind_e kind;
    double demand;  /* its mean rate, in limits */
    unsigned burst; /* its bursts are shorter than this */
    counter_t counter;
    exact_log_t judge, rival;
    uint64_t rng;
    int64_t now;
    unsigned left; /* of a burst */
} client_t;

static bool has_room(const exact_log_t *log, int64_t now)
{
    return log->n < LIMIT || log->at[log->n % LIMIT] <= now - MINUTE;
}

static void admit(exact_log_t *log, int64_t now)
{
    log->at[log->n++ % LIMIT] = now;
}

/* Time to the next of requests that come at random, so many a minute. */
static int64_t wait_for(client_t *client, double per_minute)
{
    const double u = ((double)(random_bits(&client->rng) >> 11) + 1) / 9007199254740993.0;
    return (int64_t)(-log(u) / per_minute * (double)MINUTE) + 1;
}

/* A fifth of a second apart in a burst, of which there are so many that the mean is the demand.
 */
static int64_t next_of_burst(client_t *client)
{
    if (client->left > 0) {
        client->left--;
        return wait_for(client, 300);
    }
    client->left = (unsigned)random_below(&client->rng, client->burst);
    return wait_for(client, client->demand * LIMIT * 2 / client->burst);
}

/* Twice the mean at the busiest hour, next to nothing half a day later. */
static int64_t next_of_day(client_t *client)
{
    const double hour = 2 * 3.14159265358979 * (double)(client->now - NOON) / (double)DAY;
    return wait_for(client, client->demand * LIMIT * (1.01 + cos(hour)));
}

static int64_t next_request(client_t *client)
{
    switch (client->kind) {
    case BURSTY:
        return next_of_burst(client);
    case DAILY:
        return next_of_day(client);
    default:
        return wait_for(client, client->demand * LIMIT);
    }
}

static void request(client_t *client, figures_t *figures)
{
    const bool judged = has_room(&client->judge, client->now);
    const bool rival = has_room(&client->rival, client->now);
    const bool granted = charge(&client->counter, client->now, 1);
    figures->requests++;
    figures->admitted += granted;
    figures->let_in += granted && !judged;
    figures->refused += !granted && judged;
    figures->otherwise += granted != rival;
    figures->rival_admitted += rival;
    if (granted) {
        admit(&client->judge, client->now);
    }
    if (rival) {
        admit(&client->rival, client->now);
    }
}

static void run_client(kind_e kind, double demand, unsigned burst, uint64_t seed,
                       figures_t *figures)
{
    client_t client = {
        .kind = kind, .demand = demand, .burst = burst, .rng = seed, .now = NOON};
    rl_meter_t meter = fixed_window(LIMIT, MINUTE);
    meter.algorithm = RL_SLIDING_WINDOW;
    client.counter = counter_with(meter);
    client.counter.key = random_digest(&client.rng);
    while (client.now < NOON + SPAN) {
        request(&client, figures);
        client.now += next_request(&client);
    }
}

static void add(figures_t *sum, const figures_t *figures)
{
    sum->requests += figures->requests;
    sum->admitted += figures->admitted;
    sum->let_in += figures->let_in;
    sum->refused += figures->refused;
    sum->otherwise += figures->otherwise;
    sum->rival_admitted += figures->rival_admitted;
}

static double percent(uint64_t part, uint64_t whole)
{
    return 100.0 * (double)part / (double)whole;
}

static void print(const char *name, const figures_t *f)
{
    printf("# %s: %llu requests, %.2f %% admitted, by an exact log %.2f %%\n", name,
           (unsigned long long)f->requests, percent(f->admitted, f->requests),
           percent(f->rival_admitted, f->requests));
    printf("#     wrong %.3f %%: let in %.3f %%, refused %.3f %%; an exact log by itself "
           "decides otherwise %.3f %%\n",
           percent(f->let_in + f->refused, f->requests), percent(f->let_in, f->requests),
           percent(f->refused, f->requests), percent(f->otherwise, f->requests));
}

/* One kind of clients, whose demands are spread evenly over the orders of magnitude between two
 * bounds. */
static figures_t run_kind(kind_e kind, double least, double most, unsigned burst, int clients)
{
    figures_t figures = {0};
    for (int i = 0; i < clients; i++) {
        const double demand = least * pow(most / least, (i + 0.5) / clients);
        run_client(kind, demand, burst, (uint64_t)kind * 1000 + (uint64_t)i, &figures);
    }
    return figures;
}

static figures_t run_mix(const char *what, double least, double most, unsigned burst,
                         int clients)
{
    figures_t all = {0};
    char name[40];
    for (kind_e kind = STEADY; kind < KINDS; kind++) {
        const figures_t figures = run_kind(kind, least, most, burst, clients);
        snprintf(name, sizeof(name), "%s, %s", what, names[kind]);
        print(name, &figures);
        add(&all, &figures);
    }
    snprintf(name, sizeof(name), "%s, all", what);
    print(name, &all);
    return all;
}

static void assert_close(const figures_t *figures, double wrong, double admitted)
{
    const double ratio = percent(figures->admitted, figures->rival_admitted);
    assert_true(percent(figures->let_in + figures->refused, figures->requests) < wrong);
    assert_true(ratio > 100 - admitted && ratio < 100 + admitted);
}

/* Nobody averages more than a quarter of the limit, or has bursts of more than two thirds. */
static void hardly_any_decision_about_usual_clients_is_wrong(void **state)
{
    const figures_t figures = run_mix("usual", 0.0002, 0.25, 40, 250);
    (void)state;
    assert_close(&figures, 1, 1);
}

/* From a request in 83 minutes to 30 a minute, of 60. */
static void few_decisions_about_clients_below_the_limit_are_wrong(void **state)
{
    const figures_t figures = run_mix("below the limit", 0.0002, 0.5, 100, 150);
    (void)state;
    assert_close(&figures, 4, 1);
}

static void clients_above_the_limit_get_about_as_much_as_from_an_exact_log(void **state)
{
    const figures_t figures = run_mix("above the limit", 1.0, 3.0, 100, 4);
    (void)state;
    assert_close(&figures, 50, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hardly_any_decision_about_usual_clients_is_wrong),
        cmocka_unit_test(few_decisions_about_clients_below_the_limit_are_wrong),
        cmocka_unit_test(clients_above_the_limit_get_about_as_much_as_from_an_exact_log),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
