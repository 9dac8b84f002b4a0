/* SPDX-License-Identifier: Apache-2.0 */
/* Each child has a thread that looks once a second if a sample is due, and samples if no other
 * child has. So a server samples that answers no request, because all its workers are busy or
 * because none comes, and requests have nothing to do for it.
 *
 * A child that is killed while it samples takes one sample with it; the next second another
 * child comes first. Children of an earlier generation, which may go on for hours with their
 * requests, don't sample: they know other limits. */
#include "busy.h"

#include <stdatomic.h>

#include <ap_mpm.h>
#include <errno.h>
#include <http_log.h>
#include <scoreboard.h>

#include "../busy/machine.h"
#include "../config/config.h"
#include "../httpd/module.h"
#include "../system/background.h"
#include "../system/clock.h"
#include "runtime.h"

APLOG_USE_MODULE(ratelimit_cache);

/* What the thread needs, once for each child. */
typedef struct rl_sampler {
    const rl_busy_limits_t *limits;
    server_rec *server;
    int daemons, threads; /* the scoreboard's size */
    int workers;          /* MaxRequestWorkers */
    bool threaded;        /* children have several workers */
    bool blind;           /* the processor's pressure couldn't be read last time */
} rl_sampler_t;

/* ---- samples ---- */

/* Returns true if a worker in this state can't take a request. */
static bool is_occupied(int status)
{
    return status == SERVER_BUSY_READ || status == SERVER_BUSY_WRITE ||
           status == SERVER_BUSY_KEEPALIVE || status == SERVER_BUSY_LOG ||
           status == SERVER_BUSY_DNS || status == SERVER_CLOSING;
}

/* Returns how many connections a child of event has that no worker waits for; 0 of the other
 * MPMs, whose workers stay with their connections. */
static uint32_t parked_connections(const process_score *child)
{
    return child->write_completion + child->lingering_close + child->keep_alive +
           child->suspended;
}

/* A child that ends after its requests is GRACEFUL: one of prefork while it has a request. One
 * of event says so of all its workers, also of those that wait in vain, and knows how many
 * connections it has. Returns how many of `graceful` workers are busy, besides `occupied`. */
static int occupied_gracefully(const rl_sampler_t *sampler, const process_score *child,
                               int occupied, int graceful)
{
    const uint32_t parked = parked_connections(child);
    int served;
    if (!sampler->threaded) {
        return graceful;
    }
    served = child->connections > parked ? (int)(child->connections - parked) : 0;
    served = served > occupied ? served - occupied : 0;
    return served < graceful ? served : graceful;
}

static int occupied_of_child(const rl_sampler_t *sampler, int i)
{
    const process_score *child = ap_get_scoreboard_process(i);
    int occupied = 0, graceful = 0;
    for (int j = 0; j < sampler->threads; j++) {
        const worker_score *worker = ap_get_scoreboard_worker_from_indexes(i, j);
        if (worker != NULL) {
            occupied += is_occupied(worker->status);
            graceful += worker->status == SERVER_GRACEFUL;
        }
    }
    return occupied + (graceful > 0 && child != NULL
                           ? occupied_gracefully(sampler, child, occupied, graceful)
                           : 0);
}

/* Returns the share of MaxRequestWorkers that is busy, in hundredths of a percent. Children of
 * earlier generations count, so it may come to more than all. */
static uint32_t workers_share(const rl_sampler_t *sampler)
{
    uint64_t occupied = 0;
    if (!ap_exists_scoreboard_image() || sampler->workers <= 0) {
        return RL_BUSY_UNKNOWN;
    }
    for (int i = 0; i < sampler->daemons; i++) {
        occupied += (uint64_t)occupied_of_child(sampler, i);
    }
    return (uint32_t)(occupied * 10000 / (uint64_t)sampler->workers);
}

static uint32_t processor_pressure(rl_sampler_t *sampler)
{
    const uint32_t pressure = rl_busy_pressure(RL_BUSY_PRESSURE_FILE);
    if (pressure == RL_BUSY_UNKNOWN && !sampler->blind) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, errno, sampler->server,
                     "ratelimit: %s can't be read; RateLimitBusy goes without cpu-pressure= "
                     "until it can",
                     RL_BUSY_PRESSURE_FILE);
    }
    sampler->blind = pressure == RL_BUSY_UNKNOWN;
    return pressure;
}

static void take_sample(rl_sampler_t *sampler, rl_busy_sample_t *sample)
{
    const uint32_t *high = sampler->limits->high;
    uint32_t *value = sample->value;
    value[RL_BUSY_WORKERS] =
        high[RL_BUSY_WORKERS] > 0 ? workers_share(sampler) : RL_BUSY_UNKNOWN;
    value[RL_BUSY_LOAD] = high[RL_BUSY_LOAD] > 0 ? rl_busy_load() : RL_BUSY_UNKNOWN;
    value[RL_BUSY_PRESSURE] =
        high[RL_BUSY_PRESSURE] > 0 ? processor_pressure(sampler) : RL_BUSY_UNKNOWN;
}

/* ---- the log ---- */

static void log_begin(const rl_sampler_t *sampler, const rl_busy_event_t *event)
{
    const uint32_t high = sampler->limits->high[event->measure];
    const char *sign = rl_busy_measure_is_percent(event->measure) ? "%" : "";
    ap_log_error(
        APLOG_MARK, APLOG_NOTICE, 0, sampler->server,
        "ratelimit: the server is busy: %s is at %u.%02u%s and has reached %u.%02u%s of "
        "RateLimitBusy; limits are those of busy= now",
        rl_busy_measure_name(event->measure), event->value / 100, event->value % 100, sign,
        high / 100, high % 100, sign);
}

static void log_end(const rl_sampler_t *sampler, const rl_busy_event_t *event)
{
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, sampler->server,
                 "ratelimit: the server is not busy any more; it was for %" APR_INT64_T_FMT
                 " s",
                 (event->lasted_us + RL_USEC_PER_SEC / 2) / RL_USEC_PER_SEC);
}

static void log_change(const rl_sampler_t *sampler, const rl_busy_event_t *event)
{
    if (event->change == RL_BUSY_BEGINS) {
        log_begin(sampler, event);
    }
    else if (event->change == RL_BUSY_ENDS) {
        log_end(sampler, event);
    }
}

/* ---- the thread ---- */

/* One look of the child's thread. Returns false if it is no longer this child's part to
 * sample. */
static bool look_if_busy(void *context, bool last)
{
    rl_sampler_t *sampler = context;
    rl_busy_t *busy = rl_runtime()->busy;
    const int64_t now = rl_clock_now();
    if (last || rl_runtime_is_superseded()) {
        return false;
    }
    if (rl_busy_claim(busy, now)) {
        rl_busy_sample_t sample;
        rl_busy_event_t event;
        take_sample(sampler, &sample);
        event = rl_busy_put(busy, sampler->limits, &sample, now);
        log_change(sampler, &event);
    }
    return true;
}

static int mpm_number(int query)
{
    int number = 0;
    return ap_mpm_query(query, &number) == APR_SUCCESS ? number : 0;
}

void rl_busy_child_init(apr_pool_t *pchild, server_rec *s)
{
    const rl_busy_limits_t *limits = rl_global_config()->busy;
    rl_sampler_t *sampler;
    if (limits == NULL) {
        return;
    }
    sampler = apr_palloc(pchild, sizeof(*sampler));
    *sampler = (rl_sampler_t){
        .limits = limits,
        .server = s,
        .daemons = mpm_number(AP_MPMQ_HARD_LIMIT_DAEMONS),
        .threads = mpm_number(AP_MPMQ_HARD_LIMIT_THREADS),
        .workers = mpm_number(AP_MPMQ_MAX_DAEMONS) * mpm_number(AP_MPMQ_MAX_THREADS),
        .threaded = mpm_number(AP_MPMQ_IS_THREADED) != AP_MPMQ_NOT_SUPPORTED,
    };
    if (rl_background_create(pchild, RL_BUSY_INTERVAL_US, look_if_busy, sampler) == NULL) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     "ratelimit: no thread for RateLimitBusy; other children measure how busy "
                     "the server is");
    }
}

/* ---- the rest ---- */

bool rl_busy_now(void)
{
    return rl_global_config()->busy != NULL && rl_runtime()->busy != NULL &&
           rl_busy_is(rl_runtime()->busy);
}

void rl_busy_lower(const rl_rule_t *rule, rl_meter_t *meter)
{
    if (rule != NULL && rule->busy >= 0 && rl_busy_now()) {
        rl_rule_lower(rule, meter);
    }
}
