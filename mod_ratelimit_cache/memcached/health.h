/* How a server of a shared store does, as one process sees it: a breaker, and what of it is
 * news. Threads share it.
 *
 * An error as an answer isn't a failure by itself: one key of the server's may be to blame. It
 * is one when the server has given many in a row, or no other answer yet.
 */
#ifndef RL_MEMCACHED_HEALTH_H
#define RL_MEMCACHED_HEALTH_H

#include "breaker.h"
#include "server_event.h"

/* As many complaints in a row are one key's, or a few keys'. */
#define RL_HEALTH_COMPLAINTS 20

typedef struct rl_health {
    rl_breaker_t breaker;
    const rl_breaker_settings_t *settings;
    rl_server_notify_fn *notify;
    void *context;
    unsigned server;             /* its number */
    _Atomic unsigned complaints; /* in a row */
} rl_health_t;

/* Of a server, by its number, of which nothing is known. The settings must outlive it. */
void rl_health_init(rl_health_t *health, const rl_breaker_settings_t *settings,
                    rl_server_notify_fn *notify, void *context, unsigned server);

/* A good answer; `first`: of its connection, which is news as well: who saw the server fail may
 * be another process, and have ended. */
void rl_health_good(rl_health_t *health, bool first);

/* No answer, or none that makes sense. */
void rl_health_failed(rl_health_t *health, const char *reason);

/* Tells of something that says nothing about the server as a whole. */
void rl_health_tell(const rl_health_t *health, rl_server_event_e event, const char *reason);

/* An error as answer; the event is RL_SERVER_REFUSES or RL_SERVER_REJECTS. */
void rl_health_complained(rl_health_t *health, rl_server_event_e event, const char *reason);

#endif
