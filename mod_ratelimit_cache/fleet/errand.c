/* SPDX-License-Identifier: Apache-2.0 */
#include "errand.h"

#include "../core/meter/tally.h"

/* ---- answers ---- */

static bool is_same(const rl_shared_counter_t *a, const rl_shared_counter_t *b)
{
    return a->key.lo == b->key.lo && a->key.hi == b->key.hi && a->window == b->window;
}

static int find_want(const rl_errand_t *errand, const rl_shared_counter_t *counter)
{
    for (unsigned i = 0; i < errand->n; i++) {
        if (is_same(&errand->wants[i].counter, counter)) {
            return (int)i;
        }
    }
    return -1;
}

/* Returns the place of the want on the counter that the store was asked for; -1: there is
 * none. */
static int find_answer(const rl_errand_t *errand, const rl_shared_counter_t *counter)
{
    const int i = errand->was_run ? find_want(errand, counter) : -1;
    return i >= 0 && errand->wants[i].status != RL_STORE_UNASKED ? i : -1;
}

/* Both kinds of tally have the incarnation in the same place. */
static unsigned incarnation_of(uint64_t value)
{
    return (unsigned)(value >> (64 - RL_TALLY_INCARNATION_BITS));
}

/* Returns true if it can be told that the want was carried out, or that it wasn't. */
static bool is_certain(const rl_want_t *want, const rl_answer_t *answer)
{
    const unsigned incarnation = incarnation_of(want->value);
    if (want->what == RL_WANT_PUT) { /* others may have added to it since */
        return want->status == RL_STORE_OK && incarnation == incarnation_of(want->made);
    }
    return want->status != RL_STORE_OK || want->what != RL_WANT_ADD || want->made != 0 ||
           incarnation == answer->incarnation || rl_tally_is_cleared(incarnation);
}

/* ---- the store that stands in front ---- */

static rl_errand_t *errand_of(const rl_store_session_t *session)
{
    return (rl_errand_t *)session->store;
}

/* Between these two the session is with the store itself. */
static const rl_store_ops_t *step_aside(rl_errand_t *errand, rl_store_session_t *session)
{
    session->store = errand->store;
    return errand->store->ops;
}

static rl_store_status_e step_in_front(rl_errand_t *errand, rl_store_session_t *session,
                                       rl_store_status_e status)
{
    session->store = &errand->front;
    return status;
}

/* Before an operation that wasn't foreseen: from now on the store is asked for this counter. */
static void let_go(rl_errand_t *errand, rl_store_session_t *session,
                   const rl_shared_counter_t *counter)
{
    const int i = find_answer(errand, counter);
    uint64_t value;
    if (i < 0) {
        return;
    }
    if (errand->answers[i].has_change && errand->wants[i].what == RL_WANT_ADD &&
        errand->wants[i].status == RL_STORE_OK) {
        step_aside(errand, session)->subtract(session, counter, errand->wants[i].units, &value);
        step_in_front(errand, session, RL_STORE_OK);
    }
    errand->answers[i].has_change &= errand->wants[i].what == RL_WANT_SUBTRACT;
    errand->answers[i].has_value = false;
}

/* Takes the answer to a change if it was foreseen. */
static bool take_change(rl_errand_t *errand, const rl_shared_counter_t *counter, rl_want_e what,
                        uint64_t units, uint64_t *value, rl_store_status_e *status)
{
    const int i = find_answer(errand, counter);
    if (i < 0 || !errand->answers[i].has_change || errand->wants[i].what != what ||
        errand->wants[i].units != units) {
        return false;
    }
    errand->answers[i].has_change = false;
    *value = errand->wants[i].value;
    *status = errand->wants[i].status;
    return true;
}

/* Adds or subtracts: `what` says which. */
static rl_store_status_e front_change(rl_store_session_t *session,
                                      const rl_shared_counter_t *counter, rl_want_e what,
                                      uint64_t units, uint64_t *value)
{
    rl_errand_t *errand = errand_of(session);
    const rl_store_ops_t *ops;
    rl_store_status_e status;
    if (take_change(errand, counter, what, units, value, &status)) {
        return status;
    }
    let_go(errand, session, counter);
    ops = step_aside(errand, session);
    status = (what == RL_WANT_ADD ? ops->add : ops->subtract)(session, counter, units, value);
    return step_in_front(errand, session, status);
}

static rl_store_status_e front_add(rl_store_session_t *session,
                                   const rl_shared_counter_t *counter, uint64_t units,
                                   uint64_t *value)
{
    return front_change(session, counter, RL_WANT_ADD, units, value);
}

static rl_store_status_e front_subtract(rl_store_session_t *session,
                                        const rl_shared_counter_t *counter, uint64_t units,
                                        uint64_t *value)
{
    return front_change(session, counter, RL_WANT_SUBTRACT, units, value);
}

/* The value contains a change that nobody has taken, so it can't be read before that. */
static rl_store_status_e front_read(rl_store_session_t *session,
                                    const rl_shared_counter_t *counter, uint64_t *value)
{
    rl_errand_t *errand = errand_of(session);
    const int i = find_answer(errand, counter);
    rl_store_status_e status;
    if (i >= 0 && errand->answers[i].has_value && !errand->answers[i].has_change) {
        errand->answers[i].has_value = false;
        *value = errand->wants[i].value;
        session->version = errand->wants[i].version;
        return errand->wants[i].status;
    }
    let_go(errand, session, counter);
    status = step_aside(errand, session)->read(session, counter, value);
    return step_in_front(errand, session, status);
}

/* Makes, replaces or puts a value, which wasn't foreseen. */
typedef rl_store_status_e write_fn(rl_store_session_t *, const rl_shared_counter_t *, uint64_t);

static rl_store_status_e front_write(rl_store_session_t *session,
                                     const rl_shared_counter_t *counter, uint64_t value,
                                     write_fn *write)
{
    rl_errand_t *errand = errand_of(session);
    let_go(errand, session, counter);
    step_aside(errand, session);
    return step_in_front(errand, session, write(session, counter, value));
}

static rl_store_status_e front_create(rl_store_session_t *session,
                                      const rl_shared_counter_t *counter, uint64_t value)
{
    return front_write(session, counter, value, errand_of(session)->store->ops->create);
}

static rl_store_status_e front_replace(rl_store_session_t *session,
                                       const rl_shared_counter_t *counter, uint64_t value)
{
    return front_write(session, counter, value, errand_of(session)->store->ops->replace);
}

/* Takes the answer to a put if it was foreseen; it is certain, or there is none. */
static bool take_put(rl_errand_t *errand, const rl_shared_counter_t *counter, uint64_t value)
{
    const int i = find_answer(errand, counter);
    if (i < 0 || !errand->answers[i].has_change || errand->wants[i].what != RL_WANT_PUT ||
        errand->wants[i].made != value) {
        return false;
    }
    errand->answers[i].has_change = false;
    return true;
}

static rl_store_status_e front_put(rl_store_session_t *session,
                                   const rl_shared_counter_t *counter, uint64_t value)
{
    if (take_put(errand_of(session), counter, value)) {
        return RL_STORE_OK;
    }
    return front_write(session, counter, value, errand_of(session)->store->ops->put);
}

/* Of an errand within this one. */
static void front_exchange(rl_store_session_t *session, rl_want_t *wants, unsigned n)
{
    rl_errand_t *errand = errand_of(session);
    for (unsigned i = 0; i < n; i++) {
        let_go(errand, session, &wants[i].counter);
        wants[i].status = RL_STORE_UNASKED;
    }
    if (errand->store->ops->exchange != NULL) {
        step_aside(errand, session)->exchange(session, wants, n);
        step_in_front(errand, session, RL_STORE_OK);
    }
}

static void front_end(rl_store_session_t *session)
{
    rl_errand_t *errand = errand_of(session);
    step_aside(errand, session)->end(session);
    step_in_front(errand, session, RL_STORE_OK);
}

static const rl_store_ops_t front_ops = {
    .create = front_create,
    .add = front_add,
    .subtract = front_subtract,
    .read = front_read,
    .replace = front_replace,
    .put = front_put,
    .exchange = front_exchange,
    .end = front_end,
};

/* ---- the interface ---- */

void rl_errand_begin(rl_errand_t *errand, rl_store_session_t *session)
{
    errand->front.ops = &front_ops;
    errand->store = session != NULL ? session->store : NULL;
    errand->was_run = false;
    errand->n = errand->trips = 0;
    if (session != NULL) {
        session->store = &errand->front;
    }
}

/* Of several wants on one counter the first counts: only that one's answer can be in hand. */
static void foresee(rl_errand_t *errand, const rl_want_t *want, unsigned incarnation)
{
    errand->trips++;
    if (errand->n < RL_WANTS_MAX && find_want(errand, &want->counter) < 0) {
        errand->wants[errand->n] = *want;
        errand->answers[errand->n++] = (rl_answer_t){.incarnation = incarnation,
                                                     .has_change = want->what != RL_WANT_READ,
                                                     .has_value = true};
    }
}

void rl_errand_read(rl_errand_t *errand, const rl_shared_counter_t *counter)
{
    const rl_want_t want = {.counter = *counter, .what = RL_WANT_READ};
    foresee(errand, &want, 0);
}

void rl_errand_add(rl_errand_t *errand, const rl_shared_counter_t *counter, uint64_t units,
                   uint64_t made, unsigned incarnation)
{
    const rl_want_t want = {
        .counter = *counter, .what = RL_WANT_ADD, .made = made, .units = units};
    foresee(errand, &want, incarnation);
    errand->trips += made != 0; /* it is probably missing, and would have to be made */
}

void rl_errand_subtract(rl_errand_t *errand, const rl_shared_counter_t *counter, uint64_t units)
{
    const rl_want_t want = {.counter = *counter, .what = RL_WANT_SUBTRACT, .units = units};
    foresee(errand, &want, 0);
}

void rl_errand_put(rl_errand_t *errand, const rl_shared_counter_t *counter, uint64_t value)
{
    const rl_want_t want = {.counter = *counter, .what = RL_WANT_PUT, .made = value};
    foresee(errand, &want, 0);
}

void rl_errand_run(rl_errand_t *errand, rl_store_session_t *session)
{
    if (session == NULL || errand->trips < 2 || errand->n == 0 ||
        errand->store->ops->exchange == NULL) {
        return;
    }
    step_aside(errand, session)->exchange(session, errand->wants, errand->n);
    step_in_front(errand, session, RL_STORE_OK);
    errand->was_run = true;
    for (unsigned i = 0; i < errand->n; i++) {
        if (!is_certain(&errand->wants[i], &errand->answers[i])) {
            errand->answers[i].has_change = errand->answers[i].has_value = false;
        }
    }
}

bool rl_errand_has_read(const rl_errand_t *errand, const rl_shared_counter_t *counter)
{
    const int i = find_answer(errand, counter);
    return i >= 0 && errand->wants[i].status == RL_STORE_OK;
}

static bool is_rest(const rl_errand_t *errand, unsigned i)
{
    return errand->wants[i].what == RL_WANT_ADD && errand->answers[i].has_change &&
           errand->wants[i].status == RL_STORE_OK;
}

bool rl_errand_has_rest(const rl_errand_t *errand, const rl_shared_counter_t *counter)
{
    const int i = find_answer(errand, counter);
    return i >= 0 && is_rest(errand, (unsigned)i);
}

/* Takes off, in one round trip, what was added and nobody took. */
static void take_off_rest(rl_errand_t *errand, rl_store_session_t *session)
{
    unsigned n = 0;
    for (unsigned i = 0; i < errand->n; i++) {
        if (is_rest(errand, i)) {
            errand->wants[n] = errand->wants[i];
            errand->wants[n++].what = RL_WANT_SUBTRACT;
        }
    }
    if (n > 1) {
        errand->store->ops->exchange(session, errand->wants, n);
    }
    for (unsigned i = 0; i < n; i++) {
        rl_want_t *want = &errand->wants[i];
        if (n == 1 || want->status == RL_STORE_UNASKED) {
            errand->store->ops->subtract(session, &want->counter, want->units, &want->value);
        }
    }
}

void rl_errand_end(rl_errand_t *errand, rl_store_session_t *session)
{
    if (session != NULL) {
        session->store = errand->store;
    }
    if (errand->was_run) {
        take_off_rest(errand, session);
    }
}
