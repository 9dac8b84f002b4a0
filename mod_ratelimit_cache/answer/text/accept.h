/* Which of the forms that a denial has a client asks for. */
#ifndef RL_ANSWER_TEXT_ACCEPT_H
#define RL_ANSWER_TEXT_ACCEPT_H

typedef enum { RL_MEDIA_TEXT, RL_MEDIA_HTML, RL_MEDIA_PROBLEM, RL_MEDIA } rl_media_e;

/* Chooses by the value of an Accept field (RFC 9110 12.5.1), NULL when there is none: HTML for
 * who names text/html or application/xhtml+xml, a problem document (RFC 9457) for who names
 * application/problem+json or application/json, else plain text, which is also what ranges such
 * as text/<any> ask for. Of several the one with the highest q; of equals HTML, then the
 * problem document, then plain text. A member that is malformed counts for nothing. */
rl_media_e rl_accept_choose(const char *accept);

#endif
