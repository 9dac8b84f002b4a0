/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the cookies of one name in a Cookie header field. */
#ifndef RL_CORE_COOKIE_H
#define RL_CORE_COOKIE_H

#include <stddef.h>

/* Returns the value of the next cookie of that name (RFC 6265 4.2.1), of *len bytes, which lies
 * in the field and isn't NUL-terminated; NULL if there is no other. Moves *field, which may be
 * NULL, behind the cookie. Blanks around a cookie are no part of it. */
const char *rl_cookie_next(const char **field, const char *name, size_t *len);

#endif
