/* SPDX-License-Identifier: Apache-2.0 */
/* Input: what a client says is its pass or its token; and a path that it asks for.
 *
 * Properties: nobody finds a text that was not sealed; a text of the module's own is read back;
 * a token leads to what is a local path, whatever was asked for, and with one more byte, or one
 * less, nowhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pass/pass.h"
#include "core/pass/token.h"
#include "fuzz.h"

#define NOW 1700000000

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static int is_safe(const char *path)
{
    return path[0] == '/' && path[1] != '/' && strpbrk(path, "\\ \t\r\n") == NULL &&
           strlen(path) <= RL_TOKEN_PATH_MAX;
}

/* Returns true if the path is the wanted one, but for bytes that are escaped now. */
static int leads_to(const char *path, const char *wanted)
{
    char escape[4];
    for (; *wanted != '\0'; wanted++) {
        snprintf(escape, sizeof(escape), "%%%02X", (unsigned)(unsigned char)*wanted);
        if (*path == *wanted) {
            path++;
        }
        else if (strncmp(path, escape, 3) == 0) {
            path += 3;
        }
        else {
            return 0;
        }
    }
    return *path == '\0';
}

static void read_strange(const rl_seal_t *seal, const char *text, size_t len)
{
    char path[RL_TOKEN_PATH_MAX + 1];
    rl_pass_t pass;
    require(rl_token_read(seal, text, len, NOW, path) == RL_TOKEN_FALSE);
    require(!rl_pass_read(seal, text, len, 1000, NOW, &pass));
}

static void ask_for(const rl_seal_t *seal, const char *wanted)
{
    char token[RL_TOKEN_LENGTH_MAX + 2], path[RL_TOKEN_PATH_MAX + 1];
    const size_t len = rl_token_write(seal, NOW, wanted, token);
    require(len <= RL_TOKEN_LENGTH_MAX && len == strlen(token));
    require(rl_token_read(seal, token, len, NOW, path) == RL_TOKEN_GOOD);
    require(is_safe(path));
    require(rl_token_path_is_local(path));
    require(leads_to(path, wanted) || strcmp(path, "/") == 0);
    require(!rl_token_path_is_local(wanted) || strcmp(path, wanted) == 0);
    token[len] = 'A';
    read_strange(seal, token, len + 1);
    read_strange(seal, token, len - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rl_secret_t secret;
    const rl_seal_t seal = {.secret = &secret, .network = {24, 192, 0, 2, 0}, .network_len = 5};
    char *const text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    rl_secret_derive(&secret, RL_SECRET_OF_PASSES, "a secret", 8);
    read_strange(&seal, text, size);
    ask_for(&seal, text);
    free(text);
    return 0;
}
