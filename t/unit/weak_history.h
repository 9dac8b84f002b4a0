/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulation of weak_memory.h keeps of a run: histories of places, views of processes.
 * Private to weak_memory.h. */
#ifndef T_UNIT_WEAK_HISTORY_H
#define T_UNIT_WEAK_HISTORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "support.h"

#define WEAK_PROCESSES_MAX 4
#define WEAK_PLACES_MAX    192
#define WEAK_SLOTS         1024 /* of the hash table in which places are found */
#define WEAK_MESSAGES_MAX  8192
#define WEAK_EVENTS_MAX    16384 /* sequentially consistent operations of a process */
#define WEAK_STACK_SIZE    (64 * 1024)

/* What a run's choices are drawn from; set by the test. 0 means never. */
typedef struct weak_chances {
    uint64_t switch_one_in; /* another process goes on, before an operation */
    uint64_t stale_one_in;  /* an operation picks among all messages, not the latest one */
    uint64_t kill_one_in;   /* a process that is being suspended never goes on */
} weak_chances_t;

/* How many operations of each process come before something: its last one's number, from 1. */
typedef struct weak_clock {
    uint16_t last[WEAK_PROCESSES_MAX];
} weak_clock_t;

typedef struct weak_view {
    weak_clock_t before; /* sequentially consistent operations that happen before */
    weak_clock_t ahead;  /* those with another operation of their process in between, too */
    unsigned places;     /* the length of what follows; further places count as 0 */
    uint64_t oldest[WEAK_PLACES_MAX]; /* time of the oldest message that may be read */
} weak_view_t;

typedef struct weak_message {
    uint64_t time; /* where it stands in the modification order */
    uint64_t value;
    int older, newer;     /* its neighbours there, -1: none */
    bool attached;        /* a read-modify-write, which has read the one before */
    int writer;           /* the process, if it was sequentially consistent, else -1 */
    unsigned event;       /* then: the number of the operation */
    weak_clock_t readers; /* sequentially consistent loads that have read it */
    weak_view_t view;
} weak_message_t;

typedef struct weak_place {
    const volatile void *address;
    int latest;         /* message */
    weak_clock_t users; /* the last sequentially consistent operation of each process here */
} weak_place_t;

/* A sequentially consistent operation. */
typedef struct weak_event {
    unsigned place;
    unsigned previous;  /* the same process' operation before at this place, 0: none */
    weak_clock_t after; /* all that it comes after in psc */
} weak_event_t;

typedef struct weak_process {
    ucontext_t context;
    bool done;
    bool killed;
    unsigned events;
    weak_view_t view;
} weak_process_t;

/* Names an order in the sources that a run replaces by a weaker one: to see whether a test
 * notices. */
typedef enum { WEAK_LOAD, WEAK_UPDATE } weak_kind_e;
typedef struct weak_mutation {
    const char *function; /* NULL: none */
    weak_kind_e kind;
    memory_order order;
} weak_mutation_t;

static weak_chances_t weak_chances;
static weak_mutation_t weak_mutation;
static uint64_t weak_rng;

static struct weak_run_state {
    weak_process_t process[WEAK_PROCESSES_MAX];
    int count;
    int running; /* -1: outside weak_run() */
    ucontext_t home;
    void (*act)(int);
    weak_place_t place[WEAK_PLACES_MAX];
    unsigned places;
    uint16_t slot[WEAK_SLOTS]; /* 1 + the number of a place, 0: none */
    unsigned messages;
    unsigned stale;   /* messages read, or written after, that were not the latest */
    unsigned mutated; /* operations whose order was replaced */
} weak = {.running = -1};

static weak_message_t weak_messages[WEAK_MESSAGES_MAX];
static weak_event_t weak_events[WEAK_PROCESSES_MAX][WEAK_EVENTS_MAX];
static char weak_stacks[WEAK_PROCESSES_MAX][WEAK_STACK_SIZE] __attribute__((aligned(64)));

static inline bool weak_happens(uint64_t one_in)
{
    return one_in != 0 && random_below(&weak_rng, one_in) == 0;
}

static inline void weak_give_up(const char *why)
{
    printf("Bail out! weak_memory.h: %s\n", why);
    fflush(stdout);
    abort();
}

/* ---- clocks and views ---- */

static inline void weak_clock_join(weak_clock_t *clock, const weak_clock_t *with)
{
    for (int i = 0; i < WEAK_PROCESSES_MAX; i++) {
        if (clock->last[i] < with->last[i]) {
            clock->last[i] = with->last[i];
        }
    }
}

static inline void weak_view_grow(weak_view_t *view, unsigned places)
{
    if (view->places < places) {
        memset(view->oldest + view->places, 0,
               (places - view->places) * sizeof(view->oldest[0]));
        view->places = places;
    }
}

static inline void weak_view_join(weak_view_t *view, const weak_view_t *with)
{
    weak_view_grow(view, with->places);
    for (unsigned i = 0; i < with->places; i++) {
        if (view->oldest[i] < with->oldest[i]) {
            view->oldest[i] = with->oldest[i];
        }
    }
    weak_clock_join(&view->before, &with->before);
    weak_clock_join(&view->ahead, &with->ahead);
}

static inline void weak_view_copy(weak_view_t *view, const weak_view_t *from)
{
    view->before = from->before;
    view->ahead = from->ahead;
    view->places = from->places;
    memcpy(view->oldest, from->oldest, from->places * sizeof(from->oldest[0]));
}

static inline void weak_view_clear(weak_view_t *view)
{
    view->before = view->ahead = (weak_clock_t){{0}};
    view->places = 0;
}

/* ---- memory ---- */

static inline uint64_t weak_peek(const volatile void *address, size_t size)
{
    switch (size) {
    case 1:
        return *(const volatile uint8_t *)address;
    case 4:
        return *(const volatile uint32_t *)address;
    case 8:
        return *(const volatile uint64_t *)address;
    default:
        weak_give_up("an atomic of a size that it does not know");
        return 0;
    }
}

static inline void weak_poke(volatile void *address, size_t size, uint64_t value)
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)address = (uint8_t)value;
        break;
    case 4:
        *(volatile uint32_t *)address = (uint32_t)value;
        break;
    default:
        *(volatile uint64_t *)address = value;
    }
}

static inline uint64_t weak_cut(uint64_t value, size_t size)
{
    return size == 8 ? value : value & ((UINT64_C(1) << size * 8) - 1);
}

static inline int weak_message_new(uint64_t value)
{
    weak_message_t *m = &weak_messages[weak.messages];
    if (weak.messages == WEAK_MESSAGES_MAX) {
        weak_give_up("more messages than there is room for");
    }
    m->time = 0;
    m->value = value;
    m->older = m->newer = -1;
    m->attached = false;
    m->writer = -1;
    m->event = 0;
    m->readers = (weak_clock_t){{0}};
    weak_view_clear(&m->view);
    return (int)weak.messages++;
}

/* The place at an address. What stands there at the first access is its first message. */
static inline unsigned weak_place_at(const volatile void *address, size_t size)
{
    unsigned slot = (unsigned)((uintptr_t)address >> 3) % WEAK_SLOTS;
    while (weak.slot[slot] != 0 && weak.place[weak.slot[slot] - 1].address != address) {
        slot = (slot + 1) % WEAK_SLOTS;
    }
    if (weak.slot[slot] == 0) {
        if (weak.places == WEAK_PLACES_MAX) {
            weak_give_up("more places than there is room for");
        }
        weak.place[weak.places] = (weak_place_t){
            .address = address, .latest = weak_message_new(weak_peek(address, size))};
        weak.slot[slot] = (uint16_t)++weak.places;
    }
    return weak.slot[slot] - 1u;
}

/* Puts a message into the modification order right after another. */
static inline void weak_message_link(unsigned place, int after, int message)
{
    weak_message_t *older = &weak_messages[after], *m = &weak_messages[message];
    m->older = after;
    m->newer = older->newer;
    older->newer = message;
    if (m->newer < 0) {
        m->time = older->time + (UINT64_C(1) << 40);
        weak.place[place].latest = message;
        return;
    }
    m->time = older->time + (weak_messages[m->newer].time - older->time) / 2;
    if (m->time == older->time) {
        weak_give_up("a modification order has become too dense");
    }
    weak_messages[m->newer].older = message;
}

#endif
