/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"

#include <string.h>

#include "checked.h"

/* An entry as one process sees it. */
typedef union rl_values_copy {
    struct {
        uint64_t lo, hi, seen, text[RL_VALUES_BYTES / sizeof(uint64_t)];
    };
    uint64_t words[RL_VALUES_WORDS];
} rl_values_copy_t;

static uint64_t values_load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void values_store(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static bool values_read(const rl_values_entry_t *entry, rl_values_copy_t *copy)
{
    return rl_checked_read(&entry->check, entry->words, copy->words, RL_VALUES_WORDS);
}

static void values_write(rl_values_entry_t *entry, const rl_values_copy_t *copy)
{
    rl_checked_write(&entry->check, entry->words, copy->words, RL_VALUES_WORDS);
}

static unsigned set_of(const rl_digest_t *key)
{
    return (unsigned)(key->hi % RL_VALUES_SETS);
}

/* Returns the key's entry, or the one that was written the longest time ago. */
static rl_values_entry_t *choose_entry(rl_values_entry_t set[RL_VALUES_WAYS],
                                       const rl_digest_t *key)
{
    rl_values_entry_t *oldest = &set[0];
    for (int i = 0; i < RL_VALUES_WAYS; i++) {
        if (values_load(&set[i].lo) == key->lo && values_load(&set[i].hi) == key->hi) {
            return &set[i];
        }
        if (values_load(&set[i].seen) < values_load(&oldest->seen)) {
            oldest = &set[i];
        }
    }
    return oldest;
}

void rl_values_put(rl_values_t *values, const rl_digest_t *key, uint32_t now_s,
                   const char *text)
{
    rl_values_copy_t copy = {.lo = key->lo, .hi = key->hi, .seen = now_s};
    const size_t len = strnlen(text, RL_VALUES_BYTES - 1);
    memcpy(copy.text, text, len); /* zeros follow */
    values_write(choose_entry(values->sets[set_of(key)], key), &copy);
}

bool rl_values_get(const rl_values_t *values, const rl_digest_t *key,
                   char text[RL_VALUES_BYTES])
{
    const rl_values_entry_t *set = values->sets[set_of(key)];
    rl_values_copy_t copy;
    for (int i = 0; i < RL_VALUES_WAYS; i++) {
        if (values_read(&set[i], &copy) && copy.lo == key->lo && copy.hi == key->hi) {
            memcpy(text, copy.text, RL_VALUES_BYTES);
            text[RL_VALUES_BYTES - 1] = '\0';
            return true;
        }
    }
    return false;
}

void rl_values_wipe(rl_values_t *values)
{
    static const rl_values_copy_t nothing;
    for (unsigned i = 0; i < RL_VALUES_SETS * RL_VALUES_WAYS; i++) {
        rl_values_entry_t *entry = &values->sets[i / RL_VALUES_WAYS][i % RL_VALUES_WAYS];
        if (values_load(&entry->seen) != 0) {
            values_write(entry, &nothing);
            values_store(&entry->check, 0);
        }
    }
}
