/* SPDX-License-Identifier: Apache-2.0 */
/* C11 atomics as the standard permits them, not as one processor happens to run them.
 *
 * A source file that is included after this header has its atomic operations simulated. The
 * processes of a run are coroutines of one thread. Before each atomic operation the running
 * process may be suspended in favour of another, or killed for good; and a load need not see
 * the latest value, but may see any that its memory order, and those of all operations before
 * it, permit. Every choice comes from a seed, which brings the run back.
 *
 * The model is that of RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential
 * consistency in C/C++11", PLDI 2017) in an operational form with views, after the promising
 * semantics without its promises (Kang, Hur, Lahav, Vafeiadis, Dreyer, "A promising semantics
 * for relaxed-memory concurrency", POPL 2017):
 *
 *   - Each place in memory has a history: its messages, in modification order. A message is a
 *     value and, if it was released, the view of the process that wrote it.
 *   - A process has a view: for each place the oldest message that it may still read. It grows
 *     by what the process reads and writes (coherence), and by the view of a message that is
 *     read with acquire.
 *   - A store may be put anywhere after the oldest message that the process may read, but not
 *     between a message and the read-modify-write that read it.
 *   - A read-modify-write stands right after the message it has read. It passes that message's
 *     view on, whatever its own order (release sequences, as of C++20: a plain store starts
 *     none and continues none).
 *   - A compare-and-swap that fails is a load with the order of failure. It may fail on an old
 *     value even though the latest would have fitted.
 *   - Sequentially consistent operations are in no fixed order; a choice is ruled out if it
 *     would make the relation psc of RC11 cyclic. For each of these operations the set of those
 *     before it is kept as a vector clock, closed over psc.
 *
 * What it does not explore: load buffering (a load that sees a store which depends on nothing
 * but comes later in its own process), which RC11 forbids and C11 does not; accesses of
 * several sizes to one place; fences, and memory_order_consume, which no source file uses;
 * plain accesses, which are carried out as they come, and are not checked for races. Of psc it
 * knows no exception for operations on one place (sb, where RC11 has sb restricted to
 * different places), which makes sequential consistency a little stronger than RC11's there,
 * and never stronger than C11's.
 *
 * Outside weak_run() operations are carried out at once, and whoever runs next has seen them.
 */
#ifndef T_UNIT_WEAK_MEMORY_H
#define T_UNIT_WEAK_MEMORY_H

#include "weak_history.h"
#include "weak_order.h"

/* ---- the scheduler ---- */

static inline int weak_pick(void)
{
    int ready[WEAK_PROCESSES_MAX], n = 0;
    for (int i = 0; i < weak.count; i++) {
        if (!weak.process[i].done && !weak.process[i].killed) {
            ready[n++] = i;
        }
    }
    return n == 0 ? -1 : ready[random_below(&weak_rng, (uint64_t)n)];
}

static inline void weak_leave(ucontext_t *from)
{
    weak.running = weak_pick();
    swapcontext(from, weak.running < 0 ? &weak.home : &weak.process[weak.running].context);
}

static inline void weak_schedule(void)
{
    weak_process_t *self = &weak.process[weak.running];
    int next;
    if (!weak_happens(weak_chances.switch_one_in)) {
        return;
    }
    self->killed = weak_happens(weak_chances.kill_one_in);
    next = weak_pick();
    if (self->killed || next != weak.running) {
        weak.running = next;
        swapcontext(&self->context, next < 0 ? &weak.home : &weak.process[next].context);
    }
}

static inline void weak_begin_process(int name)
{
    weak.act(name);
    weak.process[name].done = true;
    weak_leave(&weak.process[name].context);
}

static inline void weak_prepare(int name)
{
    weak_process_t *process = &weak.process[name];
    process->done = process->killed = false;
    process->events = 0;
    weak_view_clear(&process->view);
    getcontext(&process->context);
    process->context.uc_stack.ss_sp = fresh_stack(weak_stacks[name], sizeof(weak_stacks[name]));
    process->context.uc_stack.ss_size = WEAK_STACK_SIZE;
    makecontext(&process->context, (void (*)(void))weak_begin_process, 1, name);
}

/* Runs processes 0 to count - 1 until all have ended or were killed. */
static inline void weak_run(int count, void (*act)(int))
{
    weak.count = count;
    weak.act = act;
    weak.places = weak.messages = weak.stale = weak.mutated = 0;
    memset(weak.slot, 0, sizeof(weak.slot));
    for (int i = 0; i < count; i++) {
        weak_prepare(i);
    }
    weak_leave(&weak.home);
}

/* ---- operations ---- */

static inline bool weak_acquires(memory_order order)
{
    return order != memory_order_relaxed && order != memory_order_release;
}

static inline bool weak_releases(memory_order order)
{
    return order == memory_order_release || order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
}

static inline memory_order weak_mutated(memory_order order, weak_kind_e kind,
                                        const char *function)
{
    const bool meant = weak_mutation.function != NULL && weak_mutation.kind == kind &&
                       strcmp(weak_mutation.function, function) == 0;
    weak.mutated += meant;
    return meant ? weak_mutation.order : order;
}

/* An operation that is under way. */
typedef struct weak_operation {
    bool reads, writes;
    uint64_t expected; /* of a compare-and-swap: it writes only over this value */
    bool compares;
    memory_order order;   /* if it writes, or is a load */
    memory_order failure; /* of a compare-and-swap that doesn't write */
} weak_operation_t;

static inline bool weak_will_write(const weak_operation_t *op, int message)
{
    return op->writes && (!op->compares || weak_messages[message].value == op->expected);
}

/* Whether the operation may read this message, or, if it is a store, stand right after it. */
static inline bool weak_permits(const weak_operation_t *op, unsigned place, int message)
{
    const bool writes = weak_will_write(op, message);
    const int newer = weak_messages[message].newer;
    if (writes && newer >= 0 && weak_messages[newer].attached) {
        return false;
    }
    return (writes || !op->compares ? op->order : op->failure) != memory_order_seq_cst ||
           weak_is_consistent(place, message, op->reads, writes);
}

/* The message that the running process' operation reads or follows. The latest will always
 * do. */
static inline int weak_choose(const weak_operation_t *op, unsigned place)
{
    const weak_view_t *view = &weak.process[weak.running].view;
    const uint64_t oldest = place < view->places ? view->oldest[place] : 0;
    int choice = weak.place[place].latest;
    uint64_t n = 1;
    if (!weak_happens(weak_chances.stale_one_in)) {
        return choice;
    }
    for (int i = weak_messages[choice].older; i >= 0 && weak_messages[i].time >= oldest;
         i = weak_messages[i].older) {
        if (weak_permits(op, place, i) && random_below(&weak_rng, ++n) == 0) {
            choice = i;
        }
    }
    weak.stale += choice != weak.place[place].latest;
    return choice;
}

static inline void weak_read(unsigned place, int message, memory_order order)
{
    weak_view_t *view = &weak.process[weak.running].view;
    weak_view_grow(view, weak.places);
    if (weak_acquires(order)) {
        weak_view_join(view, &weak_messages[message].view);
    }
    if (view->oldest[place] < weak_messages[message].time) {
        view->oldest[place] = weak_messages[message].time;
    }
}

/* Writes right after a message, which was read if this is a read-modify-write. Returns whether
 * it is the latest now. */
static inline bool weak_write(unsigned place, int after, uint64_t value, memory_order order,
                              bool attached, unsigned event)
{
    weak_view_t *view = &weak.process[weak.running].view;
    const int message = weak_message_new(value);
    weak_message_t *m = &weak_messages[message];
    weak_view_grow(view, weak.places);
    weak_message_link(place, after, message);
    view->oldest[place] = m->time;
    m->attached = attached;
    m->writer = event > 0 ? weak.running : -1;
    m->event = event;
    if (weak_releases(order)) {
        const unsigned events = weak.process[weak.running].events;
        weak_view_copy(&m->view, view);
        m->view.before.last[weak.running] = (uint16_t)events;
        m->view.ahead.last[weak.running] = (uint16_t)(event > 0 ? events - 1 : events);
    }
    if (attached) {
        weak_view_join(&m->view, &weak_messages[after].view);
    }
    return m->newer < 0;
}

/* The value after a read-modify-write of one that was read. */
typedef uint64_t weak_modify_fn(uint64_t old, uint64_t with);

static inline uint64_t weak_replaced(uint64_t old, uint64_t with)
{
    (void)old;
    return with;
}

static inline uint64_t weak_added(uint64_t old, uint64_t with)
{
    return old + with;
}

/* Carries the running process' operation out; returns what was read. */
static inline uint64_t weak_operate(volatile void *address, size_t size,
                                    const weak_operation_t *op, weak_modify_fn *modify,
                                    uint64_t with)
{
    weak_schedule();
    const unsigned place = weak_place_at(address, size);
    const int message = weak_choose(op, place);
    const bool writes = weak_will_write(op, message);
    const memory_order order = writes || !op->compares ? op->order : op->failure;
    const uint64_t value = weak_messages[message].value;
    unsigned event = 0;
    if (order == memory_order_seq_cst) {
        event = weak_event_enter(place, message, op->reads, writes);
    }
    if (op->reads) {
        weak_read(place, message, order);
    }
    if (writes) {
        const uint64_t next = weak_cut(modify(value, with), size);
        if (weak_write(place, message, next, order, op->reads, event)) {
            weak_poke(address, size, next);
        }
    }
    return value;
}

static inline uint64_t weak_load(const volatile void *address, size_t size, memory_order order,
                                 const char *function)
{
    const weak_operation_t op = {.reads = true,
                                 .order = weak_mutated(order, WEAK_LOAD, function)};
    return weak.running < 0
               ? weak_peek(address, size)
               : weak_operate((volatile void *)(uintptr_t)address, size, &op, weak_replaced, 0);
}

static inline void weak_store(volatile void *address, size_t size, uint64_t value,
                              memory_order order, const char *function)
{
    const weak_operation_t op = {.writes = true,
                                 .order = weak_mutated(order, WEAK_UPDATE, function)};
    if (weak.running < 0) {
        weak_poke(address, size, value);
        return;
    }
    weak_operate(address, size, &op, weak_replaced, value);
}

static inline uint64_t weak_update(volatile void *address, size_t size, weak_modify_fn *modify,
                                   uint64_t with, memory_order order, const char *function)
{
    const weak_operation_t op = {
        .reads = true, .writes = true, .order = weak_mutated(order, WEAK_UPDATE, function)};
    uint64_t old;
    if (weak.running >= 0) {
        return weak_operate(address, size, &op, modify, with);
    }
    old = weak_peek(address, size);
    weak_poke(address, size, modify(old, with));
    return old;
}

static inline bool weak_swap(volatile void *address, size_t size, void *expected, uint64_t next,
                             memory_order success, memory_order failure, const char *function)
{
    const memory_order order = weak_mutated(success, WEAK_UPDATE, function);
    const weak_operation_t op = {.reads = true,
                                 .writes = true,
                                 .compares = true,
                                 .expected = weak_peek(expected, size),
                                 .order = order,
                                 .failure = order == success       ? failure
                                            : weak_acquires(order) ? memory_order_acquire
                                                                   : memory_order_relaxed};
    uint64_t found;
    if (weak.running >= 0) {
        found = weak_operate(address, size, &op, weak_replaced, next);
    }
    else {
        found = weak_peek(address, size);
        weak_poke(address, size, found == op.expected ? next : found);
    }
    weak_poke(expected, size, found);
    return found == op.expected;
}

/* ---- what source files call ---- */

#define WEAK_TYPE(p) __typeof__((void)0, *(p))

#undef atomic_load
#undef atomic_load_explicit
#undef atomic_store
#undef atomic_store_explicit
#undef atomic_exchange
#undef atomic_exchange_explicit
#undef atomic_fetch_add
#undef atomic_fetch_add_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_weak_explicit
#undef atomic_thread_fence

#define atomic_load_explicit(p, o) ((WEAK_TYPE(p))weak_load((p), sizeof(*(p)), (o), __func__))
#define atomic_load(p)             atomic_load_explicit(p, memory_order_seq_cst)
#define atomic_store_explicit(p, v, o)                                                         \
    weak_store((p), sizeof(*(p)), (uint64_t)(v), (o), __func__)
#define atomic_store(p, v) atomic_store_explicit(p, v, memory_order_seq_cst)
#define atomic_exchange_explicit(p, v, o)                                                      \
    ((WEAK_TYPE(p))weak_update((p), sizeof(*(p)), weak_replaced, (uint64_t)(v), (o), __func__))
#define atomic_exchange(p, v) atomic_exchange_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_add_explicit(p, v, o)                                                     \
    ((WEAK_TYPE(p))weak_update((p), sizeof(*(p)), weak_added, (uint64_t)(v), (o), __func__))
#define atomic_fetch_add(p, v) atomic_fetch_add_explicit(p, v, memory_order_seq_cst)
#define atomic_compare_exchange_strong_explicit(p, e, v, s, f)                                 \
    weak_swap((p), sizeof(*(p)), (e), (uint64_t)(v), (s), (f), __func__)
#define atomic_compare_exchange_strong(p, e, v)                                                \
    atomic_compare_exchange_strong_explicit(p, e, v, memory_order_seq_cst, memory_order_seq_cst)

#endif
