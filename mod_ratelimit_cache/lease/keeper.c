#include "keeper.h"

#include <stdatomic.h>
#include <stdlib.h>

#define SETS 128
#define WAYS 8

/* Tags of an entry; others are those of leases. */
#define VACANT  0u
#define WRITING 1u

/* An entry belongs to whoever made its tag WRITING, then to the thread that tends. */
typedef struct rl_kept {
    _Atomic uint64_t tag;
    rl_digest_t key, home;
    rl_meter_t meter;
    uint32_t window;
    unsigned incarnation;
    uint64_t seen; /* the lease at the last look, and since when it is the same */
    int64_t since;
} rl_kept_t;

struct rl_keeper {
    rl_background_t *thread;
    rl_kept_t kept[SETS][WAYS];
};

static apr_status_t free_keeper(void *data)
{
    free(data);
    return APR_SUCCESS;
}

/* Not from the pool: memory that is never used shall not be touched. */
rl_keeper_t *rl_keeper_create(apr_pool_t *pool)
{
    rl_keeper_t *keeper = calloc(1, sizeof(*keeper));
    if (keeper != NULL) {
        apr_pool_cleanup_register(pool, keeper, free_keeper, apr_pool_cleanup_null);
    }
    return keeper;
}

void rl_keeper_set_thread(rl_keeper_t *keeper, rl_background_t *thread)
{
    keeper->thread = thread;
}

static uint64_t tag_of(const rl_leasing_t *lease)
{
    return lease->cell.lo > WRITING ? lease->cell.lo : lease->cell.lo + WRITING + 1;
}

static size_t set_of(const rl_leasing_t *lease)
{
    return lease->cell.hi % SETS;
}

static bool has(const rl_kept_t *set, const rl_leasing_t *lease)
{
    for (int i = 0; i < WAYS; i++) {
        if (atomic_load(&set[i].tag) == tag_of(lease)) {
            return true;
        }
    }
    return false;
}

static void write_entry(rl_kept_t *kept, const rl_leasing_t *lease)
{
    kept->key = *lease->key;
    kept->home = lease->home;
    kept->meter = *lease->meter;
    kept->window = lease->window;
    kept->incarnation = lease->incarnation;
    kept->seen = 0;
    kept->since = lease->now;
}

/* Two that add the same lease at once may add it twice, which does no harm: only one of them
 * can take what is left of it. */
bool rl_keeper_add(rl_keeper_t *keeper, const rl_leasing_t *lease)
{
    rl_kept_t *set = keeper->kept[set_of(lease)];
    if (has(set, lease)) {
        return true;
    }
    for (int i = 0; i < WAYS; i++) {
        uint64_t vacant = VACANT;
        if (atomic_compare_exchange_strong(&set[i].tag, &vacant, WRITING)) {
            write_entry(&set[i], lease);
            atomic_store(&set[i].tag, tag_of(lease));
            rl_background_wake(keeper->thread);
            return true;
        }
    }
    return false;
}

/* ---- tending ---- */

static bool is_over(const rl_leasing_t *lease)
{
    rl_step_t step;
    if (lease->meter->algorithm == RL_TOKEN_BUCKET) {
        return false;
    }
    rl_ledger_peek(lease->source->ledger, &lease->home, lease->meter, lease->now, 0, &step);
    return step.window != lease->window;
}

static bool is_idle(rl_kept_t *kept, const rl_leasing_t *lease)
{
    const uint64_t word = rl_leasing_word(lease);
    if (word != kept->seen || kept->since > lease->now) {
        kept->seen = word;
        kept->since = lease->now;
    }
    return lease->now - kept->since >= RL_KEEPER_IDLE_US;
}

/* Who adds units to a lease looks afterwards whether it is still here; so it is taken from the
 * list first, and the units then. */
static void drop(rl_kept_t *kept, const rl_leasing_t *lease)
{
    const rl_digest_t key = kept->key;
    const rl_meter_t meter = kept->meter;
    rl_leasing_t copy = *lease;
    copy.key = &key;
    copy.meter = &meter;
    atomic_store(&kept->tag, VACANT);
    rl_leasing_return(&copy);
}

/* No connection is kept from requests for longer than needed. */
static void tend(rl_kept_t *kept, const rl_source_t *source, int64_t now, bool last)
{
    const rl_leasing_t lease = rl_leasing_reopen(source, &kept->key, &kept->home, &kept->meter,
                                                 kept->window, now, kept->incarnation);
    const bool unused = is_idle(kept, &lease) || rl_leasing_is_old(&lease);
    if (last || is_over(&lease) || (unused && rl_leasing_can_return(&lease))) {
        drop(kept, &lease);
    }
    source->session->upstream->ops->end(source->session);
}

bool rl_keeper_tend(rl_keeper_t *keeper, const rl_source_t *source, int64_t now, bool last)
{
    bool any = false;
    for (int i = 0; i < SETS * WAYS; i++) {
        rl_kept_t *kept = &keeper->kept[i / WAYS][i % WAYS];
        if (atomic_load(&kept->tag) > WRITING) {
            tend(kept, source, now, last);
        }
        any |= atomic_load(&kept->tag) != VACANT;
    }
    return any;
}
