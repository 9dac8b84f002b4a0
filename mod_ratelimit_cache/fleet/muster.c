/* SPDX-License-Identifier: Apache-2.0 */
#include "muster.h"

#include <string.h>

#define TTL       (15 * 60) /* seconds */
#define PART_BITS 20
#define PART_MAX  ((UINT64_C(1) << PART_BITS) - 1)
#define IN_A_WORD 3 /* parts of a fingerprint */
#define FORMAT    UINT64_C(1)
#define HEAD_BITS (IN_A_WORD * PART_BITS) /* below the head of a word: */
#define PRESENT   UINT64_C(8)
#define HEAD      (PRESENT | FORMAT)

/* What a place has, by number. */
enum { WORD_PRINT, WORD_NAME, WORD_MORE_PRINT = WORD_NAME + RL_MUSTER_NAME_WORDS };

#define PLACE_OF_ROLL RL_MUSTER_PLACES

/* ---- fingerprints ---- */

_Static_assert(RL_ALIKE_PARTS <= RL_PRINT_WORDS * IN_A_WORD, "a fingerprint has no room");

static uint64_t print_head(uint64_t word)
{
    return word >> HEAD_BITS;
}

rl_print_t rl_muster_print(const rl_digest_t of[RL_ALIKE_PARTS])
{
    rl_print_t print;
    for (int i = 0; i < RL_PRINT_WORDS; i++) {
        print.words[i] = HEAD << HEAD_BITS;
    }
    for (int i = 0; i < RL_ALIKE_PARTS; i++) {
        print.words[i / IN_A_WORD] |= (of[i].hi & PART_MAX) << (i % IN_A_WORD * PART_BITS);
    }
    return print;
}

static uint64_t part_of(const rl_print_t *print, int i)
{
    return print->words[i / IN_A_WORD] >> (i % IN_A_WORD * PART_BITS) & PART_MAX;
}

/* Options are told apart together with the rules that have them. */
unsigned rl_muster_differences(const rl_print_t *a, const rl_print_t *b)
{
    unsigned differences = 0;
    if (print_head(a->words[0]) != print_head(b->words[0])) {
        return 1u << RL_ALIKE_VERSION;
    }
    for (int i = 0; i < RL_ALIKE_PARTS; i++) {
        const bool compared = i < RL_ALIKE_OPTIONS || (differences >> RL_ALIKE_RULES & 1) == 0;
        if (compared && part_of(a, i) != part_of(b, i)) {
            differences |= 1u << i;
        }
    }
    return differences;
}

unsigned rl_muster_place(const char *name)
{
    return (unsigned)(rl_digest_public(name, strlen(name)).hi % RL_MUSTER_PLACES);
}

/* ---- numbers in the store ---- */

/* The name of a number on the server at this place of the list, from 0 on. */
static rl_shared_counter_t name_of(unsigned server, unsigned place, unsigned word)
{
    static const char text[] = "mod_ratelimit_cache muster 1";
    return (rl_shared_counter_t){.key = rl_digest_public(text, sizeof(text) - 1),
                                 .window = place * 16 + word,
                                 .ttl = TTL,
                                 .server = server + 1};
}

static bool muster_is_answered(rl_store_status_e status)
{
    return status == RL_STORE_OK || status == RL_STORE_MISSING;
}

/* Reads the number on the first server that has it; 0 if none has. */
static rl_store_status_e muster_read(rl_store_session_t *session, unsigned place, unsigned word,
                                     uint64_t *value)
{
    rl_store_status_e result = RL_STORE_REFUSED;
    for (unsigned i = 0; i < session->store->nservers; i++) {
        const rl_shared_counter_t name = name_of(i, place, word);
        const rl_store_status_e status = session->store->ops->read(session, &name, value);
        if (status == RL_STORE_OK) {
            return status;
        }
        result = status == RL_STORE_MISSING || result == RL_STORE_MISSING ? RL_STORE_MISSING
                                                                          : status;
    }
    *value = 0;
    return result == RL_STORE_MISSING ? RL_STORE_OK : result;
}

static rl_store_status_e muster_write(rl_store_session_t *session, unsigned place,
                                      unsigned word, uint64_t value)
{
    rl_store_status_e result = RL_STORE_REFUSED;
    for (unsigned i = 0; i < session->store->nservers; i++) {
        const rl_shared_counter_t name = name_of(i, place, word);
        const rl_store_status_e status = session->store->ops->put(session, &name, value);
        result = result == RL_STORE_OK ? result : status;
    }
    return result;
}

/* ---- the roll and places ---- */

/* All servers count: servers of a fleet whose lists differ don't write to the same ones. */
rl_store_status_e rl_muster_read_roll(rl_store_session_t *session, uint64_t *roll)
{
    rl_store_status_e result = RL_STORE_REFUSED;
    *roll = 0;
    for (unsigned i = 0; i < session->store->nservers; i++) {
        const rl_shared_counter_t name = name_of(i, PLACE_OF_ROLL, 0);
        uint64_t part = 0;
        const rl_store_status_e status = session->store->ops->read(session, &name, &part);
        *roll |= status == RL_STORE_OK ? part : 0;
        result = muster_is_answered(status) || result == RL_STORE_OK ? RL_STORE_OK : status;
    }
    return result;
}

rl_store_status_e rl_muster_write_roll(rl_store_session_t *session, uint64_t roll)
{
    return muster_write(session, PLACE_OF_ROLL, 0, roll);
}

static unsigned word_of_print(unsigned i)
{
    return i == 0 ? WORD_PRINT : WORD_MORE_PRINT + i - 1;
}

/* What isn't a fingerprint is taken for none: other programs may write there. Of one of another
 * format the first word is enough. */
rl_store_status_e rl_muster_read_print(rl_store_session_t *session, unsigned place,
                                       rl_print_t *print)
{
    rl_store_status_e status = muster_read(session, place, WORD_PRINT, &print->words[0]);
    const uint64_t head = print_head(print->words[0]);
    bool whole = (head & PRESENT) != 0;
    for (unsigned i = 1; i < RL_PRINT_WORDS; i++) {
        print->words[i] = 0;
        if (status == RL_STORE_OK && whole && head == HEAD) {
            status = muster_read(session, place, word_of_print(i), &print->words[i]);
            whole = print_head(print->words[i]) == HEAD;
        }
    }
    if (!whole) {
        print->words[0] = 0;
    }
    return status;
}

/* A name stands in a log and on a page: what can't stand in a host's name ends it. */
static void clean_name(char name[RL_MUSTER_NAME_MAX + 1])
{
    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:")] =
        '\0';
}

rl_store_status_e rl_muster_read_name(rl_store_session_t *session, unsigned place,
                                      char name[RL_MUSTER_NAME_MAX + 1])
{
    rl_store_status_e status = RL_STORE_OK;
    memset(name, 0, RL_MUSTER_NAME_MAX + 1);
    for (unsigned i = 0; i < RL_MUSTER_NAME_WORDS && status == RL_STORE_OK; i++) {
        uint64_t word;
        status = muster_read(session, place, WORD_NAME + i, &word);
        for (unsigned j = 0; j < 8; j++) {
            name[i * 8 + j] = (char)(word >> (8 * j) & 0xff);
        }
    }
    clean_name(name);
    return status;
}

static uint64_t name_word(const char *name, size_t len, unsigned i)
{
    uint64_t word = 0;
    for (unsigned j = 0; j < 8 && i * 8 + j < len; j++) {
        word |= (uint64_t)(unsigned char)name[i * 8 + j] << (8 * j);
    }
    return word;
}

/* The fingerprint's first word comes last: who finds it finds all with it. */
rl_store_status_e rl_muster_write(rl_store_session_t *session, unsigned place,
                                  const rl_print_t *print, const char *name)
{
    const size_t len = strlen(name);
    rl_store_status_e status = RL_STORE_OK;
    for (unsigned i = 0; i < RL_MUSTER_NAME_WORDS && status == RL_STORE_OK; i++) {
        status = muster_write(session, place, WORD_NAME + i, name_word(name, len, i));
    }
    for (unsigned i = RL_PRINT_WORDS; i-- > 0 && status == RL_STORE_OK;) {
        status = muster_write(session, place, word_of_print(i), print->words[i]);
    }
    return status;
}
