/* SPDX-License-Identifier: Apache-2.0 */
#include "shown.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "encoder.h"

/* Returns true for bytes that are told as they are. Those of characters beyond ASCII are, too:
 * what shows them knows how. */
static bool is_plain_byte(unsigned char byte)
{
    return byte >= 0x80 || (apr_isgraph(byte) && strchr("%\"'\\,;()<>", byte) == NULL);
}

static const char *text_shown(apr_pool_t *pool, const rl_key_added_t *added)
{
    char *shown = apr_palloc(pool, 3 * added->len + 1), *at = shown;
    for (size_t i = 0; i < added->len; i++) {
        if (is_plain_byte(added->bytes[i])) {
            *at++ = (char)added->bytes[i];
        }
        else {
            at += snprintf(at, 4, "%%%02X", (unsigned)added->bytes[i]);
        }
    }
    *at = '\0';
    return shown;
}

/* Writes a network, which rl_address_identity() has made bytes of: "192.0.2.7", or
 * "192.0.2.0/24" if it is not a whole address. */
static const char *address_shown(apr_pool_t *pool, const rl_key_added_t *added)
{
    const unsigned bits = added->bytes[0], whole = added->len > 5 ? 128 : 32;
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(whole == 32 ? AF_INET : AF_INET6, added->bytes + 1, text, sizeof(text)) ==
        NULL) {
        return "?";
    }
    return bits == whole ? apr_pstrdup(pool, text) : apr_psprintf(pool, "%s/%u", text, bits);
}

static const char *value_shown(apr_pool_t *pool, const rl_key_added_t *added)
{
    if (added->bytes == NULL) {
        return apr_psprintf(pool, "(%" APR_SIZE_T_FMT " bytes)", added->len);
    }
    return added->kind == RL_VALUE_ADDRESS ? address_shown(pool, added)
                                           : text_shown(pool, added);
}

static const char *part_with_value(apr_pool_t *pool, const rl_key_part_t *part,
                                   const rl_key_added_t *added)
{
    const char *name = rl_key_part_shown(pool, part);
    const bool marked = part->kind == RL_PART_USER_OR_IP && added->kind == RL_VALUE_ADDRESS;
    if (added->kind == RL_VALUE_MISSING || added->kind == RL_VALUE_NOTHING) {
        return name;
    }
    return apr_pstrcat(pool, name, "=", marked ? "ip:" : "", value_shown(pool, added), NULL);
}

const char *rl_key_shown(apr_pool_t *pool, const rl_key_spec_t *spec,
                         const rl_key_builder_t *key)
{
    const char *parts[RL_KEY_PARTS_MAX] = {NULL};
    const char *text = "";
    size_t at = 0;
    rl_key_added_t added;
    for (int i = 0; i < spec->n && rl_key_next(key, &at, &added); i++) {
        parts[spec->parts[i].position] = part_with_value(pool, &spec->parts[i], &added);
    }
    for (int i = 0; i < spec->n; i++) {
        text =
            apr_pstrcat(pool, text, i > 0 ? "\n" : "", parts[i] != NULL ? parts[i] : "?", NULL);
    }
    return text;
}
