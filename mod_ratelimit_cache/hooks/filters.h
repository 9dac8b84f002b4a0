/* SPDX-License-Identifier: Apache-2.0 */
/* Which output filters a request gets. */
#ifndef RL_HOOKS_FILTERS_H
#define RL_HOOKS_FILTERS_H

#include <httpd.h>

/* insert_filter: adds the filters that note the outcome, that see the end of the answer if a
 * slot is held until then, that set response fields and the cookie of a known browser, and that
 * write the default answer to a denial instead of a deny handler. */
void rl_filters_insert(request_rec *r);

/* insert_error_filter: the same for an error that httpd itself writes. */
void rl_filters_insert_error(request_rec *r);

#endif
