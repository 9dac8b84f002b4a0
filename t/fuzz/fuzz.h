/* SPDX-License-Identifier: Apache-2.0 */
/* A fuzz target, as libFuzzer calls it and replay.c does. It aborts when a property is broken.
 */
#ifndef RL_FUZZ_H
#define RL_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
