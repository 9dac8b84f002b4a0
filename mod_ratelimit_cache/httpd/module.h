/* SPDX-License-Identifier: Apache-2.0 */
/* The module record, by which httpd's functions and macros name this module. */
#ifndef RL_HTTPD_MODULE_H
#define RL_HTTPD_MODULE_H

#include <httpd.h>
#include <http_config.h>

#include "../core/hot.h"

/* The only symbol that the module exports. */
extern module AP_MODULE_DECLARE_DATA ratelimit_cache_module
    __attribute__((visibility("default")));

#endif
