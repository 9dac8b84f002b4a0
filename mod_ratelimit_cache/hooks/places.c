/* SPDX-License-Identifier: Apache-2.0 */
#include "places.h"

#include <ap_mpm.h>
#include <stdatomic.h>

/* Requests on the server's own threads, and streams of HTTP/2, which keep threads of
 * mod_http2's busy. */
static atomic_int waiting, waiting_streams;

static bool is_stream(const request_rec *r)
{
    return r->connection->master != NULL;
}

/* Half of a child's threads, whatever their requests wait for; of HTTP/2 more while the wait is
 * short: a page has all its images asked for at once. */
static int places_for(const request_rec *r, rl_wait_e wait)
{
    int threads = 1;
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return is_stream(r) && wait == RL_WAIT_SHORT ? 4 * threads : (threads + 1) / 2;
}

bool rl_place_enter(const request_rec *r, rl_wait_e wait)
{
    atomic_int *count = is_stream(r) ? &waiting_streams : &waiting;
    if (atomic_fetch_add(count, 1) < places_for(r, wait)) {
        return true;
    }
    rl_place_leave(r);
    return false;
}

void rl_place_leave(const request_rec *r)
{
    atomic_fetch_sub(is_stream(r) ? &waiting_streams : &waiting, 1);
}
