/* SPDX-License-Identifier: Apache-2.0 */
#include "pass.h"

#include <string.h>

#include "../bytes.h"

#define VERSION     1
#define ISSUED_SIZE 6
#define CLOCKS_OFF  3600 /* seconds */

_Static_assert(1 + RL_PASS_NONCE_SIZE + ISSUED_SIZE == RL_PASS_MESSAGE_SIZE, "the message");

void rl_pass_write(const rl_seal_t *seal, const rl_pass_t *pass,
                   char text[RL_PASS_TEXT_LENGTH + 1])
{
    unsigned char message[RL_PASS_MESSAGE_SIZE] = {VERSION};
    memcpy(message + 1, pass->nonce, RL_PASS_NONCE_SIZE);
    rl_bytes_put(message + 1 + RL_PASS_NONCE_SIZE, ISSUED_SIZE, (uint64_t)pass->issued);
    rl_seal_write(seal, RL_SEALED_PASS, message, sizeof(message), text);
}

bool rl_pass_read(const rl_seal_t *seal, const char *text, size_t len, int64_t life_s,
                  int64_t now_s, rl_pass_t *pass)
{
    unsigned char message[RL_PASS_MESSAGE_SIZE];
    size_t size;
    if (len != RL_PASS_TEXT_LENGTH ||
        !rl_seal_read(seal, RL_SEALED_PASS, text, len, message, sizeof(message), &size) ||
        size != sizeof(message) || message[0] != VERSION) {
        return false;
    }
    memcpy(pass->nonce, message + 1, RL_PASS_NONCE_SIZE);
    pass->issued = (int64_t)rl_bytes_get(message + 1 + RL_PASS_NONCE_SIZE, ISSUED_SIZE);
    return now_s - pass->issued < life_s && pass->issued - now_s <= CLOCKS_OFF;
}

void rl_pass_name(const rl_pass_t *pass, char name[RL_PASS_NAME_LENGTH + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < RL_PASS_NONCE_SIZE; i++) {
        name[2 * i] = digits[pass->nonce[i] >> 4];
        name[2 * i + 1] = digits[pass->nonce[i] & 15];
    }
    name[RL_PASS_NAME_LENGTH] = '\0';
}
