/* SPDX-License-Identifier: Apache-2.0 */
#include "concurrent.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "../system/clock.h"
#include "gone.h"
#include "patient_lock.h"

#define CHAINS     256
#define REAP_PAUSE 100000 /* microseconds */
#define NOBODY     0u     /* numbers of holders and keys begin at 1 */

/* What the state says is what counts; it is written last. LEFT: whoever has the lock next is to
 * free it, because it couldn't be had at the time. */
enum { FREE, WAITING, HOLDING, LEFT };

/* A holder, or one who waits: a line of memory. */
typedef struct rl_holder {
    _Atomic uint32_t state;
    uint32_t limit, figures_number;
    int32_t pid;
    rl_digest_t key;
    uint64_t stamp; /* rises in the order of coming */
    int64_t since;  /* microseconds of the monotonic clock: when the slot was had */
    uint32_t next;  /* of those that are free, or that wait for the key */
} rl_holder_t;

/* A key of which a slot is taken or waited for. */
typedef struct rl_slot_key {
    rl_digest_t key;
    uint32_t used;        /* slots that are taken */
    uint32_t waiting;     /* how many wait, */
    uint32_t first, last; /* from the first to the last */
    uint32_t next;        /* in its chain, or of those that are free */
} rl_slot_key_t;

typedef struct rl_slot_stripe {
    _Alignas(64) pthread_mutex_t lock;
    _Atomic bool left;    /* a holder is LEFT, or a process is noted */
    rl_gone_notes_t gone; /* processes that ended while the lock couldn't be had */
    _Atomic uint32_t waiting;
    uint64_t stamps; /* the last that was given */
    int64_t reaped;  /* when processes were last looked at */
    uint32_t top;    /* no holder above this was ever used; nor any key */
    uint32_t key_top;
    uint32_t free_holder; /* lists of what was used and is free */
    uint32_t free_key;
    uint32_t heads[CHAINS];
} rl_slot_stripe_t;

struct rl_slots {
    uint32_t room;
    rl_slot_stripe_t stripes[RL_SLOTS_STRIPES];
    /* Holders of all stripes follow, then their keys. */
};

/* ---- where things are ---- */

static rl_holder_t *holders_of(const rl_slots_t *slots, uint32_t stripe)
{
    return (rl_holder_t *)((uintptr_t)slots + sizeof(*slots)) + (size_t)stripe * slots->room;
}

static rl_slot_key_t *keys_of(const rl_slots_t *slots, uint32_t stripe)
{
    return (rl_slot_key_t *)holders_of(slots, RL_SLOTS_STRIPES) + (size_t)stripe * slots->room;
}

/* A stripe, as the functions below use it. */
typedef struct rl_stripe_view {
    rl_slots_t *slots;
    rl_slot_stripe_t *stripe;
    rl_holder_t *holders; /* number n is holders[n - 1]; keys alike */
    rl_slot_key_t *keys;
    uint32_t number;
} rl_stripe_view_t;

static rl_stripe_view_t view_of(rl_slots_t *slots, uint32_t number)
{
    return (rl_stripe_view_t){.slots = slots,
                              .stripe = &slots->stripes[number],
                              .holders = holders_of(slots, number),
                              .keys = keys_of(slots, number),
                              .number = number};
}

static uint32_t stripe_of(const rl_digest_t *key)
{
    return (uint32_t)(key->hi >> 32) % RL_SLOTS_STRIPES;
}

static rl_holder_t *holder_at(const rl_stripe_view_t *view, uint32_t n)
{
    return &view->holders[n - 1];
}

static uint32_t holder_state(const rl_holder_t *holder)
{
    return atomic_load_explicit(&holder->state, memory_order_acquire);
}

static void set_state(rl_holder_t *holder, uint32_t state)
{
    atomic_store_explicit(&holder->state, state, memory_order_release);
}

static bool is_taken(const rl_holder_t *holder)
{
    const uint32_t state = holder_state(holder);
    return state == HOLDING || state == WAITING;
}

/* ---- keys ---- */

static uint32_t *chain_of(const rl_stripe_view_t *view, const rl_digest_t *key)
{
    return &view->stripe->heads[(uint32_t)key->lo % CHAINS];
}

static rl_slot_key_t *find_key(const rl_stripe_view_t *view, const rl_digest_t *key)
{
    for (uint32_t n = *chain_of(view, key); n != NOBODY; n = view->keys[n - 1].next) {
        rl_slot_key_t *found = &view->keys[n - 1];
        if (found->key.hi == key->hi && found->key.lo == key->lo) {
            return found;
        }
    }
    return NULL;
}

/* Each key has a holder or a waiter, so there is room for one whenever there is for a holder.
 */
static rl_slot_key_t *make_key(const rl_stripe_view_t *view, const rl_digest_t *key)
{
    uint32_t *chain = chain_of(view, key);
    uint32_t n = view->stripe->free_key;
    if (n != NOBODY) {
        view->stripe->free_key = view->keys[n - 1].next;
    }
    else {
        n = ++view->stripe->key_top;
    }
    view->keys[n - 1] = (rl_slot_key_t){.key = *key, .next = *chain};
    *chain = n;
    return &view->keys[n - 1];
}

/* Takes the key out of its chain, if nobody has it any more. */
static void drop_key(const rl_stripe_view_t *view, const rl_slot_key_t *key)
{
    uint32_t *link = chain_of(view, &key->key);
    if (key->used + key->waiting > 0) {
        return;
    }
    while (*link != NOBODY) {
        const uint32_t n = *link;
        if (&view->keys[n - 1] == key) {
            *link = key->next;
            view->keys[n - 1].next = view->stripe->free_key;
            view->stripe->free_key = n;
            return;
        }
        link = &view->keys[n - 1].next;
    }
}

/* ---- those who wait ---- */

static void count_waiting(const rl_stripe_view_t *view, int change)
{
    const uint32_t waiting = atomic_load_explicit(&view->stripe->waiting, memory_order_relaxed);
    atomic_store_explicit(&view->stripe->waiting, waiting + (uint32_t)change,
                          memory_order_relaxed);
}

/* Puts holder n into the queue, behind `before` (NOBODY: in front). */
static void put_in_queue(const rl_stripe_view_t *view, rl_slot_key_t *key, uint32_t before,
                         uint32_t n)
{
    uint32_t *link = before != NOBODY ? &holder_at(view, before)->next : &key->first;
    holder_at(view, n)->next = *link;
    *link = n;
    if (key->last == before) {
        key->last = n;
    }
    key->waiting++;
    count_waiting(view, 1);
}

/* Puts holder n where it belongs by the order of coming, mostly at the end. */
static void join_in_order(const rl_stripe_view_t *view, rl_slot_key_t *key, uint32_t n)
{
    uint32_t before = NOBODY;
    if (key->last != NOBODY && holder_at(view, key->last)->stamp < holder_at(view, n)->stamp) {
        put_in_queue(view, key, key->last, n);
        return;
    }
    for (uint32_t at = key->first;
         at != NOBODY && holder_at(view, at)->stamp < holder_at(view, n)->stamp;
         at = holder_at(view, at)->next) {
        before = at;
    }
    put_in_queue(view, key, before, n);
}

/* Takes holder n, which comes after `before` (NOBODY: it is the first), out of the queue. */
static void cut_from_queue(const rl_stripe_view_t *view, rl_slot_key_t *key, uint32_t before,
                           uint32_t n)
{
    const uint32_t next = holder_at(view, n)->next;
    if (before != NOBODY) {
        holder_at(view, before)->next = next;
    }
    else {
        key->first = next;
    }
    if (key->last == n) {
        key->last = before;
    }
    key->waiting--;
    count_waiting(view, -1);
}

static void leave_queue(const rl_stripe_view_t *view, rl_slot_key_t *key, uint32_t n)
{
    uint32_t before = NOBODY;
    for (uint32_t at = key->first; at != NOBODY; before = at, at = holder_at(view, at)->next) {
        if (at == n) {
            cut_from_queue(view, key, before, n);
            return;
        }
    }
}

/* Gives free slots to those who have waited longest and may have one. */
static void hand_over(const rl_stripe_view_t *view, rl_slot_key_t *key)
{
    uint32_t before = NOBODY;
    for (uint32_t at = key->first, next; at != NOBODY; at = next) {
        rl_holder_t *holder = holder_at(view, at);
        uint32_t was = WAITING;
        next = holder->next;
        if (key->used >= holder->limit) {
            before = at;
            continue;
        }
        cut_from_queue(view, key, before, at);
        holder->since = rl_clock_now();
        key->used += atomic_compare_exchange_strong(&holder->state, &was, HOLDING);
    }
}

/* ---- the lock ---- */

static void free_holder(const rl_stripe_view_t *view, uint32_t n)
{
    set_state(holder_at(view, n), FREE);
    holder_at(view, n)->next = view->stripe->free_holder;
    view->stripe->free_holder = n;
}

static void index_holder(const rl_stripe_view_t *view, const rl_gone_t *gone, uint32_t n)
{
    const rl_holder_t *holder = holder_at(view, n);
    const uint32_t state = holder_state(holder);
    rl_slot_key_t *key;
    if (state == FREE || state == LEFT || rl_gone_has(gone, holder->pid)) {
        free_holder(view, n);
        return;
    }
    key = find_key(view, &holder->key);
    if (key == NULL) {
        key = make_key(view, &holder->key);
    }
    if (state == HOLDING) {
        key->used++;
    }
    else {
        join_in_order(view, key, n);
    }
}

/* Makes the index anew from the list of holders: who had the lock was killed, or somebody left
 * without it, or ended. The notes stay until it is made: this process may be killed, too. */
static void make_index(const rl_stripe_view_t *view)
{
    rl_slot_stripe_t *stripe = view->stripe;
    rl_gone_t gone;
    memset(stripe->heads, 0, sizeof(stripe->heads));
    stripe->free_holder = stripe->free_key = NOBODY;
    stripe->key_top = 0;
    atomic_store(&stripe->waiting, 0);
    atomic_store(&stripe->left, false);
    gone = rl_gone_read(&stripe->gone);
    for (uint32_t n = 1; n <= stripe->top; n++) {
        index_holder(view, &gone, n);
    }
    for (uint32_t n = 1; n <= stripe->key_top; n++) {
        hand_over(view, &view->keys[n - 1]);
    }
    rl_gone_forget(&stripe->gone, &gone);
}

static bool stripe_lock(const rl_stripe_view_t *view)
{
    const int rv = rl_lock_patiently(&view->stripe->lock);
    if (rv != 0 && rv != EOWNERDEAD) {
        return false;
    }
    if (rv == EOWNERDEAD || atomic_load_explicit(&view->stripe->left, memory_order_acquire)) {
        make_index(view);
    }
    return rv == 0 || pthread_mutex_consistent(&view->stripe->lock) == 0;
}

static void stripe_unlock(const rl_stripe_view_t *view)
{
    pthread_mutex_unlock(&view->stripe->lock);
}

/* ---- the table ---- */

size_t rl_slots_size(uint32_t room)
{
    return sizeof(rl_slots_t) +
           RL_SLOTS_STRIPES * (size_t)room * (sizeof(rl_holder_t) + sizeof(rl_slot_key_t));
}

bool rl_slots_make(rl_slots_t *slots, uint32_t room)
{
    pthread_mutexattr_t attributes;
    bool made = pthread_mutexattr_init(&attributes) == 0 &&
                pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0;
    slots->room = room;
    for (uint32_t i = 0; made && i < RL_SLOTS_STRIPES; i++) {
        made = pthread_mutex_init(&slots->stripes[i].lock, &attributes) == 0;
    }
    pthread_mutexattr_destroy(&attributes);
    return made;
}

static uint32_t make_holder(const rl_stripe_view_t *view)
{
    uint32_t n = view->stripe->free_holder;
    if (n != NOBODY) {
        view->stripe->free_holder = holder_at(view, n)->next;
    }
    else if (view->stripe->top < view->slots->room) {
        n = ++view->stripe->top;
    }
    return n;
}

/* Puts a holder on the list, in this state. Returns its number, NOBODY if there is no room. */
static uint32_t list_holder(const rl_stripe_view_t *view, const rl_slot_wish_t *wish,
                            uint32_t state)
{
    const uint32_t n = make_holder(view);
    if (n != NOBODY) {
        rl_holder_t *holder = holder_at(view, n);
        holder->limit = wish->limit;
        holder->figures_number = wish->figures_number;
        holder->pid = getpid();
        holder->key = wish->key;
        holder->stamp = wish->stamp != 0 ? wish->stamp : ++view->stripe->stamps;
        holder->since = rl_clock_now();
        set_state(holder, state);
    }
    return n;
}

static rl_slot_e take_or_wait(const rl_stripe_view_t *view, const rl_slot_wish_t *wish,
                              rl_holding_t *holding, uint32_t *used)
{
    rl_slot_key_t *key = find_key(view, &wish->key);
    const bool has_slot = key == NULL ? wish->limit > 0 : key->used < wish->limit;
    uint32_t n;
    *used = key != NULL ? key->used : 0;
    if (!has_slot && (key != NULL ? key->waiting : 0) >= wish->queue) {
        return RL_SLOT_NONE;
    }
    n = list_holder(view, wish, has_slot ? HOLDING : WAITING);
    if (n == NOBODY) {
        return RL_SLOT_FAILED;
    }
    if (key == NULL) {
        key = make_key(view, &wish->key);
    }
    *holding = (rl_holding_t){.holder = view->number * view->slots->room + n,
                              .stamp = holder_at(view, n)->stamp};
    if (has_slot) {
        *used = ++key->used;
        return RL_SLOT_HELD;
    }
    join_in_order(view, key, n);
    return RL_SLOT_WAITED_FOR;
}

rl_slot_e rl_slots_take(rl_slots_t *slots, const rl_slot_wish_t *wish, rl_holding_t *holding,
                        uint32_t *used)
{
    const rl_stripe_view_t view = view_of(slots, stripe_of(&wish->key));
    rl_slot_e result;
    *holding = (rl_holding_t){.holder = NOBODY};
    *used = 0;
    if (!stripe_lock(&view)) {
        return RL_SLOT_FAILED;
    }
    result = take_or_wait(&view, wish, holding, used);
    stripe_unlock(&view);
    return result;
}

uint32_t rl_slots_used(rl_slots_t *slots, const rl_digest_t *key, uint32_t *waiting)
{
    const rl_stripe_view_t view = view_of(slots, stripe_of(key));
    const rl_slot_key_t *found;
    uint32_t used = 0;
    *waiting = 0;
    if (!stripe_lock(&view)) {
        return 0;
    }
    found = find_key(&view, key);
    if (found != NULL) {
        used = found->used;
        *waiting = found->waiting;
    }
    stripe_unlock(&view);
    return used;
}

static rl_holder_t *holder_of(const rl_slots_t *slots, const rl_holding_t *holding)
{
    return &holders_of(slots, 0)[holding->holder - 1];
}

bool rl_slots_are_held(const rl_slots_t *slots, const rl_holding_t *holding)
{
    return holding->holder != NOBODY && holder_state(holder_of(slots, holding)) == HOLDING;
}

/* Takes a holder off the list, and gives what it held to the next. */
static void remove_holder(const rl_stripe_view_t *view, uint32_t n)
{
    rl_slot_key_t *key = find_key(view, &holder_at(view, n)->key);
    const bool held = holder_state(holder_at(view, n)) == HOLDING;
    if (key == NULL) { /* can't be */
        free_holder(view, n);
        return;
    }
    if (!held) {
        leave_queue(view, key, n);
    }
    free_holder(view, n);
    key->used -= held;
    hand_over(view, key);
    drop_key(view, key);
}

/* Frees the holder as far as that is possible without the lock. */
static void leave_without_lock(const rl_stripe_view_t *view, rl_holder_t *holder)
{
    set_state(holder, LEFT);
    atomic_store_explicit(&view->stripe->left, true, memory_order_release);
}

static int64_t leave(rl_slots_t *slots, const rl_holding_t *holding)
{
    const rl_stripe_view_t view = view_of(slots, (holding->holder - 1) / slots->room);
    const uint32_t n = (holding->holder - 1) % slots->room + 1;
    rl_holder_t *holder = holder_at(&view, n);
    const int64_t held = holder_state(holder) == HOLDING ? rl_clock_now() - holder->since : 0;
    if (!stripe_lock(&view)) {
        leave_without_lock(&view, holder);
        return held;
    }
    if (holder->stamp == holding->stamp && is_taken(holder)) {
        remove_holder(&view, n);
    }
    stripe_unlock(&view);
    return held;
}

int64_t rl_slots_leave(rl_slots_t *slots, rl_holding_t *holding)
{
    const int64_t held = holding->holder != NOBODY ? leave(slots, holding) : 0;
    *holding = (rl_holding_t){.holder = NOBODY};
    return held;
}

/* ---- processes that are no more ---- */

/* Has whoever has the lock next give back what the process held. Until then nobody of the same
 * number holds anything: that, too, takes the lock. */
static void note_gone(rl_slot_stripe_t *stripe, pid_t pid)
{
    rl_gone_note(&stripe->gone, pid); /* rl_slots_reap_key() finds what isn't noted */
    atomic_store(&stripe->left, true);
}

void rl_slots_reap(rl_slots_t *slots, pid_t pid)
{
    for (uint32_t i = 0; i < RL_SLOTS_STRIPES; i++) {
        const rl_stripe_view_t view = view_of(slots, i);
        if (!stripe_lock(&view)) {
            note_gone(view.stripe, pid);
            continue;
        }
        for (uint32_t n = 1; n <= view.stripe->top; n++) {
            if (is_taken(holder_at(&view, n)) && holder_at(&view, n)->pid == pid) {
                remove_holder(&view, n);
            }
        }
        stripe_unlock(&view);
    }
}

/* Returns a process of the stripe's holders that is gone, 0 if none is. */
static pid_t find_gone(const rl_stripe_view_t *view)
{
    pid_t alive = 0;
    for (uint32_t n = 1; n <= view->stripe->top; n++) {
        const rl_holder_t *holder = holder_at(view, n);
        if (!is_taken(holder) || holder->pid == alive) {
            continue;
        }
        if (rl_gone_is(holder->pid)) {
            return holder->pid;
        }
        alive = holder->pid;
    }
    return 0;
}

bool rl_slots_reap_key(rl_slots_t *slots, const rl_digest_t *key)
{
    const rl_stripe_view_t view = view_of(slots, stripe_of(key));
    const int64_t now = rl_clock_now();
    pid_t gone = 0;
    if (!stripe_lock(&view)) {
        return false;
    }
    if (now >= view.stripe->reaped + REAP_PAUSE) {
        view.stripe->reaped = now;
        gone = find_gone(&view);
    }
    stripe_unlock(&view);
    if (gone != 0) {
        rl_slots_reap(slots, gone);
    }
    return gone != 0;
}

/* ---- for people ---- */

void rl_slots_count(rl_slots_t *slots, rl_slot_counts_t *counts, uint32_t n)
{
    for (uint32_t i = 0; i < RL_SLOTS_STRIPES; i++) {
        const rl_stripe_view_t view = view_of(slots, i);
        if (!stripe_lock(&view)) {
            continue;
        }
        for (uint32_t h = 1; h <= view.stripe->top; h++) {
            const rl_holder_t *holder = holder_at(&view, h);
            const uint32_t state = holder_state(holder);
            if (holder->figures_number < n) {
                counts[holder->figures_number].held += state == HOLDING;
                counts[holder->figures_number].waiting += state == WAITING;
            }
        }
        stripe_unlock(&view);
    }
}

uint32_t rl_slots_waiting(const rl_slots_t *slots)
{
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < RL_SLOTS_STRIPES; i++) {
        waiting += atomic_load_explicit(&slots->stripes[i].waiting, memory_order_relaxed);
    }
    return waiting;
}
