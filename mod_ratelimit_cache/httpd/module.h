/* SPDX-License-Identifier: Apache-2.0 */
/* The module record, by which httpd's functions and macros name this module. */
#ifndef RL_HTTPD_MODULE_H
#define RL_HTTPD_MODULE_H

#include <httpd.h>
#include <http_config.h>

/* The only symbol that the module exports. */
extern module AP_MODULE_DECLARE_DATA ratelimit_cache_module
    __attribute__((visibility("default")));

/* Marks what runs for each request. Such functions lie together in the module: where other work
 * has emptied the processor's caches, a request pays for each page that it comes to. */
#define RL_EACH_REQUEST __attribute__((hot))

/* Marks what is kept out of such functions: it is for few requests, and most shouldn't save
 * registers and fetch code for it. RL_INLINE is for what they consist of, if others call it,
 * too. */
#define RL_RARELY __attribute__((noinline))
#define RL_INLINE __attribute__((always_inline)) static inline

#endif
