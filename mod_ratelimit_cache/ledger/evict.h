/* SPDX-License-Identifier: Apache-2.0 */
/* Which cell of its path a new key takes. For place.c only. */
#ifndef RL_LEDGER_EVICT_H
#define RL_LEDGER_EVICT_H

#include "cell.h"
#include "life.h"

/* What a key has seen of the cells of its path. */
typedef struct rl_survey {
    uint64_t moment;   /* of now */
    bool only_tenants; /* the key may not take cells of the server's rules */
    rl_place_t vacant; /* the first that is nobody's, or has expired */
    unsigned n;        /* of the cells below, which would be a loss */
    rl_place_t cells[PATH_CELLS];
    uint16_t ages[PATH_CELLS];             /* weighted */
    uint8_t bins[PATH_CELLS];              /* rank and rule of each */
    uint8_t counts[RANKS << RL_RULE_BITS]; /* cells of each bin */
} rl_survey_t;

/* Begins a survey for the operation's key, which has no cell. */
void rl_survey_begin(rl_survey_t *survey, const rl_ledger_t *ledger, const rl_operation_t *op);

/* Adds the next cell of the path, which had this id when its life had not been read yet. */
void rl_survey_add(rl_survey_t *survey, rl_cell_t *cell, uint64_t id);

/* Returns the cell to take; nowhere if there is none that the key may take. */
rl_place_t rl_survey_choose(const rl_survey_t *survey);

#endif
