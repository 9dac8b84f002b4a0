#include "shared_store.h"

static rl_upstream_status_e refuse_add(rl_upstream_session_t *session,
                                       const rl_counter_t *counter, uint64_t units,
                                       uint64_t *value)
{
    (void)session, (void)counter, (void)units, (void)value;
    return RL_UPSTREAM_REFUSED;
}

static rl_upstream_status_e refuse_read(rl_upstream_session_t *session,
                                        const rl_counter_t *counter, uint64_t *value)
{
    (void)session, (void)counter, (void)value;
    return RL_UPSTREAM_REFUSED;
}

static rl_upstream_status_e refuse_write(rl_upstream_session_t *session,
                                         const rl_counter_t *counter, uint64_t value)
{
    (void)session, (void)counter, (void)value;
    return RL_UPSTREAM_REFUSED;
}

static void end(rl_upstream_session_t *session)
{
    (void)session;
}

rl_upstream_t *rl_upstream_absent(void)
{
    static const rl_upstream_ops_t ops = {
        .create = refuse_write,
        .add = refuse_add,
        .subtract = refuse_add,
        .read = refuse_read,
        .replace = refuse_write,
        .put = refuse_write,
        .end = end,
    };
    static rl_upstream_t absent = {.ops = &ops};
    return &absent;
}
