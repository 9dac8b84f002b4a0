/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a memcached server, as one process sees it. */
#ifndef RL_MEMCACHED_SERVER_EVENT_H
#define RL_MEMCACHED_SERVER_EVENT_H

typedef enum {
    RL_SERVER_WORKS,        /* it answers; sent when that is news to this process */
    RL_SERVER_FAILS,        /* it has stopped answering */
    RL_SERVER_STILL_FAILS,  /* it was tried again, and still doesn't answer */
    RL_SERVER_IS_FULL,      /* it answers, but has no memory to store anything */
    RL_SERVER_ANSWERS_ERROR /* it answers with another error */
} rl_server_event_e;

/* Is told of an event of a server, named by its place in the settings. Called from any thread:
 * for FAILS and WORKS once for each change that this process sees, for WORKS also with the
 * first answer on each connection, for the others every time. reason is "" for RL_SERVER_WORKS.
 */
typedef void rl_server_notify_fn(void *context, rl_server_event_e event, unsigned server,
                                 const char *reason);

#endif
