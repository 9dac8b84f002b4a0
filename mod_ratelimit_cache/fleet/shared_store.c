/* SPDX-License-Identifier: Apache-2.0 */
#include "shared_store.h"

static rl_store_status_e refuse_add(rl_store_session_t *session,
                                    const rl_shared_counter_t *counter, uint64_t units,
                                    uint64_t *value)
{
    (void)session, (void)counter, (void)units, (void)value;
    return RL_STORE_REFUSED;
}

static rl_store_status_e refuse_read(rl_store_session_t *session,
                                     const rl_shared_counter_t *counter, uint64_t *value)
{
    (void)session, (void)counter, (void)value;
    return RL_STORE_REFUSED;
}

static rl_store_status_e refuse_write(rl_store_session_t *session,
                                      const rl_shared_counter_t *counter, uint64_t value)
{
    (void)session, (void)counter, (void)value;
    return RL_STORE_REFUSED;
}

static void refuse_end(rl_store_session_t *session)
{
    (void)session;
}

rl_store_t *rl_store_absent(void)
{
    static const rl_store_ops_t ops = {
        .create = refuse_write,
        .add = refuse_add,
        .subtract = refuse_add,
        .read = refuse_read,
        .replace = refuse_write,
        .put = refuse_write,
        .end = refuse_end,
    };
    static rl_store_t absent = {.ops = &ops};
    return &absent;
}
