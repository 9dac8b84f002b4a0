/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a key, for people. */
#ifndef RL_KEY_SHOWN_H
#define RL_KEY_SHOWN_H

#include "key.h"

/* Returns the values that were added to a key of this spec, in the pool: for each part
 * PART=VALUE, in the order in which the parts were written, with newlines between them; a part
 * without a value by itself. Values are as they are counted: folded, cut to their network. What
 * is not printable ASCII or UTF-8, blanks, quotes, commas, brackets and % are told as %XX. Of a
 * value that is longer than RL_KEY_INLINE_MAX bytes only its length is known. */
const char *rl_key_shown(apr_pool_t *pool, const rl_key_spec_t *spec,
                         const rl_key_builder_t *key);

#endif
