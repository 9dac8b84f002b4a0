/* SPDX-License-Identifier: Apache-2.0 */
/* Input: what a client says is its cookie of known browsers.
 *
 * Properties: no entry of it is good for any account; an entry of the module's own that is put
 * before them is found, for its account and no other, also after all were written and read
 * again; no more are read and written than there is room for. */
#include <stdlib.h>
#include <string.h>

#include "core/known.h"
#include "fuzz.h"

#define NOW 1700000000

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static int is_found(const rl_known_t *known, const rl_secret_t *secret, uint64_t account)
{
    const rl_digest_t digest = {.hi = account, .lo = 7};
    return rl_known_find(known, secret, &digest, NOW) != NULL;
}

static void own_entry_is_kept(rl_known_t *known, const rl_secret_t *secret)
{
    const rl_digest_t account = {.hi = 1, .lo = 7};
    rl_known_entry_t entry = {.nonce = {1, 2, 3}, .expires = NOW + 60};
    char text[RL_KNOWN_TEXT_MAX];
    rl_known_t again = {.n = 0};
    rl_known_seal(&entry, secret, &account);
    rl_known_put(known, &entry, NOW);
    require(known->n >= 1 && known->n <= RL_KNOWN_ENTRIES_MAX);
    require(is_found(known, secret, 1) && !is_found(known, secret, 2));
    rl_known_write(known, text);
    require(strlen(text) == (size_t)known->n * RL_KNOWN_ENTRY_LENGTH);
    rl_known_read(&again, text, strlen(text));
    require(again.n == known->n && is_found(&again, secret, 1) && !is_found(&again, secret, 2));
    require(rl_known_expires(&again) >= NOW + 60);
    require(rl_known_expires(&again) <= NOW + RL_KNOWN_LAST_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t half = size / 2;
    rl_secret_t secret;
    rl_known_t known = {.n = 0}, cut = {.n = 0};
    rl_secret_derive(&secret, RL_SECRET_OF_KNOWN, "a secret", 8);
    rl_known_read(&known, (const char *)data, size);
    require(known.n >= 0 && known.n <= RL_KNOWN_READ_MAX);
    require(!is_found(&known, &secret, 1));
    rl_known_read(&cut, (const char *)data, half); /* two cookies */
    rl_known_read(&cut, (const char *)data + half, size - half);
    require(cut.n >= 0 && cut.n <= RL_KNOWN_READ_MAX);
    own_entry_is_kept(&known, &secret);
    own_entry_is_kept(&cut, &secret);
    return 0;
}
