/* The default answer to a denied request, in words. */
#ifndef RL_ANSWER_TEXT_DENIAL_TEXT_H
#define RL_ANSWER_TEXT_DENIAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../core/text.h"
#include "accept.h"

/* Strings are the module's own: rules' names and hexadecimal tags, which need no escapes in any
 * form. */
typedef struct rl_denial_text {
    int status;               /* 400 to 599 */
    uint32_t retry_s;         /* seconds until a retry can succeed */
    const char *tag;          /* of the key, to be quoted */
    bool uncounted;           /* not over a limit: the shared store can't answer */
    const char *const *rules; /* the names of those that deny */
    size_t rules_n;
} rl_denial_text_t;

/* Room for the answer, and for each rule in it. */
#define RL_DENIAL_TEXT_MAX      1280
#define RL_DENIAL_TEXT_RULE_MAX 40

/* The Content-Type of a form. */
const char *rl_denial_text_type(rl_media_e media);

/* Appends the answer. The problem document is RFC 9457's, of the types that
 * draft-ietf-httpapi-ratelimit-headers-10 registers: quota-exceeded with violated-policies, or
 * temporary-reduced-capacity when nothing could be counted. */
void rl_denial_text_write(const rl_denial_text_t *denial, rl_media_e media, rl_text_t *text);

#endif
