/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"

#include <unistd.h>

#include "../config/config.h"
#include "../core/meter/tally.h"

static rl_runtime_t the_runtime;

const rl_runtime_t *rl_runtime(void)
{
    return &the_runtime;
}

void rl_runtime_set(const rl_runtime_t *runtime)
{
    the_runtime = *runtime;
}

bool rl_runtime_is_superseded(void)
{
    return atomic_load(&the_runtime.busy->generation) != the_runtime.generation;
}

const rl_secret_t *rl_runtime_secret(const server_rec *s)
{
    return rl_server_config(s)->store != NULL ? &the_runtime.fleet_secret : &the_runtime.secret;
}

unsigned rl_runtime_draw_incarnation(const void *thing, int64_t now)
{
    const uint64_t mixed =
        ((uint64_t)now ^ (uint64_t)(uintptr_t)thing ^ (uint64_t)getpid() << 32) *
        UINT64_C(0x9e3779b97f4a7c15);
    return rl_tally_incarnation(mixed >> 32);
}
