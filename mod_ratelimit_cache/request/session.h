/* Where one request's units come from, and its work with the shared store. */
#ifndef RL_REQUEST_SESSION_H
#define RL_REQUEST_SESSION_H

#include <httpd.h>

#include "../fleet/source.h"

typedef struct rl_session {
    rl_source_t source; /* points into this session, which must stay where it is */
    rl_store_session_t shared;
    int64_t started; /* microseconds of the monotonic clock */
} rl_session_t;

/* Begins a session for r's virtual host. All the store work of a request shares one time-out,
 * of which spent_us microseconds are used up by earlier sessions. */
void rl_session_begin(const request_rec *r, int64_t spent_us, rl_session_t *session);

/* Ends it: connections go back. Returns the microseconds that it took, 0 without a shared
 * store. */
int64_t rl_session_end(rl_session_t *session);

#endif
