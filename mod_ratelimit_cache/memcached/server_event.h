/* What happens to a memcached server, as one process sees it. */
#ifndef RL_MEMCACHED_SERVER_EVENT_H
#define RL_MEMCACHED_SERVER_EVENT_H

typedef enum {
    RL_SERVER_WORKS,       /* it answers; told when that is news to this process */
    RL_SERVER_FAILS,       /* it doesn't any more */
    RL_SERVER_STILL_FAILS, /* nor when it was tried again */
    RL_SERVER_REFUSES,     /* it answers, but stores nothing: out of memory */
    RL_SERVER_REJECTS      /* it answers with another error */
} rl_server_event_e;

/* Is told of an event of a server, named by its place in the settings; from any thread. Called
 * as often as it happens: once for each change of the server's state as this process sees it,
 * but for each refusal to store and each rejection. */
typedef void rl_server_notify_fn(void *context, rl_server_event_e event, unsigned server,
                                 const char *reason);

#endif
