/* SPDX-License-Identifier: Apache-2.0 */
#include "tags.h"

#include <string.h>

#include "checked.h"

/* An entry as one process sees it. */
typedef union rl_tag_copy {
    rl_tagged_key_t key;
    uint64_t words[RL_TAG_WORDS];
} rl_tag_copy_t;

static bool entry_read(const rl_tag_entry_t *entry, rl_tag_copy_t *copy)
{
    return rl_checked_read(&entry->check, entry->words, copy->words, RL_TAG_WORDS);
}

/* The tag is the top of the key's low half. */
static unsigned tags_set_of(uint64_t lo)
{
    return (unsigned)(lo >> (64 - 4 * RL_TAG_LENGTH)) % RL_TAGS_SETS;
}

static bool is_tagged_key(const rl_digest_t *a, const rl_digest_t *b)
{
    return a->lo == b->lo && a->hi == b->hi;
}

/* Returns the key's entry, with what it holds in *was; or the one that was written the longest
 * time ago, with zeros in *was. */
static rl_tag_entry_t *tags_choose(rl_tag_entry_t set[RL_TAGS_WAYS], const rl_digest_t *key,
                                   rl_tag_copy_t *was)
{
    rl_tag_entry_t *oldest = &set[0];
    uint32_t oldest_s = UINT32_MAX;
    for (int i = 0; i < RL_TAGS_WAYS; i++) {
        const bool whole = entry_read(&set[i], was);
        const uint32_t seen_s = whole ? was->key.seen_s : 0;
        if (whole && is_tagged_key(&was->key.key, key)) {
            return &set[i];
        }
        if (seen_s < oldest_s) {
            oldest = &set[i];
            oldest_s = seen_s;
        }
    }
    memset(was, 0, sizeof(*was));
    return oldest;
}

#define PAUSE_S 600

/* Returns true if the denial goes on with the row of those before. */
static bool goes_on(const rl_tagged_key_t *was, const rl_tagged_key_t *now)
{
    const int64_t period_s = (now->meter.period_us + now->meter.penalty_us) / RL_USEC_PER_SEC;
    return was->seen_s != 0 && now->seen_s <= was->seen_s + 2 * period_s + PAUSE_S;
}

void rl_tags_put(rl_tags_t *tags, const rl_tagged_key_t *key)
{
    rl_tag_copy_t copy, was;
    rl_tag_entry_t *entry = tags_choose(tags->sets[tags_set_of(key->key.lo)], &key->key, &was);
    memset(&copy, 0, sizeof(copy));
    copy.key = *key;
    copy.key.since_s = goes_on(&was.key, key) ? was.key.since_s : key->seen_s;
    rl_checked_write(&entry->check, entry->words, copy.words, RL_TAG_WORDS);
}

bool rl_is_tag(const char *text)
{
    return strspn(text, "0123456789abcdef") == RL_TAG_LENGTH && text[RL_TAG_LENGTH] == '\0';
}

/* Returns the low half of a key that has this tag, with zeros where the tag says nothing. */
static uint64_t low_half_of(const char *tag)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t lo = 0;
    for (int i = 0; i < RL_TAG_LENGTH; i++) {
        lo = lo << 4 | (uint64_t)(strchr(digits, tag[i]) - digits);
    }
    return lo << (64 - 4 * RL_TAG_LENGTH);
}

bool rl_tags_get(const rl_tags_t *tags, const char *tag, rl_tagged_key_t *key)
{
    rl_tag_copy_t copy;
    uint64_t lo;
    if (!rl_is_tag(tag)) {
        return false;
    }
    lo = low_half_of(tag);
    for (int i = 0; i < RL_TAGS_WAYS; i++) {
        if (entry_read(&tags->sets[tags_set_of(lo)][i], &copy) &&
            (copy.key.key.lo ^ lo) >> (64 - 4 * RL_TAG_LENGTH) == 0) {
            *key = copy.key;
            return true;
        }
    }
    return false;
}
