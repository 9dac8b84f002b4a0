/* SPDX-License-Identifier: Apache-2.0 */
/* Passes: what a client carries in a cookie to show that it has pressed the button of a
 * challenge.
 *
 *     message = version (1 byte) | nonce (10) | issued (6, little-endian, seconds since 1970)
 *
 * It is sealed for a site and a network (seal.h). How long a pass lasts isn't written in it: a
 * shorter life holds for passes that are out already. */
#ifndef RL_CORE_PASS_PASS_H
#define RL_CORE_PASS_PASS_H

#include "seal.h"

#define RL_PASS_NONCE_SIZE   10
#define RL_PASS_MESSAGE_SIZE 17
#define RL_PASS_TEXT_LENGTH  RL_SEAL_TEXT_LENGTH(RL_PASS_MESSAGE_SIZE)
#define RL_PASS_NAME_LENGTH  (2 * RL_PASS_NONCE_SIZE) /* of its nonce in hex digits */

typedef struct rl_pass {
    unsigned char nonce[RL_PASS_NONCE_SIZE]; /* random; tells one pass from another */
    int64_t issued;                          /* seconds since the epoch */
} rl_pass_t;

/* What a client shows. */
typedef enum { RL_PASS_NONE, RL_PASS_BAD, RL_PASS_GOOD } rl_pass_state_e;

typedef struct rl_pass_shown {
    rl_pass_state_e state;
    char name[RL_PASS_NAME_LENGTH + 1]; /* of a good pass: its nonce in hex digits */
} rl_pass_shown_t;

/* Seals the pass, and writes it and a NUL. */
void rl_pass_write(const rl_seal_t *seal, const rl_pass_t *pass,
                   char text[RL_PASS_TEXT_LENGTH + 1]);

/* Reads the pass in len bytes of text. Returns true if it is good: sealed so, and issued less
 * than life_s seconds before now_s, seconds since the epoch. One that was issued up to an hour
 * after now_s is good too: the clocks of a fleet differ. */
bool rl_pass_read(const rl_seal_t *seal, const char *text, size_t len, int64_t life_s,
                  int64_t now_s, rl_pass_t *pass);

/* Writes the pass's name and a NUL. */
void rl_pass_name(const rl_pass_t *pass, char name[RL_PASS_NAME_LENGTH + 1]);

#endif
