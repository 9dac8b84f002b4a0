/* SPDX-License-Identifier: Apache-2.0 */
#include "checked.h"

/* Returns a hash of the words, never 0. */
static uint64_t hash_of_words(const uint64_t *words, size_t n)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash | 1;
}

bool rl_checked_read(const _Atomic uint64_t *check, const _Atomic uint64_t *words,
                     uint64_t *copy, size_t n)
{
    const uint64_t expected = atomic_load_explicit(check, memory_order_acquire);
    for (size_t i = 0; i < n; i++) {
        copy[i] = atomic_load_explicit(&words[i], memory_order_relaxed);
    }
    return expected != 0 && expected == hash_of_words(copy, n);
}

void rl_checked_write(_Atomic uint64_t *check, _Atomic uint64_t *words, const uint64_t *copy,
                      size_t n)
{
    atomic_store_explicit(check, 0, memory_order_relaxed);
    for (size_t i = 0; i < n; i++) {
        atomic_store_explicit(&words[i], copy[i], memory_order_relaxed);
    }
    atomic_store_explicit(check, hash_of_words(copy, n), memory_order_release);
}
