/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the form of a denial's answer by what the client accepts. */
#ifndef RL_ANSWER_TEXT_ACCEPT_H
#define RL_ANSWER_TEXT_ACCEPT_H

typedef enum { RL_MEDIA_TEXT, RL_MEDIA_HTML, RL_MEDIA_PROBLEM, RL_MEDIA } rl_media_e;

/* Chooses by the value of an Accept field (RFC 9110 12.5.1), NULL if there is none. Returns
 * HTML if the field names text/html or application/xhtml+xml, a problem document (RFC 9457) if
 * it names application/problem+json or application/json, else plain text, which is also the
 * form for ranges such as text/<any>. Of several the one with the highest q is returned; of
 * equals HTML, then the problem document, then plain text. A malformed member is ignored. */
rl_media_e rl_accept_choose(const char *accept);

#endif
