/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the default answer to a denied request. */
#ifndef RL_ANSWER_TEXT_DENIAL_TEXT_H
#define RL_ANSWER_TEXT_DENIAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../core/text.h"
#include "accept.h"

/* What the answer tells. Strings are the module's own, rules' names and hexadecimal tags, and
 * need no escapes in any form. */
typedef struct rl_denial_text {
    int status;               /* HTTP status, 400 to 599 */
    uint32_t retry_s;         /* seconds until a retry can succeed */
    const char *tag;          /* the key's tag, which a client quotes when it asks for help */
    bool uncounted;           /* no limit was exceeded: the shared store can't answer */
    const char *const *rules; /* names of the rules that deny */
    size_t rules_n;
} rl_denial_text_t;

/* Bytes for the answer without rules, and for each rule in it. */
#define RL_DENIAL_TEXT_MAX      1280
#define RL_DENIAL_TEXT_RULE_MAX 40

/* Returns the Content-Type of a form. */
const char *rl_denial_text_type(rl_media_e media);

/* Appends how long to wait: "1 second", "5 minutes (299 seconds)". */
void rl_denial_text_add_wait(rl_text_t *text, uint32_t seconds);

/* Appends the answer in this form to the text. A problem document (RFC 9457) has one of the
 * types that draft-ietf-httpapi-ratelimit-headers-10 registers: quota-exceeded with
 * violated-policies, or temporary-reduced-capacity if nothing could be counted. */
void rl_denial_text_write(const rl_denial_text_t *denial, rl_media_e media, rl_text_t *text);

#endif
