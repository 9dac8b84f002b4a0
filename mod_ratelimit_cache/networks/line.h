/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a file of networks: PREFIX LABEL, or nothing but a comment. */
#ifndef RL_NETWORKS_LINE_H
#define RL_NETWORKS_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "../core/address.h"

#define RL_NETWORK_LINE_MAX  1000 /* bytes of a line, without its end */
#define RL_NETWORK_LABEL_MAX 64   /* bytes of a label */

typedef struct rl_network_line {
    bool blank; /* nothing is on it, and what follows has no meaning */
    rl_address_t prefix;
    const char *label; /* within the line, without a NUL */
    size_t label_len;
    const char *token; /* what is wrong, within the line, printable; NULL: it can't be shown */
    size_t token_len;
} rl_network_line_t;

/* Reads a line of len bytes, without its newline. "#" begins a comment; blanks and tabs stand
 * around the words; a carriage return may end it. A bare address is a whole one, and an
 * IPv4-mapped IPv6 prefix is the IPv4 prefix. Returns NULL and fills in *parsed; or returns the
 * reason why the line is refused, a constant sentence, and sets its token. */
const char *rl_network_line_parse(const char *line, size_t len, rl_network_line_t *parsed);

#endif
