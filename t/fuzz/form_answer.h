/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that the form targets ask for, and whether two readings of a body agree. */
#ifndef RL_FORM_ANSWER_H
#define RL_FORM_ANSWER_H

#include "core/form/form.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_FIELDS 4
#define ANSWER_CAP    12

typedef struct answer {
    rl_form_field_t fields[ANSWER_FIELDS];
    char values[ANSWER_FIELDS][ANSWER_CAP];
} answer_t;

static inline void answer_init(answer_t *answer)
{
    static const char *const names[ANSWER_FIELDS] = {"user", "us_er", "a[b]", "a\"b"};
    for (size_t i = 0; i < ANSWER_FIELDS; i++) {
        answer->fields[i] = (rl_form_field_t){.name = names[i],
                                              .name_len = strlen(names[i]),
                                              .value = answer->values[i],
                                              .value_cap = ANSWER_CAP};
    }
}

static inline void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static inline void require_same(const answer_t *a, const answer_t *b)
{
    for (size_t i = 0; i < ANSWER_FIELDS; i++) {
        const rl_form_field_t *const x = &a->fields[i];
        const rl_form_field_t *const y = &b->fields[i];
        require(x->state == y->state && x->doubts == y->doubts && x->value_len == y->value_len);
        require(x->value_len <= ANSWER_CAP && memcmp(x->value, y->value, x->value_len) == 0);
        require(x->state == RL_FIELD_ONE || x->value_len == 0);
    }
}

/* Where to cut: the first two bytes of the input say it. */
static inline size_t take_cut(const uint8_t **data, size_t *size)
{
    if (*size < 2) {
        return 0;
    }
    const size_t cut = (size_t)((*data)[0] << 8 | (*data)[1]);
    *data += 2;
    *size -= 2;
    return cut % (*size + 1);
}

/* A copy of its own for every piece, so that a sanitizer sees a look beyond its end. */
static inline char *copy_piece(const uint8_t *data, size_t size)
{
    char *const piece = malloc(size + (size == 0));
    require(piece != NULL);
    memcpy(piece, data, size);
    return piece;
}

#endif
