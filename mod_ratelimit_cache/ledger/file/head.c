/* SPDX-License-Identifier: Apache-2.0 */
#include "head.h"

#include <stddef.h>
#include <string.h>

#include "../../core/digest.h"
#include "../sweep.h"

#define VERSION    1u
#define BYTE_ORDER UINT32_C(0x01020304)

_Static_assert(offsetof(rl_file_head_t, check) + sizeof(uint64_t[2]) == sizeof(rl_file_head_t),
               "the check is of all before it");
_Static_assert(sizeof(rl_file_head_t) <= 512, "a head is written as one sector");

static const char the_magic[16] = "ratelimit table";

void rl_file_head_make(rl_file_head_t *head, const rl_table_wish_t *wish)
{
    memset(head, 0, sizeof(*head));
    memcpy(head->magic, the_magic, sizeof(the_magic));
    head->version = VERSION;
    head->byte_order = BYTE_ORDER;
    head->pointer_bytes = (uint32_t)sizeof(void *);
    head->tenants = wish->tenants;
    head->layout = rl_ledger_layout();
    head->size = wish->size;
    head->secret_mark = wish->secret_mark;
}

static rl_digest_t file_head_check(const rl_file_head_t *head)
{
    return rl_digest_public(head, offsetof(rl_file_head_t, check));
}

void rl_file_head_seal(rl_file_head_t *head)
{
    const rl_digest_t check = file_head_check(head);
    head->check[0] = check.hi;
    head->check[1] = check.lo;
}

uint64_t rl_file_bytes(uint64_t size)
{
    return RL_FILE_HEAD_BYTES + RL_FILE_STATE_BYTES + size;
}

/* Returns why nobody here can read the table, or NULL. A version is told before the check is
 * looked at: another version may have it in another place. */
static const char *file_head_unreadable(const rl_file_head_t *head)
{
    const rl_digest_t check = file_head_check(head);
    if (memcmp(head->magic, the_magic, sizeof(the_magic)) != 0) {
        return "it is no table of counters, or its head is damaged";
    }
    if (head->byte_order != BYTE_ORDER || head->pointer_bytes != sizeof(void *)) {
        return "it was made on another kind of processor";
    }
    if (head->version != VERSION) {
        return "it is of another version of mod_ratelimit_cache";
    }
    if (head->check[0] != check.hi || head->check[1] != check.lo) {
        return "its head is damaged";
    }
    return head->layout != rl_ledger_layout()
               ? "it is of another version of mod_ratelimit_cache"
               : NULL;
}

const char *rl_file_head_unfit(const rl_file_head_t *head, const rl_table_wish_t *wish,
                               uint64_t file_bytes)
{
    const char *reason = file_head_unreadable(head);
    if (reason != NULL) {
        return reason;
    }
    if (head->size != wish->size) {
        return "it was made with another size=";
    }
    if (head->tenants != wish->tenants) {
        return "it was made with another tenants=";
    }
    if (file_bytes != rl_file_bytes(head->size)) {
        return "it is shorter or longer than its table";
    }
    return head->secret_mark != wish->secret_mark
               ? "its counters were hashed with another RateLimitSecret"
               : NULL;
}
