/* SPDX-License-Identifier: Apache-2.0 */
#include "given_values.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

#include "../core/fold.h"
#include "encoder.h"

#define ADDRESS_TEXT_MAX 64

/* For user-or-ip: marks an address, where a user's name could stand. */
static const char address_mark[] = "ip:";

#define ADDRESS_MARK_LENGTH (sizeof(address_mark) - 1)

/* Reads an address, without the zone that a link-local one may have: fe80::1%eth0. */
static bool parse_address(const char *text, rl_address_t *address)
{
    char plain[ADDRESS_TEXT_MAX];
    const size_t len = strcspn(text, "%");
    if (len >= sizeof(plain)) {
        return false;
    }
    memcpy(plain, text, len);
    plain[len] = '\0';
    return rl_address_parse(plain, address);
}

static bool add_given_address(rl_key_encoder_t *encoder, const rl_key_part_t *part,
                              const char *text)
{
    rl_address_t address;
    if (!parse_address(text, &address)) {
        return false;
    }
    rl_key_add_address(encoder, part, &address);
    return true;
}

static bool is_address_of_nobody(const rl_key_part_t *part, const char *value)
{
    return part->kind == RL_PART_USER_OR_IP &&
           strncmp(value, address_mark, ADDRESS_MARK_LENGTH) == 0;
}

static void add_given_method(rl_key_encoder_t *encoder, apr_pool_t *pool, const char *method)
{
    if (ap_method_number_of(method) == M_INVALID || strcmp(method, "HEAD") == 0) {
        rl_key_add_unknown_method(encoder, pool, method);
        return;
    }
    rl_key_add_string(encoder, method);
}

/* Adds a host's name as httpd has it of a Host field: in small letters, without the port and
 * the dot that may end it. */
static void add_given_host(rl_key_encoder_t *encoder, apr_pool_t *pool, const char *value)
{
    char *host = apr_pstrdup(pool, value);
    size_t len = strcspn(host, ":");
    if (strspn(host + len, ":0123456789") == strlen(host + len) &&
        strchr(host, ':') == strrchr(host, ':')) {
        host[len] = '\0';
    }
    len = strlen(host);
    if (len > 1 && host[len - 1] == '.') {
        host[len - 1] = '\0';
    }
    ap_str_tolower(host);
    rl_key_add_string(encoder, host);
}

static bool is_empty(const char *value)
{
    size_t len = value != NULL ? strlen(value) : 0;
    rl_trim(&value, &len);
    return len == 0;
}

/* Returns false if the value is malformed. */
static bool add_given_value(rl_key_encoder_t *encoder, apr_pool_t *pool,
                            const rl_key_part_t *part, const char *value)
{
    switch (part->kind) {
    case RL_PART_IP:
        return add_given_address(encoder, part, value);
    case RL_PART_USER_OR_IP:
        if (is_address_of_nobody(part, value)) {
            return add_given_address(encoder, part, value + ADDRESS_MARK_LENGTH);
        }
        rl_key_add_typed(encoder, value, strlen(value));
        return true;
    case RL_PART_USER:
    case RL_PART_CLAIMED_USER:
    case RL_PART_FORM:
    case RL_PART_QUERY:
        rl_key_add_typed(encoder, value, strlen(value));
        return true;
    case RL_PART_HOST:
        add_given_host(encoder, pool, value);
        return true;
    case RL_PART_METHOD:
        add_given_method(encoder, pool, value);
        return true;
    default:
        rl_key_add_string(encoder, value);
        return true;
    }
}

static bool add_given_part(rl_key_encoder_t *encoder, apr_pool_t *pool,
                           const rl_key_part_t *part, const char *value)
{
    if (part->kind == RL_PART_ALL) {
        rl_key_add(encoder->builder, RL_VALUE_NOTHING, NULL, 0);
        return true;
    }
    if (is_empty(value)) {
        rl_key_add_missing(encoder);
        return true;
    }
    return add_given_value(encoder, pool, part, value);
}

rl_key_result_e rl_key_of_values(apr_pool_t *pool, const rl_key_terms_t *terms,
                                 const char *const *values, rl_digest_t *digest)
{
    const rl_key_spec_t *key = terms->spec;
    rl_key_builder_t builder;
    rl_key_encoder_t encoder = {.spec = key, .bits = &terms->bits, .builder = &builder};
    rl_key_begin_in(&builder, terms->secret, terms->scope);
    for (int i = 0; i < key->n; i++) {
        const rl_key_part_t *part = &key->parts[i];
        if (part->kind == RL_PART_USER && values[part->position] == NULL) {
            return RL_KEY_ANONYMOUS;
        }
        if (!add_given_part(&encoder, pool, part, values[part->position])) {
            return RL_KEY_MALFORMED;
        }
    }
    *digest = rl_key_counter(&builder);
    return encoder.missing ? RL_KEY_MISSING : RL_KEY_WHOLE;
}
