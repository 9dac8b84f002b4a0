/* SPDX-License-Identifier: Apache-2.0 */
/* Which choices leave sequentially consistent operations an order; see weak_memory.h. Private
 * to it. */
#ifndef T_UNIT_WEAK_ORDER_H
#define T_UNIT_WEAK_ORDER_H

#include "weak_history.h"

static inline weak_event_t *weak_event_of(int process, unsigned number)
{
    return &weak_events[process][number];
}

/* Adds operations, and all that they come after, to a clock that is closed over psc. */
static inline void weak_after_all(weak_clock_t *after, const weak_clock_t *clock)
{
    for (int i = 0; i < weak.count; i++) {
        if (clock->last[i] > after->last[i]) {
            after->last[i] = clock->last[i];
            weak_clock_join(after, &weak_event_of(i, clock->last[i])->after);
        }
    }
}

static inline void weak_after_one(weak_clock_t *after, int process, unsigned number)
{
    weak_clock_t clock = {{0}};
    clock.last[process] = (uint16_t)number;
    weak_after_all(after, &clock);
}

/* Operations at this place that happen before. */
static inline void weak_after_same_place(weak_clock_t *after, unsigned place,
                                         const weak_clock_t *before)
{
    for (int i = 0; i < weak.count; i++) {
        unsigned number = weak.place[place].users.last[i];
        while (number > before->last[i]) {
            number = weak_event_of(i, number)->previous;
        }
        if (number > 0) {
            weak_after_one(after, i, number);
        }
    }
}

/* What a load of a message comes after, and also a store right after it, if it writes: earlier
 * stores, and for a store the loads that have read what it overwrites. */
static inline void weak_after_message(weak_clock_t *after, int message, bool writes)
{
    for (int i = message; i >= 0; i = weak_messages[i].older) {
        const weak_message_t *m = &weak_messages[i];
        if (writes) {
            weak_after_all(after, &m->readers);
        }
        if (m->writer >= 0) {
            weak_after_one(after, m->writer, m->event);
            return;
        }
    }
}

/* The next sequentially consistent store after a message, which a load of it, or a store right
 * after it, comes before; NULL if there is none. */
static inline const weak_message_t *weak_overwritten(int message)
{
    for (int i = weak_messages[message].newer; i >= 0; i = weak_messages[i].newer) {
        if (weak_messages[i].writer >= 0) {
            return &weak_messages[i];
        }
    }
    return NULL;
}

/* All that an operation of the running process on a message would come after. */
static inline void weak_after_choice(weak_clock_t *after, unsigned place, int message,
                                     bool reads, bool writes)
{
    const weak_process_t *self = &weak.process[weak.running];
    weak_clock_t before = self->view.before;
    *after = (weak_clock_t){{0}};
    if (reads) {
        weak_clock_join(&before, &weak_messages[message].view.before);
    }
    weak_after_one(after, weak.running, self->events);
    weak_after_all(after, &self->view.ahead);
    weak_after_same_place(after, place, &before);
    weak_after_message(after, message, writes);
}

/* Whether an operation on this message, rather than on the latest, leaves psc without a cycle:
 * it must not come after the store that it comes before. */
static inline bool weak_is_consistent(unsigned place, int message, bool reads, bool writes)
{
    const weak_message_t *next = weak_overwritten(message);
    weak_clock_t after;
    if (next == NULL) {
        return true;
    }
    weak_after_choice(&after, place, message, reads, writes);
    return after.last[next->writer] < next->event;
}

/* An operation comes before another that has been carried out: so all that come after that. */
static inline void weak_come_before(int process, unsigned number, const weak_message_t *next)
{
    weak_clock_t clock = weak_event_of(process, number)->after;
    clock.last[process] = (uint16_t)number;
    weak_clock_join(&weak_event_of(next->writer, next->event)->after, &clock);
    for (int i = 0; i < weak.count; i++) {
        for (unsigned n = weak.process[i].events; n > 0; n--) {
            weak_event_t *event = weak_event_of(i, n);
            const bool is_next = i == next->writer && n == next->event;
            if (!is_next && event->after.last[next->writer] < next->event) {
                break;
            }
            weak_clock_join(&event->after, &clock);
        }
    }
}

/* Enters the running process' operation; returns its number. */
static inline unsigned weak_event_enter(unsigned place, int message, bool reads, bool writes)
{
    weak_process_t *self = &weak.process[weak.running];
    const weak_message_t *next = weak_overwritten(message);
    const unsigned number = self->events + 1;
    weak_event_t *event = weak_event_of(weak.running, number);
    if (number == WEAK_EVENTS_MAX) {
        weak_give_up("more operations than there is room for");
    }
    weak_after_choice(&event->after, place, message, reads, writes);
    event->place = place;
    event->previous = weak.place[place].users.last[weak.running];
    weak.place[place].users.last[weak.running] = (uint16_t)number;
    self->events = number;
    if (next != NULL) {
        weak_come_before(weak.running, number, next);
    }
    if (reads) {
        weak_messages[message].readers.last[weak.running] = (uint16_t)number;
    }
    return number;
}

#endif
