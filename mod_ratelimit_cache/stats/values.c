/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"

#include <string.h>

#define WORDS (RL_VALUES_BYTES / sizeof(uint64_t))

/* An entry as one process sees it. */
typedef struct rl_values_copy {
    uint64_t lo, hi, seen, text[WORDS];
} rl_values_copy_t;

static uint64_t values_load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void values_store(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

/* Returns a hash of the copy, never 0. */
static uint64_t check_of_copy(const rl_values_copy_t *copy)
{
    const uint64_t *words = &copy->lo;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof(*copy) / sizeof(uint64_t); i++) {
        hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash | 1;
}

static bool values_read(const rl_values_entry_t *entry, rl_values_copy_t *copy)
{
    const uint64_t check = atomic_load_explicit(&entry->check, memory_order_acquire);
    copy->lo = values_load(&entry->lo);
    copy->hi = values_load(&entry->hi);
    copy->seen = values_load(&entry->seen);
    for (size_t i = 0; i < WORDS; i++) {
        copy->text[i] = values_load(&entry->text[i]);
    }
    return check != 0 && check == check_of_copy(copy);
}

static void values_write(rl_values_entry_t *entry, const rl_values_copy_t *copy)
{
    values_store(&entry->check, 0);
    values_store(&entry->lo, copy->lo);
    values_store(&entry->hi, copy->hi);
    values_store(&entry->seen, copy->seen);
    for (size_t i = 0; i < WORDS; i++) {
        values_store(&entry->text[i], copy->text[i]);
    }
    atomic_store_explicit(&entry->check, check_of_copy(copy), memory_order_release);
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
