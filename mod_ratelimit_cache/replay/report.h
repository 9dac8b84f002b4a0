/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay tells. */
#ifndef RL_REPLAY_REPORT_H
#define RL_REPLAY_REPORT_H

#include <stdio.h>

#include "tally.h"

typedef struct rl_report_terms {
    double percent;    /* of clients that a proposed limit may deny, 0 to 100 */
    unsigned top;      /* keys of a rule that are told */
    bool has_duration; /* the log tells how long requests took, */
    bool has_fraction; /* and fractions of the seconds in which they began */
    bool colour;
} rl_report_terms_t;

/* Each writes what was found out to the file. */
void rl_report_text(FILE *out, rl_tally_t *tally, const rl_report_terms_t *terms);
void rl_report_json(FILE *out, rl_tally_t *tally, const rl_report_terms_t *terms);
void rl_report_csv(FILE *out, rl_tally_t *tally, const rl_report_terms_t *terms);
void rl_report_svg(FILE *out, rl_tally_t *tally, const rl_report_terms_t *terms);

#endif
