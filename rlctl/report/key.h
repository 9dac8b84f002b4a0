/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a report, told to people. */
#ifndef RLCTL_KEY_H
#define RLCTL_KEY_H

#include <stddef.h>

#include "server/server.h"
#include "text/table.h"

/* Writes a table of keys, a row for each of the first `most`. named: with the name of the rule.
 */
void rlctl_keys_write(const json_t *report, const json_t *keys, bool named, size_t most);

/* Tells in sentences how a key is now, why, and the commands that look closer and free it. aim
 * is how the key was asked for. */
void rlctl_key_tell(const rlctl_server_t *server, const json_t *key, const rlctl_aim_t *aim);

/* Tells the keys of an answer, and what else the server says of it. */
void rlctl_keys_tell(const rlctl_server_t *server, const json_t *answer,
                     const rlctl_aim_t *aim);

/* How a key is now. */
typedef enum {
    RLCTL_KEY_FREE,
    RLCTL_KEY_FULL,    /* at its limit */
    RLCTL_KEY_PENALTY, /* denied for a penalty */
    RLCTL_KEY_EXEMPT,
    RLCTL_KEY_CLOSED /* its rule has a COUNT of 0, and admits nothing */
} rlctl_key_e;

rlctl_key_e rlctl_key_state(const json_t *key, const json_t *rule);

/* Returns "ip=192.0.2.7 user=x", safe, "" if the values aren't told; the caller frees it. */
char *rlctl_key_values(const json_t *key);

/* Returns true if the rule only observes; NULL doesn't. */
bool rlctl_observes(const json_t *rule);

#endif
