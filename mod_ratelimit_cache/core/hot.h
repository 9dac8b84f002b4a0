/* SPDX-License-Identifier: Apache-2.0 */
/* How functions are marked that run for each request, or aren't to be in the way there. */
#ifndef RL_CORE_HOT_H
#define RL_CORE_HOT_H

/* Runs for each request. Such functions lie together in the module: where other work has
 * emptied the processor's caches, a request pays for each page that it comes to. */
#define RL_EACH_REQUEST __attribute__((hot))

/* Is a part of such a function, and is called by others, too. */
#define RL_INLINE __attribute__((always_inline)) static inline

/* Is kept out of such functions: it is for few requests, and most shouldn't save registers and
 * fetch code for it. */
#define RL_RARELY __attribute__((noinline))

#endif
