/* Keys of values that another module gives, for which there need not be a request. */
#ifndef RL_KEY_GIVEN_VALUES_H
#define RL_KEY_GIVEN_VALUES_H

#include "key.h"

/* Hashes values that somebody gives for the key's parts, one for each, in the order in which
 * the parts were written. A value is what a request would have: the same counter. NULL is none;
 * what an address, or a user-or-ip, looks like is said in mod_ratelimit_cache.h. */
rl_key_result_e rl_key_of_values(apr_pool_t *pool, const rl_key_terms_t *terms,
                                 const char *const *values, rl_digest_t *digest);

#endif
