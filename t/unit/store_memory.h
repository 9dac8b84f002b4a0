/* SPDX-License-Identifier: Apache-2.0 */
/* A small store in this program's memory, for tests: exact, and as unreliable as it is told. */
#ifndef T_UNIT_STORE_MEMORY_H
#define T_UNIT_STORE_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fleet/shared_store.h"

#ifndef MEMORY_COUNTERS /* that it has room for */
#define MEMORY_COUNTERS 4096
#endif

typedef enum { FAULT_NONE, FAULT_REFUSED, FAULT_LOST_REQUEST, FAULT_LOST_ANSWER } fault_e;

typedef struct memory_store {
    rl_store_t base;
    struct {
        rl_shared_counter_t name;
        uint64_t value, version;
    } counters[MEMORY_COUNTERS];
    int n;
    uint64_t versions;
    /* Asked before each operation; NULL: nothing ever fails. */
    fault_e (*fault)(void *context, rl_store_session_t *session);
    void (*pause)(void *context); /* while request or answer are on their way; may be NULL */
    void *context;
    unsigned operations, reads, exchanges;
    pthread_mutex_t mutex;
} memory_store_t;

static inline int memory_find(const memory_store_t *store, const rl_shared_counter_t *name)
{
    for (int i = 0; i < store->n; i++) {
        if (store->counters[i].name.key.hi == name->key.hi &&
            store->counters[i].name.key.lo == name->key.lo &&
            store->counters[i].name.window == name->window &&
            store->counters[i].name.server == name->server) {
            return i;
        }
    }
    return -1;
}

static inline void memory_pause(const memory_store_t *store)
{
    if (store->pause != NULL) {
        store->pause(store->context);
    }
}

typedef enum {
    MEMORY_CREATE,
    MEMORY_ADD,
    MEMORY_SUBTRACT,
    MEMORY_READ,
    MEMORY_REPLACE,
    MEMORY_PUT,
} memory_op_e;

static inline rl_store_status_e memory_make(memory_store_t *store,
                                            const rl_shared_counter_t *name, uint64_t value)
{
    if (store->n == MEMORY_COUNTERS) {
        return RL_STORE_REFUSED;
    }
    store->counters[store->n].name = *name;
    store->counters[store->n].version = ++store->versions;
    store->counters[store->n++].value = value;
    return RL_STORE_OK;
}

static inline rl_store_status_e memory_apply(memory_store_t *store, rl_store_session_t *session,
                                             memory_op_e op, const rl_shared_counter_t *name,
                                             uint64_t *value)
{
    const int i = memory_find(store, name);
    if (op == MEMORY_CREATE || (op == MEMORY_PUT && i < 0)) {
        return i >= 0 ? RL_STORE_EXISTS : memory_make(store, name, *value);
    }
    if (i < 0) {
        return RL_STORE_MISSING;
    }
    if (op == MEMORY_REPLACE && session->version != store->counters[i].version) {
        return RL_STORE_EXISTS;
    }
    if (op == MEMORY_READ) {
        session->version = store->counters[i].version;
    }
    else {
        store->counters[i].version = ++store->versions;
    }
    if (op == MEMORY_REPLACE || op == MEMORY_PUT) {
        store->counters[i].value = *value;
    }
    if (op == MEMORY_ADD) {
        store->counters[i].value += *value;
    }
    if (op == MEMORY_SUBTRACT) {
        store->counters[i].value -=
            *value < store->counters[i].value ? *value : store->counters[i].value;
    }
    *value = store->counters[i].value;
    return RL_STORE_OK;
}

/* A request on its way, the deed, an answer on its way; each part may fail. */
static inline rl_store_status_e memory_do(rl_store_session_t *session, memory_op_e op,
                                          const rl_shared_counter_t *name, uint64_t *value)
{
    memory_store_t *store = (memory_store_t *)session->store;
    const fault_e fault =
        store->fault != NULL ? store->fault(store->context, session) : FAULT_NONE;
    rl_store_status_e status;
    store->operations++;
    store->reads += op == MEMORY_READ;
    if (fault == FAULT_REFUSED) {
        return RL_STORE_REFUSED;
    }
    memory_pause(store);
    if (fault == FAULT_LOST_REQUEST) {
        return RL_STORE_ERROR;
    }
    pthread_mutex_lock(&store->mutex);
    status = memory_apply(store, session, op, name, value);
    pthread_mutex_unlock(&store->mutex);
    memory_pause(store);
    return fault == FAULT_LOST_ANSWER ? RL_STORE_ERROR : status;
}

static inline rl_store_status_e memory_create(rl_store_session_t *session,
                                              const rl_shared_counter_t *name, uint64_t value)
{
    return memory_do(session, MEMORY_CREATE, name, &value);
}

static inline rl_store_status_e memory_add(rl_store_session_t *session,
                                           const rl_shared_counter_t *name, uint64_t units,
                                           uint64_t *value)
{
    *value = units;
    return memory_do(session, MEMORY_ADD, name, value);
}

static inline rl_store_status_e memory_subtract(rl_store_session_t *session,
                                                const rl_shared_counter_t *name, uint64_t units,
                                                uint64_t *value)
{
    *value = units;
    return memory_do(session, MEMORY_SUBTRACT, name, value);
}

static inline rl_store_status_e memory_read(rl_store_session_t *session,
                                            const rl_shared_counter_t *name, uint64_t *value)
{
    return memory_do(session, MEMORY_READ, name, value);
}

static inline rl_store_status_e memory_replace(rl_store_session_t *session,
                                               const rl_shared_counter_t *name, uint64_t value)
{
    return memory_do(session, MEMORY_REPLACE, name, &value);
}

static inline rl_store_status_e memory_put(rl_store_session_t *session,
                                           const rl_shared_counter_t *name, uint64_t value)
{
    return memory_do(session, MEMORY_PUT, name, &value);
}

/* What is wanted of each counter. */
static inline void memory_apply_want(memory_store_t *store, rl_store_session_t *session,
                                     rl_want_t *want)
{
    uint64_t value = want->made;
    pthread_mutex_lock(&store->mutex);
    if (want->what == RL_WANT_ADD && want->made != 0) {
        memory_apply(store, session, MEMORY_CREATE, &want->counter, &value);
    }
    if (want->what == RL_WANT_PUT) {
        memory_apply(store, session, MEMORY_PUT, &want->counter, &value);
    }
    value = want->units;
    if (want->what == RL_WANT_ADD || want->what == RL_WANT_SUBTRACT) {
        memory_apply(store, session, want->what == RL_WANT_ADD ? MEMORY_ADD : MEMORY_SUBTRACT,
                     &want->counter, &value);
    }
    pthread_mutex_unlock(&store->mutex);
}

static inline void memory_read_want(memory_store_t *store, rl_store_session_t *session,
                                    rl_want_t *want)
{
    pthread_mutex_lock(&store->mutex);
    want->status = memory_apply(store, session, MEMORY_READ, &want->counter, &want->value);
    want->version = session->version;
    pthread_mutex_unlock(&store->mutex);
}

/* What goes to one server. Others' commands come in between. */
static inline void memory_exchange_part(rl_store_session_t *session, rl_want_t *const *wants,
                                        unsigned n)
{
    memory_store_t *store = (memory_store_t *)session->store;
    const fault_e fault =
        store->fault != NULL ? store->fault(store->context, session) : FAULT_NONE;
    for (unsigned i = 0; i < n; i++) {
        wants[i]->status = fault == FAULT_REFUSED ? RL_STORE_REFUSED : RL_STORE_ERROR;
    }
    if (fault == FAULT_REFUSED) {
        return;
    }
    memory_pause(store);
    for (unsigned i = 0; i < n && fault != FAULT_LOST_REQUEST; i++) {
        memory_apply_want(store, session, wants[i]);
        memory_pause(store);
    }
    for (unsigned i = 0; i < n && fault == FAULT_NONE; i++) {
        memory_read_want(store, session, wants[i]);
        memory_pause(store);
    }
}

/* The counters lie on this many servers, each of which may fail by itself. */
#define MEMORY_SERVERS 2

static inline void memory_exchange(rl_store_session_t *session, rl_want_t *wants, unsigned n)
{
    memory_store_t *store = (memory_store_t *)session->store;
    store->operations++;
    store->exchanges++;
    for (unsigned server = 0; server < MEMORY_SERVERS; server++) {
        rl_want_t *part[RL_WANTS_MAX];
        unsigned in_part = 0;
        for (unsigned i = 0; i < n; i++) {
            if (wants[i].counter.key.lo % MEMORY_SERVERS == server) {
                part[in_part++] = &wants[i];
            }
        }
        if (in_part > 0) {
            memory_exchange_part(session, part, in_part);
        }
    }
}

static inline void memory_end(rl_store_session_t *session)
{
    session->connection = NULL;
}

static const rl_store_ops_t memory_ops = {
    .create = memory_create,
    .add = memory_add,
    .subtract = memory_subtract,
    .read = memory_read,
    .replace = memory_replace,
    .put = memory_put,
    .exchange = memory_exchange,
    .end = memory_end,
};

static inline void memory_open(memory_store_t *store)
{
    memset(store, 0, sizeof(*store));
    store->base = (rl_store_t){.ops = &memory_ops, .nservers = 1};
    pthread_mutex_init(&store->mutex, NULL);
}

/* As a store that was flushed or restarted; or one counter evicted. */
static inline void memory_flush(memory_store_t *store)
{
    store->n = 0;
}

static inline void memory_evict(memory_store_t *store, int i)
{
    store->counters[i] = store->counters[--store->n];
}

#endif
