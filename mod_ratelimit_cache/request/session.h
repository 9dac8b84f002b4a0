/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: where the units of a request come from, and its work with the shared store. */
#ifndef RL_REQUEST_SESSION_H
#define RL_REQUEST_SESSION_H

#include <httpd.h>

#include "../config/config.h"
#include "../fleet/source.h"
#include "../process/runtime.h"
#include "../stats/stats.h"

typedef struct rl_session {
    rl_source_t source; /* points into this session, so don't copy or move it */
    rl_store_session_t store_session;
    const struct rl_store_config *store; /* whose figures count it; NULL: no shared store */
    const request_rec *r;                /* that it is for; NULL: none */
    int64_t started; /* microseconds of the monotonic clock, set if there is a shared store */
} rl_session_t;

/* Do the work of rl_session_begin() and rl_session_end() where there is a shared store. */
void rl_session_begin_shared(struct rl_store_config *store, const request_rec *r,
                             int64_t spent_us, rl_session_t *session);
int64_t rl_session_end_shared(rl_session_t *session);

/* Returns the source that is this server's memory alone. */
static inline rl_source_t rl_session_source(void)
{
    const rl_runtime_t *runtime = rl_runtime();
    rl_table_state_t *state = runtime->table_state;
    return (rl_source_t){.ledger = &runtime->ledger,
                         .slots = runtime->slots,
                         .exempt_until = state != NULL ? &state->exempt_until : NULL};
}

/* Does the work of the next two; r may be NULL. */
static inline void rl_session_begin_for(const server_rec *s, const request_rec *r,
                                        int64_t spent_us, rl_session_t *session)
{
    struct rl_store_config *store = rl_server_config(s)->store;
    session->source = rl_session_source();
    if (store != NULL) {
        rl_session_begin_shared(store, r, spent_us, session);
    }
}

/* Begins a session with the store of r's virtual host. Its time-out is the store's timeout=,
 * less spent_us microseconds: what earlier sessions took that are to share it, else 0. */
static inline void rl_session_begin(const request_rec *r, int64_t spent_us,
                                    rl_session_t *session)
{
    rl_session_begin_for(r->server, r, spent_us, session);
}

/* Does the same for a virtual host, with the whole of its time-out. */
void rl_session_begin_in(const server_rec *s, rl_session_t *session);

/* Begins a session in which a virtual host's counters are only looked at, as far as this server
 * knows them: nothing is asked. It needs no end. */
void rl_session_view(const server_rec *s, rl_session_t *session);

/* Ends the session: its connections become free. Returns how many microseconds it lasted, 0
 * without a shared store. */
static inline int64_t rl_session_end(rl_session_t *session)
{
    return session->source.session == NULL ? 0 : rl_session_end_shared(session);
}

#endif
