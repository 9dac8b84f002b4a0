/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a challenge, with its one button, and the pages that answer the button where no
 * pass is given. */
#ifndef RL_ANSWER_TEXT_CHALLENGE_TEXT_H
#define RL_ANSWER_TEXT_CHALLENGE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "../../core/text.h"

/* What the page of a challenge tells. Strings need no escapes in HTML. */
typedef struct rl_challenge_text {
    const char *token, *path; /* what the button posts, and where to */
    uint32_t retry_s;         /* seconds until a retry without a pass can succeed */
    const char *tag;          /* the key's tag */
} rl_challenge_text_t;

/* Bytes for the page, without token and path. */
#define RL_CHALLENGE_TEXT_MAX 2560

/* Appends the page. */
void rl_challenge_text_write(const rl_challenge_text_t *challenge, rl_text_t *text);

/* Why the button gave no pass. */
typedef enum {
    RL_NOTICE_FALSE,   /* what it posted is no token of this site and network */
    RL_NOTICE_EXPIRED, /* the page was open too long */
    RL_NOTICE_MANY,    /* the network has got as many passes as it may */
    RL_NOTICE_UNABLE,  /* the server can't tell */
    RL_NOTICE_GET,     /* nobody has pressed it: the path was asked for */
} rl_notice_e;

/* Bytes for such a page, with a link of len bytes. */
#define RL_NOTICE_TEXT_MAX(len) (1536 + 6 * (len))

/* Appends the page, with a link to a path on this site, which is escaped. retry_s says in how
 * many seconds to try again, where the reason is one that passes; else 0. */
void rl_notice_text_write(rl_notice_e why, const char *link, uint32_t retry_s, rl_text_t *text);

/* Returns the Content-Security-Policy of all these pages. It has no form-action: browsers hold
 * that against every redirect that follows the button, and the site's own may lead to another
 * site, to sign in. */
const char *rl_challenge_text_policy(void);

#endif
