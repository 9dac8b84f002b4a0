/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks that decide about a request. */
#ifndef RL_HOOKS_ACCESS_H
#define RL_HOOKS_ACCESS_H

#include <httpd.h>

/* header_parser, before all others: keeps the request's environment and header fields as they
 * are before an .htaccess has a say, if rules read them. Returns DECLINED. */
int rl_access_header_parser(request_rec *r);

/* check_access: checks the rules that don't need the authenticated user, before any password
 * check. Returns DECLINED, or the status of a denial (DONE if it is answered already). */
int rl_access_check(request_rec *r);

/* auth_checker, first: the credentials were found right just now; notes whose they are. Returns
 * DECLINED. */
int rl_access_note_user(request_rec *r);

/* check_access_ex: repeats a denial of check_access, which "Satisfy Any" would not heed.
 * Returns its status, else DECLINED. */
int rl_access_check_ex(request_rec *r);

/* fixups, first: checks the rules that need the authenticated user. Returns as check_access
 * does. */
int rl_access_fixups_first(request_rec *r);

/* fixups, last: checks all rules of a target that has taken the request's place since
 * (DirectoryIndex, negotiation, rewrite). Returns as check_access does. */
int rl_access_fixups_last(request_rec *r);

#endif
