/* SPDX-License-Identifier: Apache-2.0 */
#include "marker.h"

#include "../core/meter/marker_word.h"
#include "../core/siphash.h"
#include "../system/backoff.h"
#include "reservation.h"

/* The note of a marker's cell that holds its word. */
#define WORD 0

/* Times that other requests may make the marker and leave it again while this one makes it;
 * then the value counts as not marked. */
#define MAKE_TRIES  32
#define STORE_TRIES 16

/* The counter's key and the value are digests under the secret already. */
rl_marker_t rl_marker(const rl_operation_t *op, const rl_digest_t *value, uint32_t window,
                      uint64_t incarnation, bool shared)
{
    static const unsigned char none[16];
    rl_siphash_t hash;
    uint64_t name[2];
    rl_siphash_begin(&hash, none);
    rl_siphash_block(&hash, op->key.hi);
    rl_siphash_block(&hash, op->key.lo);
    rl_siphash_block(&hash, value->hi);
    rl_siphash_block(&hash, value->lo);
    rl_siphash_block(&hash, incarnation);
    rl_siphash_end(&hash, (uint64_t)window << 1 | shared, name);
    return (rl_marker_t){.key = {.hi = name[0], .lo = name[1]},
                         .incarnation = incarnation,
                         .window = window,
                         .rule = op->rule,
                         .shared = shared};
}

static bool is_full(rl_marker_state_t state)
{
    return state.holders >= RL_MARKER_HOLDERS_MAX;
}

/* ---- in this server's ledger ---- */

typedef struct rl_marker_cell {
    const rl_ledger_t *ledger;
    rl_digest_t key; /* in the ledger */
} rl_marker_cell_t;

static rl_marker_cell_t cell_of(const rl_source_t *source, const rl_marker_t *marker)
{
    return (rl_marker_cell_t){.ledger = source->ledger,
                              .key = rl_source_ledger_key(source, &marker->key, marker->rule)};
}

static uint64_t cell_word(const rl_marker_cell_t *cell)
{
    return rl_ledger_note(cell->ledger, &cell->key, WORD);
}

static bool cell_swap(const rl_marker_cell_t *cell, uint64_t from, rl_marker_state_t to)
{
    return rl_ledger_swap_note(cell->ledger, &cell->key, WORD, from, rl_marker_word(to));
}

/* Makes the cell. The meter gives it a time to live, and nothing that makes it worth more than
 * a counter that came once. */
static void make_cell(const rl_marker_cell_t *cell, int64_t now, int64_t expires)
{
    const rl_operation_t alive = {.ledger_key = cell->key,
                                  .meter = {.algorithm = RL_PENALTY,
                                            .limit = UINT32_MAX,
                                            .period_us = expires - now,
                                            .penalty_us = expires - now},
                                  .now = now};
    rl_ledger_raise(cell->ledger, &alive, 0, (uint64_t)expires);
}

static rl_marker_e join_here(const rl_marker_cell_t *cell)
{
    for (unsigned i = 0; i < RL_TRIES; i++) {
        const uint64_t word = cell_word(cell);
        rl_marker_state_t state = rl_marker_state(word);
        if (state.units == 0 || is_full(state)) {
            return state.units == 0 ? RL_MARKER_NONE : RL_MARKER_FULL;
        }
        state.holders++;
        if (cell_swap(cell, word, state)) {
            return RL_MARKER_HELD;
        }
        rl_back_off(i);
    }
    return RL_MARKER_NONE;
}

static rl_marker_e make_here(const rl_marker_cell_t *cell, uint32_t units, int64_t now,
                             int64_t expires)
{
    const rl_marker_state_t made = {.units = units, .holders = 1};
    for (unsigned i = 0; i < MAKE_TRIES; i++) {
        const rl_marker_e joined = join_here(cell);
        uint64_t word;
        if (joined != RL_MARKER_NONE) {
            return joined;
        }
        make_cell(cell, now, expires);
        word = cell_word(cell);
        if (rl_marker_state(word).units == 0 && cell_swap(cell, word, made)) {
            return RL_MARKER_MADE;
        }
        rl_pause_after(i); /* another made or left it; or there is no cell for it */
    }
    return RL_MARKER_NONE;
}

static uint32_t leave_here(const rl_marker_cell_t *cell)
{
    for (unsigned i = 0; i < RL_TRIES; i++) {
        const uint64_t word = cell_word(cell);
        rl_marker_state_t state = rl_marker_state(word);
        const uint32_t units = state.units;
        if (units == 0 || is_full(state)) {
            return 0;
        }
        state.holders--;
        state.units = state.holders > 0 ? units : 0;
        if (cell_swap(cell, word, state)) {
            return units - state.units;
        }
        rl_back_off(i);
    }
    return 0;
}

/* ---- in the shared store ---- */

/* A marker's work with the store. */
typedef struct rl_marker_entry {
    rl_store_session_t *session;
    const rl_store_ops_t *ops;
    rl_shared_counter_t name;
} rl_marker_entry_t;

static rl_shared_counter_t marker_name(const rl_marker_t *marker)
{
    return (rl_shared_counter_t){.key = marker->key, .window = marker->window};
}

static rl_marker_entry_t entry_of(const rl_source_t *source, const rl_marker_t *marker)
{
    return (rl_marker_entry_t){.session = source->session,
                               .ops = source->session->store->ops,
                               .name = marker_name(marker)};
}

/* Writing gives it the time to live anew; the second in which now is counts as well. */
static void set_ttl(rl_marker_entry_t *entry, int64_t now, int64_t expires)
{
    const int64_t left = expires > now ? (expires - now) / RL_USEC_PER_SEC + 1 : 1;
    entry->name.ttl = rl_shared_counter_ttl(left + RL_TTL_SLACK);
}

/* Reads the state. Returns ERROR if what the store has is no marker. */
static rl_store_status_e read_state(const rl_marker_entry_t *entry, rl_marker_state_t *state)
{
    uint64_t word = 0;
    const rl_store_status_e status = entry->ops->read(entry->session, &entry->name, &word);
    if (status != RL_STORE_OK) {
        return status;
    }
    *state = rl_marker_state(word);
    return rl_marker_word_is_valid(word) ? RL_STORE_OK : RL_STORE_ERROR;
}

/* Adds a holder, in a marker that has no units as well: there it means nothing. So nobody takes
 * it off again unless he got it from a marker that had units. */
static rl_store_status_e add_holder(const rl_marker_entry_t *entry, rl_marker_state_t *state)
{
    uint64_t word = 0;
    const rl_store_status_e status = entry->ops->add(entry->session, &entry->name, 1, &word);
    if (status != RL_STORE_OK) {
        return status;
    }
    *state = rl_marker_state(word);
    return rl_marker_word_is_valid(word) ? RL_STORE_OK : RL_STORE_ERROR;
}

/* Takes a holder off; sets *state to what is left. */
static rl_store_status_e take_holder(const rl_marker_entry_t *entry, rl_marker_state_t *state)
{
    uint64_t word = 0;
    const rl_store_status_e status =
        entry->ops->subtract(entry->session, &entry->name, 1, &word);
    if (status != RL_STORE_OK) {
        return status;
    }
    *state = rl_marker_state(word);
    return rl_marker_word_is_valid(word) ? RL_STORE_OK : RL_STORE_ERROR;
}

static rl_marker_e join_there(const rl_marker_entry_t *entry)
{
    rl_marker_state_t state;
    if (add_holder(entry, &state) != RL_STORE_OK || state.units == 0) {
        return RL_MARKER_NONE;
    }
    if (state.holders > RL_MARKER_HOLDERS_MAX) {
        take_holder(entry, &state);
        return RL_MARKER_FULL;
    }
    return RL_MARKER_HELD;
}

/* Goes on where create() found a marker: joins it, or writes the units into one that has none.
 * Returns OK, with *result set; EXISTS if another request was faster; else why there is no
 * result: then *result is what it may be. */
static rl_store_status_e take_over(const rl_marker_entry_t *entry, uint32_t units,
                                   rl_marker_e *result)
{
    rl_marker_state_t state;
    const rl_store_status_e status = read_state(entry, &state);
    *result = RL_MARKER_NONE;
    if (status != RL_STORE_OK) {
        return status;
    }
    if (state.units > 0) {
        *result = join_there(entry);
        return *result != RL_MARKER_NONE ? RL_STORE_OK : RL_STORE_EXISTS;
    }
    *result = RL_MARKER_MADE;
    return entry->ops->replace(entry->session, &entry->name,
                               rl_marker_word((rl_marker_state_t){units, 1}));
}

/* A marker that may have been made counts as made: if this request's outcome doesn't count, its
 * units stay charged unless it finds itself the last holder. */
static rl_marker_e make_there(const rl_marker_entry_t *entry, uint32_t units)
{
    const uint64_t made = rl_marker_word((rl_marker_state_t){units, 1});
    for (int i = 0; i < STORE_TRIES; i++) {
        rl_marker_e result = RL_MARKER_MADE;
        rl_store_status_e status = entry->ops->create(entry->session, &entry->name, made);
        if (status == RL_STORE_EXISTS) {
            status = take_over(entry, units, &result);
        }
        if (status == RL_STORE_OK || status == RL_STORE_ERROR) {
            return result;
        }
        if (status == RL_STORE_REFUSED) {
            return RL_MARKER_NONE;
        }
    }
    return RL_MARKER_NONE;
}

/* Takes the units of a marker without holders. Of several who find it so, one gets them; nobody
 * does if a request has joined meanwhile, which is responsible then. */
static uint32_t take_units(rl_marker_entry_t *entry)
{
    for (int i = 0; i < STORE_TRIES; i++) {
        rl_marker_state_t state;
        rl_store_status_e status = read_state(entry, &state);
        if (status != RL_STORE_OK || state.units == 0 || state.holders > 0) {
            return 0;
        }
        status = entry->ops->replace(entry->session, &entry->name,
                                     rl_marker_word((rl_marker_state_t){0, 0}));
        if (status != RL_STORE_EXISTS) {
            return status == RL_STORE_OK ? state.units : 0;
        }
    }
    return 0;
}

static uint32_t leave_there(rl_marker_entry_t *entry)
{
    rl_marker_state_t state;
    if (take_holder(entry, &state) != RL_STORE_OK) {
        return 0;
    }
    if (state.holders >= RL_MARKER_HOLDERS_MAX - 1) {
        add_holder(entry, &state); /* it was full */
        return 0;
    }
    return state.units > 0 && state.holders <= 0 ? take_units(entry) : 0;
}

/* ---- the interface ---- */

bool rl_marker_is_charged(const rl_source_t *source, const rl_marker_t *marker)
{
    rl_marker_state_t state = {.units = 0};
    if (marker->shared) {
        const rl_marker_entry_t entry = entry_of(source, marker);
        return read_state(&entry, &state) == RL_STORE_OK && state.units > 0;
    }
    const rl_marker_cell_t cell = cell_of(source, marker);
    return rl_marker_state(cell_word(&cell)).units > 0;
}

rl_marker_e rl_marker_join(const rl_source_t *source, const rl_marker_t *marker)
{
    if (marker->shared) {
        const rl_marker_entry_t entry = entry_of(source, marker);
        return join_there(&entry);
    }
    const rl_marker_cell_t cell = cell_of(source, marker);
    return join_here(&cell);
}

rl_marker_e rl_marker_make(const rl_source_t *source, const rl_marker_t *marker, uint32_t units,
                           int64_t now, int64_t expires)
{
    if (marker->shared) {
        rl_marker_entry_t entry = entry_of(source, marker);
        set_ttl(&entry, now, expires);
        return make_there(&entry, units);
    }
    const rl_marker_cell_t cell = cell_of(source, marker);
    return make_here(&cell, units, now, expires);
}

uint32_t rl_marker_leave(const rl_source_t *source, const rl_marker_t *marker)
{
    if (marker->shared) {
        rl_marker_entry_t entry = entry_of(source, marker);
        return leave_there(&entry);
    }
    const rl_marker_cell_t cell = cell_of(source, marker);
    return leave_here(&cell);
}

/* The value that comes back may contain what others did after this one had left. If that is a
 * holder more, that one is responsible now; and units are only taken from the value that was
 * read. */
void rl_marker_foresee_leave(const rl_marker_t *marker, rl_errand_t *errand)
{
    const rl_shared_counter_t name = marker_name(marker);
    if (marker->shared) {
        rl_errand_subtract(errand, &name, 1);
    }
}

/* ---- announcements ---- */

/* Microseconds for which an announcement of a process that was killed is believed. */
#define ANNOUNCED_US 50000

static bool is_recent(uint64_t announced, int64_t now)
{
    const int64_t age = now - (int64_t)announced;
    return age > -ANNOUNCED_US && age < ANNOUNCED_US;
}

bool rl_marker_is_announced(const rl_source_t *source, const rl_marker_t *marker, int64_t now)
{
    const rl_marker_cell_t cell = cell_of(source, marker);
    return is_recent(cell_word(&cell), now);
}

bool rl_marker_announce(const rl_source_t *source, const rl_marker_t *marker, int64_t now)
{
    const rl_marker_cell_t cell = cell_of(source, marker);
    const uint64_t last = cell_word(&cell);
    if (is_recent(last, now)) {
        return false;
    }
    make_cell(&cell, now, now + RL_USEC_PER_SEC);
    return rl_ledger_swap_note(cell.ledger, &cell.key, WORD, last, (uint64_t)now);
}

void rl_marker_withdraw(const rl_source_t *source, const rl_marker_t *marker, int64_t now)
{
    const rl_marker_cell_t cell = cell_of(source, marker);
    rl_ledger_swap_note(cell.ledger, &cell.key, WORD, (uint64_t)now, 0);
}
