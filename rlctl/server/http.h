/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the status page of a server.
 *
 * Redirects are not followed: what they lead to may be another host, which must not get the
 * password, nor the values of a key. Answers are bounded. */
#ifndef RLCTL_HTTP_H
#define RLCTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "server/settings.h"

typedef struct rlctl_http rlctl_http_t;

typedef struct rlctl_answer {
    long status;
    bool json;  /* by its Content-Type */
    char *body; /* len bytes and a NUL; the connection's until its next request */
    size_t len;
} rlctl_answer_t;

/* Prepares requests to the settings' URL, which outlive it. Returns NULL after saying what is
 * wrong with them. */
rlctl_http_t *rlctl_http_open(const rlctl_settings_t *settings);

/* Asks for `format` of the page. post is the body of a POST, NULL: a GET. Returns false if
 * there is no answer, or it is a redirect, too long, or asks for another user, after saying so.
 */
bool rlctl_http_ask(rlctl_http_t *http, const char *format, const char *post,
                    rlctl_answer_t *answer);

/* Returns "name=value&", escaped; the caller frees it. */
char *rlctl_http_field(rlctl_http_t *http, const char *name, const char *value);

void rlctl_http_close(rlctl_http_t *http);

#endif
