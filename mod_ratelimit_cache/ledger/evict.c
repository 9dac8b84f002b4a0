/* SPDX-License-Identifier: Apache-2.0 */
/* The order of loss. A cell that is nobody's or has expired is taken first, and costs nothing.
 * If the path has none, some key loses its counter:
 *
 *   1. of a rank: first what came once, then what is in use, what is at its limit (life.h).
 *      So a flood of keys that come once costs only such keys, however long their periods, and
 *      one that asks for each key twice costs no key at its limit.
 *   2. A rank that has less than an eighth of the cells is spared, as long as a later rank has
 *      more. So whoever drives a flood of keys to their limits doesn't get all of the table: an
 *      eighth stays for keys that are in use, and an eighth for those that came once.
 *   3. Of the rank, the rule with the most cells gives one. So a flood under one rule ends at
 *      the share of the others, and then costs its own keys.
 *   4. Of the rule, the cell whose last use is longest ago; what had used more of its limit
 *      ages slower. */
#include "evict.h"

#include <string.h>

/* A rank is spared if it has less than one cell in so many. */
#define SPARED_SHARE 8

#define RULES (1u << RL_RULE_BITS)

void rl_survey_begin(rl_survey_t *survey, const rl_ledger_t *ledger, const rl_operation_t *op)
{
    survey->moment = moment_of(op->now);
    survey->only_tenants = key_is_tenants(&op->ledger_key) && ledger->reserved > 0;
    survey->vacant = (rl_place_t){NULL, 0};
    survey->n = 0;
    memset(survey->counts, 0, sizeof(survey->counts));
}

static void survey_add_loss(rl_survey_t *survey, rl_place_t place, uint64_t life)
{
    const unsigned rule = life_rule(life);
    const unsigned bin = (unsigned)life_rank(life) << RL_RULE_BITS | rule;
    if (survey->only_tenants && (rule & RL_RULE_TENANT) == 0) {
        return;
    }
    survey->cells[survey->n] = place;
    survey->ages[survey->n] = (uint16_t)life_weighted_age(life, survey->moment);
    survey->bins[survey->n] = (uint8_t)bin;
    survey->counts[bin]++;
    survey->n++;
}

void rl_survey_add(rl_survey_t *survey, rl_cell_t *cell, uint64_t id)
{
    uint64_t life;
    if (survey->vacant.cell != NULL) {
        return;
    }
    life = atomic_load_explicit(&cell->life, memory_order_relaxed);
    if ((id & TAG) == 0 || life_left(life, survey->moment) == 0) {
        survey->vacant = (rl_place_t){cell, id};
        return;
    }
    survey_add_loss(survey, (rl_place_t){cell, id}, life);
}

static unsigned cells_of_rank(const rl_survey_t *survey, unsigned rank)
{
    unsigned sum = 0;
    for (unsigned rule = 0; rule < RULES; rule++) {
        sum += survey->counts[rank << RL_RULE_BITS | rule];
    }
    return sum;
}

static bool is_spared(const rl_survey_t *survey, unsigned rank)
{
    return cells_of_rank(survey, rank) * SPARED_SHARE < survey->n;
}

/* Of three ranks one has a third of the cells at least, and isn't spared. */
static unsigned choose_rank(const rl_survey_t *survey)
{
    unsigned rank = RANK_ONCE;
    while (rank < RANK_AT_LIMIT && is_spared(survey, rank)) {
        rank++;
    }
    return rank;
}

static unsigned choose_bin(const rl_survey_t *survey)
{
    const unsigned first = choose_rank(survey) << RL_RULE_BITS;
    unsigned most = first;
    for (unsigned bin = first + 1; bin < first + RULES; bin++) {
        if (survey->counts[bin] > survey->counts[most]) {
            most = bin;
        }
    }
    return most;
}

rl_place_t rl_survey_choose(const rl_survey_t *survey)
{
    rl_place_t oldest = survey->vacant;
    unsigned bin;
    int age = -1;
    if (oldest.cell != NULL || survey->n == 0) {
        return oldest;
    }
    bin = choose_bin(survey);
    for (unsigned i = 0; i < survey->n; i++) {
        if (survey->bins[i] == bin && survey->ages[i] > age) {
            age = survey->ages[i];
            oldest = survey->cells[i];
        }
    }
    return oldest;
}
