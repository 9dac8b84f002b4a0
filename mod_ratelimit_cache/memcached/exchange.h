/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange: what several operations want of the store, in one round trip to each server, and
 * to all of them at the same time. Private to the files of memcached/.
 *
 *     add KEY 0 TTL LEN noreply     for each want that makes its counter
 *     incr KEY UNITS noreply        for each that adds (decr: that takes off)
 *     set KEY 0 TTL LEN noreply     for each that puts
 *     gets KEY KEY ...              of all
 *
 * A server carries commands out in the order in which they come, so the values tell the
 * counters after that. libmemcached waits for no answer but to the last command. It sends each
 * command by itself, though, so it pays to send few.
 */
#ifndef RL_MEMCACHED_EXCHANGE_H
#define RL_MEMCACHED_EXCHANGE_H

#include "../fleet/shared_store.h"

/* Does what rl_store_ops_t demands of exchange(). */
void rl_memcached_exchange(rl_store_session_t *session, rl_want_t *wants, unsigned n);

#endif
