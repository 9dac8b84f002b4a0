/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "../core/key_text.h"
#include "../core/number.h"
#include "../httpd/expression.h"

/* ---- reading key= ---- */

#define WITH_NAME 1u  /* KIND:NAME */
#define OF_USER   2u  /* known only after authentication */
#define OF_BODY   4u  /* read from the request body */
#define OF_HEADER 8u  /* read from a header field */
#define OF_TARGET 16u /* names what is asked for */
#define ACCOUNT   32u /* can name an account */

static const struct {
    rl_key_part_e kind;
    const char *word;
    unsigned flags;
} part_kinds[] = {
    {RL_PART_ALL, "all", 0},
    {RL_PART_USER, "user", OF_USER | ACCOUNT},
    {RL_PART_USER_OR_IP, "user-or-ip", OF_USER},
    {RL_PART_CLAIMED_USER, "claimed-user", OF_HEADER | ACCOUNT},
    {RL_PART_FORM, "form", WITH_NAME | OF_BODY | ACCOUNT},
    {RL_PART_QUERY, "query", WITH_NAME | OF_TARGET | ACCOUNT},
    {RL_PART_HEADER, "header", WITH_NAME | OF_HEADER | ACCOUNT},
    {RL_PART_COOKIE, "cookie", WITH_NAME | OF_HEADER | ACCOUNT},
    {RL_PART_ENV, "env", WITH_NAME | ACCOUNT},
    {RL_PART_HOST, "host", 0},
    {RL_PART_PATH, "path", OF_TARGET},
    {RL_PART_METHOD, "method", 0},
    {RL_PART_EXPR, "expr", WITH_NAME | ACCOUNT},
    {RL_PART_PASS, "pass", 0},
    {RL_PART_NETWORK, "network", WITH_NAME},
};

#define PART_KINDS (sizeof(part_kinds) / sizeof(part_kinds[0]))

static const char known_parts[] =
    "one of ip[/V4BITS[/V6BITS]], user, user-or-ip, claimed-user, form:FIELD, query:FIELD, "
    "header:NAME, cookie:NAME, env:NAME, network:NAME, host, path, method, all, pass, "
    "expr:STRING";

static const char *part_word(rl_key_part_e kind)
{
    for (size_t i = 0; i < PART_KINDS; i++) {
        if (part_kinds[i].kind == kind) {
            return part_kinds[i].word;
        }
    }
    return "ip";
}

static const char *parse_bits(const char *text, const char *end, unsigned most, int *bits)
{
    uint64_t n;
    if (!rl_number_parse(text, (size_t)(end - text), most, &n)) {
        return most == 32 ? "the IPv4 prefix must be an integer from 0 to 32"
                          : "the IPv6 prefix must be an integer from 0 to 128";
    }
    *bits = (int)n;
    return NULL;
}

/* Reads ip, ip/V4BITS or ip/V4BITS/V6BITS; text starts after "ip". */
static const char *parse_ip(const char *text, rl_key_part_t *part)
{
    const char *end, *reason;
    part->kind = RL_PART_IP;
    if (*text == '\0') {
        return NULL;
    }
    end = text + 1 + strcspn(text + 1, "/");
    reason = parse_bits(text + 1, end, 32, &part->v4bits);
    if (reason == NULL && *end == '/') {
        reason = parse_bits(end + 1, end + strlen(end), 128, &part->v6bits);
    }
    return reason;
}

/* Finds the table of network:NAME. A tenant's file is read when all tables have been. */
static const char *find_networks(cmd_parms *cmd, rl_key_part_t *part)
{
    const ap_directive_t *at = cmd->directive;
    const char *by = rl_cmd_is_tenant(cmd)
                         ? NULL
                         : apr_psprintf(cmd->pool, "%s \"network:%s\" (%s:%d)", cmd->cmd->name,
                                        part->name, at->filename, at->line_num);
    return rl_networks_want(cmd->pool, part->name, by, by != NULL, &part->networks);
}

/* Reads the NAME of KIND:NAME. Letter case makes no difference in the name of a header. */
static const char *parse_name(cmd_parms *cmd, const char *name, rl_key_spec_t *key,
                              rl_key_part_t *part)
{
    char *copy = apr_pstrdup(cmd->pool, name);
    if (*name == '\0') {
        return "a name must follow the colon";
    }
    if (part->kind == RL_PART_HEADER) {
        ap_str_tolower(copy);
    }
    part->name = copy;
    if (part->kind == RL_PART_NETWORK) {
        return find_networks(cmd, part);
    }
    if (part->kind == RL_PART_EXPR) {
        key->after_auth |= rl_expr_reads_user(name);
        key->env |= rl_expr_reads_env(name);
        key->headers |= rl_expr_reads_headers(name);
        key->of_target |= rl_expr_reads_target(name);
        return rl_expr_parse(cmd, name, RL_EXPR_STRING, &part->expr);
    }
    return NULL;
}

static const char *parse_part(cmd_parms *cmd, const char *text, rl_key_spec_t *key,
                              rl_key_part_t *part)
{
    const size_t len = strcspn(text, ":");
    *part = (rl_key_part_t){.kind = RL_PART_ALL, .name = "", .v4bits = -1, .v6bits = -1};
    if (strcmp(text, "ip") == 0 || strncmp(text, "ip/", 3) == 0) {
        return parse_ip(text + 2, part);
    }
    for (size_t i = 0; i < PART_KINDS; i++) {
        const bool named = (part_kinds[i].flags & WITH_NAME) != 0;
        if (strlen(part_kinds[i].word) != len || strncmp(part_kinds[i].word, text, len) != 0 ||
            (text[len] == ':') != named) {
            continue;
        }
        part->kind = part_kinds[i].kind;
        key->after_auth |= (part_kinds[i].flags & OF_USER) != 0;
        key->body |= (part_kinds[i].flags & OF_BODY) != 0;
        key->env |= part->kind == RL_PART_ENV;
        key->headers |= (part_kinds[i].flags & OF_HEADER) != 0;
        key->of_target |= (part_kinds[i].flags & OF_TARGET) != 0;
        key->account |= (part_kinds[i].flags & ACCOUNT) != 0;
        key->pass |= part->kind == RL_PART_PASS || rl_expr_reads_pass(text + len);
        key->claimed |= part->kind == RL_PART_CLAIMED_USER;
        key->personal |= part->kind == RL_PART_CLAIMED_USER || part->kind == RL_PART_FORM ||
                         part->kind == RL_PART_QUERY;
        return named ? parse_name(cmd, text + len + 1, key, part) : NULL;
    }
    return apr_pstrcat(cmd->temp_pool, "unknown key part; ", known_parts, NULL);
}

static int compare_parts(const void *a, const void *b)
{
    const rl_key_part_t *left = a, *right = b;
    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

const char *rl_key_parse(cmd_parms *cmd, const char *text, rl_key_spec_t *key)
{
    const char *end = text;
    key->n = 0;
    for (;; text = end + 1) {
        const char *token, *reason;
        end = rl_key_text_part_end(text);
        token = apr_pstrmemdup(cmd->temp_pool, text, (apr_size_t)(end - text));
        if (key->n == RL_KEY_PARTS_MAX) {
            return apr_psprintf(cmd->pool, "\"%s\": a key has at most %d parts", token,
                                RL_KEY_PARTS_MAX);
        }
        reason = parse_part(cmd, token, key, &key->parts[key->n]);
        key->parts[key->n].position = key->n;
        key->n++;
        if (reason != NULL) {
            return apr_psprintf(cmd->pool, "\"%s\": %s", token, reason);
        }
        if (*end == '\0') {
            break;
        }
    }
    qsort(key->parts, (size_t)key->n, sizeof(key->parts[0]), compare_parts);
    return NULL;
}

bool rl_key_has(const rl_key_spec_t *key, rl_key_part_e kind)
{
    for (int i = 0; i < key->n; i++) {
        if (key->parts[i].kind == kind) {
            return true;
        }
    }
    return false;
}

const char *rl_key_spec_text(apr_pool_t *pool, const rl_key_spec_t *key)
{
    const char *text = key->fold ? "fold" : "bytes";
    for (int i = 0; i < key->n; i++) {
        const rl_key_part_t *part = &key->parts[i];
        text = apr_psprintf(pool, "%s+%s:%d:%d:%" APR_SIZE_T_FMT ":%s", text,
                            part_word(part->kind), part->v4bits, part->v6bits,
                            strlen(part->name), part->name);
    }
    return text;
}

/* Of an expression each evaluation may give another value. */
uint64_t rl_key_spec_alike(apr_pool_t *ptemp, const rl_key_spec_t *key)
{
    const char *text =
        apr_pstrcat(ptemp, key->absence ? "absence " : "", rl_key_spec_text(ptemp, key), NULL);
    return rl_key_has(key, RL_PART_EXPR) ? 0 : rl_digest_public(text, strlen(text)).lo | 1;
}

/* Returns the prefix lengths as they were written: "", "/24", or "/24/48". */
static const char *bits_shown(apr_pool_t *pool, const rl_key_part_t *part)
{
    if (part->v4bits < 0) {
        return "";
    }
    return part->v6bits < 0 ? apr_psprintf(pool, "/%d", part->v4bits)
                            : apr_psprintf(pool, "/%d/%d", part->v4bits, part->v6bits);
}

const char *rl_key_part_shown(apr_pool_t *pool, const rl_key_part_t *part)
{
    return apr_pstrcat(pool, part_word(part->kind), *part->name != '\0' ? ":" : "", part->name,
                       NULL);
}

static const char *part_shown(apr_pool_t *pool, const rl_key_part_t *part)
{
    return apr_pstrcat(pool, part_word(part->kind), bits_shown(pool, part),
                       *part->name != '\0' ? ":" : "", part->name, NULL);
}

const char *rl_key_spec_shown(apr_pool_t *pool, const rl_key_spec_t *key)
{
    const char *text = "";
    for (int position = 0; position < key->n; position++) {
        for (int i = 0; i < key->n; i++) {
            if (key->parts[i].position == position) {
                text = apr_pstrcat(pool, text, position > 0 ? "+" : "",
                                   part_shown(pool, &key->parts[i]), NULL);
            }
        }
    }
    return text;
}
