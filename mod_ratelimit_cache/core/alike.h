/* SPDX-License-Identifier: Apache-2.0 */
/* What the servers of one fleet must have in common, and what it is called. */
#ifndef RL_CORE_ALIKE_H
#define RL_CORE_ALIKE_H

/* Each is a part of a server's fingerprint (fleet/muster.h). Servers that differ in one of the
 * first four have different counters, or some. Those that differ only in one of the rest have
 * the same counters, and count differently there. */
typedef enum {
    RL_ALIKE_SECRET,
    RL_ALIKE_SERVERS,
    RL_ALIKE_RULES,    /* which there are, where, their rates and keys */
    RL_ALIKE_SETTINGS, /* directives that decide on keys: prefix lengths, how forms are read */
    RL_ALIKE_CONDITIONS, /* which requests a rule is for: methods=, when=, unless= */
    RL_ALIKE_GAPS,       /* keys with a part that has no value: missing=, absent= */
    RL_ALIKE_UNITS,      /* how many units: cost=, initial= */
    RL_ALIKE_OUTCOMES,   /* what stays charged: count=, clear=, known= */
    RL_ALIKE_PENALTIES,  /* penalty= */
    RL_ALIKE_PARTS,
    RL_ALIKE_VERSION = RL_ALIKE_PARTS, /* the parts can't be compared */
    RL_ALIKE_KINDS
} rl_alike_e;

/* The parts that options of rules are in. */
#define RL_ALIKE_OPTIONS       RL_ALIKE_CONDITIONS
#define RL_ALIKE_OPTIONS_COUNT (RL_ALIKE_PARTS - RL_ALIKE_OPTIONS)

/* Returns its name for a log, and for JSON. */
const char *rl_alike_text(rl_alike_e kind);
const char *rl_alike_word(rl_alike_e kind);

#endif
