/* SPDX-License-Identifier: Apache-2.0 */
/* Keys made from values that another module gives. */
#ifndef RL_KEY_GIVEN_VALUES_H
#define RL_KEY_GIVEN_VALUES_H

#include "key.h"

/* Makes the key from one value for each part, in the order in which the parts were written. The
 * key is that of a request which has these values. NULL, and text that is only white space, is
 * no value; mod_ratelimit_cache.h says how an address, and the value of user-or-ip, is written.
 * Sets *digest unless the result is RL_KEY_ANONYMOUS or RL_KEY_MALFORMED. The pool is for
 * scratch memory. */
rl_key_result_e rl_key_of_values(apr_pool_t *pool, const rl_key_terms_t *terms,
                                 const char *const *values, rl_digest_t *digest);

#endif
