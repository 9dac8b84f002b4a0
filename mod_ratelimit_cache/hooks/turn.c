/* SPDX-License-Identifier: Apache-2.0 */
#include "turn.h"

#include <ap_mpm.h>
#include <http_core.h>
#include <apr_portable.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "../limiter/slot.h"
#include "../request/session.h"
#include "places.h"

#define LOOK_EVERY   10000  /* microseconds between looks at the slot */
#define CLIENT_EVERY 100000 /* and at the client, and at the processes that hold slots */

/* ---- who may wait ---- */

static int workers_of_server(void)
{
    int daemons = 1, threads = 1;
    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &daemons);
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return daemons * (threads > 1 ? threads : 1);
}

/* A quarter of the server's workers, of which the last half is not for tenants' rules; it is
 * looked at before one more waits. */
static bool server_has_place(const rl_slots_t *slots, bool tenant)
{
    const int places = (workers_of_server() + 3) / 4;
    return (int)rl_slots_waiting(slots) < (tenant ? (places + 1) / 2 : places);
}

/* ---- the client ---- */

/* Linux tells that the client has closed also if not all that it sent was read: the rest of a
 * body, the end of TLS. */
#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

/* Returns true if the client has closed its connection. What it may have sent meanwhile stays
 * where it is. A stream of HTTP/2 has no socket of its own. */
static bool is_client_gone(const request_rec *r)
{
    apr_socket_t *socket = ap_get_conn_socket(r->connection);
    apr_os_sock_t fd;
    struct pollfd look = {.events = POLLIN | POLLRDHUP};
    char byte;
    if (r->connection->aborted) {
        return true;
    }
    if (r->connection->master != NULL || socket == NULL ||
        apr_os_sock_get(&fd, socket) != APR_SUCCESS) {
        return false;
    }
    look.fd = fd;
    if (poll(&look, 1, 0) <= 0) {
        return false;
    }
    return (look.revents & (POLLERR | POLLHUP | POLLRDHUP)) != 0 ||
           recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* ---- waiting ---- */

/* Returns true once the slot is there, false if it is no use to wait any longer. */
static bool wait_until(const request_rec *r, rl_slots_t *slots, const rl_claim_t *claim,
                       int64_t until)
{
    int64_t next_look = apr_time_now() + CLIENT_EVERY;
    while (!rl_slots_are_held(slots, &claim->slot.holding)) {
        const int64_t now = apr_time_now();
        if (now >= until || (now >= next_look && is_client_gone(r))) {
            return false;
        }
        if (now >= next_look) {
            rl_slots_reap_key(slots, &claim->op.ledger_key);
            next_look = now + CLIENT_EVERY;
        }
        apr_sleep(until - now < LOOK_EVERY ? until - now : LOOK_EVERY);
    }
    return true;
}

/* Returns true if every claim that denies does so for want of a slot it may wait for. */
static bool waits_for_slots_only(const rl_request_t *request)
{
    for (int i = 0; i < request->n; i++) {
        const rl_claim_t *claim = &request->claims[i];
        const bool denies = !claim->step.granted && !claim->observe;
        if (denies && (!rl_claim_takes_slot(claim) || claim->slot.queue == 0 || claim->refuse ||
                       claim->uncounted)) {
            return false;
        }
    }
    return true;
}

static bool wait_in_queue(const request_rec *r, const rl_source_t *source, rl_claim_t *claim,
                          int64_t until)
{
    rl_slot_e result = rl_slot_wait(source, claim);
    if (result == RL_SLOT_WAITED_FOR && wait_until(r, source->slots, claim, until)) {
        result = RL_SLOT_HELD;
    }
    if (result != RL_SLOT_HELD) {
        rl_slots_leave(source->slots, &claim->slot.holding);
    }
    return result == RL_SLOT_HELD;
}

bool rl_turn_wait(const request_rec *r, const rl_request_t *request, int i, int64_t came)
{
    rl_claim_t *claim = &request->claims[i];
    rl_session_t session;
    int64_t until;
    bool held;
    if (!rl_claim_takes_slot(claim) || claim->op.meter.limit == 0 || /* never to be had */
        !waits_for_slots_only(request)) {
        return false;
    }
    rl_session_view(r->server, &session);
    until = came + claim->rule->wait_us;
    if (session.source.slots == NULL || apr_time_now() >= until ||
        !server_has_place(session.source.slots, claim->rule->tenant) ||
        !rl_place_enter(r, RL_WAIT_LONG)) {
        return false;
    }
    held = wait_in_queue(r, &session.source, claim, until);
    rl_place_leave(r);
    return held;
}
