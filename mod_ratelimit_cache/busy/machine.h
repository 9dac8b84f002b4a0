/* SPDX-License-Identifier: Apache-2.0 */
/* How busy the machine is, as the system tells. */
#ifndef RL_BUSY_MACHINE_H
#define RL_BUSY_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#include "state.h"

/* Where Linux tells it: https://docs.kernel.org/accounting/psi.html */
#define RL_BUSY_PRESSURE_FILE "/proc/pressure/cpu"

/* Returns the load average of the last minute in hundredths, RL_BUSY_UNKNOWN if the system
 * doesn't tell. */
uint32_t rl_busy_load(void);

/* Finds `some avg10=` in the text of such a file. Returns hundredths of a percent, or
 * RL_BUSY_UNKNOWN if the text has none. */
uint32_t rl_busy_pressure_parse(const char *text, size_t len);

/* Reads such a file. Returns hundredths of a percent; RL_BUSY_UNKNOWN, with errno set, if the
 * file can't be read or tells nothing. */
uint32_t rl_busy_pressure(const char *path);

#endif
