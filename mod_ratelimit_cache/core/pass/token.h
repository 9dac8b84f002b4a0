/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: what the form of a challenge posts. A token shows that this site has offered the
 * challenge to this network a short while ago, and where the client was.
 *
 *     message = version (1 byte) | offered (6, little-endian, seconds since 1970) | path
 *
 * It is sealed (seal.h). Its characters mean nothing to HTML, URLs and shells. */
#ifndef RL_CORE_PASS_TOKEN_H
#define RL_CORE_PASS_TOKEN_H

#include "seal.h"

#define RL_TOKEN_PATH_MAX   2048 /* bytes */
#define RL_TOKEN_HEAD_SIZE  7
#define RL_TOKEN_LENGTH_MAX RL_SEAL_TEXT_LENGTH(RL_TOKEN_HEAD_SIZE + RL_TOKEN_PATH_MAX)
#define RL_TOKEN_LIFE       600 /* seconds */

/* Returns true if a browser that is sent to this path, with its query, stays on this site, and
 * the path may stand in a header field: it begins with one slash; no second one, or a
 * backslash, which browsers take for one, follows; it has visible ASCII only, and
 * RL_TOKEN_PATH_MAX bytes at most. */
bool rl_token_path_is_local(const char *path);

/* Seals a token that leads to the path, with bytes escaped that a local one doesn't have, or to
 * "/" if it isn't one even so. offered is in seconds since the epoch. Writes the token and a
 * NUL, and returns its length. */
size_t rl_token_write(const rl_seal_t *seal, int64_t offered, const char *path,
                      char text[RL_TOKEN_LENGTH_MAX + 1]);

typedef enum { RL_TOKEN_GOOD, RL_TOKEN_EXPIRED, RL_TOKEN_FALSE } rl_token_e;

/* Reads the token in len bytes of text. Writes where it leads to, and a NUL, unless it is
 * false. An expired one was offered RL_TOKEN_LIFE seconds before now_s, seconds since the
 * epoch, or earlier. */
rl_token_e rl_token_read(const rl_seal_t *seal, const char *text, size_t len, int64_t now_s,
                         char path[RL_TOKEN_PATH_MAX + 1]);

#endif
