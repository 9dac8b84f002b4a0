/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <string.h>

#include "../bytes.h"

#define VERSION      1
#define OFFERED_SIZE (RL_TOKEN_HEAD_SIZE - 1)
#define CLOCKS_OFF   3600 /* seconds that the clocks of a fleet may differ by */

_Static_assert(RL_TOKEN_HEAD_SIZE + RL_TOKEN_PATH_MAX + 2 <= RL_SEAL_MESSAGE_MAX, "it fits");

/* Returns true for a byte that may stand in a path that leads back: visible ASCII, without the
 * backslash. */
static bool may_stand(char c)
{
    return c > ' ' && c < 127 && c != '\\';
}

/* Returns the length of a local path, 0 for any other. */
static size_t local_length(const char *path)
{
    size_t len = 0;
    if (path[0] != '/' || path[1] == '/') {
        return 0;
    }
    while (len < RL_TOKEN_PATH_MAX && may_stand(path[len])) {
        len++;
    }
    return path[len] == '\0' ? len : 0;
}

bool rl_token_path_is_local(const char *path)
{
    return local_length(path) > 0;
}

/* Copies the path, with bytes that may not stand in it escaped (RFC 3986 2.1): clients may send
 * them as they are. Leaves out what is too much: the path isn't a local one then. */
static void escape_path(const char *path, char escaped[RL_TOKEN_PATH_MAX + 2])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (; *path != '\0' && len < RL_TOKEN_PATH_MAX + 1; path++) {
        const unsigned char byte = (unsigned char)*path;
        if (may_stand(*path)) {
            escaped[len++] = *path;
        }
        else if (len + 3 <= RL_TOKEN_PATH_MAX) {
            escaped[len++] = '%';
            escaped[len++] = digits[byte >> 4];
            escaped[len++] = digits[byte & 15];
        }
        else {
            len = 0; /* too long */
            break;
        }
    }
    escaped[len] = '\0';
}

size_t rl_token_write(const rl_seal_t *seal, int64_t offered, const char *path,
                      char text[RL_TOKEN_LENGTH_MAX + 1])
{
    unsigned char message[RL_TOKEN_HEAD_SIZE + RL_TOKEN_PATH_MAX];
    char escaped[RL_TOKEN_PATH_MAX + 2];
    size_t len;
    escape_path(path, escaped);
    len = local_length(escaped);
    message[0] = VERSION;
    rl_bytes_put(message + 1, OFFERED_SIZE, (uint64_t)offered);
    memcpy(message + RL_TOKEN_HEAD_SIZE, len > 0 ? escaped : "/", len > 0 ? len : 1);
    len = len > 0 ? len : 1;
    return rl_seal_write(seal, RL_SEALED_TOKEN, message, RL_TOKEN_HEAD_SIZE + len, text);
}

rl_token_e rl_token_read(const rl_seal_t *seal, const char *text, size_t len, int64_t now_s,
                         char path[RL_TOKEN_PATH_MAX + 1])
{
    unsigned char message[RL_TOKEN_HEAD_SIZE + RL_TOKEN_PATH_MAX + 2]; /* with its zeros */
    size_t size, path_len;
    int64_t offered;
    if (!rl_seal_read(seal, RL_SEALED_TOKEN, text, len, message, sizeof(message), &size) ||
        size <= RL_TOKEN_HEAD_SIZE || message[0] != VERSION) {
        return RL_TOKEN_FALSE;
    }
    offered = (int64_t)rl_bytes_get(message + 1, OFFERED_SIZE);
    path_len = strnlen((const char *)message + RL_TOKEN_HEAD_SIZE, size - RL_TOKEN_HEAD_SIZE);
    if (path_len > RL_TOKEN_PATH_MAX) {
        return RL_TOKEN_FALSE;
    }
    memcpy(path, message + RL_TOKEN_HEAD_SIZE, path_len);
    path[path_len] = '\0';
    if (!rl_token_path_is_local(path) || offered - now_s > CLOCKS_OFF) {
        return RL_TOKEN_FALSE;
    }
    return now_s - offered < RL_TOKEN_LIFE ? RL_TOKEN_GOOD : RL_TOKEN_EXPIRED;
}
