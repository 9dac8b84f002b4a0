/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include "../config/config.h"
#include "../config/store_directive.h"
#include "../process/children.h"
#include "../process/runtime.h"
#include "../process/watch.h"
#include "../system/clock.h"
#include "record.h"

void rl_session_begin_shared(rl_store_config_t *store, const request_rec *r, int64_t spent_us,
                             rl_session_t *session)
{
    session->source.salt = store->salt;
    session->store = store;
    session->r = r;
    if (store->store == NULL) {
        return;
    }
    rl_children_heed_fork(store);
    session->started = rl_clock_now();
    session->store_session = (rl_store_session_t){
        .store = store->store,
        .deadline = session->started + store->settings.timeout_us - spent_us,
    };
    session->source.session = &session->store_session;
    session->source.leases = store->leases;
    session->source.incarnation = rl_runtime_draw_incarnation(session, session->started);
}

void rl_session_begin_in(const server_rec *s, rl_session_t *session)
{
    rl_session_begin_for(s, NULL, 0, session);
}

void rl_session_view(const server_rec *s, rl_session_t *session)
{
    const rl_store_config_t *store = rl_server_config(s)->store;
    session->source = rl_session_source();
    if (store == NULL) {
        return;
    }
    session->source.salt = store->salt;
    if (store->store != NULL) {
        session->store_session = (rl_store_session_t){.store = store->store};
        session->source.session = &session->store_session;
        session->source.leases = store->leases;
    }
}

/* Returns true if this is the first session of the client request that is decided without the
 * store: it may have several, before and after authentication, and for its subrequests. */
static bool is_first_local(const request_rec *r)
{
    rl_request_t *request;
    bool first;
    if (r == NULL) {
        return true;
    }
    while (r->main != NULL) {
        r = r->main;
    }
    request = rl_request_get(r);
    first = request == NULL || !request->local;
    if (request != NULL) {
        request->local = true;
    }
    return first;
}

static void count_decisions(const rl_session_t *session)
{
    const rl_store_session_t *done = &session->store_session;
    rl_store_figures_t *figures = session->store->figures;
    if (done->local > 0 && is_first_local(session->r)) {
        rl_watch_count_local(session->store);
    }
    if (figures != NULL && done->local > 0) {
        rl_striped_add(&figures->local, done->local);
    }
    if (figures != NULL && done->leased > 0) {
        rl_striped_add(&figures->leased, done->leased);
    }
}

int64_t rl_session_end_shared(rl_session_t *session)
{
    count_decisions(session);
    session->store_session.store->ops->end(&session->store_session);
    return rl_clock_now() - session->started;
}
